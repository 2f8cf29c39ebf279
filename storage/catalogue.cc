#include "storage/catalogue.h"

#include <algorithm>
#include <charconv>

#include "engine/base/encoding.h"
#include "storage/segment_file.h"

namespace storage {
namespace {

// A file's name has at most 255 bytes; number, extension and what SQLite puts behind it need some of them.
constexpr std::size_t kMaxEncodedName = 160;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

std::uint64_t number(const Statement& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}

base::Result<std::string> load_template(const StoreShared& shared, std::uint32_t id) {
  ASSIGN_OR_RETURN(auto catalogue,
                   Database::open(catalogue_file(shared.directory), shared.database_options(true, 64u << 10)));
  ASSIGN_OR_RETURN(auto find, catalogue->prepare("SELECT text FROM templates WHERE id = ?1"));
  ASSIGN_OR_RETURN(const bool found, find.bind(1, std::int64_t{id}).step());
  if (!found) return base::make_error(Errc::Corrupt, catalogue->name() + " has no template " + std::to_string(id));
  return std::string(find.text(0));
}

}  // namespace

std::filesystem::path catalogue_file(const std::filesystem::path& directory) {
  return directory / "events.db";
}

std::filesystem::path segment_folder(const std::filesystem::path& directory) {
  return directory / "segments";
}

std::filesystem::path archive_folder(const std::filesystem::path& directory) {
  return directory / "archive";
}

std::string encode_log_name(std::string_view log) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : log) {
    if (is_plain(c) && !(encoded.empty() && c == '.')) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    if (encoded.size() > kMaxEncodedName) break;
  }
  if (encoded.size() > kMaxEncodedName) encoded.resize(kMaxEncodedName);
  return encoded;
}

std::string cleared_key(std::string_view log) {
  return "cleared:" + base::to_lower(log);
}

std::string segment_name(std::string_view log, std::uint64_t number) {
  return encode_log_name(log) + "-" + std::to_string(number) + std::string(kSegmentExtension);
}

std::optional<std::uint64_t> segment_number(std::string_view name) {
  if (!name.ends_with(kSegmentExtension)) return std::nullopt;
  name.remove_suffix(kSegmentExtension.size());
  const auto dash = name.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto digits = name.substr(dash + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::uint64_t file_size_of(const EventStoreOptions& options, std::uint64_t max_size) {
  return std::min(options.segment_bytes, max_size / 8);
}

const char* const kFileColumns =
    "id, log, name, finished, created, first_record, last_record, events, text_bytes, bytes, min_time, max_time, "
    "min_received, max_received";

FileRow read_file_row(const Statement& row) {
  FileRow file;
  file.id = row.integer(0);
  file.log = row.integer(1);
  file.name = row.text(2);
  file.finished = row.integer(3) != 0;
  file.created = row.integer(4);
  file.first_record = number(row, 5);
  file.last_record = number(row, 6);
  file.events = number(row, 7);
  file.text_bytes = number(row, 8);
  file.bytes = number(row, 9);
  file.min_time = row.integer(10);
  file.max_time = row.integer(11);
  file.min_received = row.integer(12);
  file.max_received = row.integer(13);
  return file;
}

base::Result<std::vector<FileRow>> files_of_log(Database& catalogue, std::int64_t log) {
  ASSIGN_OR_RETURN(auto rows, catalogue.prepare("SELECT " + std::string(kFileColumns) +
                                                " FROM files WHERE log = ?1 ORDER BY first_record"));
  rows.bind(1, log);
  std::vector<FileRow> files;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return files;
    files.push_back(read_file_row(rows));
  }
}

void add_to_file(FileRow& file, const BlockSummary& block) {
  const bool first = file.events == 0;
  const auto lower = [first](std::int64_t& low, std::int64_t value) { low = first ? value : std::min(low, value); };
  const auto raise = [first](std::int64_t& high, std::int64_t value) { high = first ? value : std::max(high, value); };
  lower(file.min_time, block.min_time);
  raise(file.max_time, block.max_time);
  lower(file.min_received, block.min_received);
  raise(file.max_received, block.max_received);
  if (first) file.first_record = block.first_record;
  file.last_record = block.last_record();
  file.events += block.events;
  file.text_bytes += block.text_bytes;
}

base::Result<void> write_file_row(Database& catalogue, const FileRow& file) {
  ASSIGN_OR_RETURN(auto set, catalogue.prepare("REPLACE INTO files (" + std::string(kFileColumns) +
                                               ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"));
  // SQLite gives the number where there is none.
  if (file.id == 0) {
    set.bind_null(1);
  } else {
    set.bind(1, file.id);
  }
  set.bind(2, file.log).bind(3, file.name).bind(4, file.finished).bind(5, file.created);
  set.bind(6, file.first_record).bind(7, file.last_record).bind(8, file.events).bind(9, file.text_bytes);
  set.bind(10, file.bytes).bind(11, file.min_time).bind(12, file.max_time).bind(13, file.min_received);
  return set.bind(14, file.max_received).run();
}

base::Result<std::int64_t> reserve_file_number(Database& catalogue) {
  RETURN_IF_ERROR(write_file_row(catalogue, {}));
  ASSIGN_OR_RETURN(const auto id, catalogue.ask("SELECT last_insert_rowid()"));
  RETURN_IF_ERROR(catalogue.execute("DELETE FROM files WHERE id = " + std::to_string(id)));
  return id;
}

const char* const kTailColumns =
    "id, first_record, last_record, summary, length(summary) + length(keys) + length(frames) AS bytes";

base::Result<TailRow> read_tail_row(const Statement& row) {
  TailRow tail;
  tail.id = row.integer(0);
  tail.bytes = number(row, 4);
  ASSIGN_OR_RETURN(tail.summary, BlockSummary::decode(row.blob(3)));
  if (tail.summary.first_record != number(row, 1) || tail.summary.last_record() != number(row, 2)) {
    return base::make_error(Errc::Corrupt, "the block of record " + std::to_string(row.integer(1)) + " in the tail");
  }
  return tail;
}

base::Result<std::vector<TailRow>> tail_of_log(Database& catalogue, std::int64_t log) {
  ASSIGN_OR_RETURN(auto rows, catalogue.prepare("SELECT " + std::string(kTailColumns) +
                                                " FROM tail WHERE log = ?1 ORDER BY first_record"));
  rows.bind(1, log);
  std::vector<TailRow> tail;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return tail;
    ASSIGN_OR_RETURN(auto block, read_tail_row(rows));
    tail.push_back(std::move(block));
  }
}

base::Result<std::vector<std::string>> tail_frames(Database& catalogue, std::int64_t id) {
  ASSIGN_OR_RETURN(auto row, catalogue.prepare("SELECT frames FROM tail WHERE id = ?1"));
  ASSIGN_OR_RETURN(const bool found, row.bind(1, id).step());
  if (!found) return base::make_error(Errc::Corrupt, catalogue.name() + " has no block " + std::to_string(id));
  return unpack_frames(row.blob(0));
}

StoreShared::StoreShared(std::filesystem::path where, EventStoreOptions how)
    : directory(std::move(where)),
      options(std::move(how)),
      templates([this](std::uint32_t id) { return load_template(*this, id); }) {}

Database::Options StoreShared::database_options(bool read_only, std::size_t cache_bytes) const {
  Database::Options database;
  database.read_only = read_only;
  database.page_bytes = kCataloguePageBytes;
  database.cache_bytes = cache_bytes;
  database.vfs = options.vfs;
  database.still = read_only && options.read_only;
  return database;
}

}  // namespace storage
