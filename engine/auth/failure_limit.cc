#include "engine/auth/failure_limit.h"

#include <algorithm>

namespace auth {

bool FailureLimit::has(const std::string& key, base::SteadyTime now) const {
  const auto at = used_until_.find(key);
  return at == used_until_.end() || std::max(at->second, now) + pause_ - now <= most_;
}

bool FailureLimit::take(const std::string& key, base::SteadyTime now) {
  if (!has(key, now)) return false;
  const auto at = used_until_.find(key);
  if (at != used_until_.end()) {
    at->second = std::max(at->second, now) + pause_;
    return true;
  }
  if (used_until_.size() >= keys_) make_room(now);
  used_until_.emplace(key, now + pause_);
  return true;
}

void FailureLimit::give_back(const std::string& key) {
  if (const auto at = used_until_.find(key); at != used_until_.end()) at->second -= pause_;
}

void FailureLimit::make_room(base::SteadyTime now) {
  std::erase_if(used_until_, [&](const auto& entry) { return entry.second <= now; });
  if (used_until_.size() < keys_) return;
  const auto least = std::min_element(used_until_.begin(), used_until_.end(),
                                      [](const auto& a, const auto& b) { return a.second < b.second; });
  used_until_.erase(least);
}

}  // namespace auth
