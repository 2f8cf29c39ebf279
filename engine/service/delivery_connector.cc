#include "engine/service/delivery_connector.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <vector>

#include "engine/auth/certificate.h"
#include "engine/base/deadline.h"
#include "engine/base/encoding.h"
#include "engine/wsman/names.h"

namespace service {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using wsman::FaultCode;

/// For looking up and connecting, before a subscription is accepted.
constexpr std::chrono::seconds kProbe{5};

asio::ip::address normal(asio::ip::address address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

wsman::Fault unusable(const std::string& host, const std::string& why) {
  return wsman::make_fault(FaultCode::UnusableAddress, "Events cannot be delivered to " + host + ": " + why);
}

/// Connects to `host`, at `only` alone where that is set, and hangs up again. Answers the address that was connected to.
base::AsyncResult<asio::ip::address> probe(std::string host, std::uint16_t port, std::optional<asio::ip::address> only) {
  const auto executor = co_await asio::this_coro::executor;
  boost::system::error_code error;
  tcp::resolver resolver(executor);
  const auto found =
      co_await resolver.async_resolve(host, std::to_string(port), asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return base::make_error(std::error_code(error), "looking it up");
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) {
    if (!only || normal(entry.endpoint().address()) == *only) endpoints.push_back(entry.endpoint());
  }
  if (endpoints.empty()) {
    co_return base::make_error(std::errc::permission_denied, "it is not the address from which was subscribed, " +
                                                                 only->to_string() +
                                                                 ", and only an administrator may have them sent elsewhere");
  }
  tcp::socket socket(executor);
  const auto connected = co_await asio::async_connect(socket, endpoints, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return base::make_error(std::error_code(error), "connecting");
  co_return connected.address();
}

/// An address of a subscription, and where connections to it go.
struct Route {
  std::string address;
  http::Url url;
  std::string host;
};

}  // namespace

std::string host_of_peer(const std::string& peer) {
  const auto colon = peer.rfind(':');
  if (colon == std::string::npos) return {};
  std::string host = peer.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  return error ? std::string() : normal(address).to_string();
}

wsman::Result<void> DeliveryConnector::check_policy(const wsman::NotifyAddress& to, bool tls) const {
  if (to.profile.empty()) return {};
  if (!tls || to.profile != auth::kMutualProfile || !tls_) {
    return wsman::make_fault(FaultCode::EventDeliverToUnusable, "Events can be delivered with a certificate over TLS only");
  }
  const std::string& own = tls_->issuer_thumbprint();
  const auto& issuers = to.issuer_thumbprints;
  const bool fits = issuers.empty() || own.empty() || std::ranges::any_of(issuers, [&](const std::string& issuer) {
                      return base::equal_ignoring_case(issuer, own);
                    });
  if (fits) return {};
  return wsman::make_fault(FaultCode::EventDeliverToUnusable,
                           "The certificate of this source has another issuer than those that the policy names");
}

wsman::AsyncResult<wsman::Connect> DeliveryConnector::find(wsman::Subscriber subscriber,
                                                           const wsman::SubscribeRequest& how) {
  std::optional<asio::ip::address> only;
  if (!subscriber.who.administrator) {
    boost::system::error_code error;
    only = asio::ip::make_address(host_of_peer(subscriber.address), error);
    if (error) co_return unusable("the subscriber", "its own address is not known");
  }
  std::vector<const wsman::NotifyAddress*> wanted{&how.notify_to};
  if (!how.end_to.address.empty() && how.end_to.address != how.notify_to.address) wanted.push_back(&how.end_to);
  std::vector<Route> routes;
  for (const wsman::NotifyAddress* to : wanted) {
    auto url = http::Url::parse(to->address);
    if (!url.ok()) co_return unusable("this address", url.error().message());
    if (!url->tls && subscriber.who.scheme == auth::Principal::Scheme::Certificate) {
      co_return wsman::make_fault(FaultCode::UnsupportedInsecureAddress);
    }
    if (url->tls && !tls_) {
      co_return wsman::make_fault(FaultCode::EventDeliverToUnusable,
                                  "This source has no certificate to deliver events with");
    }
    CO_RETURN_IF_ERROR(check_policy(*to, url->tls));
    auto attempt = probe(url->host, url->port, only);
    std::string what = "it does not answer";
    auto reached = co_await base::within(kProbe, std::move(what), std::move(attempt));
    if (!reached.ok()) co_return unusable(url->host, reached.error().message());
    Route route{to->address, std::move(*url), {}};
    // Whoever answers for the name may answer otherwise the next time.
    if (only) route.host = reached->to_string();
    routes.push_back(std::move(route));
  }
  wsman::Connect connect = [routes, tls = tls_, silence = silence_timeout_](const wsman::NotifyAddress& to,
                                                                            const wsman::SubscribeRequest& subscribe) {
    const auto route = std::ranges::find_if(routes, [&](const Route& known) { return known.address == to.address; });
    if (route == routes.end()) return std::unique_ptr<wsman::Transport>();
    wsman::HttpTransportOptions options;
    options.charset =
        base::equal_ignoring_case(subscribe.content_encoding, "UTF-8") ? wsman::Charset::Utf8 : wsman::Charset::Utf16;
    options.compress = subscribe.compression;
    if (route->url.tls) options.authorization = auth::kMutualProfile;
    http::ClientOptions client;
    client.tls = tls;
    client.connect_host = route->host;
    client.max_response_bytes = 1u << 20;
    if (silence) client.silence_timeout = silence();
    return wsman::http_transport(route->url, std::move(client), std::move(options));
  };
  co_return connect;
}

}  // namespace service
