#include "engine/service/subscription_memory.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/service/operational_log.h"

namespace service {
namespace {

const std::string kBeginningsKind = "subscription-beginnings";
/// Up to which record of each log it has been told what was lost.
const std::string kToldKind = "subscription-losses";

}  // namespace

StoredSubscriptionMemory::StoredSubscriptionMemory(storage::StateStore& state, storage::EventStore& events,
                                                   base::BlockingPool& pool, base::Clock& clock, std::string computer,
                                                   std::size_t max_subscriptions)
    : state_(state),
      events_(events),
      pool_(pool),
      clock_(clock),
      computer_(std::move(computer)),
      max_subscriptions_(max_subscriptions) {}

base::Result<events::Bookmark> StoredSubscriptionMemory::read(const std::string& kind, const std::string& key) {
  ASSIGN_OR_RETURN(const auto text, state_.find(kind, key));
  if (!text) return events::Bookmark();
  auto bookmark = events::Bookmark::parse(*text);
  if (bookmark.ok()) return std::move(*bookmark);
  base::log_warning("what was remembered of the subscription {} cannot be read: {}", key, bookmark.error().message());
  return events::Bookmark();
}

base::Result<void> StoredSubscriptionMemory::write(const std::string& kind, const std::string& key,
                                                   const events::Bookmark& what) {
  ASSIGN_OR_RETURN(const auto known, state_.list(kind));
  const bool is_new = std::none_of(known.begin(), known.end(), [&](const auto& document) { return document.first == key; });
  if (is_new && known.size() >= max_subscriptions_) {
    return base::make_error(std::errc::no_space_on_device,
                            "more than " + std::to_string(max_subscriptions_) + " subscriptions cannot be remembered");
  }
  return state_.put(kind, key, what.to_xml());
}

base::AsyncResult<events::Bookmark> StoredSubscriptionMemory::beginnings(std::string key) {
  const auto find = [this, &key] {
    std::lock_guard lock(mutex_);
    return read(kBeginningsKind, key);
  };
  co_return co_await pool_.run(find);
}

base::AsyncResult<void> StoredSubscriptionMemory::keep_beginnings(std::string key, events::Bookmark beginnings) {
  const auto keep = [this, &key, &beginnings] {
    std::lock_guard lock(mutex_);
    return write(kBeginningsKind, key, beginnings);
  };
  co_return co_await pool_.run(keep);
}

/// Cuts off what has been told; false where nothing is left.
base::Result<bool> StoredSubscriptionMemory::note(const std::string& key, resources::LostRecords& records) {
  std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(auto told, read(kToldKind, key));
  const std::uint64_t last = told.find(records.log).value_or(0);
  if (last == records.last) return false;
  // One that lies beyond is of a log that was made anew since: it counts from the beginning.
  if (last >= records.first && last < records.last) records.first = last + 1;
  told.set(records.log, records.last);
  told.current.clear();
  RETURN_IF_ERROR(write(kToldKind, key, told));
  return true;
}

base::Task<void> StoredSubscriptionMemory::lost(std::string key, std::string name, resources::LostRecords records) {
  const auto note_it = [this, &key, &records] { return note(key, records); };
  const auto news = co_await pool_.run(note_it);
  // Rather told twice than not at all.
  if (!news.ok()) base::log_warning("what {} has lost was not written down: {}", name, news.error().message());
  if (news.ok() && !*news) co_return;
  const std::uint64_t count = records.last - records.first + 1;
  events::Draft draft = operational_draft(computer_, clock_.wall());
  draft.system.event_id = kEventsOverwrittenEvent;
  draft.system.level = 2;
  draft.data.emplace_back(
      "Message",
      base::format_text("{} of {} {} gone before the subscription {} got {}: records {} to {}",
                        count == 1 ? "1 event" : std::to_string(count) + " events", records.log, count == 1 ? "was" : "were",
                        name, count == 1 ? "it" : "them", records.first, records.last));
  draft.data.emplace_back("Subscription", std::move(name));
  draft.data.emplace_back("Channel", records.log);
  draft.data.emplace_back("FirstRecordID", std::to_string(records.first));
  draft.data.emplace_back("LastRecordID", std::to_string(records.last));
  draft.data.emplace_back("Count", std::to_string(count));
  storage::LocalBatch batch;
  batch.log = kOperationalLog;
  batch.drafts.push_back(std::move(draft));
  const auto kept = co_await events_.append_local(batch);
  if (!kept.ok()) base::log_error("events were lost, and no event says so: {}", kept.error().message());
}

}  // namespace service
