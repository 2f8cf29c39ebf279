// A Stream over TLS: OpenSSL reads and writes the non-blocking socket itself, Asio only tells when it is ready.

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/http/socket_stream.h"
#include "engine/http/tls.h"

namespace http {

/// Serves the handshake, for at most `limit`. The peer's certificate, if it sent one that verified, is in peer(). Errors:
/// OpenSSL's reason, and that of the verification where it was it; std::errc::timed_out.
base::AsyncResult<std::unique_ptr<Stream>> accept_tls(Socket socket, base::Peer peer,
                                                      std::shared_ptr<TlsServerContext> context,
                                                      std::chrono::milliseconds limit);

/// Makes the handshake with the server `host`, which its certificate must name (a DNS name or an IP address). Errors: as
/// above.
base::AsyncResult<std::unique_ptr<Stream>> connect_tls(Socket socket, base::Peer peer,
                                                       std::shared_ptr<TlsClientContext> context, std::string host,
                                                       std::chrono::milliseconds limit);

}  // namespace http
