// Watches the record numbers that a machine's events carry: where they leave something out, it was lost.
//
// Only logs that a subscription takes whole ("*", nothing suppressed) can be watched: of others nobody but the machine knows
// which records were not meant. Source: scale, sections 1 and 3; event-xml, section 7.

#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/blocking.h"
#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "events/event.h"
#include "storage/event_store.h"
#include "subscriptions/loss_ledger.h"
#include "subscriptions/manager.h"

namespace collector {

/// The record numbers of one batch, of the logs that are watched. A value.
class BatchRecords {
 public:
  /// Of `events`, those from `channels` (compared without case).
  BatchRecords(const std::vector<events::Event>& events, const std::vector<std::string>& channels);
  BatchRecords() = default;

  /// Rising, each once; by channel in small letters.
  const std::map<std::string, std::vector<std::uint64_t>>& channels() const { return channels_; }
  /// How the machine spells a channel of channels().
  const std::string& spelling(const std::string& channel) const { return spellings_.at(channel); }
  /// True where an event of the batch says that this log (in small letters) was cleared.
  bool tells_of_clearing(const std::string& channel) const;
  bool empty() const { return channels_.empty(); }

 private:
  std::map<std::string, std::vector<std::uint64_t>> channels_;
  std::map<std::string, std::string> spellings_;
  std::vector<std::string> cleared_;
};

/// What the numbers of a batch tell, measured by the last one that came before it.
struct RecordFinding {
  enum class Kind {
    Lost,     ///< records `first` to `last` never came
    Cleared,  ///< the same, and the log was cleared just then: whoever cleared it meant them to go
    Restart,  ///< the log counts from the beginning again, it was made anew: `first` to `last` are the batch's
  };
  Kind kind = Kind::Lost;
  std::string channel;  ///< as the machine spells it
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t admitted = 0;  ///< so many of them the machine says that it left out
};

/// `last` is by channel in small letters, and is moved on; a channel without an entry begins with this batch. `all_new`:
/// none of the batch's events had been stored before, so smaller numbers are no repetition. `dropped`: so many events the
/// machine says with this batch that it left out, which accounts for that many missing ones.
std::vector<RecordFinding> judge(const BatchRecords& batch, std::map<std::string, std::uint64_t>& last, bool all_new,
                                 std::uint64_t dropped = 0);

/// Thread-safe. What it is given outlives it.
class RecordWatch {
 public:
  RecordWatch(storage::EventStore& store, subscriptions::LossLedger& ledger, base::BlockingPool& pool, base::Clock& clock,
              std::string computer);

  using Positions = std::map<std::string, std::uint64_t>;
  /// How far this machine had come before a batch: what was seen of it, else its stored bookmark. To be asked before the
  /// batch is stored, which moves the bookmark.
  base::AsyncResult<Positions> positions(std::string subscription, std::string machine);

  struct Batch {
    std::string subscription;
    std::string machine;
    std::string log;
    BatchRecords records = {};
    Positions before = {};
    bool all_new = false;
    std::uint64_t dropped = 0;  ///< w:DroppedEvents
    std::optional<std::string> bookmark = std::nullopt;

    bool says_something() const { return !records.empty() || dropped != 0; }
  };
  /// After the batch was stored: writes what is missing into the ledger and tells it in Muster/Operational. Failures are
  /// logged; they do not concern the delivery. What the machine says it left out is told too, and not once more as a loss:
  /// neither the gap in this batch nor one before its bookmark.
  base::Task<void> stored(Batch batch);
  /// The subscription has changed, or is no more: its machines may go on elsewhere.
  base::Task<void> forget(std::string subscription, bool removed);

 private:
  base::Task<void> left_out(std::string subscription, std::string machine, std::uint64_t events);
  base::Task<void> tell(const Batch& batch, const RecordFinding& finding);
  base::Task<void> keep(events::Draft draft);

  storage::EventStore& store_;
  subscriptions::LossLedger& ledger_;
  base::BlockingPool& pool_;
  base::Clock& clock_;
  const std::string computer_;
  std::mutex mutex_;
  std::unordered_map<std::string, Positions> known_;  ///< by subscription and machine; a part of all there are
};

}  // namespace collector
