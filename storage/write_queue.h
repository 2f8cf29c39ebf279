// The writer's thread: changes from everywhere, put into shared transactions.

#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
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
/// Thread-safe. Where the database refuses a transaction (the disk is full, say), each of its changes is tried again alone,
/// so that one that is too large does not take others down.
class WriteQueue {
 public:
  /// One transaction takes changes of at most `max_bytes` (and at least one); the others wait. `on_stored` is called on the
  /// writer's thread after each commit that has stored an event, before anybody is answered.
  WriteQueue(std::unique_ptr<EventWriter> writer, std::size_t max_bytes, std::function<void()> on_stored);
  /// Blocks until everything that waits is done.
  ~WriteQueue();

  /// Runs `change` on the writer's thread in a transaction, perhaps more than once (each time from the same state), and
  /// answers what it answered when the transaction is durable. Not interrupted by cancellation. Errors: the change's own;
  /// those of Database; Errc::Stopped after stop().
  template <typename T>
  base::AsyncResult<T> run(std::size_t bytes, std::function<base::Result<T>(EventWriter&)> change) {
    auto initiate = [this](auto handler, std::size_t size, std::function<base::Result<T>(EventWriter&)> call) {
      push(std::make_unique<ChangeOf<T, decltype(handler)>>(size, std::move(call), std::move(handler)));
    };
    co_return co_await base::asio::async_initiate<const base::asio::use_awaitable_t<>, void(base::Result<T>)>(
        initiate, base::asio::use_awaitable, bytes, std::move(change));
  }

  /// Refuses new changes, finishes those that wait, closes the database. Blocks.
  void stop();

 private:
  class Change {
   public:
    explicit Change(std::size_t bytes) : bytes_(bytes) {}
    virtual ~Change() = default;
    virtual void make(EventWriter& writer) = 0;
    /// Of a change that has just failed.
    virtual base::Error error() const = 0;
    virtual void fail(base::Error error) = 0;
    /// Hands the outcome to the caller.
    virtual void answer() = 0;
    std::size_t bytes() const { return bytes_; }

   private:
    std::size_t bytes_;
  };

  template <typename T, typename Handler>
  class ChangeOf final : public Change {
   public:
    ChangeOf(std::size_t bytes, std::function<base::Result<T>(EventWriter&)> call, Handler handler)
        : Change(bytes),
          call_(std::move(call)),
          handler_(std::move(handler)),
          work_(base::asio::make_work_guard(handler_)) {}

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

  using Group = std::vector<std::unique_ptr<Change>>;

  void push(std::unique_ptr<Change> change);
  void serve();
  /// Waits for changes; an empty group is the end. Where nothing waits and `may_idle`, it returns nothing at once.
  std::optional<Group> take(bool may_idle);
  void commit(Group& group);
  base::Result<void> try_commit(Group::iterator begin, Group::iterator end);

  std::unique_ptr<EventWriter> writer_;
  const std::size_t max_bytes_;
  const std::function<void()> on_stored_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Change>> waiting_;
  bool stopping_ = false;
  std::once_flag joined_;
  std::thread thread_;
};

}  // namespace storage
