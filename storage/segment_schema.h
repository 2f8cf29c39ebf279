// The tables of a segment file, as its writer, its reader and repairs share them.

#pragma once

#include <cstdint>
#include <vector>

#include "storage/database.h"
#include "storage/migrations.h"
#include "storage/segment_file.h"

namespace storage {

/// Pages of a segment file. Two chunks of the value index fit into one.
inline constexpr unsigned kSegmentPageBytes = 8192;

/// The key of frame `frame` of the block with this number is number * kFramesPerBlock + frame: neighbours lie together.
inline constexpr std::int64_t kFramesPerBlock = 8192;
static_assert(kFramesPerBlock > static_cast<std::int64_t>(kMaxBlockEvents));

const Schema& segment_schema();

/// Whether the file is a segment of a version that we know, and its tables are ours to the letter: nothing else in it is
/// looked at. Errors: Errc::TooNew, Errc::Corrupt; those of Database.
base::Result<void> check_segment(Database& database);
base::Result<SegmentInfo> read_segment_info(Database& database);

/// A row of `blocks`, without the summary.
struct BlockRow {
  std::uint64_t first_record = 0;
  std::uint64_t last_record = 0;
  std::int64_t number = 0;
  std::int64_t frames = 0;
};
/// All of them, rising. Errors: Errc::Corrupt where they make no sense; those of Database.
base::Result<std::vector<BlockRow>> read_block_rows(Database& database);
/// Reads the columns first_record, last_record, number, frames from `row`, which must lie behind `last`.
base::Result<BlockRow> read_block_row(const Statement& row, const BlockRow& last, const std::string& file);

/// A row of `value_runs`, without the chunks' first keys.
struct RunRow {
  std::int64_t id = 0;
  std::vector<std::uint64_t> first_records;  ///< of its blocks, at most kBlocksPerRun
  std::uint64_t last_record = 0;
  std::int64_t first_chunk = 0;
  std::int64_t chunks = 0;
};
/// The columns of it, in this order; a directory may follow.
inline constexpr const char* kRunColumns = "id, blocks, last_record, first_chunk, chunks";
/// Errors: Errc::Corrupt where the row does not lie behind `last`.
base::Result<RunRow> read_run_row(const Statement& row, const RunRow& last, const std::string& file);

}  // namespace storage
