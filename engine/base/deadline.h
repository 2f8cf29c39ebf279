// A limit on how long a coroutine may take.

#pragma once

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/clock.h"
#include "engine/base/task.h"

namespace base {

/// `task`, reacting to every form of cancellation. What Asio's `||` and `&&` run reacts to terminal cancellation only, and
/// they pass on the first request only: a polite one (TaskGroup::stop) would be lost, and the later terminal one as well.
template <typename T>
Task<T> cancellable(Task<T> task) {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_return co_await std::move(task);
}

/// Awaits both until one of them ends, cancels the other one (totally) and awaits its end. What `task` gave, or nothing
/// where `other` was the first. Cancelled itself, it cancels both.
template <typename T>
Task<std::optional<T>> first_of(Task<T> task, Task<void> other) {
  using namespace asio::experimental::awaitable_operators;
  try {
    auto outcome = co_await (cancellable(std::move(task)) || cancellable(std::move(other)));
    if (outcome.index() == 0) co_return std::move(std::get<0>(outcome));
    co_return std::nullopt;
  } catch (const asio::multiple_exceptions& both) {
    std::rethrow_exception(both.first_exception());
  }
}

/// The same for two tasks that give nothing.
inline Task<void> first_of(Task<void> task, Task<void> other) {
  using namespace asio::experimental::awaitable_operators;
  try {
    co_await (cancellable(std::move(task)) || cancellable(std::move(other)));
  } catch (const asio::multiple_exceptions& both) {
    std::rethrow_exception(both.first_exception());
  }
}

/// Awaits `task` for at most `limit` of the system's time; then cancels it (totally) and answers std::errc::timed_out with
/// `what`. The task has ended when this returns.
template <typename T>
AsyncResult<T> within(std::chrono::nanoseconds limit, std::string what, AsyncResult<T> task) {
  asio::steady_timer timer(co_await asio::this_coro::executor, limit);
  auto wait = timer.async_wait(asio::use_awaitable);
  auto outcome = co_await first_of(std::move(task), std::move(wait));
  if (outcome) co_return std::move(*outcome);
  co_return make_error(std::errc::timed_out, std::move(what));
}

}  // namespace base
