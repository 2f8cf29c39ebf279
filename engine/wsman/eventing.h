// The Subscribe message: what a subscriber wants from a source, written by a collector and read by a source.
//
// Source: wef-wire, sections 8.2 and 8.3; wsman-protocol, section 9.1.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/wsman/envelope.h"

namespace wsman {

/// Where deliveries go, and how the source is to identify itself there.
struct NotifyAddress {
  std::string address;
  /// Reference properties to echo as header elements of every delivery, as XML; e:Identifier is one of them.
  std::vector<std::string> reference_properties;
  std::string identifier;                       ///< the text of e:Identifier among them
  std::string profile;                          ///< auth:Authentication/@Profile
  std::vector<std::string> issuer_thumbprints;  ///< auth:Thumbprint Role="issuer", 40 hex digits
};

enum class OversizePolicy { Notify, Skip, CancelSubscription };

/// A value. Durations that are not set are left to the source.
struct SubscribeRequest {
  std::string resource_uri;
  std::string mode;
  NotifyAddress notify_to;
  NotifyAddress end_to;
  std::optional<std::chrono::milliseconds> heartbeats;
  std::chrono::milliseconds retry_interval{60'000};  ///< ConnectionRetry
  unsigned retry_total = 5;
  std::optional<std::uint64_t> max_elements;
  std::optional<std::chrono::milliseconds> max_time;
  std::uint64_t max_envelope_size = 512'000;  ///< octets, as sent (UTF-16 counts double)
  OversizePolicy oversize = OversizePolicy::Notify;
  std::string locale;
  std::string content_encoding = "UTF-16";  ///< empty: left to the source
  std::string dialect;
  std::string filter;                   ///< the QueryList as XML, or a plain XPath
  std::optional<std::string> bookmark;  ///< BookmarkList XML, or the earliest URI
  bool send_bookmarks = true;
  std::string expires;
  // The options of 8.2.
  std::string subscription_name;
  bool compression = false;  ///< SLDC
  bool cdata = true;
  std::string content_format;  ///< "Raw" or "RenderedText"
  bool ignore_channel_error = false;
  bool read_existing_events = false;
};

/// The Subscribe envelope as Windows' collector writes it.
std::string write_subscribe(const SubscribeRequest& request);

/// The same in two parts, for a client that writes the headers by itself.
std::string subscribe_body(const SubscribeRequest& request);
std::vector<Option> subscribe_options(const SubscribeRequest& request);

/// Reads a Subscribe (its s:Envelope element, embedded in an item or the root of a message). Errors are the faults a source
/// answers: InvalidMessage for a missing or unusable NotifyTo, Heartbeats or MaxTime, UnsupportedAddressingMode for an
/// EndTo, UnsupportedFormat for batches in a mode that has none, UnsupportedFeature for an encoding, InternalError for a
/// ConnectionRetry that contradicts itself, FilteringRequestedUnavailable for a dialect other than the event query's. Left
/// to the caller: whether the mode, the bookmark and Expires can be served.
Result<SubscribeRequest> read_subscribe(xml::Element envelope);

/// One m:Subscription of the list that a source enumerates.
struct OfferedSubscription {
  std::string version;  ///< a GUID, without "uuid:"
  SubscribeRequest subscribe;
};
std::string write_offer(const OfferedSubscription& offer);
Result<OfferedSubscription> read_offer(xml::Element subscription);

}  // namespace wsman
