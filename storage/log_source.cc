#include "storage/log_source.h"

#include <algorithm>
#include <limits>

namespace storage {
namespace {

constexpr std::size_t kMaxCachedSenders = 1u << 14;
constexpr std::size_t kCacheBytes = 4u << 20;
// So many blocks of a tail are taken at once: a tail of single events has thousands of them.
constexpr std::int64_t kTailBlocks = 128;

constexpr std::string_view kLogColumns =
    "id, name, enabled, retention, auto_backup, max_size, type, owning_publisher, created, last_access, last_write, size, "
    "records, oldest_record, next_record, overwritten, text_bytes, max_age, max_records, isolation, channel_access";

// Record numbers beyond SQLite's hold nothing.
std::int64_t as_record(std::uint64_t number) {
  constexpr std::uint64_t kHighest = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(number, kHighest));
}

std::uint64_t number(const Statement& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}

std::string select_tail(const std::string& order) {
  return "SELECT first_record, last_record, summary FROM tail "
         "WHERE log = ?1 AND first_record <= ?3 AND last_record >= ?2 AND first_record >= "
         "coalesce((SELECT max(first_record) FROM tail WHERE log = ?1 AND first_record <= ?2), 0) ORDER BY first_record" +
         order + " LIMIT ?4";
}

}  // namespace

base::Result<std::unique_ptr<CatalogueReader>> CatalogueReader::open(ReaderShared& shared) {
  std::unique_ptr<CatalogueReader> reader(new CatalogueReader(shared));
  const auto file = catalogue_file(shared.store.directory);
  ASSIGN_OR_RETURN(reader->database_, Database::open(file, shared.store.database_options(true, kCacheBytes)));
  auto& database = *reader->database_;
  ASSIGN_OR_RETURN(reader->find_log_, database.prepare("SELECT " + std::string(kLogColumns) + " FROM logs WHERE name = ?1"));
  ASSIGN_OR_RETURN(reader->find_sender_,
                   database.prepare("SELECT subscription, machine, address FROM senders WHERE id = ?1"));
  ASSIGN_OR_RETURN(reader->files_,
                   database.prepare("SELECT " + std::string(kFileColumns) +
                                    " FROM files WHERE log = ?1 AND first_record <= ?3 AND last_record >= ?2 "
                                    "ORDER BY first_record"));
  ASSIGN_OR_RETURN(reader->tail_up_, database.prepare(select_tail("")));
  ASSIGN_OR_RETURN(reader->tail_down_, database.prepare(select_tail(" DESC")));
  ASSIGN_OR_RETURN(reader->frames_,
                   database.prepare("SELECT frames FROM tail WHERE log = ?1 AND first_record = ?2 AND last_record = ?3"));
  ASSIGN_OR_RETURN(reader->keys_,
                   database.prepare("SELECT keys FROM tail WHERE log = ?1 AND first_record = ?2 AND last_record = ?3"));
  return reader;
}

LogRow CatalogueReader::row_of(const Statement& row) const {
  LogRow log;
  log.id = row.integer(0);
  auto& properties = log.log.properties;
  properties.name = row.text(1);
  properties.enabled = row.integer(2) != 0;
  properties.retention = row.integer(3) != 0;
  properties.auto_backup = row.integer(4) != 0;
  properties.max_size = row.is_null(5) ? shared_.store.options.default_max_size : number(row, 5);
  properties.type = row.text(6);
  properties.owning_publisher = row.text(7);
  properties.max_age = std::chrono::seconds(row.integer(17));
  properties.max_records = number(row, 18);
  properties.isolation = row.text(19);
  properties.channel_access = row.text(20);
  auto& status = log.log.status;
  status.created = row.time(8);
  status.last_access = row.time(9);
  status.last_write = row.time(10);
  status.size = number(row, 11);
  status.text_bytes = number(row, 16);
  status.records = number(row, 12);
  status.oldest_record = number(row, 13);
  log.next_record = std::max<std::uint64_t>(number(row, 14), 1);
  status.newest_record = log.next_record - 1;
  status.overwritten = number(row, 15);
  return log;
}

base::Result<std::vector<LogRow>> CatalogueReader::logs() {
  ASSIGN_OR_RETURN(auto rows, database_->prepare("SELECT " + std::string(kLogColumns) + " FROM logs ORDER BY name"));
  std::vector<LogRow> logs;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return logs;
    logs.push_back(row_of(rows));
  }
}

base::Result<std::optional<LogRow>> CatalogueReader::find_log(const std::string& name) {
  ASSIGN_OR_RETURN(const bool found, find_log_.bind(1, name).step());
  std::optional<LogRow> log;
  if (!found) return log;
  log = row_of(find_log_);
  find_log_.reset();
  return log;
}

