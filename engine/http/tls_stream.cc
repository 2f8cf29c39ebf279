#include "engine/http/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <thread>

#include "engine/http/tls_certificates.h"
#include "engine/http/tls_socket.h"
#include "engine/http/watchdog.h"

namespace http {
namespace {

namespace asio = boost::asio;

std::string queue_text() {
  const unsigned long code = ::ERR_peek_error();
  const char* reason = code != 0 ? ::ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "protocol error";
}

class TlsStream final : public Stream {
 public:
  /// `context` keeps the SSL_CTX's owner alive.
  TlsStream(Socket socket, base::Peer peer, ssl_ctx_st* native, std::shared_ptr<void> context)
      : socket_(std::move(socket)), peer_(std::move(peer)), context_(std::move(context)), ssl_(::SSL_new(native)) {
    if (ssl_ == nullptr) base::die("SSL_new failed");
    BIO* bio = make_socket_bio(socket_.native_handle());
    ::SSL_set_bio(ssl_, bio, bio);
    peer_.transport = base::Peer::Transport::Tls;
  }
  ~TlsStream() override { ::SSL_free(ssl_); }

  SSL* native() { return ssl_; }

  /// The client's is made where it is awaited.
  base::AsyncResult<void> handshake(std::chrono::milliseconds limit, HandshakePool* pool = nullptr) {
    Watchdog watchdog(co_await asio::this_coro::executor, [this] { cancel(); });
    watchdog.arm(limit);
    std::string refused_subject;
    SSL_set_app_data(ssl_, &refused_subject);
    auto done = co_await drive([this] { return ::SSL_do_handshake(ssl_); }, pool);
    SSL_set_app_data(ssl_, nullptr);
    if (done.ok() && *done > 0) {
      peer_.certificate = verified_peer_certificate(ssl_);
      co_return base::Result<void>();
    }
    if (done.ok())
      co_return base::make_error(std::errc::connection_reset, "the peer closed the connection during the TLS handshake");
    if (watchdog.expired()) co_return base::make_error(std::errc::timed_out, "the TLS handshake took too long");
    if (done.error().code == std::errc::operation_canceled) co_return std::move(done).error();
    const long verification = ::SSL_get_verify_result(ssl_);
    base::Error error = std::move(done).error();
    if (verification != X509_V_OK) {
      error.what = "certificate of the peer refused: " + std::string(::X509_verify_cert_error_string(verification));
      if (!refused_subject.empty()) error.what += " (" + refused_subject + ")";
    } else {
      error.what = "TLS handshake: " + error.what;
    }
    co_return error;
  }

  base::AsyncResult<void> wait_readable() override {
    cancelled_ = false;
    if (::SSL_has_pending(ssl_) != 0) co_return base::Result<void>();
    co_return co_await wait(Socket::wait_read);
  }

  base::AsyncResult<std::size_t> read_some(std::span<char> into) override {
    auto got = co_await drive([this, into] { return ::SSL_read(ssl_, into.data(), static_cast<int>(into.size())); });
    if (!got.ok()) co_return std::move(got).error();
    co_return static_cast<std::size_t>(*got);
  }

