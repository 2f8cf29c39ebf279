#include "storage/segment_schema.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "storage/value_index.h"

namespace storage {
namespace {

// One statement each, so that a file's can be compared with them.
constexpr std::string_view kTables[] = {
    "CREATE TABLE meta (log TEXT NOT NULL, id INTEGER NOT NULL, created INTEGER NOT NULL, format INTEGER NOT NULL)",
    "CREATE TABLE blocks (first_record INTEGER PRIMARY KEY, last_record INTEGER NOT NULL, number INTEGER NOT NULL, "
    "frames INTEGER NOT NULL, summary BLOB NOT NULL)",
    "CREATE TABLE frames (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE templates (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE TABLE senders (id INTEGER PRIMARY KEY, subscription TEXT NOT NULL, machine TEXT NOT NULL, "
    "address TEXT NOT NULL)",
    "CREATE TABLE block_keys (first_record INTEGER PRIMARY KEY, keys BLOB NOT NULL)",
    "CREATE TABLE value_runs (id INTEGER PRIMARY KEY, blocks BLOB NOT NULL, last_record INTEGER NOT NULL, "
    "first_chunk INTEGER NOT NULL, chunks INTEGER NOT NULL, directory BLOB NOT NULL)",
    "CREATE TABLE value_chunks (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
};

constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

base::Error damaged(const std::string& file, const char* what) {
  return base::make_error(Errc::Corrupt, file + ": " + what);
}

}  // namespace

const Schema& segment_schema() {
  static const std::string all = [] {
    std::string text;
    for (const auto table : kTables) text += std::string(table) + ";\n";
    return text;
  }();
  static const std::array<std::string_view, 1> steps{all};
  static const Schema schema{0x4d735367, steps};  // "MsSg"
  return schema;
}

base::Result<void> check_segment(Database& database) {
  ASSIGN_OR_RETURN(const auto application, database.ask("PRAGMA application_id"));
  ASSIGN_OR_RETURN(const auto version, database.ask("PRAGMA user_version"));
  if (application != segment_schema().application_id) return damaged(database.name(), "is no log file of Muster");
  const auto newest = static_cast<std::int64_t>(segment_schema().steps.size());
  if (version > newest) {
    return base::make_error(Errc::TooNew, database.name() + " has version " + std::to_string(version) +
                                              ", and the newest known one is " + std::to_string(newest));
  }
  if (version < newest) return damaged(database.name(), "has an impossible version");
  ASSIGN_OR_RETURN(auto tables, database.prepare("SELECT sql FROM sqlite_schema"));
  std::size_t ours = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, tables.step());
    if (!row) break;
    if (std::find(std::begin(kTables), std::end(kTables), tables.text(0)) == std::end(kTables) ||
        ++ours > std::size(kTables)) {
      tables.reset();
      return damaged(database.name(), "has tables that are not ours");
    }
  }
  if (ours != std::size(kTables)) return damaged(database.name(), "lacks tables");
  return {};
}

base::Result<SegmentInfo> read_segment_info(Database& database) {
  ASSIGN_OR_RETURN(auto meta, database.prepare("SELECT log, id, created FROM meta"));
  ASSIGN_OR_RETURN(const bool row, meta.step());
  if (!row) return damaged(database.name(), "does not say what it is");
  SegmentInfo info;
  info.log = meta.text(0);
  info.id = static_cast<std::uint64_t>(meta.integer(1));
  info.created = meta.time(2);
  return info;
}

base::Result<BlockRow> read_block_row(const Statement& row, const BlockRow& last, const std::string& file) {
  BlockRow block;
  block.first_record = static_cast<std::uint64_t>(row.integer(0));
  block.last_record = static_cast<std::uint64_t>(row.integer(1));
  block.number = row.integer(2);
  block.frames = row.integer(3);
  const bool sane = block.first_record > last.last_record && block.last_record >= block.first_record &&
                    block.last_record <= kLargest && block.last_record - block.first_record < kMaxBlockEvents &&
                    block.number > last.number &&
                    block.number < std::numeric_limits<std::int64_t>::max() / kFramesPerBlock && block.frames > 0 &&
                    block.frames <= kFramesPerBlock;
  if (!sane) return damaged(file, "its list of blocks is damaged");
  return block;
}

base::Result<std::vector<BlockRow>> read_block_rows(Database& database) {
  ASSIGN_OR_RETURN(auto select, database.prepare("SELECT first_record, last_record, number, frames FROM blocks "
                                                 "ORDER BY first_record"));
  std::vector<BlockRow> blocks;
  BlockRow last;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, select.step());
    if (!row) return blocks;
    ASSIGN_OR_RETURN(last, read_block_row(select, last, database.name()));
    blocks.push_back(last);
  }
}

base::Result<RunRow> read_run_row(const Statement& row, const RunRow& last, const std::string& file) {
  RunRow run;
  run.id = row.integer(0);
  ASSIGN_OR_RETURN(run.first_records, decode_rising(row.blob(1), kBlocksPerRun));
  run.last_record = static_cast<std::uint64_t>(row.integer(2));
  run.first_chunk = row.integer(3);
  run.chunks = row.integer(4);
  const bool sane = run.id > last.id && !run.first_records.empty() && run.first_records.front() > last.last_record &&
                    run.last_record >= run.first_records.back() && run.last_record <= kLargest && run.chunks >= 0 &&
                    run.chunks <= std::numeric_limits<std::int32_t>::max() &&
                    run.first_chunk >= last.first_chunk + last.chunks &&
                    run.first_chunk <= std::numeric_limits<std::int64_t>::max() / 2;
  if (!sane) return damaged(file, "its list of value runs is damaged");
  return run;
}

}  // namespace storage
