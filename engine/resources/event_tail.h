// The events that a subscription selects, and those that come after them.
//
// Source: wef-wire, sections 8.2, 8.6 and 9.

#pragma once

#include <cstdint>
#include <optional>

#include "engine/resources/event_logs.h"
#include "engine/resources/log_access.h"
#include "engine/wsman/resource.h"
#include "events/bookmark.h"
#include "events/query.h"
#include "events/text_search.h"

namespace resources {

struct EventTailOptions {
  events::Query query;
  events::Bookmark after;  ///< where it begins
  std::optional<events::TextSearch> text;
  bool rendered = false;                 ///< ContentFormat RenderedText
  bool ignore_missing_logs = false;      ///< IgnoreChannelError
  LogAccess* access = nullptr;           ///< outlives the tail; null: everything may be read
  auth::Principal who;                   ///< the one that it is asked about
  SubscriptionMemory* memory = nullptr;  ///< hears what is lost; outlives the tail
  std::string key;                       ///< of the subscription in `memory`
  std::string name;                      ///< of the subscription
};

/// Each item is an event's XML with the bookmark behind it; the events of a log come in the order of their records. It never
/// ends: next() waits for events that are still to come. A search that finds nothing for long says how far it has come in
/// Page::bookmark. Records that were to come and are not there any more, or cannot be read, are counted: Item::lost_before,
/// Page::lost; not those of a log that somebody has cleared. Where only a part of the log is selected nobody knows how many
/// of them were: all are counted. Errors of a read leave it where it was; AccessDenied is one, once a log may not be read
/// any more.
class EventTail final : public wsman::Enumerator {
 public:
  /// `logs` outlives it.
  EventTail(EventLogs& logs, EventTailOptions options, base::Clock& clock);
  wsman::AsyncResult<Page> next(base::Budget budget) override;

 private:
  wsman::Item item_of(LogRecord record);
  base::Task<std::uint64_t> count_lost(std::vector<LostRecords> gaps);

  EventLogs& logs_;
  const EventTailOptions options_;
  base::Clock& clock_;
  events::Bookmark position_;  ///< up to where the logs have been read
  events::Bookmark told_;      ///< up to the last item
  std::uint64_t seen_ = 0;     ///< the generation at which nothing lay behind position_
  bool at_end_ = false;
};

}  // namespace resources
