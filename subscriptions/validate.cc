// What a definition must fulfil before it is stored.

#include <arpa/inet.h>

#include <array>
#include <limits>
#include <set>

#include "engine/auth/security_descriptor.h"
#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/utf16.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "events/query.h"
#include "subscriptions/subscription.h"

namespace subscriptions {
namespace {

using base::Result;
using base::Win32;
using std::chrono::milliseconds;

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxUri = 2048;
constexpr std::size_t kMaxDescription = 4096;
constexpr std::size_t kMaxPassword = 1024;
constexpr std::size_t kMaxChannelName = 512;  // event-query, section 5
constexpr std::size_t kMaxQuery = 1 << 20;    // the same, in UTF-16 units

base::Error wrong(std::string_view element, std::string_view problem) {
  return base::make_error(Win32::InvalidParameter, base::format_text("{}: {}", element, problem));
}

bool has_controls(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  }
  return false;
}

/// For what appears in one line of a list, a path or a log.
Result<void> check_name(std::string_view element, std::string_view value, std::size_t most) {
  if (value.empty()) return wrong(element, "must not be empty");
  if (value.size() > most) return wrong(element, base::format_text("is longer than {} bytes", most));
  if (has_controls(value)) return wrong(element, "holds control characters");
  if (!base::is_valid_utf8(value)) return wrong(element, "is not valid UTF-8");
  return {};
}

Result<void> check_time(std::string_view element, std::optional<milliseconds> time) {
  if (time && (time->count() < 1 || time->count() > std::numeric_limits<std::uint32_t>::max())) {
    return wrong(element, "is not from 1 to 4294967295 milliseconds");
  }
  return {};
}

bool is_foreign_dialect(std::string_view dialect) {
  return !dialect.empty() && dialect != wsman::kEventQueryDialect;
}

Result<void> check_query(const Subscription& subscription) {
  const auto bad = [](std::string_view problem) {
    return base::make_error(Win32::EvtInvalidQuery, base::format_text("Query: {}", problem));
  };
  const std::string_view text = base::trimmed(subscription.query);
  if (text.empty()) return wrong("Query", "must not be empty");
  if (!base::is_valid_utf8(text)) return wrong("Query", "is not valid UTF-8");
  if (base::utf16_length(text) > kMaxQuery) return bad("is longer than 1048576 characters");
  if (is_foreign_dialect(subscription.dialect)) return {};
  if (text.front() != '<') {
    return bad("a subscription needs a QueryList: an expression alone does not say which log it asks");
  }
  auto query = events::Query::parse_list(text);
  if (!query.ok()) return base::with_context(std::move(query).error(), "Query");
  for (const std::string& path : query->paths()) {
    if (base::trimmed(path).empty()) return bad("every Select needs a Path, its own or that of its Query");
    if (path.size() > kMaxChannelName) return bad("a Path is longer than 512 bytes");
  }
  if (query->paths().empty()) return bad("selects from no log");
  return {};
}

Result<void> check_delivery(const Subscription& subscription) {
  const bool given =
      subscription.delivery_mode || subscription.max_items || subscription.max_latency || subscription.heartbeat;
  if (given && subscription.mode != ConfigurationMode::Custom) {
    return wrong("Delivery", "its settings may be given only where ConfigurationMode is Custom");
  }
  if (subscription.type == Type::SourceInitiated && subscription.delivery_mode == DeliveryMode::Pull) {
    return wrong("Delivery/@Mode", "a source-initiated subscription is always pushed");
  }
  if (subscription.max_items && *subscription.max_items == 0) return wrong("MaxItems", "must be at least 1");
  RETURN_IF_ERROR(check_time("MaxLatencyTime", subscription.max_latency));
  RETURN_IF_ERROR(check_time("Heartbeat/@Interval", subscription.heartbeat));
  if (subscription.host_name.empty()) return {};
  if (subscription.resolved_delivery_mode() != DeliveryMode::Push) {
    return wrong("HostName", "has a meaning only where events are pushed");
  }
  RETURN_IF_ERROR(check_name("HostName", subscription.host_name, kMaxName));
  if (subscription.host_name.find_first_of("/?#@ <>\"'") != std::string::npos) return wrong("HostName", "is no host name");
  return {};
}

Result<void> check_transport(Subscription& subscription) {
  subscription.transport_name = base::to_lower(subscription.transport_name);
  if (subscription.transport_name != "http" && subscription.transport_name != "https") {
    return wrong("TransportName", "must be http or https");
  }
  if (subscription.transport_port && *subscription.transport_port == 0) return wrong("TransportPort", "must be 1 to 65535");
  return {};
}

Result<void> check_content(const Subscription& subscription) {
  if (is_foreign_dialect(subscription.dialect)) {
    RETURN_IF_ERROR(check_name("Dialect", subscription.dialect, kMaxUri));
    if (subscription.type == Type::SourceInitiated) {
      return wrong("Dialect", "of a source-initiated subscription must be " + std::string(wsman::kEventQueryDialect));
    }
  }
  if (subscription.locale.empty()) return {};
  if (subscription.content_format != ContentFormat::RenderedText) {
    return wrong("Locale", "has a meaning only where ContentFormat is RenderedText");
  }
  if (subscription.locale.size() > 85) return wrong("Locale", "is no language tag");
  for (const char c : subscription.locale) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (!letter) return wrong("Locale", "is no language tag; en-US is one");
  }
  return {};
}

