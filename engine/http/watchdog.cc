#include "engine/http/watchdog.h"

namespace http {

struct Watchdog::State {
  State(base::Executor executor, std::function<void()> action) : timer(executor), on_expiry(std::move(action)) {}
  boost::asio::steady_timer timer;
  std::function<void()> on_expiry;
  std::uint64_t step = 0;
  bool expired = false;
};

Watchdog::Watchdog(base::Executor executor, std::function<void()> on_expiry)
    : state_(std::make_shared<State>(std::move(executor), std::move(on_expiry))) {}

Watchdog::~Watchdog() {
  state_->on_expiry = nullptr;
  state_->timer.cancel();
}

void Watchdog::arm(std::chrono::milliseconds limit) {
  const std::uint64_t step = ++state_->step;
  state_->timer.expires_after(limit);
  state_->timer.async_wait([state = state_, step](boost::system::error_code error) {
    if (error || state->step != step || !state->on_expiry) return;
    state->expired = true;
    state->on_expiry();
  });
}

void Watchdog::disarm() {
  ++state_->step;
  state_->timer.cancel();
}

bool Watchdog::expired() const {
  return state_->expired;
}

}  // namespace http
