// Ctrl-C and SIGTERM where a tool has something to put in order before it ends.

#pragma once

#include <array>
#include <csignal>

#include "engine/base/result.h"

namespace cli {

/// While it lives, SIGINT and SIGTERM do not end the process but are remembered. May be nested. One thread.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// Whether one came since the outermost one began to live.
  bool requested() const;
  /// Win32::Cancelled.
  static base::Error error();

 private:
  std::array<struct sigaction, 2> before_{};
};

}  // namespace cli
