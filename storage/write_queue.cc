#include "storage/write_queue.h"

#include <pthread.h>

#include "engine/base/log.h"

namespace storage {

WriteQueue::WriteQueue(std::unique_ptr<EventWriter> writer, std::size_t max_bytes, std::function<void()> on_stored)
    : writer_(std::move(writer)), max_bytes_(max_bytes), on_stored_(std::move(on_stored)), thread_([this] { serve(); }) {
  ::pthread_setname_np(thread_.native_handle(), "store-writer");
}

WriteQueue::~WriteQueue() {
  stop();
}

void WriteQueue::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  std::call_once(joined_, [this] { thread_.join(); });
}

void WriteQueue::push(std::unique_ptr<Change> change) {
  {
    std::lock_guard lock(mutex_);
    if (!stopping_) {
      waiting_.push_back(std::move(change));
      changed_.notify_one();
      return;
    }
  }
  change->fail(base::make_error(Errc::Stopped, "the event store"));
  change->answer();
}

std::optional<WriteQueue::Group> WriteQueue::take(bool may_idle) {
  std::unique_lock lock(mutex_);
  if (may_idle && waiting_.empty() && !stopping_) return std::nullopt;
  changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  Group group;
  std::size_t bytes = 0;
  while (!waiting_.empty()) {
    const auto size = waiting_.front()->bytes();
    if (!group.empty() && (bytes >= max_bytes_ || size > max_bytes_ - bytes)) break;
    bytes += size;
    group.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return group;
}

void WriteQueue::serve() {
  bool may_shrink = false;
  for (;;) {
    auto group = take(may_shrink);
    if (!group) {
      auto shrunk = writer_->shrink();
      if (!shrunk.ok()) {
        base::log_warning("cannot give unused space back: {}", shrunk.error().message());
        writer_->rollback();
      }
      may_shrink = shrunk.ok() && *shrunk;
      continue;
    }
    if (group->empty()) break;
    commit(*group);
    may_shrink = true;
  }
  writer_.reset();
}

void WriteQueue::commit(Group& group) {
  auto done = try_commit(group.begin(), group.end());
  if (!done.ok()) {
    for (auto change = group.begin(); change != group.end(); ++change) {
      if (group.size() > 1) done = try_commit(change, change + 1);
      if (!done.ok()) (*change)->fail(done.error());
    }
  }
  for (auto& change : group) change->answer();
}

base::Result<void> WriteQueue::try_commit(Group::iterator begin, Group::iterator end) {
  bool stored = false;
  const auto make_all = [&]() -> base::Result<void> {
    RETURN_IF_ERROR(writer_->begin());
    for (auto change = begin; change != end; ++change) {
      (*change)->make(*writer_);
      if (writer_->failed()) return (*change)->error();
    }
    stored = writer_->has_stored();
    return writer_->commit();
  };
  auto done = make_all();
  if (!done.ok()) {
    writer_->rollback();
  } else if (stored) {
    on_stored_();
  }
  return done;
}

}  // namespace storage
