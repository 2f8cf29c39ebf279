#include "storage/duplicates.h"

#include <algorithm>

#include "storage/varint.h"

namespace storage {
namespace {

constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
constexpr auto kHighest = std::numeric_limits<std::int64_t>::max();

// No run covers a wider range of keys, or it would say little.
constexpr std::int64_t kMaxSpan = 4096;
// How far ahead of the events a mark is written.
constexpr std::int64_t kRecordsAhead = 256;
constexpr std::int64_t kTimeAhead = 300'000'000'000;  // ns
// Marks kept in memory; peers decide how many there are.
constexpr std::size_t kMaxMarks = 1u << 17;
// Removed events after which it is worth going through the batches of a log, and how many machines are looked at each time.
constexpr std::uint64_t kTidyAfter = 10'000;
constexpr int kTidyMachines = 8;
// Of a row; an honest one has two bytes for each of its events.
constexpr std::uint64_t kMaxRuns = 1u << 20;

// FNV-1a: it is on disk, so it has to stay the same.
std::int64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return static_cast<std::int64_t>(hash);
}

std::uint64_t distance(std::int64_t low, std::int64_t high) {
  return static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
}

std::int64_t ahead(std::int64_t value, std::int64_t by) {
  if (value == kLowest) return value;
  return value > kHighest - by ? kHighest : value + by;
}

}  // namespace

EventKey key_of(const events::Event& event, std::int64_t origin) {
  EventKey key;
  key.origin = origin;
  key.hashed = !event.system.record_id.has_value();
  key.key = key.hashed ? hash_of(event.xml) : static_cast<std::int64_t>(*event.system.record_id);
  key.time = event.system.time.time_since_epoch().count();
  return key;
}

std::size_t Duplicates::Hash::operator()(const EventKey& key) const {
  auto mixed = static_cast<std::uint64_t>(key.key) * 0x9e3779b97f4a7c15;
  mixed ^= static_cast<std::uint64_t>(key.time) + (mixed >> 29);
  mixed = (mixed ^ static_cast<std::uint64_t>(key.origin)) * 0xbf58476d1ce4e5b9;
  return static_cast<std::size_t>(mixed ^ (mixed >> 32));
}

