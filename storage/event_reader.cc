#include "storage/event_reader.h"

#include <algorithm>

#include "storage/event_row.h"

namespace storage {
namespace {

constexpr std::size_t kMaxCachedTexts = 1u << 14;
// The clock is asked each time so many events have been looked at.
constexpr std::size_t kEventsPerClock = 32;

constexpr std::string_view kLogColumns =
    "id, name, enabled, retention, auto_backup, max_size, type, owning_publisher, created, last_access, last_write, size, "
    "records, oldest_record, next_record, overwritten";

std::string select_texts(const std::string& table, const std::string& columns) {
  return "SELECT " + columns + " FROM " + table + " WHERE id = ?1";
}

// Position of an OldestFirst read: records above it are yet to come. Record numbers beyond SQLite's hold nothing.
std::int64_t as_record(std::uint64_t number) {
  constexpr std::uint64_t kHighest = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(number, kHighest));
}

}  // namespace

// The events of one log in reading order.
class EventReader::Cursor {
 public:
  static base::Result<Cursor> open(Database& database, LogRow log, Direction direction, std::optional<std::uint64_t> after) {
    Cursor cursor;
    const bool forward = direction == Direction::OldestFirst;
    cursor.position_ = after ? as_record(*after) : forward ? 0 : as_record(log.next_record);
    cursor.log_ = std::move(log);
    const std::string order = forward ? " WHERE record > ?1 ORDER BY record" : " WHERE record < ?1 ORDER BY record DESC";
    ASSIGN_OR_RETURN(cursor.rows_, database.prepare("SELECT " + std::string(kEventColumns) + " FROM " +
                                                    events_table(cursor.log_.id) + order));
    cursor.rows_.bind(1, cursor.position_);
    RETURN_IF_ERROR(cursor.go_on());
    return cursor;
  }

  bool at_end() const { return !has_row_; }
  base::WallTime time() const { return time_; }
  const Statement& row() const { return rows_; }
  const LogRow& log() const { return log_; }
  /// The last record that was consumed, or where the reading began.
  std::int64_t position() const { return position_; }

  /// Leaves the current event behind.
  base::Result<void> consume() {
    position_ = read_context(rows_).record;
    return go_on();
  }

 private:
  base::Result<void> go_on() {
    ASSIGN_OR_RETURN(has_row_, rows_.step());
    if (has_row_) time_ = read_time(rows_);
    return {};
  }

  LogRow log_;
  Statement rows_;
  bool has_row_ = false;
  base::WallTime time_;
  std::int64_t position_ = 0;
};

base::Result<std::unique_ptr<EventReader>> EventReader::open(const std::filesystem::path& file,
                                                             const EventStoreOptions& options) {
  std::unique_ptr<EventReader> reader(new EventReader);
  reader->clock_ = options.clock;
  reader->default_max_size_ = options.default_max_size;
  Database::Options database_options;
  database_options.read_only = true;
  database_options.cache_bytes = 4u << 20;
  ASSIGN_OR_RETURN(reader->database_, Database::open(file, database_options));
  auto& database = *reader->database_;
  ASSIGN_OR_RETURN(reader->find_log_, database.prepare("SELECT " + std::string(kLogColumns) + " FROM logs WHERE name = ?1"));
  ASSIGN_OR_RETURN(reader->find_publisher_, database.prepare(select_texts("publishers", "name, guid, event_source_name")));
  ASSIGN_OR_RETURN(reader->find_origin_, database.prepare(select_texts("origins", "machine, computer, channel")));
  ASSIGN_OR_RETURN(reader->find_sender_, database.prepare(select_texts("senders", "subscription, machine, address")));
  return reader;
}

base::Result<ReadResult> EventReader::read(const ReadRequest& request, std::vector<std::int64_t>* touched) {
  RETURN_IF_ERROR(database_->begin_read());
  auto result = read_all(request, touched);
  database_->rollback();
  return result;
}

