// Who has been authenticated.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace auth {

/// What an account of this host is.
struct LocalUser {
  std::uint32_t uid = 0;
  std::vector<std::uint32_t> gids;
  std::vector<std::string> groups;  ///< the names of those that have one
};

/// An authenticated identity. A value.
struct Principal {
  enum class Scheme { None, Certificate, LocalPeer, Basic, Negotiate, Kerberos, CredSsp };
  Scheme scheme = Scheme::None;
  /// The name to authorise, log and store by: a DNS name for a certificate, a user's name otherwise.
  std::string name;
  /// Certificate: every DNS name that it vouches for, `name` first.
  std::vector<std::string> names;
  /// Certificate: SHA-1 thumbprints of the authorities of the verified chain, the direct issuer first.
  std::vector<std::string> issuers;
  /// Basic: the groups of the user, each by its name ("Event Log Readers") or its SDDL token ("ER").
  std::vector<std::string> groups;
  /// A user of this host who came by the control socket, or for whom a certificate stands; else null.
  std::shared_ptr<const LocalUser> local;
  /// May administer this service.
  bool administrator = false;

  bool authenticated() const { return scheme != Scheme::None; }
};

/// Whether both are the same identity: a name is unique only under the authority that vouches for it.
inline bool is_same(const Principal& a, const Principal& b) {
  return a.scheme == b.scheme && a.name == b.name && a.issuers == b.issuers;
}

}  // namespace auth
