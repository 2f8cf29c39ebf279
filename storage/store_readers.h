// The reading half of an open store: who asks gets a connection and a thread.

#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/blocking.h"
#include "engine/base/task.h"
#include "storage/event_store.h"
#include "storage/log_scan.h"
#include "storage/log_source.h"

namespace storage {

/// The times of the last reads: worth a row's change, but not a commit of their own. Thread-safe.
class AccessTimes {
 public:
  void touch(const std::vector<std::int64_t>& logs, base::WallTime now);
  void overlay(LogRow& row);
  std::vector<std::pair<std::int64_t, base::WallTime>> all();

 private:
  std::mutex mutex_;
  std::map<std::int64_t, base::WallTime> times_;
};

/// Thread-safe. The functions are those of EventStore; after stop() all answer Errc::Stopped.
class StoreReaders {
 public:
  /// What is asked for deliveries and positions is answered by `catalogue` only; a single file has none.
  struct Connection {
    std::unique_ptr<LogSource> logs;
    CatalogueReader* catalogue = nullptr;
  };
  using Connect = std::function<base::Result<Connection>()>;

  /// `clock` outlives it. `polite` gives way to whoever else wants to compute.
  StoreReaders(Connect connect, base::Clock& clock, bool polite);

  base::AsyncResult<ReadResult> read(ReadRequest request);
  base::AsyncResult<CountResult> count(CountRequest request);
  base::AsyncResult<std::vector<Log>> logs();
  base::AsyncResult<std::optional<Log>> find_log(std::string name);
  base::AsyncResult<std::optional<std::string>> find_position(std::string source);
  /// Those of both, where they are given; sorted by subscription and machine.
  base::AsyncResult<std::vector<DeliveryState>> delivery_states(std::optional<std::string> subscription,
                                                                std::optional<std::string> machine);

  AccessTimes& accessed() { return accessed_; }

  /// Ends searches that are under way, and closes the connections. Blocks.
  void stop();

 private:
  using Flag = std::shared_ptr<std::atomic<bool>>;
  class Watch;

  base::Result<Connection> borrow();
  void give_back(Connection connection);
  template <typename T>
  base::Result<T> ask(const std::function<base::Result<T>(Connection&)>& question);
  template <typename T>
  base::AsyncResult<T> search(std::function<base::Result<T>(Connection&, const CancelFlag&)> question);

  const Connect connect_;
  base::Clock& clock_;
  const bool polite_;
  AccessTimes accessed_;

  std::mutex mutex_;
  bool stopped_ = false;
  std::vector<Connection> idle_;
  std::set<Flag> searches_;

  // Last: their threads use the rest. A short question does not wait for a long search.
  base::BlockingPool question_pool_{1};
  base::BlockingPool search_pool_{3};
};

}  // namespace storage