base::Result<std::vector<EventReader::Cursor>> EventReader::open_cursors(const ReadRequest& request) {
  std::vector<Cursor> cursors;
  for (const auto& path : request.query.paths()) {
    ASSIGN_OR_RETURN(auto log, find_log(path));
    if (!log && request.ignore_missing_logs) continue;
    if (!log) return base::make_error(Errc::NotFound, "there is no log " + path);
    const auto same = [&log](const Cursor& cursor) { return cursor.log().id == log->id; };
    if (std::any_of(cursors.begin(), cursors.end(), same)) continue;
    const auto after = request.after.find(log->log.properties.name);
    ASSIGN_OR_RETURN(auto cursor, Cursor::open(*database_, std::move(*log), request.direction, after));
    cursors.push_back(std::move(cursor));
  }
  return cursors;
}

base::Result<ReadResult> EventReader::read_all(const ReadRequest& request, std::vector<std::int64_t>* touched) {
  ASSIGN_OR_RETURN(auto cursors, open_cursors(request));
  const bool forward = request.direction == Direction::OldestFirst;
  // At equal times the log that the query names first comes first.
  const auto next_cursor = [&]() -> Cursor* {
    Cursor* next = nullptr;
    for (auto& cursor : cursors) {
      if (cursor.at_end()) continue;
      const bool before = next == nullptr || (forward ? cursor.time() < next->time() : cursor.time() > next->time());
      if (before) next = &cursor;
    }
    return next;
  };

  const auto now = clock_->wall();
  const auto& budget = request.budget;
  ReadResult result;
  std::size_t bytes = 0;
  const Cursor* last = nullptr;
  for (std::size_t looked_at = 0;; ++looked_at) {
    Cursor* cursor = next_cursor();
    if (cursor == nullptr) {
      result.at_end = true;
      break;
    }
    if (result.events.size() >= std::max<std::size_t>(budget.items, 1)) break;
    if (looked_at > 0 && looked_at % kEventsPerClock == 0 && clock_->steady() >= budget.until) break;
    ASSIGN_OR_RETURN(auto event, complete(*cursor));
    if (request.query.matches(event.event, event.log, now)) {
      const auto size = event.event.xml.size();
      if (!result.events.empty() && (bytes >= budget.bytes || size > budget.bytes - bytes)) break;
      bytes += size;
      result.events.push_back(std::move(event));
    }
    RETURN_IF_ERROR(cursor->consume());
    last = cursor;
  }

  for (const auto& cursor : cursors) {
    result.position.set(cursor.log().log.properties.name, static_cast<std::uint64_t>(cursor.position()));
    if (touched != nullptr) touched->push_back(cursor.log().id);
  }
  // Set again, it becomes the current one.
  if (last != nullptr) {
    result.position.set(last->log().log.properties.name, static_cast<std::uint64_t>(last->position()));
  } else {
    result.position.current = request.after.current;
  }
  return result;
}

base::Result<StoredEvent> EventReader::complete(const Cursor& cursor) {
  const auto context = read_context(cursor.row());
  StoredEvent stored;
  stored.log = cursor.log().log.properties.name;
  stored.record = static_cast<std::uint64_t>(context.record);
  stored.received = context.received;
  stored.event = read_event(cursor.row());
  auto& system = stored.event.system;
  ASSIGN_OR_RETURN(const auto* publisher, texts_of(publishers_, find_publisher_, context.publisher));
  system.provider = (*publisher)[0];
  system.provider_guid = (*publisher)[1];
  system.event_source_name = (*publisher)[2];
  ASSIGN_OR_RETURN(const auto* origin, texts_of(origins_, find_origin_, context.origin));
  stored.machine = (*origin)[0];
  system.computer = (*origin)[1];
  system.channel = (*origin)[2];
  if (context.sender != 0) {
    ASSIGN_OR_RETURN(const auto* sender, texts_of(senders_, find_sender_, context.sender));
    stored.subscription = (*sender)[0];
  }
  return stored;
}

