// When a source that failed is tried again.
//
// Source: wecutil, section 9.

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "engine/base/clock.h"

namespace subscriptions {

/// The pauses are 1, 5, 15 and then always 60 minutes. Where the source worked before, pauses of 1, 5 and 15 seconds come
/// first: most often a service was restarted, or the network had a moment's trouble. Each is a tenth shorter or longer at
/// most, so that sources that failed together do not come back together. A value.
class RetrySchedule {
 public:
  /// The next pause; each one is longer than the last. `chance` is a random number in [0, 1). `refused`: the source
  /// answered, and said no, so that a few seconds would change nothing.
  std::chrono::milliseconds next(double chance, bool refused);
  /// The source took the subscription. Once in ten minutes that is reason to hurry after the next failure.
  void accepted(base::SteadyTime now);
  /// It worked for a while: the next failure is the first one again.
  void worked();
  /// Somebody says that it is worth a try now: begins anew, with minutes.
  void reset();
  /// No attempt of a whole round succeeded. It goes on, once an hour.
  bool exhausted() const { return failures_ > kRound; }

 private:
  static constexpr std::size_t kRound = 4;  ///< pauses of minutes

  std::size_t hurried_ = 3;   ///< pauses of seconds that were used up
  std::size_t failures_ = 0;  ///< pauses of minutes
  std::optional<base::SteadyTime> accepted_;
};

}  // namespace subscriptions
