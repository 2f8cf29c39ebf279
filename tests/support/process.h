// Programs that a test starts, watches and ends.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace test_support {

/// What a command printed and how it ended.
struct CommandResult {
  int status = -1;  ///< exit status, or 128 + signal
  std::string out;
  std::string err;
};

/// Runs a program to its end; `input` is its standard input. Ends it after `limit`.
CommandResult run_command(const std::vector<std::string>& arguments, const std::string& input = {},
                          std::chrono::milliseconds limit = std::chrono::seconds(120));

/// A program in the background. Its standard error is kept. Killed when this is destroyed.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const;
  /// The first line of standard error that holds `part`, waited for.
  std::optional<std::string> wait_for_line(const std::string& part,
                                           std::chrono::milliseconds limit = std::chrono::seconds(30));
  std::string error_output() const;
  void send_signal(int number);
  /// SIGKILL, and waits.
  void kill();
  /// SIGTERM, and waits; the exit status, or nothing where it did not end within `limit` (it is killed then).
  std::optional<int> terminate(std::chrono::milliseconds limit = std::chrono::seconds(10));
  bool running() const;
  /// User and system time so far.
  std::chrono::microseconds cpu_time() const;
  /// Largest resident memory so far, bytes.
  std::size_t peak_memory() const;
  /// Resident memory now, bytes.
  std::size_t memory() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace test_support
