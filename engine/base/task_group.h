// The coroutines that an object has started, so that none of them outlives it.

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/base/task.h"

namespace base {

/// Owns running coroutines. Make it the last member of its class, so that its children go before what they use.
///
/// Thread-safe. Destroyed with children still running, it ends the process: call stop() first.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task` on a strand of its own over the group's executor. `name` appears in the log if the task ends with an
  /// exception, which is a bug. After stop() has begun, the task is dropped unstarted.
  void spawn(std::string name, Task<void> task);
  /// The same on `executor`, which must be a strand (or belong to a single thread): cancellation is posted to it.
  void spawn_on(Executor executor, std::string name, Task<void> task);

  /// Cancels the children (total cancellation), waits up to `grace`, cancels again (terminal), and waits for the rest.
  /// When it returns nothing of the group runs any more.
  Task<void> stop(std::chrono::milliseconds grace = std::chrono::milliseconds(1000));

  /// How many children run now.
  std::size_t size() const;
  Executor executor() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace base