base::Result<std::unique_ptr<Duplicates>> Duplicates::open(Database& database, HeldEvents& held) {
  std::unique_ptr<Duplicates> duplicates(new Duplicates(database, held));
  ASSIGN_OR_RETURN(duplicates->find_mark_,
                   database.prepare("SELECT highest_record_id, latest_time FROM marks WHERE log = ?1 AND origin = ?2"));
  ASSIGN_OR_RETURN(
      duplicates->set_mark_,
      database.prepare("REPLACE INTO marks (log, origin, highest_record_id, latest_time) VALUES (?1, ?2, ?3, ?4)"));
  ASSIGN_OR_RETURN(
      duplicates->find_batches_,
      database.prepare("SELECT first_record, last_record, keys FROM batches WHERE log = ?1 AND machine = ?2 AND "
                       "min_time <= ?4 AND max_time >= ?3"));
  ASSIGN_OR_RETURN(
      duplicates->add_batch_,
      database.prepare("INSERT INTO batches (log, machine, first_record, last_record, min_time, max_time, keys) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  ASSIGN_OR_RETURN(
      duplicates->find_old_runs_,
      database.prepare("SELECT hashed, low_key, high_key, first_record, last_record FROM runs WHERE log = ?1 AND "
                       "origin = ?2 AND low_key <= ?4 AND high_key >= ?3"));
  ASSIGN_OR_RETURN(duplicates->next_machine_,
                   database.prepare("SELECT min(machine) FROM batches WHERE log = ?1 AND machine > ?2"));
  ASSIGN_OR_RETURN(duplicates->remove_batches_,
                   database.prepare("DELETE FROM batches WHERE log = ?1 AND machine = ?2 AND first_record < ?3 AND "
                                    "last_record < ?3"));
  ASSIGN_OR_RETURN(const auto old, database.ask("SELECT EXISTS (SELECT 1 FROM runs)"));
  duplicates->has_old_runs_ = old != 0;
  return duplicates;
}

void Duplicates::begin(const OpenLog& log, const std::string& machine, std::span<const EventKey> keys) {
  if (marks_known_ > kMaxMarks) forget();
  log_ = &log;
  machine_ = &machine;
  log_marks_ = &marks_[log.id];
  min_time_ = kHighest;
  max_time_ = kLowest;
  first_record_ = 0;
  shares_.clear();
  Share* share = nullptr;
  std::int64_t origin = 0;
  for (const auto& key : keys) {
    min_time_ = std::min(min_time_, key.time);
    max_time_ = std::max(max_time_, key.time);
    if (share == nullptr || origin != key.origin) share = &shares_[origin = key.origin];
    share->low = std::min(share->low, key.key);
    share->high = std::max(share->high, key.key);
  }
  runs_.clear();
  accepted_.clear();
  accepted_by_key_.clear();
  accepted_indexed_ = 0;
  candidates_found_ = false;
  candidates_.clear();
  loaded_.clear();
}

base::Result<Duplicates::Mark*> Duplicates::find_mark(std::int64_t origin) {
  const auto [place, fresh] = log_marks_->try_emplace(origin);
  if (fresh) {
    ++marks_known_;
    ASSIGN_OR_RETURN(const bool found, find_mark_.bind(1, log_->id).bind(2, origin).step());
    if (found) {
      auto& mark = place->second;
      mark.highest_record_id = mark.stored_record_id = find_mark_.integer(0);
      mark.latest_time = mark.stored_time = find_mark_.integer(1);
      find_mark_.reset();
    }
  }
  return &place->second;
}

base::Result<bool> Duplicates::is_new(const EventKey& key, const events::Event& event) {
  ASSIGN_OR_RETURN(auto* mark, find_mark(key.origin));
  const bool later = key.time > mark->latest_time;
  const bool higher = !key.hashed && key.key > mark->highest_record_id;
  if (!later && !higher) {
    ASSIGN_OR_RETURN(const bool held, is_held(key, event));
    if (held) return false;
  }
  // Should the batch not be stored after all, then a mark that is too high costs a look-up and is not wrong.
  mark->latest_time = std::max(mark->latest_time, key.time);
  if (!key.hashed) mark->highest_record_id = std::max(mark->highest_record_id, key.key);
  accepted_.emplace_back(key, &event);
  return true;
}

base::Result<bool> Duplicates::is_held(const EventKey& key, const events::Event& event) {
  for (; accepted_indexed_ < accepted_.size(); ++accepted_indexed_) accepted_by_key_.insert(accepted_[accepted_indexed_]);
  if (const auto same = accepted_by_key_.find(key); same != accepted_by_key_.end()) {
    if (!key.hashed || same->second->xml == event.xml) return true;
  }
  if (loaded_.contains(key)) return true;
  if (!candidates_found_) {
    RETURN_IF_ERROR(find_candidates());
    if (has_old_runs_) RETURN_IF_ERROR(find_old_candidates());
    candidates_found_ = true;
  }
  const auto known = candidates_.find(key.origin);
  if (known == candidates_.end()) return false;
  for (auto& [run, is_loaded] : known->second) {
    if (run.hashed != key.hashed || key.key < run.low || key.key > run.high) continue;
    if (key.hashed) {
      ASSIGN_OR_RETURN(const bool same, held_.has_text(*log_, static_cast<std::uint64_t>(run.first_record), event.xml));
      if (same) return true;
    } else if (!is_loaded) {
      RETURN_IF_ERROR(load(run));
      is_loaded = true;
    }
  }
  return loaded_.contains(key);
}

base::Result<void> Duplicates::find_candidates() {
  find_batches_.reset();
  find_batches_.bind(1, log_->id).bind(2, *machine_).bind(3, min_time_).bind(4, max_time_);
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, find_batches_.step());
    if (!row) return {};
    RETURN_IF_ERROR(read_runs(find_batches_.blob(2), find_batches_.integer(0), find_batches_.integer(1)));
  }
}

base::Result<void> Duplicates::find_old_candidates() {
  for (const auto& [origin, share] : shares_) {
    find_old_runs_.reset();
    find_old_runs_.bind(1, log_->id).bind(2, origin).bind(3, share.low).bind(4, share.high);
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, find_old_runs_.step());
      if (!row) break;
      Run run;
      run.origin = origin;
      run.hashed = find_old_runs_.integer(0) != 0;
      run.low = find_old_runs_.integer(1);
      run.high = find_old_runs_.integer(2);
      run.first_record = find_old_runs_.integer(3);
      run.last_record = find_old_runs_.integer(4);
      take_candidate(run);
    }
  }
  return {};
}

void Duplicates::take_candidate(const Run& run) {
  const auto share = shares_.find(run.origin);
  if (share == shares_.end() || run.low > share->second.high || run.high < share->second.low) return;
  candidates_[run.origin].emplace_back(run, false);
}

base::Result<void> Duplicates::load(const Run& run) {
  std::vector<EventKey> keys;
  RETURN_IF_ERROR(held_.keys(*log_, run.origin, static_cast<std::uint64_t>(run.first_record),
                             static_cast<std::uint64_t>(run.last_record), keys));
  loaded_.insert(keys.begin(), keys.end());
  return {};
}

void Duplicates::add(const EventKey& key, std::int64_t record) {
  if (first_record_ == 0) first_record_ = record;
  last_record_ = record;
  if (key.hashed) {
    runs_.push_back({key.origin, true, key.key, key.key, record, record});
    return;
  }
  auto& share = shares_[key.origin];
  if (share.open_run != kNone) {
    auto& run = runs_[share.open_run];
    const auto low = std::min(run.low, key.key);
    const auto high = std::max(run.high, key.key);
    if (distance(low, high) < static_cast<std::uint64_t>(kMaxSpan)) {
      run.low = low;
      run.high = high;
      run.last_record = record;
      return;
    }
  }
  share.open_run = runs_.size();
  runs_.push_back({key.origin, false, key.key, key.key, record, record});
}

