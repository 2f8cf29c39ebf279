#include "storage/event_store.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <map>
#include <mutex>

#include "engine/base/blocking.h"
#include "engine/base/deadline.h"
#include "engine/base/file_system.h"
#include "storage/event_reader.h"
#include "storage/event_writer.h"
#include "storage/write_queue.h"

namespace storage {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kReaderThreads = 2;
constexpr std::size_t kIdleReaders = 4;
// Larger transactions are no faster, and let everybody wait longer. An append answers when its batch is on disk, so its
// caller holds the batch until then in any case: what exceeds the bound simply is in a later transaction.
constexpr std::size_t kMaxTransactionBytes = 8u << 20;
// What an event takes in memory besides its text, about.
constexpr std::size_t kEventOverhead = 256;

// Wakes coroutines, each on its own executor, when the generation moves.
class Bell {
 public:
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  void ring(bool for_good = false) {
    std::lock_guard lock(mutex_);
    silent_ = silent_ || for_good;
    if (!for_good) generation_.fetch_add(1, std::memory_order_release);
    for (auto& timer : waiting_) {
      // An expiry in the past also wakes a wait that has not begun yet.
      asio::post(timer->get_executor(), [timer] { timer->expires_at(asio::steady_timer::time_point::min()); });
    }
  }

  /// Until the generation is not `seen`, or no more will come.
  base::Task<void> wait_past(std::uint64_t seen) {
    auto timer =
        std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    const Entry entry(*this, timer, seen);
    if (!entry.waits()) co_return;
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

 private:
  using Timers = std::list<std::shared_ptr<asio::steady_timer>>;

  class Entry {
   public:
    Entry(Bell& bell, std::shared_ptr<asio::steady_timer> timer, std::uint64_t seen) : bell_(bell) {
      std::lock_guard lock(bell_.mutex_);
      if (bell_.silent_ || bell_.generation() != seen) return;
      place_ = bell_.waiting_.insert(bell_.waiting_.end(), std::move(timer));
    }
    ~Entry() {
      std::lock_guard lock(bell_.mutex_);
      if (place_) bell_.waiting_.erase(*place_);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    bool waits() const { return place_.has_value(); }

   private:
    Bell& bell_;
    std::optional<Timers::iterator> place_;
  };

  std::mutex mutex_;
  std::atomic<std::uint64_t> generation_{1};
  Timers waiting_;
  bool silent_ = false;
};

// The times of the last reads: worth a row's change, but not a commit of their own.
class AccessTimes {
 public:
  void touch(const std::vector<std::int64_t>& logs, base::WallTime now) {
    std::lock_guard lock(mutex_);
    for (const auto id : logs) times_[id] = now;
  }
  void overlay(LogRow& row) {
    std::lock_guard lock(mutex_);
    const auto known = times_.find(row.id);
    if (known == times_.end()) return;
    row.log.status.last_access = std::max(row.log.status.last_access, known->second);
  }
  std::vector<std::pair<std::int64_t, base::WallTime>> all() {
    std::lock_guard lock(mutex_);
    return {times_.begin(), times_.end()};
  }

 private:
  std::mutex mutex_;
  std::map<std::int64_t, base::WallTime> times_;
};

std::size_t size_of(const DeliveredBatch& batch) {
  std::size_t bytes = 0;
  for (const auto& event : batch.events) bytes += event.xml.size() + kEventOverhead;
  return bytes;
}

std::size_t size_of(const LocalBatch& batch) {
  std::size_t bytes = 0;
  for (const auto& draft : batch.drafts) {
    bytes += draft.ready_xml.size() + kEventOverhead;
    for (const auto& [name, value] : draft.data) bytes += name.size() + value.size();
  }
  return bytes;
}

}  // namespace

struct EventStore::State {
  std::filesystem::path file;
  EventStoreOptions options;
  Bell bell;
  AccessTimes accessed;
  std::unique_ptr<WriteQueue> writes;

  std::mutex mutex;
  bool stopped = false;
  std::vector<std::unique_ptr<EventReader>> idle_readers;

  base::BlockingPool pool{kReaderThreads};  // last: its threads use the rest

  base::Result<std::unique_ptr<EventReader>> borrow_reader() {
    {
      std::lock_guard lock(mutex);
      if (stopped) return base::make_error(Errc::Stopped, "the event store");
      if (!idle_readers.empty()) {
        auto reader = std::move(idle_readers.back());
        idle_readers.pop_back();
        return reader;
      }
    }
    return EventReader::open(file, options);
  }

  void give_back(std::unique_ptr<EventReader> reader) {
    std::lock_guard lock(mutex);
    if (!stopped && idle_readers.size() < kIdleReaders) idle_readers.push_back(std::move(reader));
  }

