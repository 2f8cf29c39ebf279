// A listener with a handler on a loop of its own, and clients for it.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/http/client.h"
#include "engine/http/listener.h"
#include "tests/http/exchange.h"
#include "tests/support/run.h"
#include "tests/support/test_pki.h"

namespace http_test {

/// Listens on 127.0.0.1, on a port that the system chooses, unless the options say otherwise. Stopped when destroyed.
class Served {
 public:
  explicit Served(http::ListenerOptions options = {});
  ~Served();

  base::Result<void> start() { return listener().start(); }
  http::Listener& listener() { return *listener_; }
  RecordingHandler& handler() { return handler_; }
  base::Executor executor() { return loop_.executor(); }
  void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(2000));
  /// "http://127.0.0.1:<port>/" or, with TLS, "https://localhost:<port>/".
  std::string url() const;
  /// Runs a task on the server's loop.
  template <typename T>
  T run(base::Task<T> task) {
    return test_support::run_on(loop_.executor(), std::move(task));
  }

 private:
  bool tls_;
  RecordingHandler handler_;
  test_support::Loop loop_;
  std::unique_ptr<http::Listener> listener_;
};

/// A client whose exchanges run on the loop of `served`.
class Caller {
 public:
  Caller(Served& served, std::string url, http::ClientOptions options = {});
  ~Caller();
  base::Result<http::Response> post(std::string body = {}, std::chrono::milliseconds timeout = std::chrono::seconds(20));
  http::Client& client() { return *client_; }

 private:
  Served& served_;
  std::unique_ptr<http::Client> client_;
};

/// A server's TLS context that asks for certificates of the PKI's clients.
std::shared_ptr<http::TlsServerContext> server_context(const test_support::TestPki& pki, bool required = true);
/// A client's, with the certificate of `identity` if there is one.
std::shared_ptr<http::TlsClientContext> client_context(const test_support::TestPki& pki,
                                                       std::optional<test_support::Identity> identity = {});

}  // namespace http_test
