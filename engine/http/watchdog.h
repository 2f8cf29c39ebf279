// A limit on how long the present step of a connection may take.

#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "engine/base/task.h"

namespace http {

/// Calls its function once the limit of the present step is reached; the function may arm it anew. One strand, that of
/// `executor`.
///
/// Cheap to arm for every step of every request: the timer below is only moved where a limit is nearer than the one it
/// waits for already.
class Watchdog {
 public:
  Watchdog(base::Executor executor, std::function<void()> on_expiry);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Begins a new step; the previous one's limit is forgotten.
  void arm(std::chrono::steady_clock::duration limit);
  void disarm();
  /// Whether the limit of the present step was reached.
  bool expired() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace http
