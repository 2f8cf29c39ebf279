// A bound on the bytes that many connections hold at one time.

#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "engine/base/task.h"

namespace wsman {

/// Gives out shares of a number of bytes (or of other things), first come, first served. Thread-safe. Shares may outlive it.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t total);
  ~ByteBudget();

  /// A share of `bytes` (or of everything, where that is less), given back when the last copy of the pointer goes. Waits for
  /// its turn for `limit` at most, and is null then. A waiter whose coroutine is cancelled leaves the queue.
  base::Task<std::shared_ptr<void>> take(std::size_t bytes, std::chrono::milliseconds limit);

  /// The same without waiting: null where it would have to.
  std::shared_ptr<void> try_take(std::size_t bytes);

  /// Changes the total; where more is out than that, shares come back first.
  void resize(std::size_t total);

  std::size_t available() const;
  std::size_t waiting() const;

 private:
  friend class GrowingShare;
  struct State;
  std::shared_ptr<State> state_;
};

/// A share that begins with nothing. Given back when it goes. One strand; may outlive its budget.
class GrowingShare {
 public:
  explicit GrowingShare(ByteBudget& budget) : state_(budget.state_) {}
  ~GrowingShare();
  GrowingShare(const GrowingShare&) = delete;
  GrowingShare& operator=(const GrowingShare&) = delete;

  /// False, and nothing is taken, where others wait, or where less than `leave` would be left for them.
  bool grow(std::size_t bytes, std::size_t leave);
  std::size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<ByteBudget::State> state_;
  std::size_t bytes_ = 0;
};

}  // namespace wsman
