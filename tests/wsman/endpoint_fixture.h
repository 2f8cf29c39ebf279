// An endpoint with four schemes, and the requests that are sent to it without a socket.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "engine/auth/certificate.h"
#include "engine/auth/local_peer.h"
#include "engine/wsman/endpoint.h"
#include "engine/wsman/names.h"
#include "engine/wsman/sldc.h"
#include "tests/support/matchers.h"
#include "tests/wsman/fakes.h"

namespace wsman {

using test_support::IsOk;
using test_support::RequestText;
using test_support::run_on;
using test_support::Service;

inline constexpr std::string_view kIdentify =
    "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'"
    " xmlns:i='http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd'><s:Header/><s:Body><i:Identify/></s:Body>"
    "</s:Envelope>";

/// A scheme of two legs: "Dance step1" and "Dance step2"; and the last word is "bow".
class DanceAuthenticator final : public auth::Authenticator {
 public:
  std::string_view challenge() const override { return "Dance style=\"waltz\""; }
  bool claims(std::string_view authorization, const base::Peer&) const override {
    return authorization.starts_with("Dance");
  }
  std::unique_ptr<auth::Conversation> begin(const base::Peer&) override {
    class Steps final : public auth::Conversation {
     public:
      base::AsyncResult<auth::Step> step(std::string token) override {
        auth::Step step;
        if (token != (++legs_ == 1 ? "step1" : "step2")) {
          co_return base::make_error(std::errc::permission_denied, "out of step");
        }
        step.token = legs_ == 1 ? "go on" : "bow";
        step.accepted = legs_ == 2;
        step.principal.scheme = auth::Principal::Scheme::Negotiate;
        step.principal.name = "dancer";
        step.principal.administrator = true;
        co_return step;
      }

     private:
      int legs_ = 0;
    };
    return std::make_unique<Steps>();
  }
};

/// Speaks for one request at a time.
class WordAuthenticator final : public auth::Authenticator {
 public:
  std::string_view challenge() const override { return "Basic realm=\"WSMAN\""; }
  bool claims(std::string_view authorization, const base::Peer&) const override {
    return authorization.starts_with("Basic ");
  }
  std::unique_ptr<auth::Conversation> begin(const base::Peer&) override {
    class Word final : public auth::Conversation {
     public:
      base::AsyncResult<auth::Step> step(std::string token) override {
        if (token == "hush") co_return base::make_error(std::errc::device_or_resource_busy, "too many words");
        if (token != "sesame") co_return base::make_error(std::errc::permission_denied, "wrong word");
        auth::Step step;
        step.accepted = true;
        step.principal.scheme = auth::Principal::Scheme::Basic;
        step.principal.name = "ali";
        step.principal.administrator = true;
        co_return step;
      }
    };
    return std::make_unique<Word>();
  }
};

class EndpointTest : public ::testing::Test {
 protected:
  EndpointTest() { make({}); }

  void make(EndpointOptions options, DispatcherOptions dispatcher = {}) {
    endpoint_.reset();
    service_ = std::make_unique<Service>(std::move(dispatcher));
    service_->resource.items = {test_support::thing("one")};
    endpoint_ = std::make_unique<Endpoint>(std::move(options), service_->dispatcher,
                                           std::vector<auth::Authenticator*>{&local_, &certificate_, &dance_, &word_});
  }

  /// The connection of a machine with a certificate.
  void connect_with_certificate() {
    connection_.peer.transport = base::Peer::Transport::Tls;
    connection_.peer.certificate.emplace();
    connection_.peer.certificate->dns_names = {"host7.lab.example"};
  }
  void connect_locally() {
    connection_.peer.transport = base::Peer::Transport::Unix;
    connection_.peer.process = base::PeerProcess{0, 0, 1};
  }

  static http::Request post(std::string body, std::string content_type = "application/soap+xml;charset=UTF-8") {
    http::Request request;
    request.head.target = "/wsman";
    request.head.fields.add("Content-Type", std::move(content_type));
    request.head.content_length = body.size();
    request.body = std::move(body);
    return request;
  }
  static http::Request get_one() {
    return post(RequestText(action::kGet)
                    .resource(test_support::kFakeUri)
                    .block("w:SelectorSet", "<w:SelectorSet><w:Selector Name='Name'>one</w:Selector></w:SelectorSet>")
                    .text());
  }

  /// As http::Connection does it: the head, the body's limit, the body.
  http::Response send(http::Request request) {
    auto admission = run_on(service_->loop.executor(), endpoint_->admit(request.head, connection_));
    if (admission.refusal) return std::move(*admission.refusal);
    if (request.body.size() > admission.max_body) {
      http::Response response;
      response.status = 413;
      return response;
    }
    return run_on(service_->loop.executor(), endpoint_->handle(std::move(request), connection_));
  }

  static std::vector<std::string> challenges(const http::Response& response) {
    std::vector<std::string> all;
    for (const auto& [name, value] : response.fields) {
      if (name == "WWW-Authenticate") all.push_back(value);
    }
    return all;
  }
  static FaultCode fault_of(const http::Response& response) {
    Charset charset{};
    auto text = decode_text(response.body, *response.fields.find("Content-Type"), charset);
    auto envelope = read_envelope(std::move(text).value());
    return envelope->fault().value().code;
  }

  auth::LocalPeerAuthenticator local_;
  auth::CertificateAuthenticator certificate_;
  DanceAuthenticator dance_;
  WordAuthenticator word_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Endpoint> endpoint_;
  http::Connection connection_;
};

}  // namespace wsman
