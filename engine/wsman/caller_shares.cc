#include "engine/wsman/caller_shares.h"

namespace wsman {

std::shared_ptr<CallerShares::Share> CallerShares::join(const std::string& caller) {
  std::lock_guard lock(state_->mutex);
  Entry& entry = state_->callers[caller];
  if (!entry.share) entry.share = std::make_unique<Share>(state_->limits);
  if (entry.connections >= state_->limits.connections) return nullptr;
  ++entry.connections;
  return std::shared_ptr<Share>(entry.share.get(), [state = state_, caller](Share*) {
    std::lock_guard leaving(state->mutex);
    const auto found = state->callers.find(caller);
    if (--found->second.connections == 0) state->callers.erase(found);
  });
}

std::size_t CallerShares::size() const {
  std::lock_guard lock(state_->mutex);
  return state_->callers.size();
}

}  // namespace wsman
