// The settings of winrm/config: one table, which the TOML file, policy, `winrm set` and the documents on the wire share.
//
// How a value comes about:
//
//   setting.h        the table: key, type, default, range, what may change it, the number for a bad value
//   values.h         the layers policy > stored > file > default, and the values in effect
//   document.h       a part of the tree as an XML document, and back
//   listener.h, certificate_mapping.h, plugin.h    records with keys, beside the tree
//   content.h        what of it all requests have set, and the documents that keep it
//   configuration.h  all of it: read by everybody, changed by one at a time, kept in a store, told to who acts on it
//   resources.h      the WS-Man resources over it; quick_config.h: what `winrm quickconfig` asks
//
// Source: winrm-config, sections 1 to 3; the defaults are those of the outer face's seed, where it gives two the later
// version's.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace config {

/// The parts of the tree, each a resource of its own, in the order of the documents.
enum class Node {
  Config,
  Client,
  ClientAuth,
  ClientDefaultPorts,
  Service,
  ServiceAuth,
  ServiceDefaultPorts,
  Winrs,
};
inline constexpr std::size_t kNodes = 8;

struct NodeRow {
  Node node;
  Node parent;             ///< Config's own is itself
  std::string_view path;   ///< behind the base URI: "", "/client/auth"
  std::string_view name;   ///< of the element: "Auth"
  std::string_view table;  ///< of the TOML file: "winrm.client.auth"
};
const NodeRow& row_of(Node node);

/// http://schemas.microsoft.com/wbem/wsman/1/config
inline constexpr std::string_view kBaseUri = "http://schemas.microsoft.com/wbem/wsman/1/config";

/// Every setting, in the order of the full document.
enum class Id {
  MaxEnvelopeSizekb,
  MaxTimeoutms,
  MaxBatchItems,
  MaxProviderRequests,
  ClientNetworkDelayms,
  ClientUrlPrefix,
  ClientAllowUnencrypted,
  ClientAuthBasic,
  ClientAuthDigest,
  ClientAuthKerberos,
  ClientAuthNegotiate,
  ClientAuthCertificate,
  ClientAuthCredSsp,
  ClientPortHttp,
  ClientPortHttps,
  ClientTrustedHosts,
  RootSddl,
  MaxConcurrentOperations,
  MaxConcurrentOperationsPerUser,
  EnumerationTimeoutms,
  MaxConnections,
  MaxPacketRetrievalTimeSeconds,
  AllowUnencrypted,
  AuthBasic,
  AuthKerberos,
  AuthNegotiate,
  AuthCertificate,
  AuthCredSsp,
  AuthCbtHardeningLevel,
  PortHttp,
  PortHttps,
  Ipv4Filter,
  Ipv6Filter,
  EnableCompatibilityHttpListener,
  EnableCompatibilityHttpsListener,
  CertificateThumbprint,
  AllowRemoteAccess,
  AllowRemoteShellAccess,
  IdleTimeout,
  MaxConcurrentUsers,
  MaxShellRunTime,
  MaxProcessesPerShell,
  MaxMemoryPerShellMb,
  MaxShellsPerUser,
};
inline constexpr std::size_t kSettings = static_cast<std::size_t>(Id::MaxShellsPerUser) + 1;

enum class Kind { Number, Boolean, Text };

/// Who may change a setting after the file was read.
enum class Access {
  Free,
  ReadOnly,    ///< the file and policy may; a Put may not
  Deprecated,  ///< nobody: nothing has obeyed it since WinRM 2.0
};

struct Setting {
  Id id;
  Node node;
  std::string_view key;  ///< in the TOML file: "winrm.service.auth.Basic"; its last part is the element's name
  Kind kind;
  std::string_view default_text;
  std::uint32_t min = 0;  ///< Number: the range, both ends in it
  std::uint32_t max = 0;
  /// Text: the canonical form, or nothing where the text is not possible.
  bool (*normalise)(std::string_view text, std::string& canonical) = nullptr;
  std::string_view valid;  ///< Text: what is possible, for people
  std::uint32_t bad_value = 2150858817;
  Access access = Access::Free;

  std::string_view name() const { return key.substr(key.rfind('.') + 1); }
};

/// In the order of Id.
std::span<const Setting> settings();
const Setting& setting_of(Id id);
/// By its TOML key, letter by letter; null where there is none.
const Setting* find_setting(std::string_view key);
/// By the name of its element in `node`, letter by letter; null where there is none.
const Setting* find_setting(Node node, std::string_view name);

/// "a whole number, 32 to 1039440"
std::string valid_values(const Setting& setting);

/// The canonical form of `text`: numbers without zeros in front, "true" or "false" (also of 1 and 0, in any case), words as
/// the table spells them. White space at both ends is passed over. Errors: the setting's bad_value as a win32_code, saying
/// what is wrong and what would be valid.
base::Result<std::string> check(const Setting& setting, std::string_view text);

}  // namespace config
