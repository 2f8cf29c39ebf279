#include "engine/config/setting.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/auth/security_descriptor.h"
#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/config/text_rules.h"

namespace config {
namespace {

constexpr std::uint32_t kU32 = 4'294'967'295;
constexpr std::uint32_t kI31 = 2'147'483'647;
constexpr std::uint32_t kPort = 65'535;

// Windows' numbers for values that are not possible.
constexpr std::uint32_t kSchema = 2150858817;
constexpr std::uint32_t kHostnamePattern = 2150858911;
constexpr std::uint32_t kPortInvalid = 2150858972;
constexpr std::uint32_t kIpFilter = 2150858988;
constexpr std::uint32_t kThumbprintUnknown = 2150858882;
constexpr std::uint32_t kSecurityDescriptor = 2150859100;
constexpr std::uint32_t kCbtLevel = 2150859192;

constexpr std::array kNodeRows{
    NodeRow{Node::Config, Node::Config, "", "Config", "winrm"},
    NodeRow{Node::Client, Node::Config, "/client", "Client", "winrm.client"},
    NodeRow{Node::ClientAuth, Node::Client, "/client/auth", "Auth", "winrm.client.auth"},
    NodeRow{Node::ClientDefaultPorts, Node::Client, "/client/defaultports", "DefaultPorts", "winrm.client.defaultports"},
    NodeRow{Node::Service, Node::Config, "/service", "Service", "winrm.service"},
    NodeRow{Node::ServiceAuth, Node::Service, "/service/auth", "Auth", "winrm.service.auth"},
    NodeRow{Node::ServiceDefaultPorts, Node::Service, "/service/defaultports", "DefaultPorts", "winrm.service.defaultports"},
    NodeRow{Node::Winrs, Node::Config, "/winrs", "Winrs", "winrm.winrs"},
};

bool url_prefix(std::string_view text, std::string& canonical) {
  canonical = text;
  return is_url_prefix(text);
}
bool trusted_hosts(std::string_view text, std::string& canonical) {
  canonical = text;
  return is_trusted_hosts(text);
}
bool ipv4_filter(std::string_view text, std::string& canonical) {
  canonical = text;
  return is_ipv4_filter(text);
}
bool ipv6_filter(std::string_view text, std::string& canonical) {
  canonical = text;
  return is_ipv6_filter(text);
}
bool sddl(std::string_view text, std::string& canonical) {
  const auto descriptor = auth::SecurityDescriptor::parse(text);
  // Without a list of entries everybody may do everything, which nobody means by leaving it out.
  if (!descriptor.ok() || !descriptor->controls_access()) return false;
  canonical = descriptor->text();
  return true;
}
bool thumbprint(std::string_view text, std::string& canonical) {
  canonical = normal_thumbprint(text);
  return is_thumbprint_or_empty(text);
}
bool cbt_level(std::string_view text, std::string& canonical) {
  for (const std::string_view word : {"None", "Relaxed", "Strict"}) {
    if (!base::equal_ignoring_case(text, word)) continue;
    canonical = word;
    return true;
  }
  return false;
}

constexpr Setting number(Id id, Node node, std::string_view key, std::string_view value, std::uint32_t min,
                         std::uint32_t max) {
  return {id, node, key, Kind::Number, value, min, max, nullptr, {}, kSchema, Access::Free};
}
constexpr Setting port(Id id, Node node, std::string_view key, std::string_view value, Access access) {
  return {id, node, key, Kind::Number, value, 1, kPort, nullptr, {}, kPortInvalid, access};
}
/// Shows its default for ever.
constexpr Setting deprecated(Id id, Node node, std::string_view key, std::string_view text, std::uint32_t value) {
  return {id, node, key, Kind::Number, text, value, value, nullptr, {}, kSchema, Access::Deprecated};
}
constexpr Setting flag(Id id, Node node, std::string_view key, bool value) {
  return {id, node, key, Kind::Boolean, value ? "true" : "false", 0, 0, nullptr, {}, kSchema, Access::Free};
}
using Normalise = bool (*)(std::string_view, std::string&);
constexpr Setting text(Id id, Node node, std::string_view key, std::string_view value, Normalise normalise,
                       std::string_view valid, std::uint32_t bad_value) {
  return {id, node, key, Kind::Text, value, 0, 0, normalise, valid, bad_value, Access::Free};
}

constexpr std::string_view kRanges = "\"*\", or inclusive ranges FROM-TO joined by commas, or empty";
constexpr std::string_view kRootSddl = "O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;ER)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)";

using enum Id;
using N = Node;

constexpr std::array kRows{
    number(MaxEnvelopeSizekb, N::Config, "winrm.MaxEnvelopeSizekb", "150", 32, 1'039'440),
    number(MaxTimeoutms, N::Config, "winrm.MaxTimeoutms", "60000", 500, kU32),
    number(MaxBatchItems, N::Config, "winrm.MaxBatchItems", "32000", 1, kU32),
    deprecated(MaxProviderRequests, N::Config, "winrm.MaxProviderRequests", "25", 25),
    number(ClientNetworkDelayms, N::Client, "winrm.client.NetworkDelayms", "5000", 500, kU32),
    text(ClientUrlPrefix, N::Client, "winrm.client.URLPrefix", "wsman", url_prefix,
         "letters, digits and _ in parts joined by /", kSchema),
    flag(ClientAllowUnencrypted, N::Client, "winrm.client.AllowUnencrypted", false),
    flag(ClientAuthBasic, N::ClientAuth, "winrm.client.auth.Basic", true),
    flag(ClientAuthDigest, N::ClientAuth, "winrm.client.auth.Digest", true),
    flag(ClientAuthKerberos, N::ClientAuth, "winrm.client.auth.Kerberos", true),
    flag(ClientAuthNegotiate, N::ClientAuth, "winrm.client.auth.Negotiate", true),
    flag(ClientAuthCertificate, N::ClientAuth, "winrm.client.auth.Certificate", true),
    flag(ClientAuthCredSsp, N::ClientAuth, "winrm.client.auth.CredSSP", false),
    port(ClientPortHttp, N::ClientDefaultPorts, "winrm.client.defaultports.HTTP", "5985", Access::Free),
    port(ClientPortHttps, N::ClientDefaultPorts, "winrm.client.defaultports.HTTPS", "5986", Access::Free),
    text(ClientTrustedHosts, N::Client, "winrm.client.TrustedHosts", "", trusted_hosts,
         "\"*\", or <local>, names and prefix* or *suffix patterns joined by commas", kHostnamePattern),
    text(RootSddl, N::Service, "winrm.service.RootSDDL", kRootSddl, sddl,
         "a security descriptor with a list D:, such as O:NSG:BAD:P(A;;GA;;;BA)", kSecurityDescriptor),
    deprecated(MaxConcurrentOperations, N::Service, "winrm.service.MaxConcurrentOperations", "100", 100),
    number(MaxConcurrentOperationsPerUser, N::Service, "winrm.service.MaxConcurrentOperationsPerUser", "1500", 1, kU32),
    number(EnumerationTimeoutms, N::Service, "winrm.service.EnumerationTimeoutms", "60000", 500, kU32),
    number(MaxConnections, N::Service, "winrm.service.MaxConnections", "300", 1, 512),
    number(MaxPacketRetrievalTimeSeconds, N::Service, "winrm.service.MaxPacketRetrievalTimeSeconds", "120", 1, kU32),
    flag(AllowUnencrypted, N::Service, "winrm.service.AllowUnencrypted", false),
    flag(AuthBasic, N::ServiceAuth, "winrm.service.auth.Basic", false),
    flag(AuthKerberos, N::ServiceAuth, "winrm.service.auth.Kerberos", true),
    flag(AuthNegotiate, N::ServiceAuth, "winrm.service.auth.Negotiate", true),
    flag(AuthCertificate, N::ServiceAuth, "winrm.service.auth.Certificate", false),
    flag(AuthCredSsp, N::ServiceAuth, "winrm.service.auth.CredSSP", false),
    text(AuthCbtHardeningLevel, N::ServiceAuth, "winrm.service.auth.CbtHardeningLevel", "Relaxed", cbt_level,
         "\"None\", \"Relaxed\", \"Strict\"", kCbtLevel),
    port(PortHttp, N::ServiceDefaultPorts, "winrm.service.defaultports.HTTP", "5985", Access::ReadOnly),
    port(PortHttps, N::ServiceDefaultPorts, "winrm.service.defaultports.HTTPS", "5986", Access::ReadOnly),
    text(Ipv4Filter, N::Service, "winrm.service.IPv4Filter", "*", ipv4_filter, kRanges, kIpFilter),
    text(Ipv6Filter, N::Service, "winrm.service.IPv6Filter", "*", ipv6_filter, kRanges, kIpFilter),
    flag(EnableCompatibilityHttpListener, N::Service, "winrm.service.EnableCompatibilityHttpListener", false),
    flag(EnableCompatibilityHttpsListener, N::Service, "winrm.service.EnableCompatibilityHttpsListener", false),
    text(CertificateThumbprint, N::Service, "winrm.service.CertificateThumbprint", "", thumbprint,
         "40 hexadecimal digits (SHA-1), or empty", kThumbprintUnknown),
    flag(AllowRemoteAccess, N::Service, "winrm.service.AllowRemoteAccess", true),
    flag(AllowRemoteShellAccess, N::Winrs, "winrm.winrs.AllowRemoteShellAccess", true),
    number(IdleTimeout, N::Winrs, "winrm.winrs.IdleTimeout", "180000", 0, kI31),
    number(MaxConcurrentUsers, N::Winrs, "winrm.winrs.MaxConcurrentUsers", "5", 1, kI31),
    deprecated(MaxShellRunTime, N::Winrs, "winrm.winrs.MaxShellRunTime", "28800000", 28'800'000),
    number(MaxProcessesPerShell, N::Winrs, "winrm.winrs.MaxProcessesPerShell", "15", 0, kI31),
    number(MaxMemoryPerShellMb, N::Winrs, "winrm.winrs.MaxMemoryPerShellMB", "150", 0, kI31),
    number(MaxShellsPerUser, N::Winrs, "winrm.winrs.MaxShellsPerUser", "5", 0, kI31),
};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const Setting& row = kRows[i];
    const std::string_view table = kNodeRows[static_cast<std::size_t>(row.node)].table;
    const bool in_table = row.key.starts_with(table) && row.key.find('.', table.size() + 1) == std::string_view::npos;
    if (static_cast<std::size_t>(row.id) != i || !in_table) return false;
  }
  for (std::size_t i = 0; i < kNodeRows.size(); ++i) {
    if (static_cast<std::size_t>(kNodeRows[i].node) != i) return false;
  }
  return true;
}
static_assert(kRows.size() == kSettings && kNodeRows.size() == kNodes);
static_assert(rows_are_in_order());

