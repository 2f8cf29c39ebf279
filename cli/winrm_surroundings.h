// What winrm needs of the world around it; tests have a world of their own.

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/service_connection.h"
#include "cli/winrm_connection.h"
#include "engine/base/result.h"

namespace cli {

/// What a command printed, and its exit status.
struct CommandOutput {
  int status = -1;
  std::string out;  ///< standard output, then standard error
};

/// One thread. Transports are made, used and destroyed on the thread of one run_blocking().
class WinrmSurroundings {
 public:
  virtual ~WinrmSurroundings() = default;

  /// As open_control_socket() and connect_remote().
  virtual base::Result<ControlSocket> connect_local(const Arguments& switches) = 0;
  virtual base::Result<std::unique_ptr<wsman::Transport>> connect_remote(RemoteConnection plan) = 0;

  /// Runs a program of this machine, without a shell and with no input, and waits for it. Errors: the system's where it
  /// cannot be started; std::errc::no_such_file_or_directory where there is none of that name.
  virtual base::Result<CommandOutput> run(const std::vector<std::string>& command) = 0;

  /// Lets a person edit the file, and waits. Errors: where there is no editor, or it fails.
  virtual base::Result<void> edit(const std::filesystem::path& file) = 0;
};

/// This machine and its network. $VISUAL, $EDITOR or "vi" edits.
std::unique_ptr<WinrmSurroundings> real_surroundings();

}  // namespace cli
