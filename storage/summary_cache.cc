#include "storage/summary_cache.h"

namespace storage {
namespace {

std::size_t size_of(const FileSummaries& summaries) {
  std::size_t bytes = sizeof summaries;
  for (const auto& block : summaries.blocks) {
    bytes += 64 + sizeof(BlockSummary) + block->counts.capacity() * sizeof(BlockSummary::Count);
  }
  return bytes;
}

}  // namespace

base::Result<std::shared_ptr<const FileSummaries>> SummaryCache::get(const FileRow& file, const Read& read) {
  std::shared_ptr<const FileSummaries> known;
  {
    std::lock_guard lock(mutex_);
    if (const auto entry = entries_.find(file.id); entry != entries_.end()) {
      used_.splice(used_.begin(), used_, entry->second.used);
      known = entry->second.summaries;
    }
  }
  if (known && known->last_record >= file.last_record) return known;

  ASSIGN_OR_RETURN(auto added, read(known ? known->last_record : 0, file.last_record));
  auto summaries = std::make_shared<FileSummaries>();
  if (known) summaries->blocks = known->blocks;
  summaries->blocks.reserve(summaries->blocks.size() + added.size());
  for (auto& block : added) {
    block.counts.shrink_to_fit();
    summaries->blocks.push_back(std::make_shared<const BlockSummary>(std::move(block)));
  }
  summaries->last_record = file.last_record;

  const auto bytes = size_of(*summaries);
  std::lock_guard lock(mutex_);
  // Somebody else may have read further meanwhile.
  const auto entry = entries_.find(file.id);
  if (entry != entries_.end() && entry->second.summaries->last_record >= summaries->last_record) return summaries;
  erase(file.id);
  if (bytes > max_bytes_) return summaries;
  while (bytes_ + bytes > max_bytes_ && !used_.empty()) erase(used_.back());
  used_.push_front(file.id);
  entries_[file.id] = Entry{summaries, bytes, used_.begin()};
  bytes_ += bytes;
  return summaries;
}

void SummaryCache::remove(std::int64_t file) {
  std::lock_guard lock(mutex_);
  erase(file);
}

void SummaryCache::erase(std::int64_t file) {
  const auto entry = entries_.find(file);
  if (entry == entries_.end()) return;
  bytes_ -= entry->second.bytes;
  used_.erase(entry->second.used);
  entries_.erase(entry);
}

std::size_t SummaryCache::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace storage
