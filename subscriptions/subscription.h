// A subscription: what the collector wants, from whom, and how it is to be delivered. A value, and its XML form.
//
// Source: wecutil, sections 5 to 7; wef-wire, section 14.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"

namespace subscriptions {

inline constexpr std::string_view kSubscriptionNamespace =
    "http://schemas.microsoft.com/2006/03/windows/events/subscription";
/// Of the elements that Windows does not have.
inline constexpr std::string_view kExtensionNamespace = "urn:muster:subscription:1";
inline constexpr std::string_view kDefaultSourceSddl = "O:NSG:NSD:(A;;GA;;;DC)(A;;GA;;;NS)";

enum class Type { SourceInitiated, CollectorInitiated };
enum class ConfigurationMode { Normal, Custom, MinLatency, MinBandwidth };
enum class DeliveryMode { Push, Pull };
enum class ContentFormat { Events, RenderedText };

/// What stands for a password that the service keeps and never tells. A password that is given stands there itself, on its
/// way to the service only; empty: there is none.
inline constexpr std::string_view kKeptPassword = "*";

struct EventSource {
  std::string address;
  bool enabled = true;
  std::string user_name;
  std::string password = {};  ///< kKeptPassword, or the password itself; see there
};

/// The definition as an administrator gave it: what is unset takes its value from the mode.
struct Subscription {
  std::string id;
  Type type = Type::CollectorInitiated;
  std::string description;
  bool enabled = true;
  std::string uri = "http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog";
  ConfigurationMode mode = ConfigurationMode::Normal;
  // Honoured in Custom mode only; see the resolved_… functions.
  std::optional<DeliveryMode> delivery_mode;
  std::optional<std::uint32_t> max_items;
  std::optional<std::chrono::milliseconds> max_latency;
  std::optional<std::chrono::milliseconds> heartbeat;
  std::string host_name;
  std::optional<base::WallTime> expires;
  std::string query;  ///< QueryList, verbatim
  std::string dialect;
  bool read_existing_events = false;
  std::string transport_name = "http";
  std::optional<std::uint16_t> transport_port;
  ContentFormat content_format = ContentFormat::RenderedText;
  std::string locale;
  std::string log_file = "ForwardedEvents";
  std::string publisher_name = "Microsoft-Windows-EventCollector";
  std::string credentials_type;
  std::string common_user_name;
  std::string common_password;  ///< as EventSource::password
  bool append_port_to_spn = false;
  std::vector<EventSource> sources;
  std::vector<std::string> allowed_issuers;   ///< SHA-1 thumbprints, 40 capital hex digits
  std::vector<std::string> allowed_subjects;  ///< DNS names, `*` wildcards
  std::vector<std::string> denied_subjects;
  std::string allowed_domain_computers;  ///< SDDL; empty where not given

  DeliveryMode resolved_delivery_mode() const;
  std::chrono::milliseconds resolved_max_latency() const;
  std::chrono::milliseconds resolved_heartbeat() const;
  std::optional<std::uint32_t> resolved_max_items() const;
  std::uint16_t resolved_port() const;
};

/// Reads a subscription file: any element order, any case of enumerated values, http or https namespace; UTF-8 (see
/// decode_subscription_file() for others). What says nothing is passed over: elements of other namespaces, unknown ones
/// without content, and those that old versions of Windows wrote; another unknown element is refused, because what it asks
/// for would not happen. A Delivery beside a mode other than Custom has no say.
///
/// Errors: Win32::EvtMalformedXml; Win32::InvalidParameter naming the element and what would be valid.
base::Result<Subscription> parse_subscription(std::string_view xml);

/// The UTF-8 text of a file's bytes: UTF-8, or UTF-16 in either order, with or without its mark. Errors: Win32::InvalidData
/// for another encoding.
base::Result<std::string> decode_subscription_file(std::string bytes);

/// All of 7.1 that concerns one definition: id, URI, query (compiled; Win32::EvtInvalidQuery with its position),
/// combinations, thumbprints, ports, channels. Normalises what may be written in several ways (thumbprints). A query in
/// another dialect than Windows' own is for collector-initiated subscriptions, and is its source's to judge.
base::Result<void> validate(Subscription& subscription);

/// Which of the passwords are written.
enum class Passwords {
  None,    ///< for people
  Marked,  ///< kKeptPassword wherever there is one: what the service tells and stores
  Given,   ///< as they are: on the way to the service
};

/// The document of section 5 with values resolved, as `wecutil gs /f:xml` prints it and `wecutil cs` reads it.
std::string to_xml(const Subscription& subscription, Passwords passwords = Passwords::None);
/// Section 8.1: `wecutil gs`. An asterisk stands for a password.
std::string to_terse(const Subscription& subscription);

std::string_view name_of(Type type);
std::string_view name_of(ConfigurationMode mode);
std::string_view name_of(DeliveryMode mode);
std::string_view name_of(ContentFormat format);
std::optional<Type> find_type(std::string_view name);
std::optional<ConfigurationMode> find_configuration_mode(std::string_view name);
std::optional<DeliveryMode> find_delivery_mode(std::string_view name);
std::optional<ContentFormat> find_content_format(std::string_view name);

/// The largest Expires that Windows' tools take; what lies behind 2262 is kept as WallTime::max() and written as this.
inline constexpr std::string_view kLatestExpires = "3000-12-31T23:59:59.999Z";
/// Reads what an administrator writes for Expires: yyyy-MM-ddThh:mm:ss[.sss][Z|±hh:mm], local time without a zone. Nothing
/// where it is malformed or later than kLatestExpires.
std::optional<base::WallTime> parse_expires(std::string_view text);
std::string format_expires(base::WallTime time);

/// The QueryList of `query` as one element that can stand in a w:Filter: without declaration and comments in front of it.
/// `query` itself where it is not XML.
std::string filter_of(std::string_view query);

/// A GUID that names the state of the subscription as a source sees it: equal for equal source-visible parameters, over
/// restarts; different, for practical purposes always, for others. Source: wef-wire, section 8.3.
///
/// It is a version 5 GUID (RFC 4122, 4.3) over the lines NAME ':' LENGTH ':' VALUE LF of, in this order: Id, Uri, Filter,
/// Dialect, MaxItems, MaxLatency, Heartbeat, Content, Locale, ReadExisting, Transport, Port, Host; each value as it goes
/// out, empty where it does not. What only the collector knows (description, log, who is admitted) is not in it, nor are the
/// settings of the collector (its own name, compression, sizes).
std::string source_visible_version(const Subscription& subscription);
/// The stable GUID used as e:Identifier and in the delivery path; made from the id.
std::string identifier_of(const Subscription& subscription);
/// The same for one source of a collector-initiated subscription; letter case makes no difference.
std::string source_identifier_of(std::string_view id, std::string_view address);

}  // namespace subscriptions
