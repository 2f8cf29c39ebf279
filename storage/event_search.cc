#include "storage/event_search.h"

#include <algorithm>
#include <list>

#include "storage/block_search.h"

namespace storage {
namespace {

// The clock is asked each time so many events have been read, besides each time a block has been opened.
constexpr std::size_t kEventsPerClock = 32;
// An opened block takes some megabytes. Of many logs that are merged, only so many keep theirs open.
constexpr std::size_t kMaxOpenBlocks = 8;

// The hits of one log in reading order. What is not known yet is found block by block.
class Cursor {
 public:
  Cursor(LogSource& source, const ReadRequest& request, LogRow log, base::WallTime now, const CancelFlag& cancelled)
      : source_(source),
        name_(log.log.properties.name),
        forward_(request.direction == Direction::OldestFirst),
        plan_(request.query, request.text, name_, now),
        scan_(source, plan_, std::move(log), request.direction, request.after.find(name_), cancelled) {}

  base::Result<void> begin() { return scan_.begin(); }

  /// Finds the next block that has to be searched, where there is no hit at hand.
  base::Result<void> prepare() {
    if (at_end_ || has_candidate_ || has_hit()) return {};
    block_.reset();
    ASSIGN_OR_RETURN(has_candidate_, scan_.next());
    at_end_ = !has_candidate_;
    if (has_candidate_) time_ = forward_ ? scan_.times().first : scan_.times().last;
    return {};
  }

  bool at_end() const { return at_end_; }
  bool has_hit() const { return next_hit_ < hits_.size(); }
  /// Of the next hit, or the earliest (latest, backwards) that it can have.
  std::int64_t time() const { return has_hit() ? hits_[next_hit_].time : time_; }

  /// Searches the block that prepare() has found.
  base::Result<void> search() {
    has_candidate_ = false;
    hits_.clear();
    next_hit_ = 0;
    if (!scan_.may_select()) return {};
    auto done = find_hits();
    return done.ok() ? std::move(done) : scan_.give_up(done.error());
  }

  /// The event of the next hit; nothing where its block must be searched again.
  base::Result<std::optional<StoredEvent>> read() {
    auto event = read_hit();
    if (event.ok()) return event;
    hits_.clear();
    next_hit_ = 0;
    block_.reset();
    RETURN_IF_ERROR(scan_.give_up(event.error()));
    return std::optional<StoredEvent>();
  }

  /// Leaves the next hit behind.
  void consume() {
    scan_.leave(hits_[next_hit_].record);
    ++next_hit_;
  }

  bool has_block() const { return block_.has_value(); }
  /// Hits are kept; their block is opened again when it is needed.
  void close_block() { block_.reset(); }

  const LogRow& log() const { return scan_.log(); }
  const std::string& name() const { return name_; }
  LogScan& scan() { return scan_; }

 private:
  struct Hit {
    std::uint64_t record = 0;
    std::int64_t time = 0;
    std::uint32_t row = 0;
  };

  base::Result<void> find_hits() {
    if (!block_) {
      ASSIGN_OR_RETURN(block_, scan_.open());
      if (!block_) return {};
    }
    auto& block = *block_;
    ASSIGN_OR_RETURN(const auto selected, select_events(block, scan_, plan_));
    for (std::size_t row = 0; row < selected.size(); ++row) {
      if (selected.test(row)) hits_.push_back({block->record(row), block->time(row), static_cast<std::uint32_t>(row)});
    }
    if (!forward_) std::reverse(hits_.begin(), hits_.end());
    return {};
  }

  base::Result<std::optional<StoredEvent>> read_hit() {
    std::optional<StoredEvent> stored;
    if (!block_) {
      ASSIGN_OR_RETURN(block_, scan_.open());
      if (!block_) {
        hits_.clear();
        next_hit_ = 0;
        return stored;
      }
    }
    auto& block = **block_;
    const auto& hit = hits_[next_hit_];
    ASSIGN_OR_RETURN(auto event, read_event(block, hit.row));
    stored.emplace();
    stored->log = name_;
    stored->record = hit.record;
    stored->received = base::WallTime(std::chrono::nanoseconds(block.received(hit.row)));
    stored->event = std::move(event);
    if (const auto id = block.sender(hit.row); id != 0) {
      // The event itself is worth more than how it came.
      if (const auto sender = source_.sender(id); sender.ok()) {
        stored->machine = (*sender)->machine;
        stored->subscription = (*sender)->subscription;
      }
    }
    return stored;
  }

  LogSource& source_;
  const std::string name_;
  const bool forward_;
  SearchPlan plan_;
  LogScan scan_;
  std::optional<OpenBlock> block_;
  std::vector<Hit> hits_;
  std::size_t next_hit_ = 0;
  bool has_candidate_ = false;
  bool at_end_ = false;
  std::int64_t time_ = 0;
};

class Search {
 public:
  Search(LogSource& source, const ReadRequest& request, base::Clock& clock)
      : source_(source), request_(request), clock_(clock), forward_(request.direction == Direction::OldestFirst) {}

