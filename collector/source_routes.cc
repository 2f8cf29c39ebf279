#include "collector/source_routes.h"

#include <algorithm>

#include "engine/auth/certificate.h"
#include "engine/base/encoding.h"
#include "engine/base/win32.h"

namespace collector {
namespace {

using base::Win32;
using config::Id;
using subscriptions::Credentials;
using subscriptions::Subscription;

constexpr std::chrono::seconds kConnect{10};
/// A little more than what an answer may hold: it may come in UTF-16, and markup comes to it.
constexpr std::size_t kLargestAnswer = 8u << 20;

bool is_tls(const Subscription& definition) {
  return base::equal_ignoring_case(definition.transport_name, "https");
}

base::Error not_supported(std::string text) {
  return base::make_error(Win32::NotSupported, std::move(text));
}

// What a client of Windows says where its configuration forbids it.
constexpr std::uint32_t kUnencryptedForbidden = 2150858974;
constexpr std::uint32_t kBasicForbidden = 2150858975;
constexpr std::uint32_t kCertificateForbidden = 2150858979;

base::Error forbidden(std::uint32_t number, std::string text) {
  return base::make_error(base::win32_code(number), std::move(text));
}

/// How to log on: the Authorization field, and the certificate or none.
struct LogOn {
  std::string authorization;
  bool certificate = false;
};

base::Result<LogOn> log_on(const Credentials& credentials, bool tls, const config::Values& client) {
  const std::string type = base::to_lower(credentials.type);
  if (type == "basic") {
    if (credentials.user_name.empty()) {
      return base::make_error(Win32::InvalidParameter, "CredentialsType Basic needs a user name and a password.");
    }
    if (!client.flag(Id::ClientAuthBasic))
      return forbidden(kBasicForbidden, "winrm/config/client/auth does not allow Basic.");
    if (!tls && !client.flag(Id::ClientAllowUnencrypted)) {
      return forbidden(kUnencryptedForbidden,
                       "A password goes over HTTP only where winrm/config/client has AllowUnencrypted.");
    }
    return LogOn{"Basic " + base::to_base64(credentials.user_name + ":" + credentials.password), false};
  }
  const bool own = type == "default" || type == "localmachine";
  if (!own || !credentials.user_name.empty()) {
    return not_supported("This collector cannot log on with Negotiate or Digest yet, which CredentialsType " +
                         credentials.type + (own ? " with a user name" : "") + " stands for. Basic is possible.");
  }
  if (!tls)
    return not_supported("Without a user this collector logs on with its certificate, which needs TransportName https.");
  if (!client.flag(Id::ClientAuthCertificate)) {
    return forbidden(kCertificateForbidden, "winrm/config/client/auth does not allow Certificate.");
  }
  return LogOn{std::string(auth::kMutualProfile), true};
}

bool has_port(std::string_view authority) {
  const auto bracket = authority.rfind(']');
  return authority.find(':', bracket == std::string_view::npos ? 0 : bracket) != std::string_view::npos;
}

}  // namespace

base::Result<subscriptions::SourceRoute> NetworkRoutes::to_source(const Subscription& definition, const std::string& address,
                                                                  const Credentials& credentials) {
  const bool tls = is_tls(definition);
  const auto current = configuration_.current();
  const config::Values& client = current->values;
  ASSIGN_OR_RETURN(LogOn way, log_on(credentials, tls, client));
  if (way.certificate && !identity_.certificate) {
    return not_supported(
        "This collector has no HTTPS listener in its configuration file, so no certificate to log on with.");
  }
  const std::string port = definition.transport_port ? std::to_string(*definition.transport_port)
                                                     : client.text(tls ? Id::ClientPortHttps : Id::ClientPortHttp);
  subscriptions::SourceRoute route;
  route.host = address + ":" + port;
  route.url = (tls ? "https://" : "http://") + route.host + "/" + client.text(Id::ClientUrlPrefix);
  auto url = http::Url::parse(route.url);
  if (!url.ok()) return base::make_error(Win32::InvalidParameter, "Address: " + address + " is not one of a machine");
  http::ClientOptions connection;
  connection.tls = way.certificate ? identity_.certificate : identity_.plain;
  connection.connect_timeout = kConnect;
  connection.max_response_bytes = kLargestAnswer;
  route.network_delay = std::chrono::milliseconds(client.number(Id::ClientNetworkDelayms));
  connection.silence_timeout = 2 * route.network_delay;
  wsman::HttpTransportOptions options;
  options.authorization = std::move(way.authorization);
  route.transport = wsman::http_transport(std::move(*url), std::move(connection), std::move(options));
  return route;
}

base::Result<wsman::NotifyAddress> NetworkRoutes::to_here(const Subscription& definition, const std::string& path) {
  const bool tls = is_tls(definition);
  const auto current = configuration_.current();
  const auto listener = std::ranges::find_if(
      current->listeners, [tls](const config::Listener& each) { return each.enabled && each.key.https == tls; });
  if (listener == current->listeners.end()) {
    return not_supported(std::string("This collector has no listener for ") + (tls ? "HTTPS" : "HTTP") +
                         " that events could be pushed to.");
  }
  std::string authority = definition.host_name;
  if (authority.empty()) authority = identity_.public_name;
  if (authority.empty()) authority = identity_.host;
  if (!has_port(authority)) authority += ":" + std::to_string(listener->port);
  wsman::NotifyAddress here;
  here.address = (tls ? "https://" : "http://") + authority + "/" + listener->url_prefix + "/subscriptions/" + path;
  if (tls) {
    here.profile = std::string(auth::kMutualProfile);
    if (identity_.certificate && !identity_.certificate->issuer_thumbprint().empty()) {
      here.issuer_thumbprints.push_back(identity_.certificate->issuer_thumbprint());
    }
  }
  return here;
}

}  // namespace collector
