#include "engine/wsman/byte_budget.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <mutex>

namespace wsman {
namespace {

namespace asio = boost::asio;

struct Waiter {
  std::size_t bytes;
  std::shared_ptr<asio::steady_timer> timer;
  bool granted = false;
};

}  // namespace

struct ByteBudget::State {
  explicit State(std::size_t t) : total(t), free(t) {}

  mutable std::mutex mutex;
  std::size_t total;
  std::size_t free;
  std::size_t owed = 0;  ///< to be kept, of what comes back
  std::list<std::shared_ptr<Waiter>> queue;

  bool try_take(std::size_t bytes, std::size_t leave) {
    std::lock_guard lock(mutex);
    if (!queue.empty() || free < bytes || free - bytes < leave) return false;
    free -= bytes;
    return true;
  }

  void give_back(std::size_t bytes) {
    std::lock_guard lock(mutex);
    take_back(bytes);
    serve();
  }

  /// Called with the lock held.
  void take_back(std::size_t bytes) {
    const std::size_t kept = std::min(owed, bytes);
    owed -= kept;
    free += bytes - kept;
  }

  /// Called with the lock held. Strictly in order: a large request is not starved by small ones.
  void serve() {
    while (!queue.empty() && queue.front()->bytes <= free) {
      const std::shared_ptr<Waiter> next = std::move(queue.front());
      queue.pop_front();
      free -= next->bytes;
      next->granted = true;
      // A timer is touched on its own executor only. An expiry in the past also ends a wait that has not begun yet.
      asio::post(next->timer->get_executor(),
                 [timer = next->timer] { timer->expires_at(asio::steady_timer::time_point::min()); });
    }
  }

  static std::shared_ptr<void> share(const std::shared_ptr<State>& state, std::size_t bytes) {
    return std::shared_ptr<void>(state.get(), [state, bytes](void*) { state->give_back(bytes); });
  }
};

namespace {

/// Leaves the queue, or gives back what was granted, unless the share was claimed.
template <typename State>
class Place {
 public:
  Place(std::shared_ptr<State> state, std::shared_ptr<Waiter> waiter)
      : state_(std::move(state)), waiter_(std::move(waiter)) {}
  ~Place() {
    if (!waiter_) return;
    std::lock_guard lock(state_->mutex);
    if (waiter_->granted) state_->take_back(waiter_->bytes);
    state_->queue.remove(waiter_);
    state_->serve();
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  bool claim() {
    std::lock_guard lock(state_->mutex);
    if (!waiter_->granted) return false;
    waiter_.reset();
    return true;
  }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<Waiter> waiter_;
};

}  // namespace

ByteBudget::ByteBudget(std::size_t total) : state_(std::make_shared<State>(total)) {}
ByteBudget::~ByteBudget() = default;

std::shared_ptr<void> ByteBudget::try_take(std::size_t bytes) {
  {
    std::lock_guard lock(state_->mutex);
    bytes = std::min(bytes, state_->total);
    if (!state_->queue.empty() || state_->free < bytes) return nullptr;
    state_->free -= bytes;
  }
  return State::share(state_, bytes);
}

base::Task<std::shared_ptr<void>> ByteBudget::take(std::size_t bytes, std::chrono::milliseconds limit) {
  if (auto share = try_take(bytes)) co_return share;
  const std::shared_ptr<State> state = state_;
  const auto executor = co_await asio::this_coro::executor;
  const auto waiter = std::make_shared<Waiter>();
  waiter->timer = std::make_shared<asio::steady_timer>(executor, limit);
  {
    std::lock_guard lock(state->mutex);
    waiter->bytes = std::min(bytes, state->total);
    state->queue.push_back(waiter);
    // Something may have come back meanwhile.
    state->serve();
  }
  Place<State> place(state, waiter);
  boost::system::error_code ignored;
  co_await waiter->timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (!place.claim()) co_return nullptr;
  co_return State::share(state, waiter->bytes);
}

void ByteBudget::resize(std::size_t total) {
  std::lock_guard lock(state_->mutex);
  State& state = *state_;
  const std::size_t out = state.total + state.owed - state.free;
  state.total = total;
  state.owed = out > total ? out - total : 0;
  state.free = out > total ? 0 : total - out;
  // Nobody may wait for more than there can ever be.
  for (const auto& waiter : state.queue) waiter->bytes = std::min(waiter->bytes, total);
  state.serve();
}

GrowingShare::~GrowingShare() {
  if (bytes_ != 0) state_->give_back(bytes_);
}

bool GrowingShare::grow(std::size_t bytes, std::size_t leave) {
  if (!state_->try_take(bytes, leave)) return false;
  bytes_ += bytes;
  return true;
}

std::size_t ByteBudget::available() const {
  std::lock_guard lock(state_->mutex);
  return state_->free;
}

std::size_t ByteBudget::waiting() const {
  std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

}  // namespace wsman
