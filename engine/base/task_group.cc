#include "engine/base/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <list>
#include <mutex>
#include <vector>

#include "engine/base/log.h"

namespace base {
namespace {

// A spawned coroutine reacts to terminal cancellation only, unless it says otherwise; ours react to the polite form too.
Task<void> cancellable(Task<void> task) {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await std::move(task);
}

}  // namespace

struct TaskGroup::State : std::enable_shared_from_this<State> {
  struct Child {
    std::string name;
    Executor executor;
    asio::cancellation_signal signal;
  };

  explicit State(Executor e) : executor(std::move(e)) {}

  Executor executor;
  mutable std::mutex mutex;
  std::list<std::shared_ptr<Child>> children;
  bool stopping = false;

  // A signal is not thread-safe: it is emitted on the child's own executor.
  void cancel_all(asio::cancellation_type type) {
    std::vector<std::shared_ptr<Child>> now;
    {
      std::lock_guard lock(mutex);
      now.assign(children.begin(), children.end());
    }
    for (auto& child : now) {
      asio::post(child->executor, [child, type] { child->signal.emit(type); });
    }
  }

  std::size_t size() const {
    std::lock_guard lock(mutex);
    return children.size();
  }

  static Task<void> stop(std::shared_ptr<State> state, std::chrono::milliseconds grace);
};

TaskGroup::TaskGroup(Executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

TaskGroup::~TaskGroup() {
  if (size() != 0) die("a TaskGroup is destroyed while its tasks run: stop() was not awaited");
}

void TaskGroup::spawn(std::string name, Task<void> task) {
  spawn_on(asio::make_strand(state_->executor), std::move(name), std::move(task));
}

void TaskGroup::spawn_on(Executor executor, std::string name, Task<void> task) {
  auto child = std::make_shared<State::Child>();
  child->name = std::move(name);
  child->executor = executor;
  std::list<std::shared_ptr<State::Child>>::iterator place;
  {
    std::lock_guard lock(state_->mutex);
    if (state_->stopping) return;
    place = state_->children.insert(state_->children.end(), child);
  }
  auto finished = [state = state_, child, place](std::exception_ptr failure) {
    if (failure) {
      try {
        std::rethrow_exception(failure);
      } catch (const boost::system::system_error& error) {
        if (error.code() != asio::error::operation_aborted) log_error("task {} ended: {}", child->name, error.what());
      } catch (const std::exception& error) {
        log_error("task {} ended: {}", child->name, error.what());
      }
    }
    std::lock_guard lock(state->mutex);
    state->children.erase(place);
  };
  asio::co_spawn(executor, cancellable(std::move(task)),
                 asio::bind_cancellation_slot(child->signal.slot(), std::move(finished)));
}

std::size_t TaskGroup::size() const {
  return state_->size();
}

Executor TaskGroup::executor() const {
  return state_->executor;
}

Task<void> TaskGroup::stop(std::chrono::milliseconds grace) {
  // A caller that is itself being cancelled must still see its children end, and learn of its own cancellation afterwards.
  // What a coroutine disables stays so in all that awaits it: hence one of its own.
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::co_spawn(co_await asio::this_coro::executor, State::stop(state_, grace), asio::use_awaitable);
  co_await asio::this_coro::throw_if_cancelled(throws);
}

Task<void> TaskGroup::State::stop(std::shared_ptr<State> state, std::chrono::milliseconds grace) {
  {
    std::lock_guard lock(state->mutex);
    state->stopping = true;
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto force_at = std::chrono::steady_clock::now() + grace;
  bool forced = false;
  state->cancel_all(asio::cancellation_type::total);
  while (state->size() != 0) {
    timer.expires_after(std::chrono::milliseconds(2));
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (!forced && std::chrono::steady_clock::now() >= force_at) {
      forced = true;
      state->cancel_all(asio::cancellation_type::terminal);
    } else if (!forced) {
      // A child that swallowed the first signal (a finished inner wait, say) gets it again at its next wait.
      state->cancel_all(asio::cancellation_type::total);
    } else {
      state->cancel_all(asio::cancellation_type::terminal);
    }
  }
}

}  // namespace base