  base::Result<void> begin(const CancelFlag& cancelled) {
    const auto now = clock_.wall();
    RETURN_IF_ERROR(source_.begin());
    const auto open = [&]() -> base::Result<void> {
      ASSIGN_OR_RETURN(auto logs, logs_of_query(source_, request_.query, request_.ignore_missing_logs));
      for (auto& log : logs) {
        cursors_.push_back(std::make_unique<Cursor>(source_, request_, std::move(log), now, cancelled));
        RETURN_IF_ERROR(cursors_.back()->begin());
      }
      return {};
    };
    auto opened = open();
    source_.end();
    return opened;
  }

  base::Result<ReadResult> run() {
    const auto& budget = request_.budget;
    ReadResult result;
    std::size_t bytes = 0;
    std::size_t searched = 0;
    while (result.events.size() < std::max<std::size_t>(budget.items, 1)) {
      ASSIGN_OR_RETURN(Cursor * cursor, next_cursor());
      if (cursor == nullptr) {
        result.at_end = true;
        break;
      }
      if (!cursor->has_hit()) {
        if (searched > 0 && clock_.steady() >= budget.until) break;
        ++searched;
        RETURN_IF_ERROR(cursor->search());
        keep_open(*cursor);
        continue;
      }
      const auto count = result.events.size();
      if (count > 0 && count % kEventsPerClock == 0 && clock_.steady() >= budget.until) break;
      ASSIGN_OR_RETURN(auto event, cursor->read());
      if (!event) continue;
      keep_open(*cursor);
      const auto size = event->event.xml.size();
      if (count > 0 && (bytes >= budget.bytes || size > budget.bytes - bytes)) break;
      bytes += size;
      result.events.push_back(std::move(*event));
      cursor->consume();
      last_ = cursor;
    }
    if (!result.at_end) {
      ASSIGN_OR_RETURN(result.at_end, nothing_left());
    }
    finish(result);
    return result;
  }

  void touched(std::vector<std::int64_t>& logs) const {
    for (const auto& cursor : cursors_) logs.push_back(cursor->log().id);
  }

 private:
  /// At equal times the log that the query names first comes first.
  base::Result<Cursor*> next_cursor() {
    Cursor* next = nullptr;
    for (auto& cursor : cursors_) {
      RETURN_IF_ERROR(cursor->prepare());
      if (cursor->at_end()) continue;
      if (next == nullptr || (forward_ ? cursor->time() < next->time() : cursor->time() > next->time())) next = cursor.get();
    }
    return next;
  }

  void keep_open(Cursor& cursor) {
    if (cursors_.size() <= kMaxOpenBlocks) return;
    open_.remove(&cursor);
    if (!cursor.has_block()) return;
    open_.push_front(&cursor);
    if (open_.size() <= kMaxOpenBlocks) return;
    open_.back()->close_block();
    open_.pop_back();
  }

  /// Whether summaries alone say that all has been found. The position stays at the last event that was, if not.
  base::Result<bool> nothing_left() {
    std::vector<std::uint64_t> positions;
    for (auto& cursor : cursors_) {
      positions.push_back(cursor->scan().position());
      RETURN_IF_ERROR(cursor->prepare());
    }
    if (std::all_of(cursors_.begin(), cursors_.end(), [](const auto& cursor) { return cursor->at_end(); })) return true;
    for (std::size_t i = 0; i < cursors_.size(); ++i) {
      if (cursors_[i].get() == last_) last_->scan().set_position(positions[i]);
    }
    return false;
  }

  void finish(ReadResult& result) {
    for (auto& cursor : cursors_) {
      result.position.set(cursor->name(), cursor->scan().position());
      result.looked_at += cursor->scan().passed();
      result.unreadable += cursor->scan().unreadable();
      for (const auto& [first, last] : cursor->scan().gaps()) result.gaps.push_back({cursor->name(), first, last});
    }
    // Set again, it becomes the current one.
    if (last_ != nullptr) {
      result.position.set(last_->name(), last_->scan().position());
    } else {
      result.position.current = request_.after.current;
    }
  }

  LogSource& source_;
  const ReadRequest& request_;
  base::Clock& clock_;
  const bool forward_;
  std::vector<std::unique_ptr<Cursor>> cursors_;
  std::list<Cursor*> open_;  // the one used last in front
  Cursor* last_ = nullptr;
};

}  // namespace

base::Result<std::vector<LogRow>> logs_of_query(LogSource& source, const events::Query& query, bool ignore_missing) {
  std::vector<LogRow> logs;
  for (const auto& path : query.paths()) {
    ASSIGN_OR_RETURN(auto log, source.find_log(path));
    if (!log && ignore_missing) continue;
    if (!log) return base::make_error(Errc::NotFound, "there is no log " + path);
    if (std::any_of(logs.begin(), logs.end(), [&](const LogRow& known) { return known.id == log->id; })) continue;
    logs.push_back(std::move(*log));
  }
  return logs;
}

base::Result<ReadResult> search_events(LogSource& source, const ReadRequest& request, base::Clock& clock,
                                       const CancelFlag& cancelled, std::vector<std::int64_t>* touched) {
  Search search(source, request, clock);
  RETURN_IF_ERROR(search.begin(cancelled));
  if (touched != nullptr) search.touched(*touched);
  return search.run();
}

}  // namespace storage
