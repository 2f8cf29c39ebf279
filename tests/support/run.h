// Coroutines awaited from plain test functions.

#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "engine/base/task.h"

namespace test_support {

/// An io_context that runs on its own thread for as long as the test.
class Loop {
 public:
  Loop();
  ~Loop();
  base::Executor executor() { return context_.get_executor(); }

 private:
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

/// Runs `task` to its end on `executor` (which another thread drives) and returns what it returns.
template <typename T>
T run_on(base::Executor executor, base::Task<T> task) {
  return boost::asio::co_spawn(executor, std::move(task), boost::asio::use_future).get();
}

/// Runs `task` to its end on an io_context of its own.
template <typename T>
T run(base::Task<T> task) {
  Loop loop;
  return run_on(loop.executor(), std::move(task));
}

/// Asks `condition` until it holds, for at most `limit`. True where it came to hold. The only way in which a test waits.
bool eventually(std::function<bool()> condition, std::chrono::milliseconds limit = std::chrono::seconds(20));

}  // namespace test_support
