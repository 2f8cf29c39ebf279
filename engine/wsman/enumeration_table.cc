#include "engine/wsman/enumeration_table.h"

#include <algorithm>
#include <vector>

#include "engine/base/encoding.h"

namespace wsman {

std::size_t EnumerationTable::count_locked(const auth::Principal& who) const {
  const auto own = std::count_if(entries_.begin(), entries_.end(),
                                 [&](const auto& entry) { return auth::is_same(entry.second.owner, who); });
  return static_cast<std::size_t>(own);
}

Result<void> EnumerationTable::check_room_locked(const auth::Principal& who) const {
  const std::size_t share = std::max<std::size_t>(max_contexts_ / 4, 1);
  if (entries_.size() >= max_contexts_ || count_locked(who) >= share) {
    return make_fault(FaultCode::QuotaLimit, "There are too many open enumerations");
  }
  return {};
}

Result<void> EnumerationTable::check_room(const auth::Principal& who) const {
  std::lock_guard lock(mutex_);
  return check_room_locked(who);
}

Result<std::string> EnumerationTable::add(EnumerationContext context, base::SteadyTime now) {
  context.id = "uuid:" + base::new_guid();
  std::string id = context.id;
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check_room_locked(context.owner));
  auth::Principal owner = context.owner;
  entries_.emplace(id, Entry{std::move(owner), std::make_unique<EnumerationContext>(std::move(context)), now});
  return id;
}

Result<std::unique_ptr<EnumerationContext>> EnumerationTable::take(const std::string& id, const auth::Principal& who,
                                                                   const Resource& resource, base::SteadyTime now) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || !auth::is_same(found->second.owner, who)) {
    return make_fault(FaultCode::InvalidEnumerationContext);
  }
  Entry& entry = found->second;
  if (!entry.context) return make_fault(FaultCode::PullInProgress);
  if (entry.context->resource != &resource || now - entry.last_used >= idle_limit_) {
    return make_fault(FaultCode::InvalidEnumerationContext);
  }
  return std::move(entry.context);
}

void EnumerationTable::put_back(std::unique_ptr<EnumerationContext> context, base::SteadyTime now) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(context->id);
  if (found == entries_.end()) return;
  found->second.last_used = now;
  found->second.context = std::move(context);
}

void EnumerationTable::drop(const std::string& id) {
  std::lock_guard lock(mutex_);
  entries_.erase(id);
}

Result<void> EnumerationTable::release(const std::string& id, const auth::Principal& who) {
  std::unique_ptr<EnumerationContext> ended;
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || !auth::is_same(found->second.owner, who)) {
    return make_fault(FaultCode::InvalidEnumerationContext);
  }
  ended = std::move(found->second.context);
  entries_.erase(found);
  return {};
}

void EnumerationTable::expire(base::SteadyTime now) {
  // What an enumerator frees may be much: not under the lock.
  std::vector<std::unique_ptr<EnumerationContext>> ended;
  std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (entry->second.context && now - entry->second.last_used >= idle_limit_) {
      ended.push_back(std::move(entry->second.context));
      entry = entries_.erase(entry);
    } else {
      ++entry;
    }
  }
}

void EnumerationTable::set_idle_limit(std::chrono::milliseconds limit) {
  std::lock_guard lock(mutex_);
  idle_limit_ = limit;
}

std::size_t EnumerationTable::open_by(const auth::Principal& who) const {
  std::lock_guard lock(mutex_);
  return count_locked(who);
}

std::size_t EnumerationTable::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace wsman
