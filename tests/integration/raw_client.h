// A client that does what no honest one does: it stops halfway.

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace integration {

/// A TCP connection to a port of this host, with TLS where a certificate is given. Its failures fail the test. One thread.
class RawClient {
 public:
  /// Connects and says nothing.
  explicit RawClient(unsigned port);
  /// Connects and finishes the handshake, as the owner of `certificate`; the server's own is not verified.
  RawClient(unsigned port, const std::filesystem::path& certificate, const std::filesystem::path& key);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes);
  /// What comes until `end` is part of it, or the peer ends; waits 10 s at most.
  std::string receive(std::string_view end);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace integration
