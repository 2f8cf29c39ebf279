// X.509 certificates for people who have no authority of their own: a small CA and the certificates that it issues.
//
// Keys are ECDSA on P-256, PEM in PKCS#8. Texts are PEM.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"

namespace cli {

struct KeyPair {
  std::string certificate;
  std::string key;  ///< secret
};

/// A self-signed authority named CN=`name`, valid for ten years, that may sign hosts' certificates and no further authority.
/// Errors: std::errc::invalid_argument where the name is empty, longer than 64 characters, or not valid UTF-8.
base::Result<KeyPair> make_authority(std::string_view name, base::WallTime now);

/// A certificate for servers and clients alike, valid for 825 days but not beyond its authority. `names` are DNS names and
/// IP addresses, at least one; the first is the subject's common name where it has at most 64 characters.
///
/// Errors: std::errc::invalid_argument: a name that is neither DNS name nor address; an authority's text that is not PEM, is
/// no authority, has expired, or whose key is another's or encrypted.
base::Result<KeyPair> issue_certificate(const KeyPair& authority, const std::vector<std::string>& names, base::WallTime now);

/// True for a host name of letters, digits, '-' and '_' in labels of at most 63 characters, and for "*." in front of one.
bool is_dns_name(std::string_view text);
/// True for an IPv4 or IPv6 address without brackets.
bool is_ip_address(std::string_view text);

/// What a certificate says, for people.
struct CertificateDescription {
  std::string subject;  ///< "CN=host7.lab.example"
  std::string issuer;
  std::string serial;              ///< hexadecimal
  std::vector<std::string> names;  ///< subjectAltName: DNS names and addresses
  base::WallTime not_before;
  base::WallTime not_after;
  std::string thumbprint;  ///< SHA-1 of the DER, 40 capital hexadecimal digits
  bool authority = false;
  bool server_use = false;
  bool client_use = false;
  /// SHA-1 of the issuing authority's DER, where that is at hand; else empty.
  std::string issuer_thumbprint;
  std::string authority_key_id;  ///< capital hexadecimal digits; may be empty
};

/// Describes the first certificate of `text` (PEM, or one in DER). Its issuer is looked for in the certificate itself, in
/// the rest of `text` and in `authorities` (PEM, may be empty), and counts where its key has signed the certificate. Errors:
/// std::errc::invalid_argument where `text` holds no certificate.
base::Result<CertificateDescription> describe_certificate(const std::string& text, const std::string& authorities);

}  // namespace cli
