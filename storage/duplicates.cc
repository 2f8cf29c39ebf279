#include "storage/duplicates.h"

#include <algorithm>

namespace storage {
namespace {

// No run covers a wider range of keys, so that those which can cover a key begin within this distance below it.
constexpr std::int64_t kMaxSpan = 4096;
// Marks kept in memory; peers decide how many there are.
constexpr std::size_t kMaxMarks = 1u << 17;
// Removed events after which it is worth going through the runs of a log.
constexpr std::uint64_t kTidyAfter = 10'000;

// FNV-1a: it is on disk, so it has to stay the same.
std::int64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return static_cast<std::int64_t>(hash);
}

std::int64_t lowest_start(std::int64_t key) {
  return key < std::numeric_limits<std::int64_t>::min() + kMaxSpan ? std::numeric_limits<std::int64_t>::min()
                                                                   : key - kMaxSpan + 1;
}

bool fits(std::int64_t low, std::int64_t high) {
  return static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) < static_cast<std::uint64_t>(kMaxSpan);
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
  ASSIGN_OR_RETURN(duplicates->find_runs_,
                   database.prepare("SELECT first_record, last_record FROM runs WHERE log = ?1 AND origin = ?2 AND "
                                    "hashed = ?3 AND low_key BETWEEN ?4 AND ?5 AND high_key >= ?5"));
  ASSIGN_OR_RETURN(duplicates->add_run_,
                   database.prepare("INSERT INTO runs (log, origin, hashed, low_key, high_key, first_record, last_record) "
                                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  return duplicates;
}

void Duplicates::begin(const OpenLog& log) {
  if (marks_known_ > kMaxMarks) forget();
  log_ = &log;
  log_marks_ = &marks_[log.id];
  accepted_.clear();
  accepted_by_key_.clear();
  accepted_indexed_ = 0;
  loaded_.clear();
  loaded_runs_.clear();
  open_runs_.clear();
}

base::Result<Duplicates::Mark*> Duplicates::find_mark(std::int64_t origin) {
  const auto [place, fresh] = log_marks_->try_emplace(origin);
  if (fresh) {
    ++marks_known_;
    ASSIGN_OR_RETURN(const bool found, find_mark_.bind(1, log_->id).bind(2, origin).step());
    if (found) {
      place->second = {find_mark_.integer(0), find_mark_.integer(1)};
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

  find_runs_.reset();
  find_runs_.bind(1, log_->id).bind(2, key.origin).bind(3, key.hashed);
  find_runs_.bind(4, key.hashed ? key.key : lowest_start(key.key)).bind(5, key.key);
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, find_runs_.step());
    if (!row) return loaded_.contains(key);
    const auto first_record = find_runs_.integer(0);
    if (key.hashed) {
      ASSIGN_OR_RETURN(const bool same, held_.has_text(*log_, static_cast<std::uint64_t>(first_record), event.xml));
      if (!same) continue;
      find_runs_.reset();
      return true;
    }
    RETURN_IF_ERROR(load(key, first_record, find_runs_.integer(1)));
  }
}

base::Result<void> Duplicates::load(const EventKey& key, std::int64_t first_record, std::int64_t last_record) {
  if (!loaded_runs_.insert(first_record).second) return {};
  std::vector<EventKey> keys;
  RETURN_IF_ERROR(held_.keys(*log_, key.origin, static_cast<std::uint64_t>(first_record),
                             static_cast<std::uint64_t>(last_record), keys));
  loaded_.insert(keys.begin(), keys.end());
  return {};
}

base::Result<void> Duplicates::add(const EventKey& key, std::int64_t record) {
  if (key.hashed) return store(key.origin, true, Run{key.key, key.key, record, record});
  const auto [place, fresh] = open_runs_.try_emplace(key.origin, Run{key.key, key.key, record, record});
  if (fresh) return {};
  auto& run = place->second;
  const auto low = std::min(run.low, key.key);
  const auto high = std::max(run.high, key.key);
  if (fits(low, high)) {
    run = {low, high, run.first_record, record};
    return {};
  }
  const Run full = std::exchange(run, Run{key.key, key.key, record, record});
  return store(key.origin, false, full);
}

base::Result<void> Duplicates::end() {
  for (const auto& [origin, run] : open_runs_) RETURN_IF_ERROR(store(origin, false, run));
  std::unordered_set<std::int64_t> written;
  for (const auto& [key, event] : accepted_) {
    if (!written.insert(key.origin).second) continue;
    const auto& mark = log_marks_->at(key.origin);
    set_mark_.bind(1, log_->id).bind(2, key.origin).bind(3, mark.highest_record_id).bind(4, mark.latest_time);
    RETURN_IF_ERROR(set_mark_.run());
  }
  return {};
}

base::Result<void> Duplicates::store(std::int64_t origin, bool hashed, const Run& run) {
  add_run_.bind(1, log_->id).bind(2, origin).bind(3, hashed).bind(4, run.low).bind(5, run.high);
  return add_run_.bind(6, run.first_record).bind(7, run.last_record).run();
}

base::Result<void> Duplicates::clear(const OpenLog& log) {
  const auto where = " WHERE log = " + std::to_string(log.id);
  RETURN_IF_ERROR(database_.execute("DELETE FROM runs" + where + "; DELETE FROM marks" + where));
  forget();
  return {};
}

base::Result<void> Duplicates::tidy(OpenLog& log) {
  if (log.removed_lately < std::max(kTidyAfter, log.records / 4)) return {};
  log.removed_lately = 0;
  return database_.execute("DELETE FROM runs WHERE log = " + std::to_string(log.id) + " AND last_record < " +
                           std::to_string(log.oldest_record()));
}

void Duplicates::forget() {
  marks_.clear();
  marks_known_ = 0;
  log_marks_ = nullptr;
}

}  // namespace storage
