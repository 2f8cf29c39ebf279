#include "tests/fakes/memory_stream.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fakes {

namespace asio = boost::asio;

/// One direction. The timer never runs out: its cancellation is the news that something has changed.
struct MemoryStream::Pipe {
  explicit Pipe(base::Executor executor) : changed(std::move(executor), asio::steady_timer::time_point::max()) {}

  std::string bytes;
  bool ended = false;   ///< the writer has said that no more comes
  bool broken = false;  ///< one side is closed
  asio::steady_timer changed;

  base::Task<void> wait() {
    boost::system::error_code ignored;
    co_await changed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
};

MemoryStream::Pair MemoryStream::make_pair(base::Executor executor, MemoryStreamOptions first, MemoryStreamOptions second) {
  auto there = std::make_shared<Pipe>(executor);
  auto back = std::make_shared<Pipe>(executor);
  return {std::unique_ptr<MemoryStream>(new MemoryStream(back, there, first)),
          std::unique_ptr<MemoryStream>(new MemoryStream(there, back, second))};
}

MemoryStream::MemoryStream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, MemoryStreamOptions options)
    : in_(std::move(in)), out_(std::move(out)), options_(options) {
  peer_.transport = base::Peer::Transport::Memory;
  peer_.address = "memory";
}

MemoryStream::~MemoryStream() {
  close();
}

// Waits are ended by news, by cancel() and by the coroutine's own cancellation alike: this tells which.
base::AsyncResult<void> MemoryStream::wait(Pipe& pipe) {
  co_await pipe.wait();
  const auto state = co_await asio::this_coro::cancellation_state;
  if (closed_ || cancelled_ || state.cancelled() != asio::cancellation_type::none)
    co_return base::make_error(std::errc::operation_canceled, "the wait was cancelled");
  co_return base::Result<void>();
}

base::AsyncResult<void> MemoryStream::wait_readable() {
  cancelled_ = false;
  if (closed_) co_return base::make_error(std::errc::operation_canceled, "the stream is closed");
  while (in_->bytes.empty() && !in_->ended && !in_->broken) CO_RETURN_IF_ERROR(co_await wait(*in_));
  co_return base::Result<void>();
}

base::AsyncResult<std::size_t> MemoryStream::read_some(std::span<char> into) {
  if (reads_++ >= options_.fail_read) co_return base::make_error(std::errc::connection_reset, "the read that fails");
  CO_RETURN_IF_ERROR(co_await wait_readable());
  if (in_->bytes.empty()) {
    if (in_->ended) co_return std::size_t{0};
    co_return base::make_error(std::errc::connection_reset, "the other end is closed");
  }
  std::size_t count = std::min({into.size(), in_->bytes.size(), options_.max_read});
  if (taken_ < options_.cut_at) count = std::min(count, options_.cut_at - taken_);
  std::copy_n(in_->bytes.begin(), count, into.begin());
  in_->bytes.erase(0, count);
  taken_ += count;
  in_->changed.cancel();
  co_return count;
}

base::AsyncResult<void> MemoryStream::write(std::string_view bytes) {
  cancelled_ = false;
  if (writes_++ >= options_.fail_write) {
    out_->bytes.append(bytes.substr(0, bytes.size() / 2));
    out_->changed.cancel();
    co_return base::make_error(std::errc::connection_reset, "the write that fails");
  }
  while (!bytes.empty()) {
    if (closed_) co_return base::make_error(std::errc::operation_canceled, "the stream is closed");
    if (out_->broken || out_->ended) co_return base::make_error(std::errc::broken_pipe, "the other end is closed");
    const std::size_t room = options_.capacity - std::min(options_.capacity, out_->bytes.size());
    if (room == 0) {
      CO_RETURN_IF_ERROR(co_await wait(*out_));
      continue;
    }
    const std::size_t count = std::min(room, bytes.size());
    out_->bytes.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    out_->changed.cancel();
  }
  co_return base::Result<void>();
}

base::Task<void> MemoryStream::shutdown() {
  out_->ended = true;
  out_->changed.cancel();
  co_return;
}

void MemoryStream::cancel() {
  cancelled_ = true;
  in_->changed.cancel();
  out_->changed.cancel();
}

void MemoryStream::close() {
  if (closed_) return;
  closed_ = true;
  // What was sent before stays readable at the other end, as on a socket that is closed in good order.
  out_->ended = true;
  in_->broken = true;
  in_->changed.cancel();
  out_->changed.cancel();
}

}  // namespace fakes