// Layout: docs/storage-schema.md.
std::string Duplicates::write_runs() const {
  std::string bytes;
  append_varint(bytes, runs_.size());
  for (const auto& run : runs_) {
    append_varint(bytes, static_cast<std::uint64_t>(run.origin) << 1 | (run.hashed ? 1 : 0));
    append_varint(bytes, static_cast<std::uint64_t>(run.low));
    if (!run.hashed) append_varint(bytes, distance(run.low, run.high));
    append_varint(bytes, distance(first_record_, run.first_record));
    if (!run.hashed) append_varint(bytes, distance(run.first_record, run.last_record));
  }
  return bytes;
}

base::Result<void> Duplicates::read_runs(std::string_view bytes, std::int64_t first_record, std::int64_t last_record) {
  ByteReader reader(bytes);
  const auto most = distance(first_record, last_record);
  for (auto left = reader.varint(kMaxRuns); left != 0 && reader.ok(); --left) {
    Run run;
    const auto origin = reader.varint();
    run.hashed = (origin & 1) != 0;
    run.origin = static_cast<std::int64_t>(origin >> 1);
    run.low = run.high = static_cast<std::int64_t>(reader.varint());
    if (!run.hashed) run.high = static_cast<std::int64_t>(static_cast<std::uint64_t>(run.low) + reader.varint(kMaxSpan));
    const auto from = reader.varint(most);
    run.first_record = run.last_record = first_record + static_cast<std::int64_t>(from);
    if (!run.hashed) run.last_record += static_cast<std::int64_t>(reader.varint(most - from));
    if (reader.ok()) take_candidate(run);
  }
  if (reader.done()) return {};
  return base::make_error(Errc::Corrupt, database_.name() + ": the keys of a batch cannot be read");
}

base::Result<void> Duplicates::end() {
  if (!runs_.empty()) {
    const std::string keys = write_runs();
    add_batch_.bind(1, log_->id).bind(2, *machine_).bind(3, first_record_).bind(4, last_record_);
    add_batch_.bind(5, min_time_).bind(6, max_time_).bind_blob(7, keys);
    RETURN_IF_ERROR(add_batch_.run());
  }
  for (const auto& [origin, share] : shares_) {
    const auto known = log_marks_->find(origin);
    if (known == log_marks_->end()) continue;
    auto& mark = known->second;
    if (mark.highest_record_id <= mark.stored_record_id && mark.latest_time <= mark.stored_time) continue;
    mark.stored_record_id = ahead(mark.highest_record_id, kRecordsAhead);
    mark.stored_time = ahead(mark.latest_time, kTimeAhead);
    set_mark_.bind(1, log_->id).bind(2, origin).bind(3, mark.stored_record_id).bind(4, mark.stored_time);
    RETURN_IF_ERROR(set_mark_.run());
  }
  return {};
}

base::Result<void> Duplicates::clear(const OpenLog& log) {
  const auto where = " WHERE log = " + std::to_string(log.id);
  RETURN_IF_ERROR(
      database_.execute("DELETE FROM batches" + where + "; DELETE FROM runs" + where + "; DELETE FROM marks" + where));
  tidied_.erase(log.id);
  forget();
  return {};
}

base::Result<void> Duplicates::tidy(OpenLog& log) {
  if (log.removed_lately >= std::max(kTidyAfter, log.records / 4)) {
    log.removed_lately = 0;
    // Machines come after the empty name, which only tests have.
    remove_batches_.bind(1, log.id).bind(2, "").bind(3, static_cast<std::int64_t>(log.oldest_record()));
    RETURN_IF_ERROR(remove_batches_.run());
    tidied_.emplace(log.id, std::string());
    if (has_old_runs_) {
      RETURN_IF_ERROR(database_.execute("DELETE FROM runs WHERE log = " + std::to_string(log.id) + " AND last_record < " +
                                        std::to_string(log.oldest_record())));
    }
  }
  const auto place = tidied_.find(log.id);
  if (place == tidied_.end()) return {};
  for (int i = 0; i < kTidyMachines; ++i) {
    ASSIGN_OR_RETURN(const bool row, next_machine_.bind(1, log.id).bind(2, place->second).step());
    const bool last = !row || next_machine_.is_null(0);
    if (!last) place->second = next_machine_.text(0);
    next_machine_.reset();
    if (last) {
      tidied_.erase(place);
      return {};
    }
    remove_batches_.bind(1, log.id).bind(2, place->second).bind(3, static_cast<std::int64_t>(log.oldest_record()));
    RETURN_IF_ERROR(remove_batches_.run());
  }
  return {};
}

void Duplicates::forget() {
  marks_.clear();
  marks_known_ = 0;
  log_marks_ = nullptr;
}

}  // namespace storage
