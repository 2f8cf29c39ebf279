#include "storage/log_table.h"

#include "engine/base/encoding.h"

namespace storage {
namespace {

base::Result<void> check_name(const std::string& name) {
  if (!name.empty() && name.size() <= kMaxLogName && name.find('\0') == std::string::npos) return {};
  return base::make_error(std::errc::invalid_argument, "a log's name has 1 to " + std::to_string(kMaxLogName) + " bytes");
}

}  // namespace

base::Result<std::unique_ptr<LogTable>> LogTable::open(Database& database, std::uint64_t default_max_size) {
  std::unique_ptr<LogTable> table(new LogTable(database, default_max_size));
  ASSIGN_OR_RETURN(table->find_,
                   database.prepare("SELECT id, enabled, retention, max_size, last_write, size, records, oldest_record, "
                                    "next_record, overwritten FROM logs WHERE name = ?1"));
  ASSIGN_OR_RETURN(table->make_,
                   database.prepare("INSERT INTO logs (name, enabled, retention, auto_backup, max_size, type, "
                                    "owning_publisher, created, last_access, last_write, size, records, oldest_record, "
                                    "next_record, overwritten) "
                                    "VALUES (?1, 1, 0, 0, NULL, 'Operational', '', ?2, ?2, ?2, 0, 0, 0, 1, 0)"));
  ASSIGN_OR_RETURN(table->configure_,
                   database.prepare("UPDATE logs SET enabled = ?2, retention = ?3, auto_backup = ?4, max_size = ?5, "
                                    "type = ?6, owning_publisher = ?7 WHERE id = ?1"));
  ASSIGN_OR_RETURN(table->flush_, database.prepare("UPDATE logs SET last_write = ?2, size = ?3, records = ?4, "
                                                   "oldest_record = ?5, next_record = ?6, overwritten = ?7 WHERE id = ?1"));
  ASSIGN_OR_RETURN(table->accessed_, database.prepare("UPDATE logs SET last_access = max(last_access, ?2) WHERE id = ?1"));
  return table;
}

base::Result<OpenLog*> LogTable::load(const std::string& name) {
  ASSIGN_OR_RETURN(const bool found, find_.bind(1, name).step());
  if (!found) return nullptr;
  auto log = std::make_unique<OpenLog>();
  log->id = find_.integer(0);
  log->enabled = find_.integer(1) != 0;
  log->retention = find_.integer(2) != 0;
  log->max_size = find_.is_null(3) ? default_max_size_ : static_cast<std::uint64_t>(find_.integer(3));
  log->last_write = find_.time(4);
  log->size = static_cast<std::uint64_t>(find_.integer(5));
  log->records = static_cast<std::uint64_t>(find_.integer(6));
  log->oldest_record = find_.integer(7);
  log->next_record = find_.integer(8);
  log->overwritten = static_cast<std::uint64_t>(find_.integer(9));
  find_.reset();
  ASSIGN_OR_RETURN(log->insert, database_.prepare(insert_event_sql(log->id)));
  auto& place = logs_[base::to_lower(name)];
  place = std::move(log);
  return place.get();
}

base::Result<OpenLog*> LogTable::find(const std::string& name) {
  if (const auto known = logs_.find(base::to_lower(name)); known != logs_.end()) return known->second.get();
  return load(name);
}

base::Result<OpenLog*> LogTable::find_or_make(const std::string& name, base::WallTime now) {
  ASSIGN_OR_RETURN(auto* known, find(name));
  if (known != nullptr) return known;
  RETURN_IF_ERROR(check_name(name));
  RETURN_IF_ERROR(make_.bind(1, name).bind(2, now).run());
  ASSIGN_OR_RETURN(const auto id, database_.ask("SELECT last_insert_rowid()"));
  RETURN_IF_ERROR(database_.execute(create_events_table(id)));
  return load(name);
}

base::Result<void> LogTable::configure(const LogProperties& properties, base::WallTime now) {
  if (properties.max_size < kMinLogSize || properties.max_size > static_cast<std::uint64_t>(INT64_MAX)) {
    return base::make_error(std::errc::invalid_argument, "a log holds at least " + std::to_string(kMinLogSize) + " bytes");
  }
  ASSIGN_OR_RETURN(auto* log, find_or_make(properties.name, now));
  log->enabled = properties.enabled;
  log->retention = properties.retention;
  log->max_size = properties.max_size;
  configure_.bind(1, log->id).bind(2, properties.enabled).bind(3, properties.retention).bind(4, properties.auto_backup);
  configure_.bind(5, properties.max_size).bind(6, properties.type).bind(7, properties.owning_publisher);
  RETURN_IF_ERROR(configure_.run());
  return log->retention ? base::Result<void>() : trim(*log);
}

base::Result<void> LogTable::clear(OpenLog& log, base::WallTime now) {
  RETURN_IF_ERROR(database_.execute("DELETE FROM " + events_table(log.id)));
  log.size = 0;
  log.records = 0;
  log.oldest_record = 0;
  log.last_write = now;
  log.changed = true;
  return {};
}

base::Result<void> LogTable::add(OpenLog& log, RowContext context, const events::Event& event) {
  context.record = log.next_record;
  bind_event(log.insert, context, event);
  RETURN_IF_ERROR(log.insert.run());
  if (log.records == 0) log.oldest_record = log.next_record;
  ++log.next_record;
  ++log.records;
  log.size += event.xml.size();
  log.last_write = std::max(log.last_write, context.received);
  log.changed = true;
  return {};
}

base::Result<void> LogTable::trim(OpenLog& log) {
  if (log.size <= log.max_size || log.records < 2) return {};
  const auto table = events_table(log.id);
  ASSIGN_OR_RETURN(auto oldest, database_.prepare("SELECT record, size FROM " + table + " ORDER BY record"));
  std::int64_t keep_from = 0;
  std::uint64_t removed = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, oldest.step());
    if (!row) break;
    keep_from = oldest.integer(0);
    if (log.size <= log.max_size || log.records == 1) break;
    log.size -= static_cast<std::uint64_t>(oldest.integer(1));
    --log.records;
    ++removed;
  }
  oldest.reset();
  ASSIGN_OR_RETURN(auto remove, database_.prepare("DELETE FROM " + table + " WHERE record < ?1"));
  RETURN_IF_ERROR(remove.bind(1, keep_from).run());
  log.oldest_record = keep_from;
  log.overwritten += removed;
  log.removed_lately += removed;
  log.changed = true;
  return {};
}

base::Result<void> LogTable::flush() {
  for (auto& [name, log] : logs_) {
    if (!log->changed) continue;
    flush_.bind(1, log->id).bind(2, log->last_write).bind(3, log->size).bind(4, log->records);
    flush_.bind(5, log->oldest_record).bind(6, log->next_record).bind(7, log->overwritten);
    RETURN_IF_ERROR(flush_.run());
    log->changed = false;
  }
  return {};
}

base::Result<void> LogTable::set_last_access(std::int64_t id, base::WallTime time) {
  return accessed_.bind(1, id).bind(2, time).run();
}

}  // namespace storage
