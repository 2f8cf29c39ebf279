// Time as a thing that is handed in, so that tests own it.

#pragma once

#include <chrono>

#include "engine/base/task.h"

namespace base {

using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Thread-safe. The system's clock in programs, a FakeClock in tests.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Now, UTC, nanoseconds since 1970. May go backwards.
  virtual WallTime wall() const = 0;
  /// Now, for measuring durations. Never goes backwards.
  virtual SteadyTime steady() const = 0;
  /// Waits until `steady()` is at least `until`. Ends early, without an error, when the coroutine is cancelled.
  virtual Task<void> sleep_until(SteadyTime until) = 0;

  Task<void> sleep_for(std::chrono::nanoseconds duration) { return sleep_until(steady() + duration); }
};

/// The system's clock. Lives as long as the process.
Clock& system_clock();

}  // namespace base