base::Result<const EventReader::Texts*> EventReader::texts_of(std::unordered_map<std::int64_t, Texts>& cache,
                                                              Statement& find, std::int64_t id) {
  if (const auto known = cache.find(id); known != cache.end()) return &known->second;
  ASSIGN_OR_RETURN(const bool found, find.bind(1, id).step());
  if (!found) return base::make_error(Errc::Corrupt, database_->name() + " lacks a text that an event names");
  Texts texts{std::string(find.text(0)), std::string(find.text(1)), std::string(find.text(2))};
  find.reset();
  if (cache.size() >= kMaxCachedTexts) cache.clear();
  return &(cache[id] = std::move(texts));
}

LogRow EventReader::row_of(const Statement& row) const {
  LogRow log;
  log.id = row.integer(0);
  auto& properties = log.log.properties;
  properties.name = row.text(1);
  properties.enabled = row.integer(2) != 0;
  properties.retention = row.integer(3) != 0;
  properties.auto_backup = row.integer(4) != 0;
  properties.max_size = row.is_null(5) ? default_max_size_ : static_cast<std::uint64_t>(row.integer(5));
  properties.type = row.text(6);
  properties.owning_publisher = row.text(7);
  auto& status = log.log.status;
  status.created = row.time(8);
  status.last_access = row.time(9);
  status.last_write = row.time(10);
  status.size = static_cast<std::uint64_t>(row.integer(11));
  status.records = static_cast<std::uint64_t>(row.integer(12));
  status.oldest_record = static_cast<std::uint64_t>(row.integer(13));
  log.next_record = static_cast<std::uint64_t>(row.integer(14));
  status.newest_record = log.next_record - 1;
  status.overwritten = static_cast<std::uint64_t>(row.integer(15));
  return log;
}

base::Result<std::vector<LogRow>> EventReader::logs() {
  ASSIGN_OR_RETURN(auto rows, database_->prepare("SELECT " + std::string(kLogColumns) + " FROM logs ORDER BY name"));
  std::vector<LogRow> logs;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return logs;
    logs.push_back(row_of(rows));
  }
}

base::Result<std::optional<LogRow>> EventReader::find_log(const std::string& name) {
  ASSIGN_OR_RETURN(const bool found, find_log_.bind(1, name).step());
  std::optional<LogRow> log;
  if (!found) return log;
  log = row_of(find_log_);
  find_log_.reset();
  return log;
}

base::Result<std::optional<std::string>> EventReader::find_position(const std::string& source) {
  ASSIGN_OR_RETURN(auto rows, database_->prepare("SELECT position FROM positions WHERE source = ?1"));
  ASSIGN_OR_RETURN(const bool found, rows.bind(1, source).step());
  std::optional<std::string> position;
  if (found) position = rows.text(0);
  return position;
}

base::Result<std::vector<DeliveryState>> EventReader::delivery_states(const std::optional<std::string>& subscription,
                                                                      const std::optional<std::string>& machine) {
  std::string sql =
      "SELECT subscription, machine, address, bookmark, last_heartbeat, last_event, last_error, error_message, error_time, "
      "events, dropped FROM deliveries WHERE true";
  if (subscription) sql += " AND subscription = ?1";
  if (machine) sql += " AND machine = ?2";
  ASSIGN_OR_RETURN(auto rows, database_->prepare(sql + " ORDER BY subscription, machine"));
  if (subscription) rows.bind(1, *subscription);
  if (machine) rows.bind(2, *machine);
  std::vector<DeliveryState> states;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return states;
    DeliveryState state;
    state.subscription = rows.text(0);
    state.machine = rows.text(1);
    state.address = rows.text(2);
    state.bookmark = rows.optional_text(3);
    state.last_heartbeat = rows.optional_time(4);
    state.last_event = rows.optional_time(5);
    state.last_error = static_cast<std::uint32_t>(rows.integer(6));
    state.error_message = rows.text(7);
    state.error_time = rows.optional_time(8);
    state.events = static_cast<std::uint64_t>(rows.integer(9));
    state.dropped = static_cast<std::uint64_t>(rows.integer(10));
    states.push_back(std::move(state));
  }
}

}  // namespace storage
