#include "engine/http/client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "engine/base/deadline.h"
#include "engine/http/reader.h"
#include "engine/http/socket_stream.h"
#include "engine/http/tls_stream.h"
#include "engine/http/watchdog.h"

namespace http {
namespace {

namespace asio = boost::asio;

base::AsyncResult<Socket> connect_tcp(std::string host, std::uint16_t port) {
  auto executor = co_await asio::this_coro::executor;
  boost::system::error_code error;
  asio::ip::tcp::resolver resolver(executor);
  const std::string service = std::to_string(port);
  auto found = co_await resolver.async_resolve(host, service, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return base::make_error(std::error_code(error), "cannot resolve " + host);
  asio::ip::tcp::socket socket(executor);
  co_await asio::async_connect(socket, found, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return base::make_error(std::error_code(error), "cannot connect to " + host + " port " + service);
  co_return Socket(std::move(socket));
}

base::AsyncResult<Socket> connect_unix(std::filesystem::path path) {
  boost::system::error_code error;
  asio::local::stream_protocol::socket socket(co_await asio::this_coro::executor);
  const asio::local::stream_protocol::endpoint endpoint(path.string());
  co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return base::make_error(std::error_code(error), "cannot connect to " + path.string());
  co_return Socket(std::move(socket));
}

}  // namespace

struct Client::State {
  State(Url u, ClientOptions o) : url(std::move(u)), options(std::move(o)) {}
  Url url;
  ClientOptions options;
  std::unique_ptr<Stream> stream;
  ReadBuffer buffer;
  bool used = false;  ///< a response has come over this connection

  void close() {
    if (stream) stream->close();
    stream.reset();
    buffer.release();
    used = false;
  }

  base::AsyncResult<void> connect() {
    const bool local = !options.unix_path.empty();
    auto attempt = local ? connect_unix(options.unix_path) : connect_tcp(url.host, url.port);
    const std::string what = "connecting to " + (local ? options.unix_path.string() : url.authority());
    ASSIGN_OR_CO_RETURN(auto socket, co_await base::within(options.connect_timeout, what, std::move(attempt)));
    prepare_socket(socket);
    base::Peer peer = peer_of(socket);
    if (local || !url.tls) {
      stream = socket_stream(std::move(socket), std::move(peer));
      co_return base::Result<void>();
    }
    if (!options.tls) co_return base::make_error(std::errc::invalid_argument, "https needs a TLS context");
    auto handshake = connect_tls(std::move(socket), std::move(peer), options.tls, url.host);
    auto secured =
        co_await base::within(options.connect_timeout, "TLS handshake with " + url.authority(), std::move(handshake));
    if (!secured.ok()) co_return base::with_context(std::move(secured).error(), url.authority());
    stream = std::move(*secured);
    co_return base::Result<void>();
  }

  std::string head_of(const Request& request) const {
    const std::string& target = request.head.target == "/" ? url.target : request.head.target;
    std::string head =
        request.head.method + " " + target + " HTTP/1.1\r\nHost: " + url.authority() + "\r\nConnection: Keep-Alive\r\n";
    for (const auto& [name, value] : request.head.fields) {
      head += name;
      head += ": ";
      head += value;
      head += "\r\n";
    }
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n";
    return head;
  }

  base::AsyncResult<Response> attempt(const Request& request, std::chrono::milliseconds timeout, bool& any_byte) {
    Watchdog watchdog(co_await asio::this_coro::executor, [raw = stream.get()] { raw->close(); });
    watchdog.arm(timeout);
    auto response = co_await send_and_receive(request, any_byte);
    if (!response.ok() && watchdog.expired()) {
      co_return base::make_error(std::errc::timed_out,
                                 url.authority() + " has not answered in " + std::to_string(timeout.count()) + " ms");
    }
    co_return response;
  }

  base::AsyncResult<Response> send_and_receive(const Request& request, bool& any_byte) {
    const std::string head = head_of(request);
    auto sent = co_await stream->write(head);
    if (sent.ok() && !request.body.empty()) sent = co_await stream->write(request.body);
    // A server that refuses early stops reading: what it has answered is worth more than our failure to go on writing.
    bool keep_alive = false;
    auto response = co_await read_response(*stream, buffer, options.max_response_bytes, keep_alive, any_byte);
    if (!response.ok()) {
      if (!sent.ok() && !any_byte) co_return std::move(sent).error();
      co_return base::with_context(std::move(response).error(), url.authority());
    }
    used = true;
    if (!sent.ok() || !keep_alive) close_after_response = true;
    co_return response;
  }

  bool close_after_response = false;
};

Client::Client(Url url, ClientOptions options) : state_(std::make_unique<State>(std::move(url), std::move(options))) {}
Client::~Client() = default;

base::AsyncResult<Response> Client::exchange(Request request, std::chrono::milliseconds timeout) {
  State& state = *state_;
  for (;;) {
    const bool kept = state.stream != nullptr && state.used;
    if (!state.stream) CO_RETURN_IF_ERROR(co_await state.connect());
    bool any_byte = false;
    state.close_after_response = false;
    // Cancelled in the middle, the connection is of no use any more: a late answer would be taken for the next one's.
    struct CloseOnUnwind {
      State* state;
      ~CloseOnUnwind() {
        if (state != nullptr) state->close();
      }
    } guard{&state};
    auto response = co_await state.attempt(request, timeout, any_byte);
    if (response.ok() && !state.close_after_response) guard.state = nullptr;
    if (response.ok()) co_return response;
    const bool timed_out = response.error().code == std::errc::timed_out;
    if (kept && !any_byte && !timed_out) continue;  // the server has closed while nothing was going on
    co_return response;
  }
}

void Client::close() {
  state_->close();
}
const Url& Client::url() const {
  return state_->url;
}

}  // namespace http
