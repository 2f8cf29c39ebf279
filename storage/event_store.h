// The events that this host holds, its own and those it has accepted, and how far each delivery has come.
//
// This header is the seam: what stands behind it may change its layout. Layout of the tables: docs/storage-schema.md.

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/budget.h"
#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "events/bookmark.h"
#include "events/event.h"
#include "events/query.h"
#include "events/text_search.h"
#include "storage/errc.h"

namespace storage {

struct EventStoreOptions {
  /// Appends that would exceed this many bytes of waiting events wait until there is room.
  std::size_t max_queued_bytes = 64u << 20;
  /// LogProperties::max_size of a log that nobody has configured.
  std::uint64_t default_max_size = 1ull << 30;
  /// Errc::Full once the catalogue would grow beyond this many bytes; 0 is as far as the disk goes. For tests.
  std::uint64_t max_file_size = 0;
  /// Appends are refused with Errc::Full while the file system has less than this left (or a sixteenth of its size, where
  /// that is less), and work again by themselves.
  std::uint64_t min_free_bytes = 64u << 20;
  /// Bookmarks are kept in memory up to here, and read from the disk beyond.
  std::size_t max_bookmark_bytes = 256u << 20;
  /// Opens what is there without changing a byte: every change is Errc::ReadOnly.
  bool read_only = false;
  /// Events of a log that wait in the catalogue before they are sealed into its current file. Smaller numbers are for tests.
  std::size_t seal_events = 16'384;
  /// A file takes no more blocks once it is this large, or an eighth of its log's max_size where that is less, or once the
  /// UTC day of reception has passed.
  std::uint64_t segment_bytes = 256u << 20;
  /// Answers how many bytes are left for the store in the file system of a directory; empty asks the system. For tests.
  std::function<base::Result<std::uint64_t>(const std::filesystem::path& directory)> free_bytes;
  /// SQLite's VFS by name; empty is the default one. For tests.
  std::string vfs;
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
  /// Bytes on disk; at least 1,048,576. Kept by whole files: up to an eighth of it goes at once.
  std::uint64_t max_size = 1ull << 30;
  /// Files all of whose events were received longer ago go; 0 keeps them.
  std::chrono::seconds max_age{0};
  /// Whole files go as long as the rest holds at least so many events; 0 is no limit.
  std::uint64_t max_records = 0;
  std::string type = "Operational";
  std::string owning_publisher;
  std::string isolation = "Application";
  std::string channel_access;  ///< SDDL; empty is the service's default
};

/// The state of a log: what `wevtutil gli` shows.
struct LogStatus {
  base::WallTime created;
  base::WallTime last_access;
  base::WallTime last_write;
  std::uint64_t size = 0;           ///< bytes on disk
  std::uint64_t text_bytes = 0;     ///< bytes of event text held
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
  /// Only events with this text.
  std::optional<events::TextSearch> text;
  /// Items, bytes of XML, and (steady clock) time. At least one event is read if there is one, except where the time is over
  /// first: then `position` says how far the search has come, and it goes on from there.
  base::Budget budget;
};

/// Records of a log that are not there any more, or cannot be read.
struct RecordGap {
  std::string log;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

struct ReadResult {
  std::vector<StoredEvent> events;
  /// Behind everything looked at, selected or not: the `after` of the next read. Entries for every log that was looked at.
  events::Bookmark position;
  /// Nothing selected lies behind `position` at this moment.
  bool at_end = false;
  std::uint64_t looked_at = 0;   ///< events passed, also those that a summary or the index has ruled out
  std::uint64_t unreadable = 0;  ///< events passed over because their block is damaged or its file missing
  /// What is missing between ReadRequest::after, where that names the log, and `position`: overwritten, cleared or damaged.
  /// Of a reading direction that is OldestFirst.
  std::vector<RecordGap> gaps;
};

/// What events are counted by.
enum class CountBy : std::uint8_t {
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

struct CountRequest {
  events::Query query;  ///< its paths name the logs
  std::optional<events::TextSearch> text;
  std::vector<CountBy> by;  ///< none counts all events together
  /// Counts each span of this length (of the events' own time, beginning at 1970-01-01 UTC) apart; 0 does not. At least 1 s.
  std::chrono::seconds bucket{0};
  bool ignore_missing_logs = false;
  base::SteadyTime until = base::SteadyTime::max();
};

/// The events of one bucket with the same keys.
struct Count {
  std::optional<base::WallTime> bucket;  ///< its beginning
  std::vector<std::string> keys;         ///< one for each CountRequest::by; numbers in decimal, Keywords as "0x…"
  std::uint64_t events = 0;
};

struct CountResult {
  std::vector<Count> counts;  ///< by bucket, then the most events first, then keys
  std::uint64_t events = 0;
  bool complete = true;  ///< false where the time was over, or more than kMaxCounts groups came together; events of further
                         ///< groups are in `events` only
  std::uint64_t unreadable = 0;  ///< events passed over because their block is damaged or its file missing
};
inline constexpr std::size_t kMaxCounts = 100'000;

/// Durable, append-only store of events: a catalogue that takes them in, and files of compressed blocks.
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
  /// The bookmark of that state, without waiting for a disk: what the last commit has left.
  base::AsyncResult<std::optional<std::string>> find_bookmark(std::string_view subscription, std::string_view machine);
  /// Forgets every state of a subscription that is gone. Events stay.
  base::AsyncResult<void> forget_subscription(std::string subscription);
  /// Forgets the states of these machines, all in one transaction, but not of one that has been heard of since `before`.
  base::AsyncResult<void> forget_machines(std::string subscription, std::vector<std::string> machines,
                                          base::WallTime before);

  /// Reads what the query selects. Several logs are merged by the events' time. Errors: Errc::NotFound naming a log that
  /// does not exist, Errc::Io.
  base::AsyncResult<ReadResult> read(ReadRequest request);

  /// Counts what the query selects: from the summaries of blocks where they say enough. Errors: those of read().
  base::AsyncResult<CountResult> count(CountRequest request);

  /// All logs, sorted by name without case; names compare without case.
  base::AsyncResult<std::vector<Log>> logs();
  base::AsyncResult<std::optional<Log>> find_log(std::string name);
  /// Makes the log or changes its properties; a smaller max_size takes effect at once.
  base::AsyncResult<void> set_log(LogProperties properties);
  /// Removes every event of the log; record numbers go on. With `newest`, only where that still is the log's newest record,
  /// so that nothing goes that the caller has not seen: else std::errc::resource_unavailable_try_again, and nothing is
  /// changed. Errors: Errc::NotFound.
  base::AsyncResult<void> clear_log(std::string name, std::optional<std::uint64_t> newest = std::nullopt);

  /// The newest record of a log when it was last cleared; 0 where it never was.
  base::AsyncResult<std::uint64_t> cleared_record(std::string name);

  /// Makes a copy of the whole store, as of one moment, in `directory`, which must be empty or missing, while appends go on;
  /// it can be opened like the store itself. Errors: std::errc::file_exists; Errc::Io.
  base::AsyncResult<void> backup(std::filesystem::path directory);

  /// Rises with every commit that stored an event. Read it before read(), then wait_past() it: nothing is missed.
  std::uint64_t generation() const;
  /// Waits until generation() differs from `seen` or the store's clock has reached `until`.
  base::Task<void> wait_past(std::uint64_t seen, base::SteadyTime until);

  /// Refuses new appends, finishes those that wait, and closes the database.
  base::Task<void> stop();

 private:
  friend base::Result<std::unique_ptr<EventStore>> open_log_file(const std::filesystem::path& file);
  struct State;
  explicit EventStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace storage
