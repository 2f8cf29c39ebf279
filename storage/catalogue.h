// The catalogue (events.db) and the files beside it, as writer and readers of a store share them.
//
// Layout: docs/storage-schema.md.
//
//   DIRECTORY/events.db                          the catalogue
//   DIRECTORY/segments/<log>-<number>.mlog       a file of `files`; its number is files.id, its name files.name
//   DIRECTORY/archive/Archive-<log>-<time>-<number>.mlog   what auto_backup has moved away
//
// Who reads takes one read transaction of the catalogue and sees of each log: the files of `files`, each up to its
// last_record, and then the blocks of `tail`. A file that has gone from the catalogue is removed from the disk soon after:
// one that is missing means that the whole read must be begun anew, unless a new transaction still names it.

#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/block.h"
#include "storage/database.h"
#include "storage/event_store.h"
#include "storage/template_registry.h"

namespace storage {

/// Pages of the catalogue: blocks are blobs of some tens of KB.
inline constexpr unsigned kCataloguePageBytes = 8192;

std::filesystem::path catalogue_file(const std::filesystem::path& directory);
std::filesystem::path segment_folder(const std::filesystem::path& directory);
std::filesystem::path archive_folder(const std::filesystem::path& directory);

/// The log's name as a part of a file name: letters, digits, '.', '_' and '-' as they are (but not '.' at the beginning),
/// other bytes as %XX; cut where it would be longer than file systems allow, so that only the number makes it unique.
std::string encode_log_name(std::string_view log);
/// Below which name the table of positions says up to where a log was cleared.
std::string cleared_key(std::string_view log);
/// "<encoded log name>-<number>.mlog".
std::string segment_name(std::string_view log, std::uint64_t number);
/// The number in such a name; nothing for other names.
std::optional<std::uint64_t> segment_number(std::string_view name);

/// How large a file of a log may become, about.
std::uint64_t file_size_of(const EventStoreOptions& options, std::uint64_t max_size);

/// A row of `files`. Times are ns since 1970. A file has at least one block as soon as it is in the catalogue.
struct FileRow {
  std::int64_t id = 0;
  std::int64_t log = 0;
  std::string name;  ///< below segments/
  bool finished = false;
  std::int64_t created = 0;
  std::uint64_t first_record = 0;
  std::uint64_t last_record = 0;  ///< blocks behind it have not been committed
  std::uint64_t events = 0;
  std::uint64_t text_bytes = 0;
  std::uint64_t bytes = 0;  ///< on disk
  std::int64_t min_time = 0;
  std::int64_t max_time = 0;
  std::int64_t min_received = 0;
  std::int64_t max_received = 0;
};
extern const char* const kFileColumns;
FileRow read_file_row(const Statement& row);
/// The files of a log by their records. Errors: those of Database.
base::Result<std::vector<FileRow>> files_of_log(Database& catalogue, std::int64_t log);

/// Counts a block that is behind all others of the file.
void add_to_file(FileRow& file, const BlockSummary& block);
/// Inside of a transaction. Errors: those of Database.
base::Result<void> write_file_row(Database& catalogue, const FileRow& file);
/// A number for a new file, never given before. Inside of a transaction that must be committed before the file is made.
base::Result<std::int64_t> reserve_file_number(Database& catalogue);

/// A row of `tail`: a block. Its columns `keys` and `frames` are encode_keys() and pack_frames().
struct TailRow {
  std::int64_t id = 0;
  BlockSummary summary;
  std::uint64_t bytes = 0;  ///< of the row's three blobs
};
/// For read_tail_row(): without keys and frames.
extern const char* const kTailColumns;
/// Errors: Errc::Corrupt where the summary cannot be read or does not agree with the row's records.
base::Result<TailRow> read_tail_row(const Statement& row);
/// The blocks of a log's tail by their records. Errors: as read_tail_row(), and those of Database.
base::Result<std::vector<TailRow>> tail_of_log(Database& catalogue, std::int64_t log);
/// The frames of one of them. Errors: Errc::Corrupt; those of Database.
base::Result<std::vector<std::string>> tail_frames(Database& catalogue, std::int64_t id);

/// What the parts of an open store share. Thread-safe.
struct StoreShared {
  StoreShared(std::filesystem::path where, EventStoreOptions how);

  const std::filesystem::path directory;
  const EventStoreOptions options;

  /// Knows every template before the first transaction that uses it is committed.
  TemplateRegistry templates;

  /// Called on the sealer's thread when a file is about to be finished or removed: connections that nobody uses at the
  /// moment should be closed. May be empty; set before anything is appended.
  std::function<void(std::int64_t file)> let_go_of_file;

  /// Rises after each commit that has changed which files there are, or moved blocks of the tail into one.
  std::atomic<std::uint64_t> files_generation{0};

  std::filesystem::path file(const FileRow& row) const { return segment_folder(directory) / row.name; }
  /// With the page size and VFS of this store.
  Database::Options database_options(bool read_only, std::size_t cache_bytes) const;
};

}  // namespace storage
