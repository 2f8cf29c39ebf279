#include "storage/write_queue.h"

#include <pthread.h>

#include <algorithm>

#include "engine/base/log.h"

namespace storage {

namespace {

// Larger transactions are no faster, and let everybody wait longer.
constexpr std::size_t kMaxBytes = 8u << 20;
// A transaction with so many events is worth its sync; for a smaller one those that were in the last one may be waited for.
constexpr std::size_t kEnoughEvents = 1000;
constexpr auto kLinger = std::chrono::milliseconds(2);
constexpr auto kRecently = std::chrono::milliseconds(5);

}  // namespace

WriteQueue::WriteQueue(std::unique_ptr<EventWriter> writer, Hooks hooks)
    : writer_(std::move(writer)), hooks_(std::move(hooks)), thread_([this] { serve(); }) {
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
      waiting_events_ += change->load().events;
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
  if (may_linger() && std::chrono::steady_clock::now() - last_end_ < kRecently) {
    changed_.wait_for(lock, kLinger, [this] { return !may_linger(); });
  }
  Group group;
  std::size_t bytes = 0;
  while (!waiting_.empty()) {
    const auto& load = waiting_.front()->load();
    if (!group.empty() && (bytes >= kMaxBytes || load.bytes > kMaxBytes - bytes)) break;
    bytes += load.bytes;
    waiting_events_ -= load.events;
    group.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return group;
}

bool WriteQueue::may_linger() const {
  return !stopping_ && waiting_events_ > 0 && waiting_events_ < kEnoughEvents && waiting_.size() < last_changes_;
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
    last_changes_ = static_cast<std::size_t>(
        std::count_if(group->begin(), group->end(), [](const auto& change) { return change->load().events > 0; }));
    last_end_ = std::chrono::steady_clock::now();
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
  } else {
    if (hooks_.committed) hooks_.committed(*writer_);
    if (stored && hooks_.stored) hooks_.stored();
  }
  return done;
}

}  // namespace storage
