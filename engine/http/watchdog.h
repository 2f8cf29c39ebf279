// A limit on how long the present step of a connection may take: at its end the stream is closed, and whatever waits on it
// ends.

#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "engine/base/task.h"

namespace http {

/// One strand, that of `executor`.
class Watchdog {
 public:
  Watchdog(base::Executor executor, std::function<void()> on_expiry);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Begins a new step; the previous one's limit is forgotten.
  void arm(std::chrono::milliseconds limit);
  void disarm();
  /// Whether a limit has ever been reached.
  bool expired() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace http
