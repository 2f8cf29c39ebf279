// A file of sealed blocks: a SQLite database of its own, complete in itself, which is also the form of an exported log.
//
// Layout: docs/storage-schema.md. One writer appends while any number of readers read; who reads says up to which record it
// wants to see (what the catalogue has committed), so that nothing half done is ever seen.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block.h"
#include "storage/database.h"

namespace storage {

/// Extension of these files; also what `wevtutil epl` writes.
inline constexpr std::string_view kSegmentExtension = ".mlog";

/// A row of `senders`: how an event came. All empty is this host.
struct Sender {
  std::uint32_t id = 0;
  std::string subscription;
  std::string machine;
  std::string address;
};

/// What a file says of itself.
struct SegmentInfo {
  std::string log;       ///< the log's name
  std::uint64_t id = 0;  ///< the file's number in its catalogue; 0 in an exported file
  base::WallTime created;
};

/// A block on its way into a file.
struct SealedBlock {
  BlockSummary summary;
  std::vector<std::string> frames;
  std::vector<ValueKey> keys;  ///< sorted, each once
};

/// Appends blocks to a file. One thread.
class SegmentWriter {
 public:
  /// Makes the file, which must not exist; where that fails there is none. Errors: those of Database;
  /// std::errc::file_exists.
  static base::Result<std::unique_ptr<SegmentWriter>> create(const std::filesystem::path& file, const SegmentInfo& info,
                                                             const Database::Options& options);
  /// Goes on with a file, after removing all blocks behind `last_record`: they were appended and never committed. Errors:
  /// those of Database; Errc::Corrupt where the file is none of ours or ends before `last_record`.
  static base::Result<std::unique_ptr<SegmentWriter>> reopen(const std::filesystem::path& file, std::uint64_t last_record,
                                                             const Database::Options& options);
  ~SegmentWriter();

  /// Appends the blocks, whose records continue those of the file (or begin it), with the templates and senders that they
  /// use and that the file does not have yet. All or nothing; durable on return. Each kBlocksPerRun blocks, their keys
  /// become a run of the value index.
  base::Result<void> append(std::span<const SealedBlock> blocks, const TemplateSource& templates,
                            std::span<const Sender> senders);

  /// Indexes what is not indexed yet and leaves one single file without a journal, never to be written again.
  base::Result<void> finish();

  const SegmentInfo& info() const;
  std::uint64_t last_record() const;  ///< 0 where there is none yet
  std::uint64_t bytes() const;        ///< on disk, about
  std::uint64_t events() const;

 private:
  struct State;
  explicit SegmentWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Blocks whose keys are merged into one run of the value index. Those not yet in a run are few, and are just looked at.
inline constexpr std::size_t kBlocksPerRun = 64;

/// Reads a file. One thread at a time.
class SegmentReader {
 public:
  /// `finished` says that nobody writes the file any more; `still` that nobody does so now, and that nothing may be changed
  /// or made (Database::Options::still). Errors: those of Database; Errc::NotFound where it is missing,
  /// Errc::TooNew, Errc::Corrupt where it is none of ours.
  static base::Result<std::unique_ptr<SegmentReader>> open(const std::filesystem::path& file, bool finished,
                                                           bool still = false);
  ~SegmentReader();

  const SegmentInfo& info() const;

  /// Summaries of the blocks with records above `after` and at most `last_record`, rising. Errors: Errc::Corrupt.
  base::Result<std::vector<BlockSummary>> summaries(std::uint64_t after, std::uint64_t last_record);

  /// The frames of a block. Used before the reader goes. Each read() is a short transaction of its own.
  std::unique_ptr<FrameSource> frames(std::uint64_t first_record);

  /// Appends to `first_records` the blocks that may hold a key of `range`, as far as the index covers them; in any order,
  /// perhaps more than once.
  base::Result<void> find(ValueKeyRange range, std::vector<std::uint64_t>& first_records);
  /// Last record of the blocks that the index covers; 0 where it covers none. Blocks behind it may hold anything.
  base::Result<std::uint64_t> indexed_through();

  base::Result<std::optional<std::string>> template_text(std::uint32_t id);
  base::Result<std::vector<std::uint32_t>> template_ids();
  base::Result<std::optional<Sender>> sender(std::uint32_t id);
  base::Result<std::vector<std::uint32_t>> sender_ids();
  /// The value keys of a block that no run covers yet; for repair.
  base::Result<std::vector<ValueKey>> keys(std::uint64_t first_record);

 private:
  struct State;
  explicit SegmentReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace storage
