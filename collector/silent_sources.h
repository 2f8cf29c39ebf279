// Sources that nobody has heard of for long: forgotten by policy, so that their number does not only grow.
//
// Source: scale, section 1, row 3; wecutil, section 1, row 13.

#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "subscriptions/manager.h"

namespace collector {

/// A source goes when it has been silent for `after` by the wall clock, and was found so for a whole day by the steady one:
/// a wall clock that jumps, or a collector that was switched off for weeks, costs nobody his bookmark. One strand.
class SilentSources {
 public:
  /// `manager` and `clock` outlive it.
  SilentSources(subscriptions::Manager& manager, std::chrono::nanoseconds after, base::Clock& clock);

  /// Looks at all sources once. Returns how many were forgotten. Errors: the store's.
  base::AsyncResult<std::size_t> pass();
  /// A pass every hour, until it is cancelled.
  base::Task<void> run();

 private:
  using Source = std::pair<std::string, std::string>;  ///< subscription, machine

  subscriptions::Manager& manager_;
  std::chrono::nanoseconds after_;
  base::Clock& clock_;
  std::map<Source, base::SteadyTime> silent_since_;  ///< when each was first found silent
};

}  // namespace collector
