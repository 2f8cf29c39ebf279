#include "engine/resources/start_position.h"

#include "engine/base/log.h"

namespace resources {
namespace {

/// Where to begin in general, before any channel is looked at.
struct General {
  enum class Kind { Oldest, Newest, Bookmark };
  Kind kind = Kind::Oldest;
  events::Bookmark bookmark;
};

General general_start(const wsman::SubscribeRequest& how, const std::optional<std::string>& remembered) {
  using Kind = General::Kind;
  if (how.bookmark) {
    if (*how.bookmark == events::kEarliestBookmark) return {Kind::Oldest, {}};
    auto offered = events::Bookmark::parse(*how.bookmark);
    if (offered.ok()) return {Kind::Bookmark, std::move(*offered)};
    // Reading everything again costs time; the collector drops what it has. To begin at the end would lose events.
    base::log_warning("subscription {}: the collector's bookmark cannot be read ({}): everything is sent again",
                      how.subscription_name, offered.error().message());
    return {Kind::Oldest, {}};
  }
  if (remembered) {
    auto own = events::Bookmark::parse(*remembered);
    if (own.ok()) return {Kind::Bookmark, std::move(*own)};
    base::log_warning("subscription {}: its remembered position cannot be read: {}", how.subscription_name,
                      own.error().message());
  }
  return {how.read_existing_events ? Kind::Oldest : Kind::Newest, {}};
}

/// A log's two ends, as positions after which to read. A log that is not there has yet to get its first record.
struct Ends {
  std::uint64_t oldest = 0;
  std::uint64_t newest = 0;
};

Ends ends_of(const std::optional<LogDescription>& log) {
  if (!log) return {};
  return {log->records != 0 ? log->oldest_record - 1 : log->newest_record, log->newest_record};
}

/// A record that was told of a log, as far as it still means something.
std::uint64_t still_valid(const std::string& subscription, const std::string& channel, std::uint64_t record, Ends ends) {
  if (record <= ends.newest) return record;
  base::log_warning(
      "subscription {}: the bookmark of {} is at record {}, the log ends at {}: it was made anew and is read from its "
      "beginning",
      subscription, channel, record, ends.newest);
  return ends.oldest;
}

bool same(const events::Bookmark& one, const events::Bookmark& other) {
  if (one.entries.size() != other.entries.size()) return false;
  for (const auto& entry : one.entries) {
    if (other.find(entry.channel) != entry.record_id) return false;
  }
  return true;
}

}  // namespace

base::AsyncResult<events::Bookmark> find_start(const wsman::SubscribeRequest& how, const StartBasis& basis,
                                               EventLogs& logs) {
  using Kind = General::Kind;
  const General general = general_start(how, basis.remembered);
  events::Bookmark known;
  if (basis.memory != nullptr) {
    ASSIGN_OR_CO_RETURN(known, co_await basis.memory->beginnings(basis.key));
  }
  events::Bookmark start;
  events::Bookmark beginnings;
  bool added = false;
  for (const std::string& channel : basis.channels) {
    ASSIGN_OR_CO_RETURN(const auto log, co_await logs.find_log(channel));
    const Ends ends = ends_of(log);
    std::uint64_t record = general.kind == Kind::Newest ? ends.newest : ends.oldest;
    std::optional<std::uint64_t> began;
    if (general.kind == Kind::Bookmark) {
      began = known.find(channel);
      if (const auto told = general.bookmark.find(channel)) {
        record = still_valid(how.subscription_name, channel, *told, ends);
      } else if (began) {
        record = still_valid(how.subscription_name, channel, *began, ends);
      } else if (basis.memory != nullptr && !how.read_existing_events) {
        record = ends.newest;
        added = true;
      }
    }
    start.set(channel, record);
    beginnings.set(channel, began.value_or(record));
  }
  start.current = start.find(general.bookmark.current) ? general.bookmark.current : std::string();
  beginnings.current.clear();
  if (basis.memory == nullptr || same(known, beginnings)) co_return start;
  auto kept = co_await basis.memory->keep_beginnings(basis.key, beginnings);
  if (kept.ok()) co_return start;
  if (kept.error().code != std::errc::no_space_on_device) co_return std::move(kept).error();
  if (!added) co_return start;
  // What would not be found again after a restart must not be passed over.
  StartBasis forgetful = basis;
  forgetful.memory = nullptr;
  co_return co_await find_start(how, forgetful, logs);
}

}  // namespace resources
