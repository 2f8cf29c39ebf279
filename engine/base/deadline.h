// A limit on how long a coroutine may take.

#pragma once

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/clock.h"
#include "engine/base/task.h"

namespace base {

/// Awaits `task` for at most `limit` of the system's time; then cancels it (totally) and answers std::errc::timed_out with
/// `what`. The task has ended when this returns.
template <typename T>
AsyncResult<T> within(std::chrono::nanoseconds limit, std::string what, AsyncResult<T> task) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer timer(co_await asio::this_coro::executor, limit);
  auto wait = timer.async_wait(asio::use_awaitable);
  auto outcome = co_await (std::move(task) || std::move(wait));
  if (outcome.index() == 0) co_return std::move(std::get<0>(outcome));
  co_return make_error(std::errc::timed_out, std::move(what));
}

}  // namespace base