Result<void> check_user(std::string_view user_element, std::string_view user, std::string_view password_element,
                        std::string_view password) {
  if (!user.empty()) RETURN_IF_ERROR(check_name(user_element, user, kMaxName));
  if (password.empty()) return {};
  if (user.empty()) return wrong(password_element, "is given without " + std::string(user_element));
  return check_name(password_element, password, kMaxPassword);
}

Result<void> check_credentials(Subscription& subscription) {
  if (subscription.type == Type::SourceInitiated) {
    constexpr std::string_view kNotHere = "is for collector-initiated subscriptions";
    if (!subscription.credentials_type.empty()) return wrong("CredentialsType", kNotHere);
    if (!subscription.common_user_name.empty()) return wrong("CommonUserName", kNotHere);
    if (!subscription.common_password.empty()) return wrong("CommonPassword", kNotHere);
    if (subscription.append_port_to_spn) return wrong("AppendPortToSpn", kNotHere);
    return {};
  }
  RETURN_IF_ERROR(
      check_user("CommonUserName", subscription.common_user_name, "CommonPassword", subscription.common_password));
  if (subscription.credentials_type.empty()) return {};
  for (const std::string_view known : {"Default", "Negotiate", "Digest", "Basic", "LocalMachine"}) {
    if (!base::equal_ignoring_case(known, subscription.credentials_type)) continue;
    subscription.credentials_type = known;
    return {};
  }
  return wrong("CredentialsType", "must be Default, Negotiate, Digest, Basic or LocalMachine");
}

/// A host name or an address; an IPv6 address gets its brackets.
Result<void> check_address(std::string& address) {
  RETURN_IF_ERROR(check_name("Address", address, kMaxName));
  if (address.find(':') == std::string::npos) {
    if (address.find_first_of("/?#@ []<>\"'") == std::string::npos) return {};
    return wrong("Address", "\"" + address + "\" is neither a host name nor an IP address");
  }
  const bool bracketed = address.front() == '[' && address.back() == ']';
  const std::string bare = bracketed ? address.substr(1, address.size() - 2) : address;
  std::array<unsigned char, 16> bytes;
  if (::inet_pton(AF_INET6, bare.c_str(), bytes.data()) != 1) {
    return wrong("Address", "\"" + address + "\" is neither a host name nor an IP address");
  }
  address = "[" + bare + "]";
  return {};
}

