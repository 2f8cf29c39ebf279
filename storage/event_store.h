// The events that this host holds, its own and those it has accepted, and how far each delivery has come.
//
// This header is the seam: what stands behind it may change its layout. Layout of the tables: docs/storage-schema.md.

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/budget.h"
#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "events/bookmark.h"
#include "events/event.h"
#include "events/query.h"
#include "storage/errc.h"

namespace storage {

struct EventStoreOptions {
  /// Appends that would exceed this many bytes of waiting events wait until there is room.
  std::size_t max_queued_bytes = 64u << 20;
  /// LogProperties::max_size of a log that nobody has configured.
  std::uint64_t default_max_size = 1ull << 30;
  /// Errc::Full once the database file would grow beyond this many bytes; 0 is as far as the disk goes.
  std::uint64_t max_file_size = 0;
  base::Clock* clock = &base::system_clock();
};

/// A batch from another machine.
struct DeliveredBatch {
  std::string log;           ///< the destination log; made where it does not exist
  std::string subscription;  ///< the subscription's identifier
  std::string machine;       ///< the authenticated name of who delivered it
  std::string address;       ///< its network address; kept beside each event, without the port
  base::WallTime received;
  std::vector<events::Event> events;
  std::optional<std::string> bookmark;  ///< XML, kept byte for byte; none leaves the stored one alone
};

/// What became of a batch.
struct AppendResult {
  std::size_t stored = 0;
  std::size_t duplicates = 0;  ///< were stored before and were skipped
};

/// Events that this host's own sources have read.
struct LocalBatch {
  std::string log;
  std::vector<events::Draft> drafts;
  std::string source;    ///< whose position it is, for instance "file:/var/log/syslog"
  std::string position;  ///< where to go on reading after these events; opaque to the store
};

/// How far a (subscription, machine) pair has come, and how it is.
struct DeliveryState {
  std::string subscription;
  std::string machine;
  std::string address;
  std::optional<std::string> bookmark;
  std::optional<base::WallTime> last_heartbeat;  ///< last heartbeat or delivery
  std::optional<base::WallTime> last_event;
  std::uint32_t last_error = 0;  ///< a Win32 or WS-Man code; 0 is none
  std::string error_message;
  std::optional<base::WallTime> error_time;
  std::uint64_t events = 0;   ///< stored since the pair was first seen
  std::uint64_t dropped = 0;  ///< events that the source says it left out (w:DroppedEvents)
};

/// A change to a DeliveryState; what is not set stays.
struct DeliveryUpdate {
  std::string subscription;
  std::string machine;
  std::string address;
  std::optional<std::string> bookmark;
  std::optional<base::WallTime> heartbeat;
  struct Failure {
    std::uint32_t code = 0;  ///< 0 clears it
    std::string message;
    base::WallTime time;
  };
  std::optional<Failure> failure;
  std::uint64_t dropped = 0;  ///< added
};

/// How a log is kept: the names are those of `wevtutil gl`.
struct LogProperties {
  std::string name;
  bool enabled = true;
  /// True keeps the old events and refuses new ones when the log is full (Errc::Full); false overwrites the oldest.
  bool retention = false;
  bool auto_backup = false;
  /// Bytes of event text; at least 1,048,576.
  std::uint64_t max_size = 1ull << 30;
  std::string type = "Operational";
  std::string owning_publisher;
};

/// The state of a log: what `wevtutil gli` shows.
struct LogStatus {
  base::WallTime created;
  base::WallTime last_access;
  base::WallTime last_write;
  std::uint64_t size = 0;           ///< bytes of event text held
  std::uint64_t records = 0;        ///< events held now
  std::uint64_t oldest_record = 0;  ///< the store's own record number; 0 where the log is empty
  std::uint64_t newest_record = 0;  ///< the last number given, also of an event that has gone; 0 where none was
  std::uint64_t overwritten = 0;    ///< events that retention has removed since the log was made
};

struct Log {
  LogProperties properties;
  LogStatus status;
};

enum class Direction { OldestFirst, NewestFirst };

/// An event and where it lies.
struct StoredEvent {
  std::string log;
  std::uint64_t record = 0;  ///< the store's number in that log: rising by arrival, never used twice. For a log of this host
                             ///< itself it equals the event's EventRecordID.
  base::WallTime received;
  std::string machine;  ///< empty for this host's own
  std::string subscription;
  events::Event event;
};

struct ReadRequest {
  events::Query query;  ///< its paths name the logs
  Direction direction = Direction::OldestFirst;
  /// Only what lies behind these records, in reading direction. Logs without an entry are read from their end or beginning.
  events::Bookmark after;
  /// Passes over logs of the query that do not exist, rather than failing.
  bool ignore_missing_logs = false;
  base::Budget budget;  ///< items, bytes of XML, and (steady clock) time; at least one event is read if there is one
};

struct ReadResult {
  std::vector<StoredEvent> events;
  /// Behind everything looked at, selected or not: the `after` of the next read. Entries for every log that was looked at.
  events::Bookmark position;
  /// Nothing selected lies behind `position` at this moment.
  bool at_end = false;
};

/// Durable, append-only store of events in one SQLite database.
///
/// Thread-safe. Appends that wait at the same time share one transaction (synchronous=FULL). Call stop() before
/// destruction.
class EventStore {
 public:
  /// Opens `directory` (made where it is missing), creating or migrating the database. The directory is not locked here: the
  /// service holds base::DirectoryLock on its state. Errors: Errc::TooNew, Errc::Corrupt, Errc::Io, or the system's. Blocks.
  static base::Result<std::unique_ptr<EventStore>> open(const std::filesystem::path& directory, EventStoreOptions options);
  ~EventStore();

