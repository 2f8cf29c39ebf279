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
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wsman
