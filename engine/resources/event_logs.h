// What the resources of event logs need of whoever keeps the events. The service plugs its store in.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/budget.h"
#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "events/bookmark.h"
#include "events/event.h"
#include "events/query.h"

namespace resources {

/// An event and where it lies.
struct LogRecord {
  std::string log;
  std::uint64_t record = 0;  ///< its number in that log
  base::WallTime received;
  std::string machine;  ///< the authenticated name of who delivered it; empty for this host's own
  events::Event event;
  /// The event was larger than a message may be: `event` has its System part only. Never from EventLogs::read().
  bool cut = false;
};

/// Which records to read, and how many.
struct LogRead {
  events::Query query;  ///< its paths name the logs
  bool newest_first = false;
  events::Bookmark after;  ///< only what lies behind these records, in reading direction
  base::Budget budget;
};

struct LogRecords {
  std::vector<LogRecord> records;
  events::Bookmark position;  ///< the `after` of the next read
  bool at_end = false;
};

/// A log's properties and status, under the names of `wevtutil gl` and `gli`.
struct LogDescription {
  std::string name;
  bool enabled = true;
  std::string type;
  std::string owning_publisher;
  bool retention = false;
  bool auto_backup = false;
  std::uint64_t max_size = 0;  ///< bytes
  base::WallTime created;
  base::WallTime last_access;
  base::WallTime last_write;
  std::uint64_t size = 0;  ///< bytes of event text
  std::uint64_t records = 0;
  std::uint64_t oldest_record = 0;  ///< 0 where the log is empty
  std::uint64_t newest_record = 0;
  std::uint64_t overwritten = 0;
};

/// Thread-safe. A log that does not exist is Win32::EvtChannelNotFound, its name in the text.
class EventLogs {
 public:
  virtual ~EventLogs() = default;
  virtual base::AsyncResult<LogRecords> read(LogRead read) = 0;
  /// Sorted by name without case.
  virtual base::AsyncResult<std::vector<LogDescription>> logs() = 0;
  /// Names compare without case.
  virtual base::AsyncResult<std::optional<LogDescription>> find_log(std::string name) = 0;
  /// Changes the properties of a log that exists; its status is not looked at.
  virtual base::AsyncResult<void> set_log(LogDescription log) = 0;
};

}  // namespace resources
