#include "storage/bell.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace storage {

namespace asio = boost::asio;

class Bell::Entry {
 public:
  Entry(Bell& bell, std::shared_ptr<asio::steady_timer> timer, std::uint64_t seen) : bell_(bell) {
    std::lock_guard lock(bell_.mutex_);
    if (bell_.silent_ || bell_.generation() != seen) return;
    place_ = bell_.waiting_.insert(bell_.waiting_.end(), std::move(timer));
  }
  ~Entry() {
    std::lock_guard lock(bell_.mutex_);
    if (place_) bell_.waiting_.erase(*place_);
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  bool waits() const { return place_.has_value(); }

 private:
  Bell& bell_;
  std::optional<Timers::iterator> place_;
};

void Bell::ring(bool for_good) {
  std::lock_guard lock(mutex_);
  silent_ = silent_ || for_good;
  if (!for_good) generation_.fetch_add(1, std::memory_order_release);
  for (auto& timer : waiting_) {
    // An expiry in the past also wakes a wait that has not begun yet.
    asio::post(timer->get_executor(), [timer] { timer->expires_at(asio::steady_timer::time_point::min()); });
  }
}

base::Task<void> Bell::wait_past(std::uint64_t seen) {
  auto timer =
      std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
  const Entry entry(*this, timer, seen);
  if (!entry.waits()) co_return;
  boost::system::error_code ignored;
  co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace storage
