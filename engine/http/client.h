// One HTTP client connection, kept alive between requests.

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "engine/base/peer.h"
#include "engine/base/task.h"
#include "engine/http/message.h"
#include "engine/http/tls.h"

namespace http {

/// The parts of an absolute http or https URL.
struct Url {
  bool tls = false;
  std::string host;  ///< without the brackets of an IPv6 literal
  std::uint16_t port = 0;
  std::string target;  ///< path and query, "/" at least

  /// The scheme in any case; ports default to 5985 and 5986. Errors: std::errc::invalid_argument.
  static base::Result<Url> parse(std::string_view text);
  /// host:port as the Host field wants it.
  std::string authority() const;
};

struct ClientOptions {
  std::shared_ptr<TlsClientContext> tls;  ///< needed for https
  std::filesystem::path unix_path;        ///< set: connect there; the URL gives only Host and target
  std::string connect_host;               ///< set: connect to this host; the URL's is for TLS and the Host field only
  std::chrono::milliseconds connect_timeout{15'000};
  /// A request ends with std::errc::timed_out where the server's host acknowledges nothing for so long, neither bytes nor
  /// probes: it has gone, or one of us has another address now. A server that only takes its time is not meant by it.
  std::chrono::milliseconds silence_timeout{10'000};
  std::size_t max_response_bytes = 64u << 20;
};

/// Sends requests one at a time over one connection, which it makes when it is needed. One strand.
class Client {
 public:
  Client(Url url, ClientOptions options);
  ~Client();

  /// Sends the request (Host, Content-Length and Connection are added) to the URL's target, or to the request's own if that
  /// is not "/", and reads the response. Redirects are not followed.
  ///
  /// Where a connection that was kept turns out to be closed before a byte of the response came, the request is sent once
  /// more on a new one, if it is repeatable; one that is not goes over no connection that has lain idle or is known to be
  /// closed. Errors:
  /// std::errc::timed_out, std::errc::connection_refused, the resolver's, TLS verification with OpenSSL's reason, a
  /// malformed response. After an error the connection is closed.
  base::AsyncResult<Response> exchange(Request request, std::chrono::milliseconds timeout);

  void close();
  const Url& url() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace http
