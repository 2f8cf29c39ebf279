// Threads for calls that block: SQLite, GSSAPI, fsync, the journal.

#pragma once

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "engine/base/task.h"

namespace base {

/// Runs blocking calls on its own threads and resumes the awaiting coroutine on its own executor. Thread-safe.
class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads = 4) : pool_(threads) {}
  ~BlockingPool() { pool_.join(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Calls `function` on a thread of the pool and returns what it returns. Cancellation does not interrupt it: the coroutine
  /// waits for the call to end, because the call may use what the coroutine owns.
  ///
  /// A temporary with captures that need a destructor (a string by value, say) is refused: g++ 12 destroys such a temporary
  /// of a co_await twice. Capture by reference, which is safe here, or name the function first and hand it in by name.
  template <typename Function>
  requires std::is_trivially_destructible_v<Function> Task<std::invoke_result_t<Function>> run(Function function) {
    using Value = std::invoke_result_t<Function>;
    auto initiate = [this](auto handler, Function call) {
      auto work = asio::make_work_guard(handler);
      asio::post(pool_, [handler = std::move(handler), work = std::move(work), call = std::move(call)]() mutable {
        auto executor = work.get_executor();
        if constexpr (std::is_void_v<Value>) {
          call();
          asio::post(executor, [handler = std::move(handler), work = std::move(work)]() mutable { std::move(handler)(); });
        } else {
          asio::post(executor, [handler = std::move(handler), work = std::move(work), value = call()]() mutable {
            std::move(handler)(std::move(value));
          });
        }
      });
    };
    if constexpr (std::is_void_v<Value>) {
      co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(initiate, asio::use_awaitable,
                                                                           std::move(function));
    } else {
      co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Value)>(initiate, asio::use_awaitable,
                                                                                          std::move(function));
    }
  }

  /// The same for a function that needs a destructor. It must live until the call has ended.
  template <typename Function>
  requires(!std::is_trivially_destructible_v<Function>) Task<std::invoke_result_t<Function&>> run(Function& function) {
    return run([&function]() -> decltype(auto) { return function(); });
  }

 private:
  asio::thread_pool pool_;
};

}  // namespace base
