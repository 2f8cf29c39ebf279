// The life of a service process: command line, settings, signals, start and stop.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/base/task.h"
#include "engine/service/host.h"
#include "engine/service/settings.h"

namespace service {

/// What makes a collector a collector, between the host's parts and the network. One strand.
class Service {
 public:
  virtual ~Service() = default;
  /// Before the listeners start: adds resources, opens its own state. May block, since nothing else runs yet.
  virtual base::AsyncResult<void> prepare() = 0;
  /// After the listeners have started.
  virtual base::Result<void> start() = 0;
  /// When it returns nothing of the service runs any more.
  virtual base::Task<void> stop() = 0;
};

struct ProgramDescription {
  std::string name;          ///< "muster-collector"
  std::string summary;       ///< one line for --help
  std::string control_name;  ///< "collector.sock"
  std::string default_config;
  std::string default_state;
  Program program;
  std::function<std::unique_ptr<Service>(Host&)> make;
};

/// main(): parses `[--config FILE] [--state DIR] [--check] [--version] [--help]`, runs until SIGTERM or SIGINT, reloads on
/// SIGHUP. Returns the exit status: 0 clean, 1 failure at run time, 2 bad command line or configuration.
int run_program(const ProgramDescription& program, int argc, char** argv);

}  // namespace service
