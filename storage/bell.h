// How those who wait for events learn that there are some.

#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/base/task.h"

namespace storage {

/// Wakes coroutines, each on its own executor, when the generation moves. Thread-safe.
class Bell {
 public:
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  /// Moves the generation, or lets nobody wait any more.
  void ring(bool for_good = false);

  /// Until the generation is not `seen`, or no more will come.
  base::Task<void> wait_past(std::uint64_t seen);

 private:
  using Timers = std::list<std::shared_ptr<boost::asio::steady_timer>>;
  class Entry;

  std::mutex mutex_;
  std::atomic<std::uint64_t> generation_{1};
  Timers waiting_;
  bool silent_ = false;
};

}  // namespace storage