Result<void> check_sources(Subscription& subscription) {
  std::set<std::string> seen;
  for (EventSource& source : subscription.sources) {
    RETURN_IF_ERROR(check_address(source.address));
    if (!seen.insert(base::to_lower(source.address)).second) {
      return wrong("EventSource", "\"" + source.address + "\" is listed more than once");
    }
    if (subscription.type == Type::CollectorInitiated) {
      RETURN_IF_ERROR(check_user("UserName", source.user_name, "Password", source.password));
    } else if (!source.user_name.empty() || !source.password.empty()) {
      return wrong("UserName", "and Password are for collector-initiated subscriptions");
    }
  }
  return {};
}

/// What is left of a thumbprint that was copied from somewhere: 40 capital hex digits.
Result<std::string> plain_thumbprint(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == ':' || c == '-' || c == '\t') continue;
    // The certificate dialog of Windows puts an invisible left-to-right mark in front of what one copies.
    if (text.substr(i, 3) == "\xE2\x80\x8E") {
      i += 2;
      continue;
    }
    digits += c;
  }
  if (digits.size() != 40 || !base::parse_hex(digits)) {
    return wrong("IssuerCA", "\"" + std::string(text.substr(0, 80)) + "\" is no SHA-1 thumbprint of 40 hexadecimal digits");
  }
  return base::to_upper(digits);
}

Result<void> check_subjects(std::string_view element, const std::vector<std::string>& subjects) {
  for (const std::string& subject : subjects) {
    RETURN_IF_ERROR(check_name(element, subject, kMaxName));
    if (subject.find_first_of(", ") != std::string::npos) {
      return wrong(element, "\"" + subject + "\" is no DNS name, with or without wildcards");
    }
  }
  return {};
}

Result<void> check_admission(Subscription& subscription) {
  const bool given = !subscription.allowed_issuers.empty() || !subscription.allowed_subjects.empty() ||
                     !subscription.denied_subjects.empty() || !subscription.allowed_domain_computers.empty();
  if (given && subscription.type != Type::SourceInitiated) {
    return wrong("AllowedSourceNonDomainComputers", "and its kin are for source-initiated subscriptions");
  }
  for (std::string& issuer : subscription.allowed_issuers) {
    ASSIGN_OR_RETURN(issuer, plain_thumbprint(issuer));
  }
  RETURN_IF_ERROR(check_subjects("AllowedSubjectList/Subject", subscription.allowed_subjects));
  RETURN_IF_ERROR(check_subjects("DeniedSubjectList/Subject", subscription.denied_subjects));
  const std::string& sddl = subscription.allowed_domain_computers;
  if (sddl.empty()) return {};
  RETURN_IF_ERROR(check_name("AllowedSourceDomainComputers", sddl, 64 << 10));
  if (const auto descriptor = auth::SecurityDescriptor::parse(sddl); !descriptor.ok()) {
    return wrong("AllowedSourceDomainComputers",
                 "is no SDDL text such as " + std::string(kDefaultSourceSddl) + ": " + descriptor.error().what);
  }
  return {};
}

}  // namespace

Result<void> validate(Subscription& subscription) {
  RETURN_IF_ERROR(check_name("SubscriptionId", subscription.id, kMaxName));
  if (base::trimmed(subscription.id).size() != subscription.id.size()) {
    return wrong("SubscriptionId", "begins or ends with white space");
  }
  RETURN_IF_ERROR(check_name("Uri", subscription.uri, kMaxUri));
  if (subscription.description.size() > kMaxDescription) return wrong("Description", "is longer than 4096 bytes");
  RETURN_IF_ERROR(check_name("LogFile", subscription.log_file, kMaxChannelName));
  RETURN_IF_ERROR(check_name("PublisherName", subscription.publisher_name, kMaxChannelName));
  RETURN_IF_ERROR(check_query(subscription));
  RETURN_IF_ERROR(check_delivery(subscription));
  RETURN_IF_ERROR(check_transport(subscription));
  RETURN_IF_ERROR(check_content(subscription));
  RETURN_IF_ERROR(check_credentials(subscription));
  RETURN_IF_ERROR(check_sources(subscription));
  return check_admission(subscription);
}

}  // namespace subscriptions
