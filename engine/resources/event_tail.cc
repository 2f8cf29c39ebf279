#include "engine/resources/event_tail.h"

#include <algorithm>
#include <utility>

#include "engine/resources/log_query.h"
#include "events/render.h"

namespace resources {
namespace {

/// For one search, however little time there is: what is selected may lie far apart.
constexpr std::chrono::milliseconds kSearch{250};
/// A search that goes on for longer says how far it has come.
constexpr std::chrono::seconds kLongSearch{1};

}  // namespace

EventTail::EventTail(EventLogs& logs, EventTailOptions options, base::Clock& clock)
    : logs_(logs), options_(std::move(options)), clock_(clock), position_(options_.after), told_(options_.after) {}

wsman::Item EventTail::item_of(LogRecord record) {
  told_.set(record.log, record.record);
  wsman::Item item;
  item.opaque = record.event.quality == events::Quality::Raw;
  item.xml = options_.rendered ? events::with_rendering_info(record.event) : std::move(record.event.xml);
  item.bookmark = told_.to_xml();
  return item;
}

/// What the subscriber is to learn of; the bookmarks from now on are behind it.
base::Task<std::uint64_t> EventTail::count_lost(std::vector<LostRecords> gaps) {
  std::uint64_t lost = 0;
  const std::string current = told_.current;
  for (LostRecords& gap : gaps) {
    const auto cleared = co_await logs_.cleared_record(gap.log);
    if (told_.find(gap.log) == gap.first - 1) told_.set(gap.log, gap.last);
    if (cleared.ok() && *cleared >= gap.first) gap.first = *cleared + 1;
    if (gap.first > gap.last) continue;
    lost += gap.last - gap.first + 1;
    if (options_.memory == nullptr) continue;
    std::string key = options_.key;
    std::string name = options_.name;
    co_await options_.memory->lost(std::move(key), std::move(name), std::move(gap));
  }
  told_.current = current;
  co_return lost;
}

wsman::AsyncResult<EventTail::Page> EventTail::next(base::Budget budget) {
  for (;;) {
    const std::uint64_t generation = logs_.generation();
    if (at_end_ && generation == seen_) {
      if (clock_.steady() >= budget.until) co_return Page();
      co_await logs_.wait_past(seen_, budget.until);
      continue;
    }
    if (options_.access != nullptr) {
      CO_RETURN_IF_ERROR(
          co_await check_readable_logs(logs_, options_.query, options_.access, options_.who, options_.ignore_missing_logs));
    }
    const base::SteadyTime now = clock_.steady();
    LogRead read;
    read.query = options_.query;
    read.after = position_;
    read.text = options_.text;
    read.ignore_missing_logs = options_.ignore_missing_logs;
    read.budget = budget;
    read.budget.until = std::clamp(budget.until, now + kSearch, now + kLongSearch);
    auto found = co_await logs_.read(std::move(read));
    if (!found.ok()) co_return log_fault(found.error(), "reading an event log");
    at_end_ = found->at_end;
    seen_ = generation;
    Page page;
    if (!found->gaps.empty()) page.lost = co_await count_lost(std::move(found->gaps));
    page.items.reserve(found->records.size());
    for (LogRecord& record : found->records) page.items.push_back(item_of(std::move(record)));
    // The current channel stays that of the last event.
    for (const auto& entry : found->position.entries) position_.set(entry.channel, entry.record_id);
    position_.current = told_.current;
    told_ = position_;
    page.bookmark = position_.to_xml();
    const bool searched_long = !at_end_ && clock_.steady() >= now + kLongSearch;
    if (!page.items.empty()) page.items.front().lost_before = std::exchange(page.lost, 0);
    if (!page.items.empty() || page.lost != 0 || searched_long || clock_.steady() >= budget.until) co_return page;
  }
}

}  // namespace resources
