// WS-Management over HTTP, server side: authentication, media types, compression, then the dispatcher.
//
// Source: wsman-protocol, sections 3, 5, 10 and 13; wef-wire, section 3.

#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/auth/authenticator.h"
#include "engine/http/handler.h"
#include "engine/wsman/dispatcher.h"

namespace wsman {

struct EndpointOptions {
  /// What the path begins with: "/wsman", "/wsman/…". Empty: whoever calls has looked at the path.
  std::string url_prefix = "wsman";
  /// The HTTP body may exceed MaxEnvelopeSize by this much.
  std::size_t wrapping_bytes = 4096;
  /// A compressed body may not expand beyond this, nor beyond 32 times the largest plain body: what a source packs into one
  /// is an envelope, and that has its own limit.
  std::size_t max_decompressed_bytes = 64u << 20;
  /// Bytes of request bodies, as they come over the wire, in memory at one time over all connections. Each byte is counted
  /// when it has come; so a sender holds no more than it has sent. Where three quarters are taken, sockets are read no more:
  /// the bodies that have begun wait in their order for all that they still need; the last quarter is theirs, so that they
  /// cannot wait for each other for ever. While others wait, one that comes slower than http's pace is ended.
  std::size_t body_budget = 128u << 20;
  /// Of these bytes, what one caller may have: who sends too much waits for himself.
  std::size_t caller_body_bytes = 16u << 20;
  /// Deliveries of one caller that are worked on at one time; more wait in their order, and so do other large requests.
  std::size_t caller_deliveries = 16;
  /// Connections of one caller; further ones get 503.
  std::size_t caller_connections = 1000;
  /// What compressed bodies expand to, likewise. A share is taken once the whole body is there, so no sender can hold it.
  std::size_t expansion_budget = 128u << 20;
  /// Who has waited so long for a share of either gets 503.
  std::chrono::milliseconds body_wait{30'000};
  /// Answer Identify to those who ask with the header WSMANIDENTIFY: unauthenticated, or at /wsman-anon/identify.
  bool anonymous_identify = true;
  std::string product_vendor = "Muster";
  /// Requests that are worked on at one time (MaxConnections). More wait, in their order.
  std::size_t max_requests = std::numeric_limits<std::size_t>::max();
  /// Who has waited so long for a place gets 503.
  std::chrono::milliseconds request_wait{5'000};
  /// The same for a caller's own turn among caller_deliveries.
  std::chrono::milliseconds turn_wait{20'000};
};

/// Whether the path of a request target is `url_prefix` or below it, or the one at which strangers may ask for Identify.
/// Case does not count, nor what follows a "?".
bool is_below(std::string_view target, std::string_view url_prefix);
/// The answer to a request for another path.
http::Response not_found();

/// The http::Handler of every WS-Man listener, the control socket included. Thread-safe. What it is given outlives it.
class Endpoint final : public http::Handler {
 public:
  /// `authenticators` in the order in which they are offered.
  Endpoint(EndpointOptions options, Dispatcher& dispatcher, std::vector<auth::Authenticator*> authenticators);
  ~Endpoint() override;

  /// From the next request on; the connections of a scheme that is offered no longer must authenticate anew.
  void set_authenticators(std::vector<auth::Authenticator*> authenticators);
  /// Who the owner of a certificate is for a request to a resource, or nothing: then he stays the machine of that name.
  /// Asked for every request but those of event sources. Thread-safe; set before the first request.
  using Mapper = std::function<std::optional<auth::Principal>(const auth::Principal& who, std::string_view resource_uri)>;
  void set_mapper(Mapper mapper);
  void set_max_requests(std::size_t max_requests);
  /// Without it every request but Identify is answered with AccessDenied and Windows' number for it (AllowRemoteAccess).
  void set_remote_access(bool allowed);

  base::Task<http::Admission> admit(const http::RequestHead& head, http::Connection& connection) override;
  base::Task<http::Response> handle(http::Request request, http::Connection& connection) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wsman
