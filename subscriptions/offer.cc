#include "subscriptions/offer.h"

#include <algorithm>
#include <iterator>

#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "events/bookmark.h"
#include "events/query.h"
#include "subscriptions/admission.h"

namespace subscriptions {
namespace {

/// A host and the port behind it, both as text; an IPv6 address keeps its brackets.
struct Authority {
  std::string host;
  std::string port;
};

std::optional<Authority> parse_authority(std::string_view text) {
  Authority authority;
  std::size_t end = 0;
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    ++end;
  } else {
    end = std::min(text.find(':'), text.size());
  }
  authority.host = text.substr(0, end);
  text.remove_prefix(end);
  if (!text.empty()) {
    if (text.front() != ':') return std::nullopt;
    authority.port = text.substr(1);
    if (authority.port.empty() || authority.port.size() > 5 ||
        authority.port.find_first_not_of("0123456789") != std::string::npos) {
      return std::nullopt;
    }
  }
  // It comes from a request and goes into an address that other programs take apart.
  const bool plain = authority.host.find_first_of(" \t\r\n\"'<>@?#\\") == std::string::npos;
  if (authority.host.empty() || authority.host.size() > 255 || !plain) return std::nullopt;
  return authority;
}

/// The authority of an absolute http or https URL.
std::optional<Authority> authority_of(std::string_view url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  const std::string scheme = base::to_lower(url.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  url.remove_prefix(scheme_end + 3);
  return parse_authority(url.substr(0, url.find_first_of("/?#")));
}

}  // namespace

OfferBasis offer_basis(const Subscription& subscription) {
  auto whole = std::make_shared<std::vector<std::string>>();
  // A definition that cannot be read is offered to nobody.
  if (const auto query = events::Query::parse(subscription.query, ""); query.ok()) {
    std::ranges::copy_if(query->paths(), std::back_inserter(*whole),
                         [&](const std::string& path) { return query->selects_everything(path); });
  }
  return OfferBasis{identifier_of(subscription), source_visible_version(subscription), filter_of(subscription.query),
                    std::move(whole)};
}

base::Result<std::string> delivery_address(const Subscription& subscription, const auth::Principal& machine,
                                           const OfferOptions& options, std::string_view identifier,
                                           std::string_view requested_to) {
  const bool certificate = machine.scheme == auth::Principal::Scheme::Certificate;
  const std::string scheme = certificate ? "https" : base::to_lower(subscription.transport_name);
  const auto requested = authority_of(requested_to);
  std::optional<Authority> authority = requested;
  if (!options.public_authority.empty()) authority = parse_authority(options.public_authority);
  if (!subscription.host_name.empty()) authority = parse_authority(subscription.host_name);
  if (!authority) {
    return base::make_error(base::Win32::InvalidParameter,
                            "the address that the request was sent to names no host, and no public name is configured");
  }
  // The definition's port belongs to its transport: 5985 of a definition for HTTP means nothing over HTTPS.
  if (subscription.transport_port && base::equal_ignoring_case(scheme, subscription.transport_name)) {
    authority->port = std::to_string(*subscription.transport_port);
  } else if (authority->port.empty() && requested) {
    authority->port = requested->port;
  }
  std::string address = scheme + "://" + authority->host;
  if (!authority->port.empty()) address.append(":").append(authority->port);
  address.append("/").append(options.url_prefix).append("/subscriptions/").append(identifier);
  return address;
}

std::optional<std::string> starting_bookmark(const Subscription& subscription, const std::optional<std::string>& stored) {
  if (stored && !stored->empty()) return stored;
  if (subscription.read_existing_events) return std::string(events::kEarliestBookmark);
  return std::nullopt;
}

base::Result<wsman::OfferedSubscription> make_offer(const Subscription& subscription, const OfferBasis& basis,
                                                    const auth::Principal& machine, const OfferOptions& options,
                                                    std::string_view requested_to,
                                                    const std::optional<std::string>& stored_bookmark) {
  wsman::NotifyAddress notify;
  ASSIGN_OR_RETURN(notify.address, delivery_address(subscription, machine, options, basis.identifier, requested_to));
  notify.identifier = basis.identifier;
  if (machine.scheme == auth::Principal::Scheme::Certificate) {
    notify.profile = std::string(wsman::kProfilePrefix) + "https/mutual";
    if (auto issuer = allowed_issuer_of(subscription, machine)) notify.issuer_thumbprints.push_back(std::move(*issuer));
  } else {
    notify.profile = std::string(wsman::kProfilePrefix) +
                     (base::equal_ignoring_case(subscription.transport_name, "https") ? "https" : "http") +
                     "/spnego-kerberos";
  }

  wsman::OfferedSubscription offer;
  offer.version = basis.version;
  wsman::SubscribeRequest& subscribe = offer.subscribe;
  subscribe.resource_uri = subscription.uri;
  subscribe.mode = wsman::kModeEvents;
  subscribe.end_to = notify;
  subscribe.notify_to = std::move(notify);
  subscribe.heartbeats = subscription.resolved_heartbeat();
  subscribe.max_elements = subscription.resolved_max_items();
  subscribe.max_time = subscription.resolved_max_latency();
  subscribe.max_envelope_size = std::min<std::uint64_t>(options.max_envelope_size, 512'000);
  if (subscription.content_format == ContentFormat::RenderedText) subscribe.locale = subscription.locale;
  subscribe.content_encoding = options.content_encoding;
  subscribe.dialect = subscription.dialect.empty() ? std::string(wsman::kEventQueryDialect) : subscription.dialect;
  subscribe.filter = basis.filter;
  subscribe.bookmark = starting_bookmark(subscription, stored_bookmark);
  subscribe.subscription_name = subscription.id;
  subscribe.compression = options.offer_sldc;
  subscribe.cdata = true;
  subscribe.content_format = subscription.content_format == ContentFormat::Events ? "Raw" : "RenderedText";
  subscribe.ignore_channel_error = true;
  subscribe.read_existing_events = subscription.read_existing_events;
  return offer;
}

}  // namespace subscriptions