  /// Stores the batch, moves the bookmark of (subscription, machine), and counts as its heartbeat: all or nothing.
  ///
  /// Returns once it is on disk. An event that the log already holds from the same machine (same computer, channel, record
  /// id and time; for an event without a record id the same text) is skipped, so a repeated delivery is harmless; so is the
  /// bookmark carrier (id 111). Waits while max_queued_bytes are pending. Errors: Errc::Full, Errc::Io, Errc::LogDisabled,
  /// Errc::Stopped: nothing of the batch is stored then.
  base::AsyncResult<AppendResult> append(DeliveredBatch batch);

  /// Gives each draft the next record number of `log` (made where it does not exist) and stores it together with the
  /// source's position: all or nothing, durable on return. Errors as append(); where the oldest events had to go for it,
  /// that is counted in LogStatus::overwritten. `batch` is not copied: it must live until the answer is there.
  base::AsyncResult<void> append_local(const LocalBatch& batch);

  /// The position stored with the last LocalBatch of `source`, if any.
  base::AsyncResult<std::optional<std::string>> find_position(std::string source);

  /// Durable on return; makes the state where it does not exist.
  base::AsyncResult<void> update_delivery(DeliveryUpdate update);
  /// All states, or those of one subscription; sorted by subscription and machine.
  base::AsyncResult<std::vector<DeliveryState>> delivery_states(std::optional<std::string> subscription);
  base::AsyncResult<std::optional<DeliveryState>> find_delivery_state(std::string subscription, std::string machine);
  /// Forgets every state of a subscription that is gone. Events stay.
  base::AsyncResult<void> forget_subscription(std::string subscription);

  /// Reads what the query selects. Several logs are merged by the events' time. Errors: Errc::NotFound naming a log that
  /// does not exist, Errc::Io.
  base::AsyncResult<ReadResult> read(ReadRequest request);

  /// All logs, sorted by name without case; names compare without case.
  base::AsyncResult<std::vector<Log>> logs();
  base::AsyncResult<std::optional<Log>> find_log(std::string name);
  /// Makes the log or changes its properties; a smaller max_size takes effect at once.
  base::AsyncResult<void> set_log(LogProperties properties);
  /// Removes every event of the log; record numbers go on. Errors: Errc::NotFound.
  base::AsyncResult<void> clear_log(std::string name);

  /// Rises with every commit that stored an event. Read it before read(), then wait_past() it: nothing is missed.
  std::uint64_t generation() const;
  /// Waits until generation() differs from `seen` or the store's clock has reached `until`.
  base::Task<void> wait_past(std::uint64_t seen, base::SteadyTime until);

  /// Refuses new appends, finishes those that wait, and closes the database.
  base::Task<void> stop();

 private:
  struct State;
  explicit EventStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace storage
