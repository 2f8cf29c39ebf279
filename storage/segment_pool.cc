#include "storage/segment_pool.h"

#include <algorithm>

namespace storage {
namespace {

// Each has its pages in memory and a few file descriptors.
constexpr std::size_t kMaxIdle = 16;

}  // namespace

base::Result<SegmentPool::Lease> SegmentPool::borrow(const std::filesystem::path& path, std::int64_t file, bool finished) {
  Lease lease;
  lease.pool_ = this;
  lease.file_ = file;
  lease.finished_ = finished;
  {
    std::lock_guard lock(mutex_);
    lease.epoch_ = epoch_;
    const auto known = std::find_if(idle_.begin(), idle_.end(),
                                    [&](const Idle& idle) { return idle.file == file && idle.finished == finished; });
    if (known != idle_.end()) {
      lease.reader_ = std::move(known->reader);
      idle_.erase(known);
      return lease;
    }
  }
  ASSIGN_OR_RETURN(lease.reader_, SegmentReader::open(path, finished, still_));
  return lease;
}

void SegmentPool::put(Lease& lease) {
  // Closed, where that is its lot, after the lock has gone.
  std::unique_ptr<SegmentReader> reader = std::move(lease.reader_);
  std::list<Idle> surplus;
  std::lock_guard lock(mutex_);
  // Who wants to finish a file waits for the last connection that has known it unfinished.
  if (closed_ || (!lease.finished_ && lease.epoch_ != epoch_)) return;
  idle_.push_front(Idle{lease.file_, lease.finished_, std::move(reader)});
  if (idle_.size() > kMaxIdle) surplus.splice(surplus.begin(), idle_, std::prev(idle_.end()));
}

void SegmentPool::let_go(std::int64_t file) {
  std::list<Idle> gone;
  std::lock_guard lock(mutex_);
  ++epoch_;
  for (auto idle = idle_.begin(); idle != idle_.end();) {
    const auto next = std::next(idle);
    if (idle->file == file) gone.splice(gone.begin(), idle_, idle);
    idle = next;
  }
}

void SegmentPool::close() {
  std::list<Idle> gone;
  std::lock_guard lock(mutex_);
  closed_ = true;
  gone.swap(idle_);
}

}  // namespace storage
