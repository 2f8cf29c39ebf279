#include "tests/http/served.h"

#include <gtest/gtest.h>

namespace http_test {
namespace {

base::Task<base::Result<http::Response>> exchange(http::Client& client, std::string body,
                                                  std::chrono::milliseconds timeout) {
  http::Request request;
  request.body = std::move(body);
  co_return co_await client.exchange(std::move(request), timeout);
}

base::Task<void> close(http::Client& client) {
  client.close();
  co_return;
}

}  // namespace

Served::Served(http::ListenerOptions options) : tls_(options.tls != nullptr) {
  if (options.address.empty()) options.address = "127.0.0.1";
  listener_ = std::make_unique<http::Listener>(loop_.executor(), std::move(options), handler_);
}

Served::~Served() {
  stop();
}

void Served::stop(std::chrono::milliseconds grace) {
  boost::asio::co_spawn(loop_.executor(), listener_->stop(grace), boost::asio::use_future).get();
}

std::string Served::url() const {
  return (tls_ ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(listener_->port()) + "/";
}

Caller::Caller(Served& served, std::string url, http::ClientOptions options)
    : served_(served), client_(std::make_unique<http::Client>(http::Url::parse(url).value(), std::move(options))) {}

Caller::~Caller() {
  boost::asio::co_spawn(served_.executor(), close(*client_), boost::asio::use_future).get();
}

base::Result<http::Response> Caller::post(std::string body, std::chrono::milliseconds timeout) {
  return served_.run(exchange(*client_, std::move(body), timeout));
}

std::shared_ptr<http::TlsServerContext> server_context(const test_support::TestPki& pki, bool required) {
  const auto identity = pki.server();
  http::TlsServerOptions options;
  options.certificate = identity.certificate;
  options.private_key = identity.private_key;
  options.client_ca = pki.authorities();
  options.require_client_certificate = required;
  return http::TlsServerContext::load(options).value();
}

std::shared_ptr<http::TlsClientContext> client_context(const test_support::TestPki& pki,
                                                       std::optional<test_support::Identity> identity) {
  http::TlsClientOptions options;
  options.ca = pki.root().certificate();
  if (identity) {
    options.certificate = identity->leaf;
    options.private_key = identity->private_key;
  }
  return http::TlsClientContext::load(options).value();
}

}  // namespace http_test