base::Result<LogPlaces> CatalogueReader::places(std::int64_t log, std::uint64_t first, std::uint64_t last,
                                                Direction direction) {
  LogPlaces places;
  const bool forward = direction == Direction::OldestFirst;
  auto& tail = forward ? tail_up_ : tail_down_;
  tail.bind(1, log).bind(2, as_record(first)).bind(3, as_record(last)).bind(4, kTailBlocks + 1);
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, tail.step());
    if (!row) break;
    TailBlock block;
    block.first_record = number(tail, 0);
    block.last_record = number(tail, 1);
    auto summary = BlockSummary::decode(tail.blob(2));
    if (summary.ok() && summary->events > 0 && summary->first_record == block.first_record &&
        summary->last_record() == block.last_record) {
      block.summary = std::make_shared<const BlockSummary>(std::move(*summary));
    }
    places.tail.push_back(std::move(block));
  }
  if (places.tail.size() > static_cast<std::size_t>(kTailBlocks)) {
    places.tail.pop_back();
    places.complete = false;
  }
  if (!forward) std::reverse(places.tail.begin(), places.tail.end());
  if (!forward && !places.complete) return places;

  files_.bind(1, log).bind(2, as_record(first)).bind(3, as_record(last));
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, files_.step());
    if (!row) return places;
    auto file = read_file_row(files_);
    if (file.last_record >= file.first_record) places.files.push_back(std::move(file));
  }
}

base::Result<std::optional<std::vector<std::string>>> CatalogueReader::tail_frames(std::int64_t log,
                                                                                   const BlockSummary& block) {
  std::optional<std::vector<std::string>> frames;
  ASSIGN_OR_RETURN(
      const bool found,
      frames_.bind(1, log).bind(2, as_record(block.first_record)).bind(3, as_record(block.last_record())).step());
  if (!found) return frames;
  auto unpacked = unpack_frames(frames_.blob(0));
  frames_.reset();
  if (!unpacked.ok()) return std::move(unpacked).error();
  frames = std::move(*unpacked);
  return frames;
}

base::Result<std::optional<std::vector<ValueKey>>> CatalogueReader::tail_keys(std::int64_t log, const BlockSummary& block) {
  std::optional<std::vector<ValueKey>> keys;
  ASSIGN_OR_RETURN(const bool found,
                   keys_.bind(1, log).bind(2, as_record(block.first_record)).bind(3, as_record(block.last_record())).step());
  if (!found) return keys;
  auto decoded = decode_keys(keys_.blob(0));
  keys_.reset();
  if (!decoded.ok()) return std::move(decoded).error();
  keys = std::move(*decoded);
  return keys;
}

base::Result<const Sender*> CatalogueReader::sender(std::uint32_t id) {
  if (const auto known = senders_.find(id); known != senders_.end()) return &known->second;
  if (senders_.size() >= kMaxCachedSenders) senders_.clear();
  Sender sender;
  sender.id = id;
  if (id != 0) {
    ASSIGN_OR_RETURN(const bool found, find_sender_.bind(1, id).step());
    if (!found) return base::make_error(Errc::Corrupt, database_->name() + " has no sender " + std::to_string(id));
    sender.subscription = find_sender_.text(0);
    sender.machine = find_sender_.text(1);
    sender.address = find_sender_.text(2);
    find_sender_.reset();
  }
  return &senders_.emplace(id, std::move(sender)).first->second;
}

base::Result<std::shared_ptr<const FileSummaries>> CatalogueReader::summaries(const FileRow& file) {
  return shared_.summaries.get(file, [&](std::uint64_t after, std::uint64_t last_record) {
    return [&]() -> base::Result<std::vector<BlockSummary>> {
      ASSIGN_OR_RETURN(auto reader, open(file));
      return reader->summaries(after, last_record);
    }();
  });
}

base::Result<SegmentPool::Lease> CatalogueReader::open(const FileRow& file) {
  return shared_.files.borrow(shared_.store.file(file), file.id, file.finished);
}

base::Result<std::optional<std::string>> CatalogueReader::find_position(const std::string& source) {
  ASSIGN_OR_RETURN(auto rows, database_->prepare("SELECT position FROM positions WHERE source = ?1"));
  ASSIGN_OR_RETURN(const bool found, rows.bind(1, source).step());
  std::optional<std::string> position;
  if (found) position = rows.text(0);
  return position;
}

base::Result<std::vector<DeliveryState>> CatalogueReader::delivery_states(const std::optional<std::string>& subscription,
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
    state.events = number(rows, 9);
    state.dropped = number(rows, 10);
    states.push_back(std::move(state));
  }
}

}  // namespace storage
