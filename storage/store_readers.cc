#include "storage/store_readers.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "storage/event_count.h"
#include "storage/event_search.h"

namespace storage {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kIdleConnections = 4;
constexpr int kPoliteness = 10;

// What is taken in must not wait for what is looked up. On Linux this is the thread's alone.
void be_polite() {
  thread_local bool done = false;
  if (!done) ::setpriority(PRIO_PROCESS, 0, kPoliteness);
  done = true;
}

base::Error stopped_error() {
  return base::make_error(Errc::Stopped, "the event store");
}

}  // namespace

void AccessTimes::touch(const std::vector<std::int64_t>& logs, base::WallTime now) {
  std::lock_guard lock(mutex_);
  for (const auto id : logs) times_[id] = now;
}

void AccessTimes::overlay(LogRow& row) {
  std::lock_guard lock(mutex_);
  const auto known = times_.find(row.id);
  if (known == times_.end()) return;
  row.log.status.last_access = std::max(row.log.status.last_access, known->second);
}

std::vector<std::pair<std::int64_t, base::WallTime>> AccessTimes::all() {
  std::lock_guard lock(mutex_);
  return {times_.begin(), times_.end()};
}

// Tells a search that its coroutine has been cancelled, or that the store is being closed.
class StoreReaders::Watch {
 public:
  Watch(StoreReaders& readers, asio::cancellation_slot slot)
      : readers_(readers), slot_(slot), flag_(std::make_shared<std::atomic<bool>>(false)) {
    if (slot_.is_connected()) {
      slot_.assign([flag = flag_](asio::cancellation_type) { flag->store(true, std::memory_order_relaxed); });
    }
    std::lock_guard lock(readers_.mutex_);
    if (readers_.stopped_) flag_->store(true);
    readers_.searches_.insert(flag_);
  }
  ~Watch() {
    if (slot_.is_connected()) slot_.clear();
    std::lock_guard lock(readers_.mutex_);
    readers_.searches_.erase(flag_);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  CancelFlag flag() const { return flag_; }

 private:
  StoreReaders& readers_;
  asio::cancellation_slot slot_;
  Flag flag_;
};

StoreReaders::StoreReaders(Connect connect, base::Clock& clock, bool polite)
    : connect_(std::move(connect)), clock_(clock), polite_(polite) {}

base::Result<StoreReaders::Connection> StoreReaders::borrow() {
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return stopped_error();
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  return connect_();
}

void StoreReaders::give_back(Connection connection) {
  std::lock_guard lock(mutex_);
  if (!stopped_ && idle_.size() < kIdleConnections) idle_.push_back(std::move(connection));
}

template <typename T>
base::Result<T> StoreReaders::ask(const std::function<base::Result<T>(Connection&)>& question) {
  ASSIGN_OR_RETURN(auto connection, borrow());
  auto answer = question(connection);
  give_back(std::move(connection));
  return answer;
}

template <typename T>
base::AsyncResult<T> StoreReaders::search(std::function<base::Result<T>(Connection&, const CancelFlag&)> question) {
  const auto state = co_await asio::this_coro::cancellation_state;
  const Watch watch(*this, state.slot());
  const auto flag = watch.flag();
  auto answer = co_await search_pool_.run([this, &question, &flag] {
    if (polite_) be_polite();
    return ask<T>([&](Connection& connection) { return question(connection, flag); });
  });
  if (!answer.ok() && answer.error().code == std::errc::operation_canceled) {
    std::lock_guard lock(mutex_);
    if (stopped_) co_return stopped_error();
  }
  co_return answer;
}

base::AsyncResult<ReadResult> StoreReaders::read(ReadRequest request) {
  std::function<base::Result<ReadResult>(Connection&, const CancelFlag&)> question = [&](Connection& connection,
                                                                                         const CancelFlag& cancelled) {
    std::vector<std::int64_t> touched;
    auto result = search_events(*connection.logs, request, clock_, cancelled, &touched);
    accessed_.touch(touched, clock_.wall());
    return result;
  };
  co_return co_await search<ReadResult>(std::move(question));
}

base::AsyncResult<CountResult> StoreReaders::count(CountRequest request) {
  std::function<base::Result<CountResult>(Connection&, const CancelFlag&)> question = [&](Connection& connection,
                                                                                          const CancelFlag& cancelled) {
    std::vector<std::int64_t> touched;
    auto result = count_events(*connection.logs, request, clock_, cancelled, &touched);
    accessed_.touch(touched, clock_.wall());
    return result;
  };
  co_return co_await search<CountResult>(std::move(question));
}

base::AsyncResult<std::vector<Log>> StoreReaders::logs() {
  co_return co_await question_pool_.run([this] {
    return ask<std::vector<Log>>([this](Connection& connection) -> base::Result<std::vector<Log>> {
      ASSIGN_OR_RETURN(auto rows, connection.logs->logs());
      std::vector<Log> logs;
      logs.reserve(rows.size());
      for (auto& row : rows) {
        accessed_.overlay(row);
        logs.push_back(std::move(row.log));
      }
      return logs;
    });
  });
}

base::AsyncResult<std::optional<Log>> StoreReaders::find_log(std::string name) {
  co_return co_await question_pool_.run([this, &name] {
    return ask<std::optional<Log>>([&](Connection& connection) -> base::Result<std::optional<Log>> {
      ASSIGN_OR_RETURN(auto row, connection.logs->find_log(name));
      if (!row) return std::optional<Log>();
      accessed_.overlay(*row);
      return std::optional(std::move(row->log));
    });
  });
}

base::AsyncResult<std::optional<std::string>> StoreReaders::find_position(std::string source) {
  co_return co_await question_pool_.run([this, &source] {
    return ask<std::optional<std::string>>([&](Connection& connection) -> base::Result<std::optional<std::string>> {
      if (connection.catalogue == nullptr) return std::optional<std::string>();
      return connection.catalogue->find_position(source);
    });
  });
}

base::AsyncResult<std::vector<DeliveryState>> StoreReaders::delivery_states(std::optional<std::string> subscription,
                                                                            std::optional<std::string> machine) {
  co_return co_await question_pool_.run([this, &subscription, &machine] {
    return ask<std::vector<DeliveryState>>([&](Connection& connection) -> base::Result<std::vector<DeliveryState>> {
      if (connection.catalogue == nullptr) return std::vector<DeliveryState>();
      return connection.catalogue->delivery_states(subscription, machine);
    });
  });
}

void StoreReaders::stop() {
  std::vector<Connection> closed;
  std::lock_guard lock(mutex_);
  stopped_ = true;
  closed.swap(idle_);
  for (const auto& flag : searches_) flag->store(true);
}

}  // namespace storage
