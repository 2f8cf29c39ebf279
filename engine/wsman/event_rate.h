// A limit on the events that this host sends in a second, over all subscriptions.
//
// Source: scale, section 2 (ForwarderResourceUsage).

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

#include "engine/base/clock.h"
#include "engine/base/task.h"

namespace wsman {

/// One bucket of tokens, an event each, for all who send. It makes them wait and loses nothing. Who waits is served so that
/// all get the same number of events, however large their batches are. Thread-safe.
class EventRate {
 public:
  /// `clock` outlives it. Without a limit at first.
  explicit EventRate(base::Clock& clock) : clock_(clock), filled_(clock.steady()) {}

  /// Events in a second; 0 is no limit. Who waits learns of it within a second.
  void set(std::uint32_t events_per_second);

  /// One of those who send. One strand; the rate outlives it.
  class Share {
   public:
    /// Null: without a limit.
    explicit Share(EventRate* rate) : rate_(rate) {}

    /// Waits for its turn until `until` at most; false where it did not come. The events count from then on.
    base::Task<bool> take(std::size_t events, base::SteadyTime until);
    /// What may be asked for at one time: what comes together in a second.
    std::size_t most_at_once() const;

   private:
    EventRate* rate_;
    double served_ = 0;  ///< in the measure of EventRate::turn_
  };

 private:
  using Place = std::pair<double, std::uint64_t>;  // whose turn it is, and when he came
  class Waiter;

  /// With the lock held: fills the bucket.
  void fill();

  base::Clock& clock_;
  mutable std::mutex mutex_;
  double per_second_ = 0;
  double tokens_ = 1;  ///< below zero: what was sent ahead
  base::SteadyTime filled_;
  double turn_ = 0;                       ///< how many events whoever was served last had been served before
  std::uint64_t next_ = 0;                ///< of those who come
  std::map<Place, std::size_t> waiting_;  ///< the events that they want
};

}  // namespace wsman
