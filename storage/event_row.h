// An event as a row of events_<n>: the one place that knows the order of the columns.

#pragma once

#include <cstdint>
#include <string>

#include "events/event.h"
#include "storage/database.h"

namespace storage {

/// What an event's row holds besides the event itself; 0 as `sender` is this host.
struct RowContext {
  std::int64_t record = 0;
  base::WallTime received;
  std::int64_t sender = 0;
  std::int64_t origin = 0;
  std::int64_t publisher = 0;
};

/// The table of a log, by the log's id.
std::string events_table(std::int64_t log);
/// CREATE TABLE for it.
std::string create_events_table(std::int64_t log);
/// INSERT into it, for bind_event().
std::string insert_event_sql(std::int64_t log);
/// The columns that read_event() expects, in order, beginning with column 0.
extern const char* const kEventColumns;

/// `event` must live until the statement has run.
void bind_event(Statement& insert, const RowContext& context, const events::Event& event);

RowContext read_context(const Statement& row);
/// Everything but what the dictionaries hold: provider, provider_guid, event_source_name, computer and channel.
events::Event read_event(const Statement& row);
/// The event's own time, without reading the rest.
base::WallTime read_time(const Statement& row);

}  // namespace storage
