// The writer's thread: changes from everywhere, put into shared transactions.

#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/task.h"
#include "storage/event_writer.h"

namespace storage {

/// Takes all changes that wait, makes them in one transaction, and answers each caller on its own executor once that is on
/// disk.
///
/// Thread-safe. While several callers are at it, a transaction waits a moment for those that were in the last one. Where the
/// database refuses a transaction (the disk is full, say), each of its changes is tried again alone, so that one that is too
/// large does not take others down.
class WriteQueue {
 public:
  struct Hooks {
    /// Both are called on the writer's thread after a commit, before anybody is answered: this one where it has stored an
    /// event.
    std::function<void()> stored;
    std::function<void(EventWriter& writer)> committed;
  };
  /// What a change brings: so many bytes and events.
  struct Load {
    std::size_t bytes = 0;
    std::size_t events = 0;
  };

  WriteQueue(std::unique_ptr<EventWriter> writer, Hooks hooks);
  /// Blocks until everything that waits is done.
  ~WriteQueue();

  /// Runs `change` on the writer's thread in a transaction, perhaps more than once (each time from the same state), and
  /// answers what it answered when the transaction is durable. Not interrupted by cancellation. Errors: the change's own;
  /// those of Database; Errc::Stopped after stop().
  template <typename T>
  base::AsyncResult<T> run(Load load, std::function<base::Result<T>(EventWriter&)> change) {
    auto initiate = [this](auto handler, Load size, std::function<base::Result<T>(EventWriter&)> call) {
      push(std::make_unique<ChangeOf<T, decltype(handler)>>(size, std::move(call), std::move(handler)));
    };
    co_return co_await base::asio::async_initiate<const base::asio::use_awaitable_t<>, void(base::Result<T>)>(
        initiate, base::asio::use_awaitable, load, std::move(change));
  }

  /// The same for a thread that may block.
  template <typename T>
  base::Result<T> call(std::function<base::Result<T>(EventWriter&)> change) {
    auto pending = std::make_unique<BlockingChange<T>>(std::move(change));
    auto answer = pending->answered.get_future();
    push(std::move(pending));
    return answer.get();
  }

  /// Refuses new changes, finishes those that wait, closes the database. Blocks.
  void stop();

 private:
  class Change {
   public:
    explicit Change(Load load) : load_(load) {}
    virtual ~Change() = default;
    virtual void make(EventWriter& writer) = 0;
    /// Of a change that has just failed.
    virtual base::Error error() const = 0;
    virtual void fail(base::Error error) = 0;
    /// Hands the outcome to the caller.
    virtual void answer() = 0;
    const Load& load() const { return load_; }

   private:
    Load load_;
  };

  template <typename T, typename Handler>
  class ChangeOf final : public Change {
   public:
    ChangeOf(Load load, std::function<base::Result<T>(EventWriter&)> call, Handler handler)
        : Change(load), call_(std::move(call)), handler_(std::move(handler)), work_(base::asio::make_work_guard(handler_)) {}

    void make(EventWriter& writer) override { outcome_ = call_(writer); }
    base::Error error() const override { return outcome_.ok() ? base::make_error(Errc::Io, "") : outcome_.error(); }
    void fail(base::Error error) override { outcome_ = std::move(error); }
    void answer() override {
      auto executor = work_.get_executor();
      base::asio::post(executor, [handler = std::move(handler_), work = std::move(work_),
                                  outcome = std::move(outcome_)]() mutable { std::move(handler)(std::move(outcome)); });
    }

   private:
    std::function<base::Result<T>(EventWriter&)> call_;
    base::Result<T> outcome_;
    Handler handler_;
    decltype(base::asio::make_work_guard(std::declval<Handler&>())) work_;
  };

  template <typename T>
  class BlockingChange final : public Change {
   public:
    explicit BlockingChange(std::function<base::Result<T>(EventWriter&)> call) : Change({}), call_(std::move(call)) {}

    void make(EventWriter& writer) override { outcome_ = call_(writer); }
    base::Error error() const override { return outcome_.ok() ? base::make_error(Errc::Io, "") : outcome_.error(); }
    void fail(base::Error error) override { outcome_ = std::move(error); }
    void answer() override { answered.set_value(std::move(outcome_)); }

    std::promise<base::Result<T>> answered;

   private:
    std::function<base::Result<T>(EventWriter&)> call_;
    base::Result<T> outcome_;
  };

  using Group = std::vector<std::unique_ptr<Change>>;

  void push(std::unique_ptr<Change> change);
  void serve();
  /// Waits for changes; an empty group is the end. Where nothing waits and `may_idle`, it returns nothing at once.
  std::optional<Group> take(bool may_idle);
  void commit(Group& group);
  base::Result<void> try_commit(Group::iterator begin, Group::iterator end);

  /// Whether it is worth waiting for more than what waits.
  bool may_linger() const;

  std::unique_ptr<EventWriter> writer_;
  const Hooks hooks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Change>> waiting_;
  std::size_t waiting_events_ = 0;
  bool stopping_ = false;
  std::size_t last_changes_ = 0;  // of the last transaction
  std::chrono::steady_clock::time_point last_end_;
  std::once_flag joined_;
  std::thread thread_;
};

}  // namespace storage
