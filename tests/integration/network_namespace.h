// A network of its own for some processes, without a name: it ends with the last who uses it.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace integration {

/// An empty network namespace with its loopback device up. Held by a descriptor only, so that nothing is left of it when the
/// test ends, however it ends.
class NetworkNamespace {
 public:
  /// Errors: the system's, where this process may not make one. Root may.
  static base::Result<std::unique_ptr<NetworkNamespace>> make();
  ~NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

  /// What to put before a command so that it runs in here.
  std::vector<std::string> prefix() const;
  /// Runs `action` in here, on a thread of its own, and waits for it.
  base::Result<void> run(std::function<base::Result<void>()> action) const;

  /// Makes a TUN device that all packets to others go out by, and returns the descriptor of its other side, which is the
  /// caller's to close. Errors: the system's, where there is no /dev/net/tun or it may not be used.
  base::Result<int> make_tunnel(const std::string& address);
  /// Gives the device another address in place of the one it has.
  base::Result<void> set_address(const std::string& address);

 private:
  explicit NetworkNamespace(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace integration