std::string valid_number(const Setting& setting) {
  return setting.min == setting.max ? base::format_text("only {}, it cannot be changed", setting.min)
                                    : base::format_text("a whole number, {} to {}", setting.min, setting.max);
}

base::Error bad_value(const Setting& setting, std::string_view text, std::string_view complaint) {
  const std::string shown(text.substr(0, 100));
  const std::string quoted = setting.kind == Kind::Number ? shown : "\"" + shown + "\"";
  return base::make_error(base::win32_code(setting.bad_value),
                          base::format_text("{} {}; valid: {}", quoted, complaint, valid_values(setting)));
}

base::Result<std::string> check_number(const Setting& setting, std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.begin(), text.end(), value);
  const bool huge = failure == std::errc::result_out_of_range;
  if (text.empty() || end != text.end() || (failure != std::errc() && !huge)) {
    return bad_value(setting, text, "is not a whole number");
  }
  if (huge || value < setting.min || value > setting.max) return bad_value(setting, text, "is out of range");
  return std::to_string(value);
}

base::Result<std::string> check_flag(const Setting& setting, std::string_view text) {
  if (text == "1" || base::equal_ignoring_case(text, "true")) return std::string("true");
  if (text == "0" || base::equal_ignoring_case(text, "false")) return std::string("false");
  return bad_value(setting, text, "is not possible");
}

}  // namespace

