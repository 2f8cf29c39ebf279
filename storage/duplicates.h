// What tells an event that is already there from a new one, without an index entry for each event.

#pragma once

#include <cstdint>
#include <limits>
#include <memory>
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
/// has from this origin means new (the table `marks`). Else the runs of keys that the origin's batches have covered are
/// asked (`runs`, one row for each origin of a batch). Else the events of a run that covers the key are compared.
///
/// One thread, inside of transactions: begin() a batch, ask is_new() for each event, add() those that are stored, end().
class Duplicates {
 public:
  /// Both must outlive it.
  static base::Result<std::unique_ptr<Duplicates>> open(Database& database, HeldEvents& held);

  void begin(const OpenLog& log);
  /// Whether the log does not hold the event; asked for it again in the same batch, it finds it held. `event` must live
  /// until end().
  base::Result<bool> is_new(const EventKey& key, const events::Event& event);
  base::Result<void> add(const EventKey& key, std::int64_t record);
  base::Result<void> end();

  /// Drops all that is known of the log: its events have gone.
  base::Result<void> clear(const OpenLog& log);
  /// Drops what describes events that retention has removed, when that has become worth it.
  base::Result<void> tidy(OpenLog& log);
  /// To be called when a transaction was rolled back.
  void forget();

 private:
  struct Hash {
    std::size_t operator()(const EventKey& key) const;
  };
  struct Mark {
    std::int64_t highest_record_id = std::numeric_limits<std::int64_t>::min();
    std::int64_t latest_time = std::numeric_limits<std::int64_t>::min();
  };
  struct Run {
    std::int64_t low = 0, high = 0, first_record = 0, last_record = 0;
  };
  using Marks = std::unordered_map<std::int64_t, Mark>;

  Duplicates(Database& database, HeldEvents& held) : database_(database), held_(held) {}
  base::Result<Mark*> find_mark(std::int64_t origin);
  base::Result<bool> is_held(const EventKey& key, const events::Event& event);
  base::Result<void> load(const EventKey& key, std::int64_t first_record, std::int64_t last_record);
  base::Result<void> store(std::int64_t origin, bool hashed, const Run& run);

  Database& database_;
  HeldEvents& held_;
  Statement find_mark_, set_mark_, find_runs_, add_run_;
  std::unordered_map<std::int64_t, Marks> marks_;  // by log, by origin; as far as they have been needed
  std::size_t marks_known_ = 0;

  // Of the batch in hand.
  const OpenLog* log_ = nullptr;
  Marks* log_marks_ = nullptr;
  std::vector<std::pair<EventKey, const events::Event*>> accepted_;
  std::unordered_map<EventKey, const events::Event*, Hash> accepted_by_key_;  // as far as it has been needed
  std::size_t accepted_indexed_ = 0;
  std::unordered_set<EventKey, Hash> loaded_;        // the keys of runs that were looked into
  std::unordered_set<std::int64_t> loaded_runs_;     // by first record
  std::unordered_map<std::int64_t, Run> open_runs_;  // by origin
};

}  // namespace storage
