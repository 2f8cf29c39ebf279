// Which local user the owner of a client certificate is.
//
// Source: winrm-config, section 5.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wsman/fault.h"
#include "engine/xml/element.h"

namespace config {

/// http://schemas.microsoft.com/wbem/wsman/1/config/service/certmapping
inline constexpr std::string_view kCertMappingUri = "http://schemas.microsoft.com/wbem/wsman/1/config/service/certmapping";
/// Windows has a limit of its own, whose size it does not tell.
inline constexpr std::size_t kMaxCertMappings = 1000;

struct CertMappingKey {
  std::string issuer;   ///< SHA-1 of an authority of the certificate's chain, capitals
  std::string subject;  ///< a name, with one "*" at the front or the end where it is a pattern
  std::string uri;      ///< resource URIs, with one "*" at the end where it is a pattern

  bool operator==(const CertMappingKey&) const = default;
};

/// Refuses with MappingIssuer, MappingSubject, MappingUri.
wsman::Result<CertMappingKey> make_cert_mapping_key(std::string_view issuer, std::string_view subject, std::string_view uri);

struct CertMapping {
  CertMappingKey key;
  std::string user;
  bool enabled = true;
};

struct CertMappingChange {
  std::optional<std::string> user;
  std::optional<bool> enabled;
  /// There was a Password, and it was empty. One that is not is checked for its length and not kept: no logon needs it.
  bool blank_password = false;
};

/// Reads the body of a Put or Create. Faults: as read_document(); MappingKeysChanged; PasswordTooLong.
wsman::Result<CertMappingChange> read_cert_mapping(xml::Element root, const CertMappingKey& key);
/// The password is shown empty.
std::string write_cert_mapping(const CertMapping& mapping);

/// The mapping for a request to `resource_uri` by the owner of a certificate with these names whose chain has these
/// authorities (thumbprints, capitals): of those that match the one with the longest Subject, then with the longest URI.
/// Nothing where none or several are left.
const CertMapping* find_mapping(const std::vector<CertMapping>& mappings, const std::vector<std::string>& names,
                                const std::vector<std::string>& issuers, std::string_view resource_uri);

}  // namespace config