const NodeRow& row_of(Node node) {
  return kNodeRows[static_cast<std::size_t>(node)];
}

std::span<const Setting> settings() {
  return kRows;
}

const Setting& setting_of(Id id) {
  return kRows[static_cast<std::size_t>(id)];
}

const Setting* find_setting(std::string_view key) {
  const auto found = std::ranges::find(kRows, key, &Setting::key);
  return found == kRows.end() ? nullptr : &*found;
}

const Setting* find_setting(Node node, std::string_view name) {
  const auto found = std::ranges::find_if(kRows, [&](const Setting& row) { return row.node == node && row.name() == name; });
  return found == kRows.end() ? nullptr : &*found;
}

std::string valid_values(const Setting& setting) {
  switch (setting.kind) {
    case Kind::Number:
      return valid_number(setting);
    case Kind::Boolean:
      return "true or false";
    case Kind::Text:
      break;
  }
  return std::string(setting.valid);
}

base::Result<std::string> check(const Setting& setting, std::string_view text) {
  text = base::trimmed(text);
  if (setting.kind == Kind::Number) return check_number(setting, text);
  if (setting.kind == Kind::Boolean) return check_flag(setting, text);
  if (setting.id == RootSddl) {
    // Where it is wrong is worth more than what would be right.
    const auto descriptor = auth::SecurityDescriptor::parse(text);
    if (!descriptor.ok()) {
      return base::make_error(base::win32_code(setting.bad_value),
                              descriptor.error().what + "; valid: " + valid_values(setting));
    }
  }
  std::string canonical;
  if (!setting.normalise(text, canonical)) return bad_value(setting, text, "is not possible");
  return canonical;
}

}  // namespace config
