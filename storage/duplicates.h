// What tells an event that is already there from a new one, without an index entry for each event.

#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "events/event.h"
#include "storage/database.h"
#include "storage/log_table.h"

namespace storage {

/// What an event is recognised by, besides its log: where it comes from, its EventRecordID (or, where it has none, a hash of
/// its text) and its time.
struct EventKey {
  std::int64_t origin = 0;
  bool hashed = false;
  std::int64_t key = 0;
  std::int64_t time = 0;
  bool operator==(const EventKey&) const = default;
};

EventKey key_of(const events::Event& event, std::int64_t origin);

/// The events that a log holds, also those of the open transaction, as far as duplicates are told by them.
class HeldEvents {
 public:
  virtual ~HeldEvents() = default;
  /// Appends the keys of the events with a record id that came from `origin`, among the records `first` to `last`. What is
  /// not held any more is passed over.
  virtual base::Result<void> keys(const OpenLog& log, std::int64_t origin, std::uint64_t first, std::uint64_t last,
                                  std::vector<EventKey>& into) = 0;
  /// Whether the record is held and has this text.
  virtual base::Result<bool> has_text(const OpenLog& log, std::uint64_t record, std::string_view text) = 0;
};

/// Recognises events by three steps, from cheap to dear. A later time, or a higher record id, than anything that the log
/// has from this origin means new (the table `marks`). Else the machine's batches of that time are asked which keys of
/// which origin they have brought (`batches`, one row each). Else the events of a batch that covers the key are compared.
///
/// A mark on disk may be ahead of the events: it is written anew only when they have passed it. That costs a look-up after
/// the store was opened again, and saves a row for each origin of each batch.
///
/// One thread, inside of transactions: begin() a batch, ask is_new() for each event, add() those that are stored, end().
class Duplicates {
 public:
  /// Both must outlive it.
  static base::Result<std::unique_ptr<Duplicates>> open(Database& database, HeldEvents& held);

  /// A batch of `machine` with events of these keys. All must live until end().
  void begin(const OpenLog& log, const std::string& machine, std::span<const EventKey> keys);
  /// Whether the log does not hold the event; asked for it again in the same batch, it finds it held. `event` must live
  /// until end().
  base::Result<bool> is_new(const EventKey& key, const events::Event& event);
  void add(const EventKey& key, std::int64_t record);
  base::Result<void> end();

  /// Drops all that is known of the log: its events have gone.
  base::Result<void> clear(const OpenLog& log);
  /// Drops what describes events that retention has removed, when that has become worth it, a part at a time.
  base::Result<void> tidy(OpenLog& log);
  /// To be called when a transaction was rolled back.
  void forget();

 private:
  struct Hash {
    std::size_t operator()(const EventKey& key) const;
  };
  /// The highest of an origin, and what is on disk for it.
  struct Mark {
    std::int64_t highest_record_id = std::numeric_limits<std::int64_t>::min();
    std::int64_t latest_time = std::numeric_limits<std::int64_t>::min();
    std::int64_t stored_record_id = std::numeric_limits<std::int64_t>::min();
    std::int64_t stored_time = std::numeric_limits<std::int64_t>::min();
  };
  using Marks = std::unordered_map<std::int64_t, Mark>;
  /// Keys of one origin that a batch has brought: a range of record ids, or one hash.
  struct Run {
    std::int64_t origin = 0;
    bool hashed = false;
    std::int64_t low = 0, high = 0;
    std::int64_t first_record = 0, last_record = 0;
  };
  /// What of the batch in hand comes from one origin.
  struct Share {
    std::int64_t low = std::numeric_limits<std::int64_t>::max();
    std::int64_t high = std::numeric_limits<std::int64_t>::min();
    std::size_t open_run = kNone;  ///< in runs_
  };
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  Duplicates(Database& database, HeldEvents& held) : database_(database), held_(held) {}
  base::Result<Mark*> find_mark(std::int64_t origin);
  base::Result<bool> is_held(const EventKey& key, const events::Event& event);
  base::Result<void> find_candidates();
  base::Result<void> find_old_candidates();
  void take_candidate(const Run& run);
  base::Result<void> load(const Run& run);
  base::Result<void> read_runs(std::string_view bytes, std::int64_t first_record, std::int64_t last_record);
  std::string write_runs() const;

  Database& database_;
  HeldEvents& held_;
  Statement find_mark_, set_mark_, find_batches_, add_batch_, find_old_runs_, next_machine_, remove_batches_;
  bool has_old_runs_ = false;                      // of stores that version 1 has made
  std::unordered_map<std::int64_t, Marks> marks_;  // by log, by origin; as far as they have been needed
  std::size_t marks_known_ = 0;
  std::unordered_map<std::int64_t, std::string> tidied_;  // logs that are being tidied: the machine that was last

  // Of the batch in hand.
  const OpenLog* log_ = nullptr;
  const std::string* machine_ = nullptr;
  Marks* log_marks_ = nullptr;
  std::int64_t min_time_ = 0, max_time_ = 0;
  std::int64_t first_record_ = 0, last_record_ = 0;
  std::unordered_map<std::int64_t, Share> shares_;  // by origin
  std::vector<Run> runs_;                           // what the batch brings
  std::vector<std::pair<EventKey, const events::Event*>> accepted_;
  std::unordered_map<EventKey, const events::Event*, Hash> accepted_by_key_;  // as far as it has been needed
  std::size_t accepted_indexed_ = 0;
  bool candidates_found_ = false;
  std::unordered_map<std::int64_t, std::vector<std::pair<Run, bool>>> candidates_;  // by origin; whether they are loaded
  std::unordered_set<EventKey, Hash> loaded_;                                       // the keys that were loaded
};

}  // namespace storage
