#include "engine/http/socket_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace http {
namespace {

namespace asio = boost::asio;

base::Error transport_error(const boost::system::error_code& code, const char* attempted) {
  if (code == asio::error::operation_aborted || code == asio::error::bad_descriptor)
    return base::make_error(std::errc::operation_canceled, attempted);
  return base::make_error(std::error_code(code), attempted);
}

class SocketStream final : public Stream {
 public:
  SocketStream(Socket socket, base::Peer peer) : socket_(std::move(socket)), peer_(std::move(peer)) {}

  base::AsyncResult<void> wait_readable() override {
    cancelled_ = false;
    boost::system::error_code error;
    co_await socket_.async_wait(Socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
    if (cancelled_) error = asio::error::operation_aborted;
    if (error) co_return transport_error(error, "waiting for the peer");
    co_return base::Result<void>();
  }

  base::AsyncResult<std::size_t> read_some(std::span<char> into) override {
    cancelled_ = false;
    boost::system::error_code error;
    const std::size_t got = co_await socket_.async_read_some(asio::buffer(into.data(), into.size()),
                                                             asio::redirect_error(asio::use_awaitable, error));
    if (cancelled_) error = asio::error::operation_aborted;
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return transport_error(error, "reading from the peer");
    co_return got;
  }

  base::AsyncResult<void> write(std::string_view bytes) override {
    cancelled_ = false;
    boost::system::error_code error;
    // Not async_write(): it does not react to the polite form of cancellation.
    while (!bytes.empty()) {
      const std::size_t written = co_await socket_.async_write_some(asio::buffer(bytes.data(), bytes.size()),
                                                                    asio::redirect_error(asio::use_awaitable, error));
      if (cancelled_) error = asio::error::operation_aborted;
      if (error) co_return transport_error(error, "writing to the peer");
      bytes.remove_prefix(written);
    }
    co_return base::Result<void>();
  }

  base::Task<void> shutdown() override {
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    co_return;
  }

  bool is_quiet() const override { return http::is_quiet(const_cast<Socket&>(socket_).native_handle()); }

  void cancel() override {
    // A wait that is over already, but has not been told to its coroutine yet, must not slip through.
    cancelled_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }

  void close() override {
    cancelled_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  std::chrono::milliseconds silence() override { return silence_of(socket_); }
  void probe(std::chrono::seconds interval) override { probe_peer(socket_, interval); }
  const base::Peer& peer() const override { return peer_; }

 private:
  Socket socket_;
  base::Peer peer_;
  bool cancelled_ = false;
};

std::string text_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v6.sin6_port));
  }
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

}  // namespace

bool is_quiet(int socket) {
  pollfd wanted{socket, POLLIN, 0};
  return ::poll(&wanted, 1, 0) == 0;
}

std::unique_ptr<Stream> socket_stream(Socket socket, base::Peer peer) {
  return std::make_unique<SocketStream>(std::move(socket), std::move(peer));
}

void prepare_socket(Socket& socket) {
  const int fd = socket.native_handle();
  const int on = 1;
  // Longer than any of our own limits: a peer that makes us wait with a closed window is those' business.
  const unsigned unacknowledged_ms = 180'000;
  // A UNIX socket refuses these options, and that is fine.
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
  probe_peer(socket, std::chrono::seconds(0));
}

void probe_peer(Socket& socket, std::chrono::seconds interval) {
  const bool seldom = interval.count() == 0;
  const int idle_seconds = seldom ? 120 : static_cast<int>(interval.count());
  const int interval_seconds = seldom ? 30 : static_cast<int>(interval.count());
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof interval_seconds);
}

std::chrono::milliseconds silence_of(Socket& socket) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return {};
  // One probe may just have gone out. More of them, of whichever kind, are those that nobody has answered: a host that lets
  // us wait with a closed window answers.
  if (info.tcpi_unacked == 0 && info.tcpi_probes < 2) return {};
  return std::chrono::milliseconds(info.tcpi_last_ack_recv);
}

base::Peer peer_of(Socket& socket) {
  base::Peer peer;
  int family = 0;
  socklen_t length = sizeof family;
  // The socket's own family decides what the peer is: one that has gone again has no address to tell it by.
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_DOMAIN, &family, &length) != 0 || family != AF_UNIX) {
    sockaddr_storage address{};
    length = sizeof address;
    const bool known = ::getpeername(socket.native_handle(), reinterpret_cast<sockaddr*>(&address), &length) == 0;
    peer.address = known ? text_of(address) : "a peer that has gone";
    return peer;
  }
  peer.transport = base::Peer::Transport::Unix;
  peer.address = "unix";
  ucred credentials{};
  length = sizeof credentials;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0) {
    peer.process = base::PeerProcess{credentials.uid, credentials.gid, credentials.pid};
  }
  return peer;
}

}  // namespace http
