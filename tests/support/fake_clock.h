// A clock that stands still until a test moves it.

#pragma once

#include <memory>

#include "engine/base/clock.h"

namespace test_support {

/// Thread-safe. Wall and steady time move together, except that set_wall() makes the wall clock jump.
class FakeClock final : public base::Clock {
 public:
  /// Begins at 2024-05-01T10:00:00Z.
  FakeClock();
  ~FakeClock() override;

  base::WallTime wall() const override;
  base::SteadyTime steady() const override;
  base::Task<void> sleep_until(base::SteadyTime until) override;

  /// Moves time on; whoever waited for it is woken.
  void advance(std::chrono::nanoseconds by);
  void set_wall(base::WallTime now);
  /// How many coroutines are asleep: what a test waits for before it moves the clock.
  std::size_t sleepers() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace test_support
