// muster-collector

#include "collector/service.h"

int main(int argc, char** argv) {
  service::ProgramDescription program;
  program.name = "muster-collector";
  program.summary = "Takes events from Windows and Linux machines over WS-Management and keeps them for queries.";
  program.control_name = "collector.sock";
  program.default_config = "/etc/muster/collector.toml";
  program.default_state = "/var/lib/muster/collector";
  program.program = service::Program::Collector;
  program.make = [](service::Host& host) { return std::make_unique<collector::Service>(host); };
  return service::run_program(program, argc, argv);
}
