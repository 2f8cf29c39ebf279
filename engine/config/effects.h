// The running service, as far as its configuration reaches into it.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/config/current.h"

namespace config {

/// What a certificate of the service says of itself.
struct ServerCertificate {
  std::string thumbprint;          ///< capitals
  std::vector<std::string> names;  ///< common name and dNSNames, patterns such as "*.example.org" among them
  bool for_servers = true;         ///< its extended key usage allows Server Authentication
};

/// Where a listener accepts connections; no addresses: nowhere.
struct Listening {
  std::vector<std::string> addresses;
  std::uint16_t port = 0;  ///< the real one, where the file lets the system choose
};

/// All calls come one at a time, on threads that may block, where nothing else is said.
class Effects {
 public:
  virtual ~Effects() = default;
  /// Makes the service what `current` says: returns when requests that come from now on meet it. What cannot be had (an
  /// address that is taken, say) is logged, and shows in listening_on().
  virtual void apply(const Current& current) = 0;
  /// The certificates that a listener may name by thumbprint.
  virtual std::vector<ServerCertificate> certificates() = 0;
  /// Whether the address of a listener ("*", "IP:…", "MAC:…") is one of this host's.
  virtual bool has_address(const std::string& address) = 0;
  /// Where a listener accepts connections now. May be called at any time.
  virtual Listening listening_on(const ListenerKey& key) = 0;
  /// The name that an HTTPS listener has where it is given none.
  virtual std::string host_name() = 0;
  /// Whether there is a local user of this name.
  virtual bool has_user(const std::string& name) = 0;
  /// The URIs of all resources that the service answers for. May be called at any time.
  virtual std::vector<std::string> resources() = 0;
};

}  // namespace config
