// Who serves at an event source, and what he needs said differently.
//
// Source: wsman-bmc, section 2; wef-wire, section 11.

#pragma once

#include <chrono>
#include <string_view>

#include "engine/wsman/envelope.h"

namespace subscriptions {

enum class SourceKind { Unknown, Windows, Muster, Openwsman };

/// By the ProductVendor of an Identify's answer, in whatever version.
SourceKind recognise(const wsman::Envelope& identity);

/// How a kind of source wants to be treated. Whoever is unknown is treated as the specification says, which is as Windows.
struct SourceQuirks {
  SourceKind kind = SourceKind::Unknown;
  std::string_view name;
  /// Knows what Windows' event collector says beyond the specification: options, bookmarks, the encoding of the content,
  /// and how it is to log on at the collector. openwsman faults at an option set that it is to understand.
  bool windows_words = true;
  /// Ends a subscription at the time that it was granted, and prolongs it: so one that nobody asks for any more goes away.
  /// 0: none is asked for. Windows grants no prolongation.
  std::chrono::minutes expires{0};
  /// The only Ack that it takes; empty: the one of the specification. At another one openwsman cancels the subscription.
  std::string_view ack_action = {};
};
const SourceQuirks& quirks_of(SourceKind kind);

}  // namespace subscriptions
