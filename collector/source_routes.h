// The ways between this collector and the sources that it subscribes at.
//
// Source: wef-wire, section 11; wecutil, section 10 (credentials).

#pragma once

#include <memory>
#include <string>

#include "engine/config/configuration.h"
#include "engine/http/tls.h"
#include "subscriptions/source_environment.h"

namespace collector {

/// Who this collector is to the sources.
struct SourceIdentity {
  std::shared_ptr<http::TlsClientContext> certificate;  ///< with this collector's own; null: it has none
  std::shared_ptr<http::TlsClientContext> plain;        ///< without one: whom it trusts
  std::string host;                                     ///< where sources find it: its own name
  std::string public_name;                              ///< host, or host:port; comes first where it is not empty
};

/// To a source: the transport and port of the definition (else winrm/config/client/DefaultPorts), and the client's
/// URLPrefix. Over HTTPS, Default and LocalMachine without a user name mean this collector's certificate. Basic needs a
/// user, and AllowUnencrypted of winrm/config/client to go over HTTP. The others are not there. Auth of winrm/config/client
/// can forbid either.
///
/// To here: the definition's HostName, else the public name, else this host's name; at the port of the first enabled
/// listener of the definition's transport, unless the name has one. Over HTTPS the source is told to show a certificate of
/// the same issuer as this collector's.
class NetworkRoutes final : public subscriptions::SourceRoutes {
 public:
  /// `configuration` outlives it.
  NetworkRoutes(config::Configuration& configuration, SourceIdentity identity)
      : configuration_(configuration), identity_(std::move(identity)) {}

  base::Result<subscriptions::SourceRoute> to_source(const subscriptions::Subscription& definition,
                                                     const std::string& address,
                                                     const subscriptions::Credentials& credentials) override;
  base::Result<wsman::NotifyAddress> to_here(const subscriptions::Subscription& definition,
                                             const std::string& path) override;

 private:
  config::Configuration& configuration_;
  const SourceIdentity identity_;
};

}  // namespace collector