  /// Runs `question` with a reader on a thread that may block.
  template <typename T>
  base::AsyncResult<T> ask(std::function<base::Result<T>(EventReader&)> question) {
    co_return co_await pool.run([this, &question]() -> base::Result<T> {
      ASSIGN_OR_RETURN(auto reader, borrow_reader());
      auto answer = question(*reader);
      give_back(std::move(reader));
      return answer;
    });
  }
};

base::Result<std::unique_ptr<EventStore>> EventStore::open(const std::filesystem::path& directory,
                                                           EventStoreOptions options) {
  RETURN_IF_ERROR(base::make_directories(directory));
  auto state = std::make_unique<State>();
  state->file = directory / "events.db";
  state->options = options;
  ASSIGN_OR_RETURN(auto writer, EventWriter::open(state->file, options));
  state->writes =
      std::make_unique<WriteQueue>(std::move(writer), options.max_queued_bytes, [bell = &state->bell] { bell->ring(); });
  return std::unique_ptr<EventStore>(new EventStore(std::move(state)));
}

EventStore::EventStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventStore::~EventStore() = default;

base::AsyncResult<AppendResult> EventStore::append(DeliveredBatch batch) {
  const auto bytes = size_of(batch);
  co_return co_await state_->writes->run<AppendResult>(bytes,
                                                       [&batch](EventWriter& writer) { return writer.append(batch); });
}

base::AsyncResult<void> EventStore::append_local(const LocalBatch& batch) {
  const auto bytes = size_of(batch);
  co_return co_await state_->writes->run<void>(bytes, [&batch](EventWriter& writer) { return writer.append_local(batch); });
}

base::AsyncResult<std::optional<std::string>> EventStore::find_position(std::string source) {
  co_return co_await state_->ask<std::optional<std::string>>(
      [&source](EventReader& reader) { return reader.find_position(source); });
}

base::AsyncResult<void> EventStore::update_delivery(DeliveryUpdate update) {
  co_return co_await state_->writes->run<void>(0, [&update](EventWriter& writer) { return writer.update_delivery(update); });
}

base::AsyncResult<std::vector<DeliveryState>> EventStore::delivery_states(std::optional<std::string> subscription) {
  co_return co_await state_->ask<std::vector<DeliveryState>>(
      [&subscription](EventReader& reader) { return reader.delivery_states(subscription, std::nullopt); });
}

base::AsyncResult<std::optional<DeliveryState>> EventStore::find_delivery_state(std::string subscription,
                                                                                std::string machine) {
  co_return co_await state_->ask<std::optional<DeliveryState>>(
      [&](EventReader& reader) -> base::Result<std::optional<DeliveryState>> {
        ASSIGN_OR_RETURN(auto states, reader.delivery_states(subscription, machine));
        if (states.empty()) return std::optional<DeliveryState>();
        return std::optional(std::move(states.front()));
      });
}

base::AsyncResult<void> EventStore::forget_subscription(std::string subscription) {
  co_return co_await state_->writes->run<void>(
      0, [&subscription](EventWriter& writer) { return writer.forget_subscription(subscription); });
}

base::AsyncResult<ReadResult> EventStore::read(ReadRequest request) {
  co_return co_await state_->ask<ReadResult>([this, &request](EventReader& reader) {
    std::vector<std::int64_t> logs;
    auto result = reader.read(request, &logs);
    state_->accessed.touch(logs, state_->options.clock->wall());
    return result;
  });
}

base::AsyncResult<std::vector<Log>> EventStore::logs() {
  co_return co_await state_->ask<std::vector<Log>>([this](EventReader& reader) -> base::Result<std::vector<Log>> {
    ASSIGN_OR_RETURN(auto rows, reader.logs());
    std::vector<Log> logs;
    logs.reserve(rows.size());
    for (auto& row : rows) {
      state_->accessed.overlay(row);
      logs.push_back(std::move(row.log));
    }
    return logs;
  });
}

base::AsyncResult<std::optional<Log>> EventStore::find_log(std::string name) {
  co_return co_await state_->ask<std::optional<Log>>([&](EventReader& reader) -> base::Result<std::optional<Log>> {
    ASSIGN_OR_RETURN(auto row, reader.find_log(name));
    if (!row) return std::optional<Log>();
    state_->accessed.overlay(*row);
    return std::optional(std::move(row->log));
  });
}

base::AsyncResult<void> EventStore::set_log(LogProperties properties) {
  co_return co_await state_->writes->run<void>(0, [&properties](EventWriter& writer) { return writer.set_log(properties); });
}

base::AsyncResult<void> EventStore::clear_log(std::string name, std::optional<std::uint64_t> newest) {
  co_return co_await state_->writes->run<void>(
      0, [&name, newest](EventWriter& writer) { return writer.clear_log(name, newest); });
}

std::uint64_t EventStore::generation() const {
  return state_->bell.generation();
}

base::Task<void> EventStore::wait_past(std::uint64_t seen, base::SteadyTime until) {
  if (generation() != seen) co_return;
  if (until == base::SteadyTime::max()) {
    co_await state_->bell.wait_past(seen);
  } else {
    co_await base::first_of(state_->bell.wait_past(seen), state_->options.clock->sleep_until(until));
  }
}

base::Task<void> EventStore::stop() {
  auto save =
      state_->writes->run<void>(0, [this](EventWriter& writer) { return writer.set_last_access(state_->accessed.all()); });
  // Where it fails there is nothing to save it in.
  (void)co_await std::move(save);
  co_await state_->pool.run([this] {
    {
      std::lock_guard lock(state_->mutex);
      state_->stopped = true;
      state_->idle_readers.clear();
    }
    // The writer goes last: only it can move the journal into the file and remove it.
    state_->writes->stop();
  });
  state_->bell.ring(true);
}

}  // namespace storage
