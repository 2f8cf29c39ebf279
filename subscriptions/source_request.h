// The Subscribe that a source of a collector-initiated subscription gets.
//
// Source: wef-wire, sections 11.1 and 14.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/wsman/eventing.h"
#include "subscriptions/source_kind.h"
#include "subscriptions/subscription.h"

namespace subscriptions {

/// What is the same for all subscriptions of this collector.
struct SubscribeLimits {
  std::uint64_t max_envelope_size = 512'000;  ///< octets
  std::string content_encoding = "UTF-16";    ///< of what is pushed
  bool compression = false;
};

/// The modes of delivery to be asked for, the best first. A definition says pull or push; of the ways to push a source may
/// know single messages only.
std::vector<std::string_view> delivery_modes(const Subscription& definition);

/// `bookmark`: behind what is stored. NotifyTo and EndTo are the caller's to add, where events are pushed.
wsman::SubscribeRequest subscribe_request(const Subscription& definition, const SourceQuirks& quirks, std::string_view mode,
                                          const std::optional<std::string>& bookmark, const SubscribeLimits& limits);

}  // namespace subscriptions
