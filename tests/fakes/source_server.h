// What all fake sources have in common: an HTTP server on loopback, Basic authentication, and a memory of what was asked.

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/http/handler.h"
#include "engine/http/listener.h"
#include "engine/wsman/envelope.h"
#include "tests/support/run.h"

namespace fakes {

struct SourceServerOptions {
  std::string address = "127.0.0.1";  ///< each of 127.0.0.0/8 can be a machine of its own
  std::uint16_t port = 0;
  std::shared_ptr<http::TlsServerContext> tls;
  /// Who is let in by Basic; everybody where `user` is empty.
  std::string user;
  std::string password;
  std::string realm = "WSMAN";
};

/// One request that a source has got.
struct AskedOfSource {
  std::string action;
  std::string text;  ///< the envelope, UTF-8
  wsman::Headers headers;
};

/// Listens from start() to stop(), which the most derived class has to call before its members go. Requests are answered on
/// a thread of its own, one after the other.
class SourceServer : public http::Handler {
 public:
  explicit SourceServer(SourceServerOptions options);
  ~SourceServer() override;

  /// Again on the same port, after a stop(). Fails the program where the port is taken.
  void start();
  /// Closes every connection at once; what is being asked gets no answer.
  void stop();

  std::uint16_t port() const { return options_.port; }
  /// ".../wsman", with localhost over TLS.
  std::string url() const;
  base::Executor executor() { return loop_.executor(); }

  std::vector<AskedOfSource> asked() const;
  std::vector<AskedOfSource> asked(std::string_view action) const;
  /// How many connections there have been, and how many requests were refused for their credentials.
  std::size_t connections() const;
  std::size_t unauthorised() const;

 protected:
  /// `text` is the body in UTF-8, `envelope` what it holds; `charset` its encoding.
  virtual base::Task<http::Response> answer(wsman::Envelope envelope, wsman::Charset charset) = 0;
  /// Before the body is read.
  virtual std::optional<http::Response> refuse(const http::RequestHead& head);

  static http::Response soap(unsigned status, const std::string& envelope, wsman::Charset charset);
  static http::Response reply(const wsman::Message& message, wsman::Charset charset);

 private:
  base::Task<http::Admission> admit(const http::RequestHead& head, http::Connection& connection) override;
  base::Task<http::Response> handle(http::Request request, http::Connection& connection) override;

  SourceServerOptions options_;
  test_support::Loop loop_;
  std::unique_ptr<http::Listener> listener_;
  mutable std::mutex mutex_;
  std::vector<AskedOfSource> asked_;
  std::size_t connections_ = 0;
  std::size_t unauthorised_ = 0;
};

}  // namespace fakes
