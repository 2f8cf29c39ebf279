// The summaries of files' blocks in memory, shared by all readers of a store.

#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "storage/block.h"
#include "storage/catalogue.h"

namespace storage {

/// The blocks of a file by their records, as far as they were asked for.
struct FileSummaries {
  std::uint64_t last_record = 0;
  std::vector<std::shared_ptr<const BlockSummary>> blocks;
};

/// Thread-safe. What has not been used for longest goes first.
class SummaryCache {
 public:
  static constexpr std::size_t kDefaultBytes = 64u << 20;
  explicit SummaryCache(std::size_t max_bytes = kDefaultBytes) : max_bytes_(max_bytes) {}

  /// Reads the summaries of the blocks behind a record, up to another one.
  using Read = std::function<base::Result<std::vector<BlockSummary>>(std::uint64_t after, std::uint64_t last_record)>;
  /// All blocks of `file` up to its last_record, perhaps with more of them behind. Calls `read` for what it lacks. Errors:
  /// those of `read`.
  base::Result<std::shared_ptr<const FileSummaries>> get(const FileRow& file, const Read& read);
  void remove(std::int64_t file);
  std::size_t bytes() const;

 private:
  struct Entry {
    std::shared_ptr<const FileSummaries> summaries;
    std::size_t bytes = 0;
    std::list<std::int64_t>::iterator used;
  };
  void erase(std::int64_t file);

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::unordered_map<std::int64_t, Entry> entries_;
  std::list<std::int64_t> used_;  // the file used last in front
  std::size_t bytes_ = 0;
};

}  // namespace storage
