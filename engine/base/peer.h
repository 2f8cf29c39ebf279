// What the transport knows of the other end of a connection, before anybody has authenticated it.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"

namespace base {

/// The peer's certificate, after its chain was verified against the trusted authorities.
struct PeerCertificate {
  std::string subject;                 ///< one line, for people: "CN=host7.lab.example"
  std::string common_name;             ///< the last CN of the subject; may be empty
  std::vector<std::string> dns_names;  ///< subjectAltName dNSName entries, as written
  std::string thumbprint;              ///< SHA-1 of the DER, 40 capital hexadecimal digits
  /// SHA-1 of each authority above it in the verified chain, the direct issuer first, the root last.
  std::vector<std::string> issuer_thumbprints;
  WallTime not_after;
};

/// SO_PEERCRED of a UNIX socket.
struct PeerProcess {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};

/// One side's view of a connection.
struct Peer {
  enum class Transport { Plain, Tls, Unix, Memory };
  Transport transport = Transport::Plain;
  std::string address;  ///< "192.0.2.7:49210", "[2001:db8::7]:49210", or "unix" — for logs and for the store
  std::optional<PeerCertificate> certificate;
  std::optional<PeerProcess> process;
};

}  // namespace base
