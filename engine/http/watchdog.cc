#include "engine/http/watchdog.h"

#include <boost/asio/steady_timer.hpp>

namespace http {

struct Watchdog::State : std::enable_shared_from_this<State> {
  using Time = std::chrono::steady_clock::time_point;

  State(base::Executor executor, std::function<void()> action) : timer(std::move(executor)), on_expiry(std::move(action)) {}

  boost::asio::steady_timer timer;
  std::function<void()> on_expiry;
  Time limit = Time::max();
  Time waits_until = Time::max();  ///< of the wait in progress; max: none is
  std::uint64_t wait = 0;
  bool expired = false;

  void wait_until(Time until) {
    waits_until = until;
    timer.expires_at(until);
    timer.async_wait([self = shared_from_this(), mine = ++wait](boost::system::error_code) {
      if (self->wait == mine) self->awake();
    });
  }

  void awake() {
    waits_until = Time::max();
    if (!on_expiry || limit == Time::max()) return;
    if (std::chrono::steady_clock::now() < limit) {
      wait_until(limit);
      return;
    }
    limit = Time::max();
    expired = true;
    on_expiry();
  }
};

Watchdog::Watchdog(base::Executor executor, std::function<void()> on_expiry)
    : state_(std::make_shared<State>(std::move(executor), std::move(on_expiry))) {}

Watchdog::~Watchdog() {
  state_->on_expiry = nullptr;
  state_->timer.cancel();
}

void Watchdog::arm(std::chrono::steady_clock::duration limit) {
  state_->expired = false;
  state_->limit = std::chrono::steady_clock::now() + limit;
  if (state_->limit < state_->waits_until) state_->wait_until(state_->limit);
}

void Watchdog::disarm() {
  state_->expired = false;
  state_->limit = State::Time::max();
}

bool Watchdog::expired() const {
  return state_->expired;
}

}  // namespace http
