// Where a subscriber may have events sent, and the connection there.
//
// Source: wef-wire, sections 8.2 and 11.4; wsman-protocol, section 9.1.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "engine/http/tls.h"
#include "engine/wsman/subscriptions.h"

namespace service {

/// A Subscribe names addresses that this host then connects to, so whoever may read events could aim it at others. Hence an
/// administrator may name any address; anybody else only his own, that from which he subscribes, and the connection goes
/// there whatever the name in the URL resolves to later. Whoever has shown a certificate gets events over TLS only.
///
/// Somebody has to listen there when the subscription is made. Of a policy for NotifyTo that with certificates
/// (https/mutual) can be satisfied, where the issuers that it names include that of this service's own certificate.
/// Thread-safe.
class DeliveryConnector final : public wsman::DeliveryRoutes {
 public:
  /// `tls`: this service's identity and whom it trusts; null where nothing can be delivered over TLS.
  /// `silence_timeout`: that of connections made from now on (http::ClientOptions); none: the default.
  explicit DeliveryConnector(std::shared_ptr<http::TlsClientContext> tls,
                             std::function<std::chrono::milliseconds()> silence_timeout = {})
      : tls_(std::move(tls)), silence_timeout_(std::move(silence_timeout)) {}

  /// Of what all subscribers get; outlives this. Before the first subscription.
  void set_rate(wsman::EventRate& rate) { rate_ = &rate; }
  wsman::EventRate* rate() override { return rate_; }
  wsman::AsyncResult<wsman::Connect> find(wsman::Subscriber subscriber, const wsman::SubscribeRequest& how) override;

 private:
  wsman::Result<void> check_policy(const wsman::NotifyAddress& to, bool tls) const;

  std::shared_ptr<http::TlsClientContext> tls_;
  std::function<std::chrono::milliseconds()> silence_timeout_;
  wsman::EventRate* rate_ = nullptr;
};

/// The address in "192.0.2.7:49210" or "[2001:db8::7]:49210", an IPv4 address inside an IPv6 one as the former; empty where
/// it is none.
std::string host_of_peer(const std::string& peer);

}  // namespace service