  base::AsyncResult<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20));
      auto written = co_await drive([this, bytes, size] { return ::SSL_write(ssl_, bytes.data(), size); });
      if (!written.ok()) co_return std::move(written).error();
      if (*written == 0) co_return base::make_error(std::errc::connection_reset, "the peer closed the connection");
      bytes.remove_prefix(static_cast<std::size_t>(*written));
    }
    co_return base::Result<void>();
  }

  base::Task<void> shutdown() override {
    if (socket_.is_open() && ::SSL_is_init_finished(ssl_)) {
      ::ERR_clear_error();
      ::SSL_shutdown(ssl_);
      boost::system::error_code ignored;
      socket_.shutdown(Socket::shutdown_send, ignored);
    }
    co_return;
  }

  bool is_quiet() const override { return http::is_quiet(const_cast<Socket&>(socket_).native_handle()); }

  void cancel() override {
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
  base::AsyncResult<void> wait(Socket::wait_type what) {
    if (!socket_.is_open()) co_return base::make_error(std::errc::operation_canceled, "the connection was closed");
    boost::system::error_code error;
    co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
    if (cancelled_ || error == asio::error::operation_aborted)
      co_return base::make_error(std::errc::operation_canceled, "the connection was closed");
    if (error) co_return base::make_error(std::error_code(error), "waiting for the peer");
    co_return base::Result<void>();
  }

  /// What a call of OpenSSL has come to.
  struct Outcome {
    int result = 0;
    int error = SSL_ERROR_NONE;
    int system = 0;
    bool cut = false;  ///< the peer has ended without a word
    std::string text;
  };
  template <typename Call>
  Outcome attempt(Call& call) {
    Outcome outcome;
    // The queue belongs to the thread, and so to every connection that it serves.
    ::ERR_clear_error();
    errno = 0;
    outcome.result = call();
    if (outcome.result > 0) return outcome;
    outcome.system = errno;
    outcome.error = ::SSL_get_error(ssl_, outcome.result);
    if (outcome.error != SSL_ERROR_SSL) return outcome;
    outcome.cut = ERR_GET_REASON(::ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    outcome.text = queue_text();
    return outcome;
  }

  /// Repeats `call` until OpenSSL neither wants to read nor to write. 0 is the peer's orderly end.
  template <typename Call>
  base::AsyncResult<int> drive(Call call, HandshakePool* pool = nullptr) {
    cancelled_ = false;
    for (;;) {
      if (!socket_.is_open()) co_return base::make_error(std::errc::operation_canceled, "the connection was closed");
      Outcome outcome;
      if (pool != nullptr) {
        const auto elsewhere = [&] { outcome = attempt(call); };
        co_await pool->run(elsewhere);
        if (cancelled_) co_return base::make_error(std::errc::operation_canceled, "the connection was closed");
      } else {
        outcome = attempt(call);
      }
      if (outcome.result > 0) co_return outcome.result;
      switch (outcome.error) {
        case SSL_ERROR_WANT_READ:
          CO_RETURN_IF_ERROR(co_await wait(Socket::wait_read));
          break;
        case SSL_ERROR_WANT_WRITE:
          CO_RETURN_IF_ERROR(co_await wait(Socket::wait_write));
          break;
        case SSL_ERROR_ZERO_RETURN:
          co_return 0;
        case SSL_ERROR_SYSCALL:
          if (outcome.system == 0) co_return 0;
          co_return base::make_error(std::error_code(outcome.system, std::generic_category()), "TLS connection");
        default:
          // A peer that ends without close_notify has been seen to end; HTTP's own framing tells whether something is
          // missing.
          if (outcome.cut) co_return 0;
          co_return base::make_error(std::errc::protocol_error, std::move(outcome.text));
      }
    }
  }

  Socket socket_;
  base::Peer peer_;
  std::shared_ptr<void> context_;
  SSL* ssl_;
  bool cancelled_ = false;
};

bool is_address(const std::string& host) {
  boost::system::error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

}  // namespace

HandshakePool::HandshakePool() : pool_(std::clamp(std::thread::hardware_concurrency() / 2, 1u, 4u)) {}

base::AsyncResult<std::unique_ptr<Stream>> accept_tls(Socket socket, base::Peer peer,
                                                      std::shared_ptr<TlsServerContext> context,
                                                      std::chrono::milliseconds limit, HandshakePool& pool) {
  auto* native = context->native();
  auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(peer), native, std::move(context));
  ::SSL_set_accept_state(stream->native());
  CO_RETURN_IF_ERROR(co_await stream->handshake(limit, &pool));
  co_return std::unique_ptr<Stream>(std::move(stream));
}

base::AsyncResult<std::unique_ptr<Stream>> connect_tls(Socket socket, base::Peer peer,
                                                       std::shared_ptr<TlsClientContext> context, std::string host,
                                                       std::chrono::milliseconds limit) {
  auto* native = context->native();
  const bool any_name = context->skips_name_check();
  auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(peer), native, std::move(context));
  SSL* ssl = stream->native();
  ::SSL_set_connect_state(ssl);
  bool checked = false;
  if (any_name) {
    checked = is_address(host) || SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  } else if (is_address(host)) {
    checked = ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host.c_str()) == 1;
  } else {
    ::SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    checked = SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && ::SSL_set1_host(ssl, host.c_str()) == 1;
  }
  // Without a name to check, OpenSSL would take any server's certificate.
  if (!checked) co_return base::make_error(std::errc::invalid_argument, host + " is no name that a certificate can have");
  CO_RETURN_IF_ERROR(co_await stream->handshake(limit));
  co_return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace http
