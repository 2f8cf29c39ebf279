// A definition as the Subscribe message that one machine gets.
//
// Source: wef-wire, sections 8.2 and 14.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/auth/principal.h"
#include "engine/base/result.h"
#include "engine/wsman/eventing.h"
#include "subscriptions/manager.h"
#include "subscriptions/subscription.h"

namespace subscriptions {

/// The parts of an offer that are the same for every machine, made once for each state of a definition.
struct OfferBasis {
  std::string identifier;  ///< identifier_of()
  std::string version;     ///< source_visible_version()
  std::string filter;      ///< filter_of()
  /// The logs that the query takes whole.
  std::shared_ptr<const std::vector<std::string>> whole_channels;
};
OfferBasis offer_basis(const Subscription& subscription);

/// The URL that deliveries of this machine go to: PREFIX/subscriptions/IDENTIFIER at, in this order of preference, the
/// definition's HostName, the configured authority, the host in `requested_to`. The port, where none of them names one, is
/// that of `requested_to`. HTTPS for a machine that showed a certificate, else what the definition says.
///
/// Errors: Win32::InvalidParameter where none of them gives a host.
base::Result<std::string> delivery_address(const Subscription& subscription, const auth::Principal& machine,
                                           const OfferOptions& options, std::string_view identifier,
                                           std::string_view requested_to);

/// Where the machine is to begin: behind `stored`, its last acknowledged bookmark; where there is none, at its oldest record
/// if the subscription wants existing events; else at the next event. What a bookmark lacks is not filled up here: a channel
/// that came into the query later is replayed by Windows from its beginning.
std::optional<std::string> starting_bookmark(const Subscription& subscription, const std::optional<std::string>& stored);

/// Errors: those of delivery_address().
base::Result<wsman::OfferedSubscription> make_offer(const Subscription& subscription, const OfferBasis& basis,
                                                    const auth::Principal& machine, const OfferOptions& options,
                                                    std::string_view requested_to,
                                                    const std::optional<std::string>& stored_bookmark);

}  // namespace subscriptions
