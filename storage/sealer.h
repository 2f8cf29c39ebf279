// The thread that moves what the catalogue has taken in into files, and cleans up behind the writer.

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "storage/admission.h"
#include "storage/block_merge.h"
#include "storage/catalogue.h"
#include "storage/database.h"
#include "storage/segment_file.h"
#include "storage/write_queue.h"

namespace storage {

/// Seals tails once they are large enough, merges small blocks, finishes files whose time has come, removes files that the
/// catalogue does not name any more, and moves full logs into the archive.
///
/// A file is made durable first; then one change through the WriteQueue takes the blocks out of the tail. Until then, nobody
/// reads what the file has too much, and SegmentWriter::reopen() cuts it off after a crash. What fails (a full disk, say) is
/// said once and tried again a little later; the tail keeps everything.
class Sealer {
 public:
  /// All must outlive it.
  Sealer(StoreShared& shared, WriteQueue& writes, Admission& admission);
  ~Sealer();

  /// From the writer's thread, after each commit. While the tails are far larger than they should be, nobody is admitted,
  /// unless sealing does not work at all.
  void take(Aftermath aftermath, std::uint64_t tail_bytes);

  /// Finishes what it is at. Blocks. The WriteQueue must still be there.
  void stop();

 private:
  // What the catalogue says of a log.
  struct View {
    std::int64_t log = 0;
    std::string name;
    std::uint64_t max_size = 0;
    std::vector<FileRow> files;
    std::vector<TailRow> tail;

    const FileRow* current() const { return files.empty() || files.back().finished ? nullptr : &files.back(); }
  };

  void serve();
  /// With the mutex.
  void hold_or_not();
  /// Does all there is to do for a log; says and remembers what fails.
  void look_after(std::int64_t log, bool archive);
  base::Result<void> tend(std::int64_t log, bool all);
  base::Result<void> archive(std::int64_t log);
  base::Result<std::optional<View>> view_of(std::int64_t log);

  /// How many of the tail's first blocks belong into the current file, or a new one.
  std::size_t blocks_to_seal(const View& view, bool all) const;
  /// False where the log is not what it was any more.
  base::Result<bool> seal(const View& view, std::size_t blocks, bool all);
  base::Result<void> finish(const View& view);
  base::Result<void> compact(const View& view);
  base::Result<std::vector<SealedBlock>> read_blocks(const View& view, std::size_t begin, std::size_t end);
  base::Result<std::vector<Sender>> senders_of(const std::vector<SealedBlock>& blocks);
  base::Result<SegmentWriter*> writer_of(const View& view, FileRow& file);
  void remove_from_disk(const FileRow& file);
  bool is_past(std::int64_t received) const;

  StoreShared& shared_;
  WriteQueue& writes_;
  Admission& admission_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::int64_t> due_, full_;
  std::vector<FileRow> gone_;
  bool stopping_ = false;
  bool works_ = true;
  bool held_ = false;
  std::uint64_t tail_bytes_ = 0;

  // Of the thread.
  std::unique_ptr<Database> catalogue_;
  BlockBuilder builder_;
  std::map<std::int64_t, std::unique_ptr<SegmentWriter>> writers_;  // by file
  std::set<std::int64_t> failed_;
  std::chrono::steady_clock::time_point last_seal_{};

  std::once_flag joined_;
  std::thread thread_;
};

}  // namespace storage
