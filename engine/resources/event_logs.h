// What the resources of event logs need of whoever keeps the events. The service plugs its store in.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/budget.h"
#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "engine/resources/subscription_memory.h"
#include "events/bookmark.h"
#include "events/event.h"
#include "events/query.h"
#include "events/text_search.h"

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
  std::optional<events::TextSearch> text;
  bool ignore_missing_logs = false;  ///< passes over logs of the query that do not exist
  base::Budget budget;
};

struct LogRecords {
  std::vector<LogRecord> records;
  events::Bookmark position;  ///< the `after` of the next read
  bool at_end = false;
  /// What lay between `after`, where that names the log, and `position`, and is not there any more; oldest first only.
  std::vector<LostRecords> gaps;
};

/// A log's properties and status, under the names of `wevtutil gl` and `gli`.
struct LogDescription {
  std::string name;
  bool enabled = true;
  std::string type;
  std::string owning_publisher;
  bool retention = false;
  bool auto_backup = false;
  std::uint64_t max_size = 0;       ///< bytes on disk
  std::chrono::seconds max_age{0};  ///< 0 keeps events of any age
  std::uint64_t max_records = 0;    ///< 0 is no limit
  std::string isolation = "Application";
  std::string channel_access;  ///< SDDL; empty is the service's default
  base::WallTime created;
  base::WallTime last_access;
  base::WallTime last_write;
  std::uint64_t size = 0;        ///< bytes on disk
  std::uint64_t text_bytes = 0;  ///< bytes of event text
  std::uint64_t records = 0;
  std::uint64_t oldest_record = 0;  ///< 0 where the log is empty
  std::uint64_t newest_record = 0;
  std::uint64_t overwritten = 0;
  std::uint64_t lost = 0;  ///< events of sources that are known to be missing
};

/// What events may be counted by.
enum class CountKey : std::uint8_t {
  Level,
  Provider,
  EventId,
  Task,
  Opcode,
  Keywords,
  Channel,
  Computer,
  User,
  Log,
  Machine
};
/// Their names in a request, in that order.
inline constexpr std::string_view kCountKeys[] = {"Level",   "Provider", "EventID", "Task", "Opcode", "Keywords",
                                                  "Channel", "Computer", "User",    "Log",  "Machine"};

/// What to count, and by what.
struct LogCountRequest {
  events::Query query;  ///< its paths name the logs
  std::optional<events::TextSearch> text;
  std::vector<CountKey> by;        ///< none counts all together
  std::chrono::seconds bucket{0};  ///< 0 does not tell times apart
  base::SteadyTime until = base::SteadyTime::max();
};

struct LogCounts {
  struct Group {
    std::optional<base::WallTime> bucket;  ///< its beginning
    std::vector<std::string> keys;         ///< one for each `by`; numbers in decimal, Keywords as "0x…"
    std::uint64_t events = 0;
  };
  std::vector<Group> groups;  ///< by bucket, then the most events first
  std::uint64_t events = 0;
  bool complete = true;  ///< false where the time was over, or there were too many groups
};

/// Events that an administrator brings from elsewhere.
struct LogImport {
  std::string log;   ///< where to; empty is each event's own channel
  std::string user;  ///< who does it
  std::vector<events::Event> events;
};

struct LogImported {
  std::uint64_t stored = 0;
  std::uint64_t duplicates = 0;
};

/// A log to be emptied.
struct LogClear {
  std::string log;
  std::string user;    ///< who does it
  std::string backup;  ///< the file that the events were written to before; may be empty
  /// Only where this still is the log's newest record.
  std::optional<std::uint64_t> newest;
};

/// Thread-safe. A log that does not exist is Win32::EvtChannelNotFound, its name in the text.
class EventLogs {
 public:
  virtual ~EventLogs() = default;
  virtual base::AsyncResult<LogRecords> read(LogRead read) = 0;
  /// Rises with every event that is stored. Ask it before read(), then wait_past() it: nothing is missed.
  virtual std::uint64_t generation() const = 0;
  /// Waits until generation() differs from `seen` or the service's clock has reached `until`.
  virtual base::Task<void> wait_past(std::uint64_t seen, base::SteadyTime until) = 0;
  /// Sorted by name without case.
  virtual base::AsyncResult<std::vector<LogDescription>> logs() = 0;
  /// Names compare without case.
  virtual base::AsyncResult<std::optional<LogDescription>> find_log(std::string name) = 0;
  /// Changes the properties of a log that exists; its status is not looked at.
  virtual base::AsyncResult<void> set_log(LogDescription log) = 0;
  virtual base::AsyncResult<LogCounts> count(LogCountRequest request) = 0;
  /// Stores what is not there yet, durably; events without a channel of their own go to ForwardedEvents.
  virtual base::AsyncResult<LogImported> import(LogImport import) = 0;
  /// Removes every event, leaves an event about it in the service's own log, and returns how many went. Errors:
  /// std::errc::resource_unavailable_try_again where `newest` is not the newest any more.
  virtual base::AsyncResult<std::uint64_t> clear(LogClear clear) = 0;
  /// The newest record of a log when it was last cleared; 0 where it never was.
  virtual base::AsyncResult<std::uint64_t> cleared_record(std::string name) = 0;
  /// A copy of the whole store in a new or empty directory on the service's machine. Errors: std::errc::file_exists.
  virtual base::AsyncResult<void> backup(std::string directory) = 0;
};

}  // namespace resources
