#include "engine/wsman/event_rate.h"

#include <algorithm>

namespace wsman {
namespace {

constexpr std::chrono::milliseconds kLongestSleep{1000};
constexpr std::chrono::milliseconds kShortestSleep{1};
/// How much of a second may be saved up.
constexpr double kBurst = 0.1;

}  // namespace

void EventRate::set(std::uint32_t events_per_second) {
  std::lock_guard lock(mutex_);
  fill();
  per_second_ = events_per_second;
  tokens_ = std::min(tokens_, 1.0);
}

void EventRate::fill() {
  const base::SteadyTime now = clock_.steady();
  const double passed = std::chrono::duration<double>(now - filled_).count();
  filled_ = now;
  tokens_ = std::min(tokens_ + passed * per_second_, std::max(1.0, per_second_ * kBurst));
}

/// A place in the queue, while it lives.
class EventRate::Waiter {
 public:
  Waiter(EventRate& rate, double served, std::size_t events) : rate_(rate) {
    std::lock_guard lock(rate_.mutex_);
    place_ = rate_.waiting_.emplace(Place(std::max(rate_.turn_, served), ++rate_.next_), events).first;
  }
  ~Waiter() {
    std::lock_guard lock(rate_.mutex_);
    rate_.waiting_.erase(place_);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// Whether it is its turn; else how long that will take, as things are.
  bool is_served(double& served, std::chrono::nanoseconds& wait) {
    std::lock_guard lock(rate_.mutex_);
    rate_.fill();
    if (rate_.per_second_ <= 0) return true;
    double before = std::max(0.0, -rate_.tokens_);
    for (auto at = rate_.waiting_.begin(); at != place_; ++at) before += static_cast<double>(at->second);
    if (place_ == rate_.waiting_.begin() && rate_.tokens_ > 0) {
      rate_.tokens_ -= static_cast<double>(place_->second);
      rate_.turn_ = place_->first.first;
      served = place_->first.first + static_cast<double>(place_->second);
      return true;
    }
    const std::chrono::duration<double> estimate(before / rate_.per_second_);
    wait = std::min<std::chrono::nanoseconds>(kLongestSleep, std::chrono::duration_cast<std::chrono::nanoseconds>(std::min(
                                                                 estimate, std::chrono::duration<double>(kLongestSleep))) +
                                                                 kShortestSleep);
    return false;
  }

 private:
  EventRate& rate_;
  std::map<Place, std::size_t>::iterator place_;
};

base::Task<bool> EventRate::Share::take(std::size_t events, base::SteadyTime until) {
  if (rate_ == nullptr || events == 0) co_return true;
  Waiter waiter(*rate_, served_, events);
  for (;;) {
    std::chrono::nanoseconds wait{0};
    if (waiter.is_served(served_, wait)) co_return true;
    const base::SteadyTime now = rate_->clock_.steady();
    if (now >= until) co_return false;
    co_await rate_->clock_.sleep_until(until - now < wait ? until : now + wait);
  }
}

std::size_t EventRate::Share::most_at_once() const {
  constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
  if (rate_ == nullptr) return kAny;
  std::lock_guard lock(rate_->mutex_);
  if (rate_->per_second_ <= 0) return kAny;
  return std::max<std::size_t>(static_cast<std::size_t>(rate_->per_second_), 1);
}

}  // namespace wsman
