// muster-forwarder

#include "forwarder/service.h"

int main(int argc, char** argv) {
  service::ProgramDescription program;
  program.name = "muster-forwarder";
  program.summary = "Reads this host's logs and forwards them to collectors over WS-Management.";
  program.control_name = "forwarder.sock";
  program.default_config = "/etc/muster/forwarder.toml";
  program.default_state = "/var/lib/muster/forwarder";
  program.program = service::Program::Forwarder;
  program.make = [](service::Host& host) { return std::make_unique<forwarder::Service>(host); };
  return service::run_program(program, argc, argv);
}
