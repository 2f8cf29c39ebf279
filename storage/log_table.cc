#include "storage/log_table.h"

#include <algorithm>

#include "engine/base/encoding.h"

namespace storage {
namespace {

constexpr std::string_view kColumns =
    "id, name, enabled, retention, auto_backup, max_size, max_age, max_records, last_write, text_bytes, records, "
    "next_record, overwritten";

base::Result<void> check_name(const std::string& name) {
  if (!name.empty() && name.size() <= kMaxLogName && name.find('\0') == std::string::npos) return {};
  return base::make_error(std::errc::invalid_argument, "a log's name has 1 to " + std::to_string(kMaxLogName) + " bytes");
}

base::Result<void> check(const LogProperties& properties) {
  constexpr std::uint64_t kHighest = std::numeric_limits<std::int64_t>::max();
  if (properties.max_size < kMinLogSize || properties.max_size > kHighest) {
    return base::make_error(std::errc::invalid_argument, "a log holds at least " + std::to_string(kMinLogSize) + " bytes");
  }
  if (properties.max_age.count() < 0 || properties.max_records > kHighest) {
    return base::make_error(std::errc::invalid_argument, "the limits of the log " + properties.name);
  }
  return {};
}

std::uint64_t unsigned_of(const Statement& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}

}  // namespace

std::uint64_t OpenLog::oldest_record() const {
  if (!files.empty()) return files.front().first_record;
  if (!tail.empty()) return tail.front().first_record;
  return static_cast<std::uint64_t>(next_record);
}

base::Result<std::unique_ptr<LogTable>> LogTable::open(Database& database, std::uint64_t default_max_size) {
  std::unique_ptr<LogTable> table(new LogTable(database, default_max_size));
  const auto select = "SELECT " + std::string(kColumns) + " FROM logs WHERE ";
  ASSIGN_OR_RETURN(table->find_, database.prepare(select + "name = ?1"));
  ASSIGN_OR_RETURN(table->find_id_, database.prepare(select + "id = ?1"));
  ASSIGN_OR_RETURN(table->make_,
                   database.prepare("INSERT INTO logs (name, enabled, retention, auto_backup, max_size, type, "
                                    "owning_publisher, created, last_access, last_write, size, records, oldest_record, "
                                    "next_record, overwritten) "
                                    "VALUES (?1, 1, 0, 0, NULL, 'Operational', '', ?2, ?2, ?2, 0, 0, 0, 1, 0)"));
  ASSIGN_OR_RETURN(
      table->configure_,
      database.prepare("UPDATE logs SET enabled = ?2, retention = ?3, auto_backup = ?4, max_size = ?5, type = ?6, "
                       "owning_publisher = ?7, max_age = ?8, max_records = ?9, isolation = ?10, channel_access = ?11 "
                       "WHERE id = ?1"));
  ASSIGN_OR_RETURN(table->flush_, database.prepare("UPDATE logs SET last_write = ?2, size = ?3, records = ?4, "
                                                   "oldest_record = ?5, next_record = ?6, overwritten = ?7, "
                                                   "text_bytes = ?8 WHERE id = ?1"));
  ASSIGN_OR_RETURN(table->accessed_, database.prepare("UPDATE logs SET last_access = max(last_access, ?2) WHERE id = ?1"));
  ASSIGN_OR_RETURN(table->add_part_,
                   database.prepare("INSERT INTO tail (log, first_record, last_record, summary, keys, frames) "
                                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id"));
  ASSIGN_OR_RETURN(table->remove_parts_,
                   database.prepare("DELETE FROM tail WHERE log = ?1 AND first_record BETWEEN ?2 AND ?3"));
  ASSIGN_OR_RETURN(table->finish_file_, database.prepare("UPDATE files SET finished = 1, bytes = ?2 WHERE id = ?1"));
  ASSIGN_OR_RETURN(table->remove_file_, database.prepare("DELETE FROM files WHERE id = ?1"));
  return table;
}

base::Result<OpenLog*> LogTable::load(const Statement& row) {
  auto log = std::make_unique<OpenLog>();
  log->id = row.integer(0);
  log->name = row.text(1);
  log->enabled = row.integer(2) != 0;
  log->retention = row.integer(3) != 0;
  log->auto_backup = row.integer(4) != 0;
  log->max_size = row.is_null(5) ? default_max_size_ : unsigned_of(row, 5);
  log->max_age = std::chrono::seconds(row.integer(6));
  log->max_records = unsigned_of(row, 7);
  log->last_write = row.time(8);
  log->text_bytes = unsigned_of(row, 9);
  log->records = unsigned_of(row, 10);
  log->next_record = row.integer(11);
  log->overwritten = unsigned_of(row, 12);
  ASSIGN_OR_RETURN(auto files, files_of_log(database_, log->id));
  for (auto& file : files) {
    log->file_bytes += file.bytes;
    log->files.push_back(std::move(file));
  }
  ASSIGN_OR_RETURN(auto tail, tail_of_log(database_, log->id));
  for (const auto& block : tail) {
    const auto& summary = block.summary;
    count_part(*log,
               {block.id, summary.first_record, summary.events, summary.text_bytes, block.bytes, summary.max_received});
  }
  auto& place = logs_[base::to_lower(log->name)];
  place = std::move(log);
  return by_id_[place->id] = place.get();
}

base::Result<OpenLog*> LogTable::find(const std::string& name) {
  if (const auto known = logs_.find(base::to_lower(name)); known != logs_.end()) return known->second.get();
  if (all_loaded_) return nullptr;
  ASSIGN_OR_RETURN(const bool found, find_.bind(1, name).step());
  if (!found) return nullptr;
  auto log = load(find_);
  find_.reset();
  return log;
}

base::Result<OpenLog*> LogTable::find(std::int64_t id) {
  if (const auto known = by_id_.find(id); known != by_id_.end()) return known->second;
  if (all_loaded_) return nullptr;
  ASSIGN_OR_RETURN(const bool found, find_id_.bind(1, id).step());
  if (!found) return nullptr;
  auto log = load(find_id_);
  find_id_.reset();
  return log;
}

base::Result<OpenLog*> LogTable::find_or_make(const std::string& name, base::WallTime now) {
  ASSIGN_OR_RETURN(auto* known, find(name));
  if (known != nullptr) return known;
  RETURN_IF_ERROR(check_name(name));
  RETURN_IF_ERROR(make_.bind(1, name).bind(2, now).run());
  ASSIGN_OR_RETURN(const auto id, database_.ask("SELECT last_insert_rowid()"));
  all_loaded_ = false;
  return find(id);
}

base::Result<OpenLog*> LogTable::configure(const LogProperties& properties, base::WallTime now) {
  RETURN_IF_ERROR(check(properties));
  ASSIGN_OR_RETURN(auto* log, find_or_make(properties.name, now));
  log->enabled = properties.enabled;
  log->retention = properties.retention;
  log->auto_backup = properties.auto_backup;
  log->max_size = properties.max_size;
  log->max_age = properties.max_age;
  log->max_records = properties.max_records;
  configure_.bind(1, log->id).bind(2, properties.enabled).bind(3, properties.retention).bind(4, properties.auto_backup);
  configure_.bind(5, properties.max_size).bind(6, properties.type).bind(7, properties.owning_publisher);
  configure_.bind(8, properties.max_age.count()).bind(9, properties.max_records).bind(10, properties.isolation);
  RETURN_IF_ERROR(configure_.bind(11, properties.channel_access).run());
  return log;
}

base::Result<std::vector<OpenLog*>> LogTable::all() {
  if (!all_loaded_) {
    ASSIGN_OR_RETURN(auto rows, database_.prepare("SELECT id FROM logs"));
    std::vector<std::int64_t> ids;
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, rows.step());
      if (!row) break;
      ids.push_back(rows.integer(0));
    }
    for (const auto id : ids) RETURN_IF_ERROR(find(id));
    all_loaded_ = true;
  }
  std::vector<OpenLog*> logs;
  for (const auto& [id, log] : by_id_) logs.push_back(log);
  return logs;
}

void LogTable::count_part(OpenLog& log, const TailPart& part) {
  log.tail_bytes += part.bytes;
  log.tail_events += part.events;
  if (part.events < kSmallBlock) ++log.small_parts;
  tail_bytes_ += part.bytes;
  log.tail.push_back(part);
}

void LogTable::drop_part(OpenLog& log, const TailPart& part) {
  log.tail_bytes -= part.bytes;
  log.tail_events -= part.events;
  if (part.events < kSmallBlock) --log.small_parts;
  tail_bytes_ -= part.bytes;
}

base::Result<void> LogTable::insert_block(OpenLog& log, const EncodedBlock& block, TailPart& part) {
  const auto summary = block.summary.encode();
  const auto keys = encode_keys(block.keys);
  const auto frames = pack_frames(block.frames);
  add_part_.bind(1, log.id).bind(2, block.summary.first_record).bind(3, block.summary.last_record());
  add_part_.bind_blob(4, summary).bind_blob(5, keys).bind_blob(6, frames);
  ASSIGN_OR_RETURN(const bool added, add_part_.step());
  if (added) part.id = add_part_.integer(0);
  RETURN_IF_ERROR(add_part_.run());
  part.first_record = block.summary.first_record;
  part.events = block.summary.events;
  part.text_bytes = block.summary.text_bytes;
  part.bytes = summary.size() + keys.size() + frames.size();
  part.max_received = block.summary.max_received;
  return {};
}

base::Result<void> LogTable::add_block(OpenLog& log, const EncodedBlock& block) {
  TailPart part;
  RETURN_IF_ERROR(insert_block(log, block, part));
  count_part(log, part);
  log.records += part.events;
  log.text_bytes += part.text_bytes;
  log.changed = true;
  return {};
}

base::Result<bool> LogTable::replace_parts(OpenLog& log, const EncodedBlock& block) {
  const auto first = std::find_if(log.tail.begin(), log.tail.end(),
                                  [&](const TailPart& part) { return part.first_record == block.summary.first_record; });
  auto end = first;
  while (end != log.tail.end() && end->last_record() <= block.summary.last_record()) ++end;
  if (first == end || std::prev(end)->last_record() != block.summary.last_record()) return false;
  RETURN_IF_ERROR(remove_parts_.bind(1, log.id).bind(2, first->first_record).bind(3, std::prev(end)->first_record).run());
  for (auto part = first; part != end; ++part) drop_part(log, *part);
  RETURN_IF_ERROR(insert_block(log, block, *first));
  const TailPart merged = *first;
  log.tail_bytes += merged.bytes;
  log.tail_events += merged.events;
  if (merged.events < kSmallBlock) ++log.small_parts;
  tail_bytes_ += merged.bytes;
  log.tail.erase(std::next(first), end);
  log.changed = true;
  return true;
}

base::Result<bool> LogTable::move_into_file(OpenLog& log, const FileRow& file, std::uint64_t first_record) {
  if (log.tail.empty() || log.tail.front().first_record != first_record) return false;
  auto end = log.tail.begin();
  while (end != log.tail.end() && end->last_record() <= file.last_record) ++end;
  if (end == log.tail.begin() || std::prev(end)->last_record() != file.last_record) return false;
  const bool goes_on = file.first_record != first_record;
  if (goes_on && (log.files.empty() || log.files.back().id != file.id || log.files.back().finished)) return false;

  RETURN_IF_ERROR(remove_parts_.bind(1, log.id).bind(2, first_record).bind(3, file.last_record).run());
  RETURN_IF_ERROR(write_file_row(database_, file));
  for (auto part = log.tail.begin(); part != end; ++part) drop_part(log, *part);
  log.tail.erase(log.tail.begin(), end);
  if (goes_on) {
    log.file_bytes -= log.files.back().bytes;
    log.files.pop_back();
  }
  log.file_bytes += file.bytes;
  log.files.push_back(file);
  log.changed = true;
  return true;
}

base::Result<void> LogTable::finish_file(OpenLog& log, std::int64_t file, std::uint64_t bytes) {
  const auto place = std::find_if(log.files.begin(), log.files.end(), [&](const FileRow& row) { return row.id == file; });
  if (place == log.files.end()) return {};
  RETURN_IF_ERROR(finish_file_.bind(1, file).bind(2, bytes).run());
  log.file_bytes += bytes - place->bytes;
  place->bytes = bytes;
  place->finished = true;
  log.changed = true;
  return {};
}

base::Result<void> LogTable::remove_oldest_file(OpenLog& log) {
  const auto& file = log.files.front();
  RETURN_IF_ERROR(remove_file_.bind(1, file.id).run());
  log.file_bytes -= file.bytes;
  log.records -= file.events;
  log.text_bytes -= file.text_bytes;
  log.removed_lately += file.events;
  log.files.pop_front();
  log.changed = true;
  return {};
}

base::Result<void> LogTable::remove_oldest_part(OpenLog& log) {
  const auto part = log.tail.front();
  RETURN_IF_ERROR(remove_parts_.bind(1, log.id).bind(2, part.first_record).bind(3, part.first_record).run());
  drop_part(log, part);
  log.records -= part.events;
  log.text_bytes -= part.text_bytes;
  log.removed_lately += part.events;
  log.tail.pop_front();
  log.changed = true;
  return {};
}

base::Result<void> LogTable::remove_tail(OpenLog& log) {
  if (log.tail.empty()) return {};
  RETURN_IF_ERROR(
      remove_parts_.bind(1, log.id).bind(2, log.tail.front().first_record).bind(3, log.tail.back().first_record).run());
  for (const auto& part : log.tail) {
    drop_part(log, part);
    log.records -= part.events;
    log.text_bytes -= part.text_bytes;
  }
  log.tail.clear();
  log.changed = true;
  return {};
}

base::Result<void> LogTable::flush() {
  for (auto& [id, log] : by_id_) {
    if (!log->changed) continue;
    const auto oldest = log->records == 0 ? 0 : log->oldest_record();
    flush_.bind(1, log->id).bind(2, log->last_write).bind(3, log->size()).bind(4, log->records).bind(5, oldest);
    flush_.bind(6, log->next_record).bind(7, log->overwritten).bind(8, log->text_bytes);
    RETURN_IF_ERROR(flush_.run());
    log->changed = false;
  }
  return {};
}

base::Result<void> LogTable::set_last_access(std::int64_t id, base::WallTime time) {
  return accessed_.bind(1, id).bind(2, time).run();
}

void LogTable::forget() {
  logs_.clear();
  by_id_.clear();
  all_loaded_ = false;
  tail_bytes_ = 0;
}

}  // namespace storage
