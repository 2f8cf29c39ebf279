// The coroutine types of Muster and the few ways to start one.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "engine/base/result.h"

namespace base {

namespace asio = boost::asio;

/// A coroutine that may wait. Its parameters are values, or references that the awaiting caller outlives.
template <typename T>
using Task = asio::awaitable<T>;

/// A coroutine that may wait and may fail.
template <typename T>
using AsyncResult = Task<Result<T>>;

using Executor = asio::any_io_executor;

}  // namespace base
