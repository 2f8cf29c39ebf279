#include "engine/resources/start_position.h"

#include "engine/base/log.h"

namespace resources {
namespace {

base::AsyncResult<events::Bookmark> ends_of(const std::vector<std::string>& channels, EventLogs& logs) {
  events::Bookmark position;
  for (const std::string& channel : channels) {
    ASSIGN_OR_CO_RETURN(auto log, co_await logs.find_log(channel));
    if (log) position.set(channel, log->newest_record);
  }
  co_return position;
}

base::AsyncResult<events::Bookmark> wanted(const wsman::SubscribeRequest& how, const std::vector<std::string>& channels,
                                           const std::optional<std::string>& remembered, EventLogs& logs) {
  if (how.bookmark) {
    if (*how.bookmark == events::kEarliestBookmark) co_return events::Bookmark();
    auto offered = events::Bookmark::parse(*how.bookmark);
    if (offered.ok()) co_return std::move(*offered);
    // Reading everything again costs time; the collector drops what it has. To begin at the end would lose events.
    base::log_warning("subscription {}: the collector's bookmark cannot be read ({}): everything is sent again",
                      how.subscription_name, offered.error().message());
    co_return events::Bookmark();
  }
  if (remembered) {
    auto own = events::Bookmark::parse(*remembered);
    if (own.ok()) co_return std::move(*own);
    base::log_warning("subscription {}: its remembered position cannot be read: {}", how.subscription_name,
                      own.error().message());
  }
  if (how.read_existing_events) co_return events::Bookmark();
  co_return co_await ends_of(channels, logs);
}

void log_gap(const std::string& subscription, const events::Bookmark::Entry& entry, const LogDescription& log) {
  const std::uint64_t first = log.records != 0 ? log.oldest_record : log.newest_record + 1;
  if (first <= entry.record_id + 1) return;
  const std::uint64_t gone = first - entry.record_id - 1;
  base::log_warning("subscription {}: {} of {} before {} could be forwarded", subscription,
                    std::to_string(gone) + (gone == 1 ? " event" : " events"),
                    entry.channel + (gone == 1 ? " was removed" : " were removed"), gone == 1 ? "it" : "they");
}

}  // namespace

base::AsyncResult<events::Bookmark> find_start(const wsman::SubscribeRequest& how, const std::vector<std::string>& channels,
                                               const std::optional<std::string>& remembered, EventLogs& logs) {
  ASSIGN_OR_CO_RETURN(const auto position, co_await wanted(how, channels, remembered, logs));
  events::Bookmark start;
  for (const std::string& channel : channels) {
    const auto record = position.find(channel);
    if (!record) continue;
    ASSIGN_OR_CO_RETURN(auto log, co_await logs.find_log(channel));
    const std::uint64_t end = log ? log->newest_record : 0;
    if (*record > end) {
      base::log_warning(
          "subscription {}: the bookmark of {} is at record {}, the log ends at {}: it was made anew and is read from its "
          "beginning",
          how.subscription_name, channel, *record, end);
      continue;
    }
    if (!log) continue;
    log_gap(how.subscription_name, {channel, *record}, *log);
    start.set(channel, *record);
  }
  start.current = start.find(position.current) ? position.current : std::string();
  co_return start;
}

base::AsyncResult<void> log_gaps(const std::string& subscription, const events::Bookmark& position, EventLogs& logs) {
  for (const auto& entry : position.entries) {
    ASSIGN_OR_CO_RETURN(auto log, co_await logs.find_log(entry.channel));
    if (log) log_gap(subscription, entry, *log);
  }
  co_return base::Result<void>();
}

}  // namespace resources
