#include "engine/http/connector.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "engine/http/watchdog.h"

namespace http {
namespace {

namespace asio = boost::asio;
using Endpoint = asio::generic::stream_protocol::endpoint;
using Time = std::chrono::steady_clock::time_point;

constexpr std::size_t kMaxUnixPath = 107;

std::chrono::milliseconds left_until(Time end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds(1));
}

/// A question to the system's resolver. That cannot be interrupted and may take half a minute, so whoever asked may go away
/// before the answer comes: it then finds nobody waiting.
struct Lookup {
  explicit Lookup(const base::Executor& executor) : resolver(executor), answered(executor) {}
  asio::ip::tcp::resolver resolver;
  asio::steady_timer answered;
  bool done = false;
  boost::system::error_code error;
  std::vector<Endpoint> endpoints;
};

base::AsyncResult<std::vector<Endpoint>> resolve(std::string host, std::uint16_t port, Time end) {
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return std::vector<Endpoint>{Endpoint(asio::ip::tcp::endpoint(address, port))};

  auto lookup = std::make_shared<Lookup>(co_await asio::this_coro::executor);
  lookup->answered.expires_at(end);
  lookup->resolver.async_resolve(host, std::to_string(port), [lookup](boost::system::error_code error, auto results) {
    lookup->done = true;
    lookup->error = error;
    for (const auto& entry : results) lookup->endpoints.emplace_back(entry.endpoint());
    lookup->answered.cancel();
  });
  boost::system::error_code woken;
  co_await lookup->answered.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  if (!lookup->done) {
    lookup->resolver.cancel();
    if (woken) co_return base::make_error(std::errc::operation_canceled, "looking up " + host);
    co_return base::make_error(std::errc::timed_out, "looking up " + host);
  }
  if (lookup->error) co_return base::make_error(std::error_code(lookup->error), "cannot resolve " + host);
  co_return std::move(lookup->endpoints);
}

base::AsyncResult<Socket> connect(Endpoint endpoint, std::string shown, std::chrono::milliseconds limit) {
  Socket socket(co_await asio::this_coro::executor);
  Watchdog watchdog(co_await asio::this_coro::executor, [&socket] {
    boost::system::error_code ignored;
    socket.close(ignored);
  });
  watchdog.arm(limit);
  boost::system::error_code error;
  co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  if (watchdog.expired()) co_return base::make_error(std::errc::timed_out, "connecting to " + shown);
  if (error == asio::error::operation_aborted)
    co_return base::make_error(std::errc::operation_canceled, "connecting to " + shown);
  if (error) co_return base::make_error(std::error_code(error), "cannot connect to " + shown);
  co_return socket;
}

}  // namespace

base::AsyncResult<Socket> connect_tcp(std::string host, std::uint16_t port, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  ASSIGN_OR_CO_RETURN(const auto endpoints, co_await resolve(host, port, end));
  const std::string shown = host + " port " + std::to_string(port);
  base::Error last = base::make_error(std::errc::host_unreachable, host + " has no address");
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    auto socket = co_await connect(endpoints[i], shown, left_until(end) / (endpoints.size() - i));
    if (socket.ok()) co_return socket;
    last = std::move(socket).error();
    if (last.code == std::errc::operation_canceled) break;
  }
  co_return last;
}

base::AsyncResult<Socket> connect_unix(std::filesystem::path path, std::chrono::milliseconds limit) {
  const std::string shown = path.string();
  if (shown.size() > kMaxUnixPath)
    co_return base::make_error(std::errc::filename_too_long, "the socket's path " + shown + " is too long");
  const Endpoint endpoint{asio::local::stream_protocol::endpoint(shown)};
  co_return co_await connect(endpoint, shown, limit);
}

}  // namespace http
