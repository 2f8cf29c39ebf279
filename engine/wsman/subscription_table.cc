#include "engine/wsman/subscription_table.h"

#include <algorithm>

namespace wsman {

std::size_t SubscriptionTable::count_locked(const auth::Principal& who) const {
  const auto own = std::ranges::count_if(
      entries_, [&](const auto& entry) { return auth::is_same(entry.second.subscription->owner, who); });
  return static_cast<std::size_t>(own);
}

Result<void> SubscriptionTable::check_room_locked(const auth::Principal& who, bool pushes) const {
  const std::size_t share = std::max<std::size_t>(limits_.all / 4, 1);
  if (entries_.size() >= limits_.all || count_locked(who) >= share) {
    return make_fault(FaultCode::QuotaLimit, "There are too many subscriptions");
  }
  if (!pushes) return {};
  const auto pushed =
      std::ranges::count_if(entries_, [](const auto& entry) { return !entry.second.subscription->is_pulled(); });
  if (static_cast<std::size_t>(pushed) >= limits_.pushed) {
    return make_fault(FaultCode::QuotaLimit, "There are too many subscriptions that are delivered");
  }
  return {};
}

Result<void> SubscriptionTable::check_room(const auth::Principal& who, bool pushes) const {
  std::lock_guard lock(mutex_);
  return check_room_locked(who, pushes);
}

Result<void> SubscriptionTable::add(Pointer subscription, std::optional<base::SteadyTime> expires, base::SteadyTime now) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check_room_locked(subscription->owner, !subscription->is_pulled()));
  std::string id = subscription->id;
  entries_.emplace(std::move(id), Entry{std::move(subscription), expires, now});
  return {};
}

bool SubscriptionTable::has_expired(const Entry& entry, base::SteadyTime now) const {
  if (entry.expires) return now >= *entry.expires;
  // Whoever pulls and has gone away says nothing; whoever is delivered to is noticed by its silence.
  return entry.subscription->is_pulled() && !entry.lent && now - entry.last_used >= limits_.idle;
}

const SubscriptionTable::Entry* SubscriptionTable::find_locked(const std::string& id, const auth::Principal& who,
                                                               const Resource& resource, base::SteadyTime now) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return nullptr;
  const Entry& entry = found->second;
  if (!auth::is_same(entry.subscription->owner, who) || entry.subscription->resource != &resource) return nullptr;
  return has_expired(entry, now) ? nullptr : &entry;
}

SubscriptionTable::Pointer SubscriptionTable::find(const std::string& id, const auth::Principal& who,
                                                   const Resource& resource, base::SteadyTime now) const {
  std::lock_guard lock(mutex_);
  const Entry* entry = find_locked(id, who, resource, now);
  return entry != nullptr ? entry->subscription : nullptr;
}

bool SubscriptionTable::holds(const std::string& id) const {
  std::lock_guard lock(mutex_);
  return entries_.contains(id);
}

bool SubscriptionTable::lives(const std::string& id, base::SteadyTime now) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  return found != entries_.end() && !has_expired(found->second, now);
}

Result<SubscriptionTable::Pointer> SubscriptionTable::borrow(const std::string& id, const auth::Principal& who,
                                                             const Resource& resource, base::SteadyTime now) {
  std::lock_guard lock(mutex_);
  const Entry* known = find_locked(id, who, resource, now);
  if (known == nullptr || !known->subscription->is_pulled()) return make_fault(FaultCode::InvalidEnumerationContext);
  if (known->lent) return make_fault(FaultCode::PullInProgress);
  entries_.at(id).lent = true;
  return known->subscription;
}

void SubscriptionTable::give_back(const std::string& id, base::SteadyTime now) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  found->second.lent = false;
  found->second.last_used = now;
}

bool SubscriptionTable::renew(const std::string& id, std::optional<base::SteadyTime> expires) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  found->second.expires = expires;
  return true;
}

std::optional<base::SteadyTime> SubscriptionTable::expiry(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? std::nullopt : found->second.expires;
}

SubscriptionTable::Pointer SubscriptionTable::remove(const std::string& id) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return nullptr;
  Pointer subscription = std::move(found->second.subscription);
  entries_.erase(found);
  return subscription;
}

std::vector<std::string> SubscriptionTable::expired(base::SteadyTime now) const {
  std::vector<std::string> ids;
  std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    if (has_expired(entry, now) && !entry.lent) ids.push_back(id);
  }
  return ids;
}

std::vector<SubscriptionTable::Pointer> SubscriptionTable::remove_all() {
  std::vector<Pointer> all;
  std::lock_guard lock(mutex_);
  for (auto& [id, entry] : entries_) all.push_back(std::move(entry.subscription));
  entries_.clear();
  return all;
}

std::size_t SubscriptionTable::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

std::size_t SubscriptionTable::open_by(const auth::Principal& who) const {
  std::lock_guard lock(mutex_);
  return count_locked(who);
}

}  // namespace wsman
