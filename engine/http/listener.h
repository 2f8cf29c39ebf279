// Accepts connections on one address and serves each from its own strand.

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "engine/base/task.h"
#include "engine/http/handler.h"
#include "engine/http/tls.h"

namespace http {

struct ListenerOptions {
  /// "0.0.0.0", "::", "127.0.0.1" with `port` (0 lets the system choose), or a UNIX socket's path.
  std::string address;
  std::uint16_t port = 0;
  bool only_v6 = false;             ///< "::" shall not take IPv4 connections too
  std::filesystem::path unix_path;  ///< set: a UNIX socket instead of TCP; a dead one in its place is replaced
  unsigned unix_mode = 0660;
  std::shared_ptr<TlsServerContext> tls;  ///< null: no TLS

  /// Connections beyond this number, or beyond what the process's limit of descriptors leaves, are closed as soon as they
  /// are accepted, with a line in the log.
  std::size_t max_connections = 20'000;
  std::size_t max_header_bytes = 16 << 10;
  std::chrono::milliseconds handshake_timeout{10'000};
  /// From the first byte of a request to its last (MaxPacketRetrievalTimeSeconds).
  std::chrono::milliseconds retrieval_timeout{120'000};
  /// A body for whose memory others wait has so long, and a second more for every 32 KiB of it.
  std::chrono::milliseconds body_patience{5'000};
  /// Silence between requests. A source may be silent for its whole heartbeat interval, an hour and more.
  std::chrono::milliseconds idle_timeout{std::chrono::hours(25)};
  /// For the peer to take a response.
  std::chrono::milliseconds write_timeout{60'000};
};

/// A listening socket. Thread-safe. Call stop() before destruction.
class Listener {
 public:
  /// `handler` outlives the listener.
  Listener(base::Executor executor, ListenerOptions options, Handler& handler);
  ~Listener();

  /// Binds and listens; connections are accepted from then on. Errors: the system's, with the address.
  base::Result<void> start();
  /// The port in use, once started.
  std::uint16_t port() const;
  /// How many connections are open now.
  std::size_t connections() const;
  /// New handshakes use this context; open connections go on.
  void replace_tls(std::shared_ptr<TlsServerContext> tls);
  /// Of requests that begin from now on, on open connections too.
  void set_retrieval_timeout(std::chrono::milliseconds timeout);
  /// Accepts no more: when it returns the address is free for another listener. Open connections go on until stop(). Blocks
  /// for a moment, so never call it on a thread that runs the executor.
  void close();
  /// Accepts no more, lets requests in progress finish for up to `grace`, then closes everything.
  base::Task<void> stop(std::chrono::milliseconds grace = std::chrono::milliseconds(2000));

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace http
