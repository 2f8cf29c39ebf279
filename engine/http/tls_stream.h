// A Stream over TLS: OpenSSL reads and writes the non-blocking socket itself, Asio only tells when it is ready.

#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "engine/base/blocking.h"
#include "engine/http/socket_stream.h"
#include "engine/http/tls.h"

namespace http {

/// Threads that do the arithmetic of handshakes: thousands that come at one time then slow each other, and not the requests
/// of those who are connected already. Thread-safe; outlives the handshakes.
class HandshakePool {
 public:
  /// As many as half of the processors.
  HandshakePool();
  /// Handshakes that wait for a thread, or have one. Those that wait for their peer are none of them.
  std::size_t busy() const { return busy_; }
  template <typename Function>
  base::Task<void> run(Function& function) {
    // A coroutine that is cancelled leaves by an exception.
    struct Place {
      explicit Place(std::atomic<std::size_t>& places) : busy(places) { ++busy; }
      ~Place() { --busy; }
      Place(const Place&) = delete;
      Place& operator=(const Place&) = delete;
      std::atomic<std::size_t>& busy;
    };
    const Place place(busy_);
    co_await pool_.run([&function] { function(); });
  }

 private:
  std::atomic<std::size_t> busy_{0};
  base::BlockingPool pool_;
};

/// Serves the handshake on `pool`, for at most `limit`. The peer's certificate, if it sent one that verified, is in peer().
/// Errors: OpenSSL's reason, and that of the verification where it was it; std::errc::timed_out.
base::AsyncResult<std::unique_ptr<Stream>> accept_tls(Socket socket, base::Peer peer,
                                                      std::shared_ptr<TlsServerContext> context,
                                                      std::chrono::milliseconds limit, HandshakePool& pool);

/// Makes the handshake with the server `host`, which its certificate must name (a DNS name or an IP address). Errors: as
/// above.
base::AsyncResult<std::unique_ptr<Stream>> connect_tls(Socket socket, base::Peer peer,
                                                       std::shared_ptr<TlsClientContext> context, std::string host,
                                                       std::chrono::milliseconds limit);

}  // namespace http
