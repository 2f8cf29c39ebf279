#include "tests/support/fake_clock.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <mutex>

namespace test_support {

namespace asio = boost::asio;

struct FakeClock::State {
  struct Sleeper {
    base::SteadyTime until;
    std::shared_ptr<asio::steady_timer> timer;
  };
  mutable std::mutex mutex;
  base::WallTime wall{std::chrono::sys_days(std::chrono::year(2024) / 5 / 1) + std::chrono::hours(10)};
  base::SteadyTime steady{std::chrono::hours(1000)};
  std::list<Sleeper> sleepers;
};

FakeClock::FakeClock() : state_(std::make_shared<State>()) {}
FakeClock::~FakeClock() = default;

base::WallTime FakeClock::wall() const {
  std::lock_guard lock(state_->mutex);
  return state_->wall;
}

base::SteadyTime FakeClock::steady() const {
  std::lock_guard lock(state_->mutex);
  return state_->steady;
}

base::Task<void> FakeClock::sleep_until(base::SteadyTime until) {
  auto state = state_;
  auto executor = co_await asio::this_coro::executor;
  auto timer = std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
  std::list<State::Sleeper>::iterator place;
  {
    std::lock_guard lock(state->mutex);
    if (state->steady >= until) co_return;
    place = state->sleepers.insert(state->sleepers.end(), State::Sleeper{until, timer});
  }
  boost::system::error_code ignored;
  co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  std::lock_guard lock(state->mutex);
  state->sleepers.erase(place);
}

void FakeClock::advance(std::chrono::nanoseconds by) {
  std::lock_guard lock(state_->mutex);
  state_->wall += by;
  state_->steady += by;
  for (auto& sleeper : state_->sleepers) {
    if (sleeper.until > state_->steady) continue;
    // A timer is not thread-safe: it is touched on its own executor. An expiry in the past also wakes a wait that has not
    // begun yet.
    asio::post(sleeper.timer->get_executor(),
               [timer = sleeper.timer] { timer->expires_at(asio::steady_timer::time_point::min()); });
  }
}

void FakeClock::set_wall(base::WallTime now) {
  std::lock_guard lock(state_->mutex);
  state_->wall = now;
}

std::size_t FakeClock::sleepers() const {
  std::lock_guard lock(state_->mutex);
  return state_->sleepers.size();
}

}  // namespace test_support
