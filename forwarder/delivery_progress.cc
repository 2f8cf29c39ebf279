#include "forwarder/delivery_progress.h"

#include <algorithm>

namespace forwarder {

void DeliveryProgress::reach(const std::string& subscription, const events::Bookmark& position) {
  std::lock_guard lock(mutex_);
  positions_[subscription] = position;
}

void DeliveryProgress::forget(const std::string& subscription) {
  std::lock_guard lock(mutex_);
  positions_.erase(subscription);
}

std::optional<std::uint64_t> DeliveryProgress::slowest(std::string_view channel) const {
  std::lock_guard lock(mutex_);
  std::optional<std::uint64_t> slowest;
  for (const auto& [subscription, position] : positions_) {
    if (const auto record = position.find(channel)) slowest = std::min(slowest.value_or(*record), *record);
  }
  return slowest;
}

}  // namespace forwarder
