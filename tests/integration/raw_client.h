// A client that does what no honest one does: it stops halfway.

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace integration {

/// A connection to a port of this host or to a UNIX socket, with TLS where a certificate is given. Its failures fail the
/// test. One thread.
class RawClient {
 public:
  /// Connects and says nothing.
  explicit RawClient(unsigned port);
  /// The same to a UNIX socket.
  explicit RawClient(const std::filesystem::path& socket);
  /// Connects and finishes the handshake, as the owner of `certificate`; the server's own is not verified.
  RawClient(unsigned port, const std::filesystem::path& certificate, const std::filesystem::path& key);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes);
  /// Sends what the peer takes at once; how much that was. 0 too where the peer has closed.
  std::size_t send_some(std::string_view bytes);
  /// Ends our side (close_notify, FIN); the peer may go on.
  void end();
  /// What comes until `end` is part of it, or the peer ends; waits 10 s at most.
  std::string receive(std::string_view end);
  /// All that comes until the peer ends.
  std::string receive_rest() { return receive({}); }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace integration
