// Who may use which resource, as the dispatcher asks for it.
//
// Source: winrm-config, section 7; wsman-protocol, section 10.

#pragma once

#include <cstdint>
#include <string_view>

#include "engine/auth/principal.h"

namespace wsman {

/// What a request needs of a security descriptor: GENERIC_READ, GENERIC_WRITE, GENERIC_EXECUTE.
enum class Right : std::uint8_t { Read, Write, Execute };

/// Read for Get, Enumerate, Pull, Release and what concerns a subscription; Write for Put, Create and Delete; Execute for
/// every other action, and for all of them where the resource is a shell.
Right right_of(std::string_view action, bool shell);

/// A request that wants to be let in. Lives as long as the call.
struct AccessRequest {
  const auth::Principal& who;
  std::string_view address;       ///< the peer's network address
  std::string_view resource_uri;  ///< the resource's own, or that below it which the request names; case does not count
  std::string_view action;
  Right right;
};

/// Thread-safe.
class AccessControl {
 public:
  virtual ~AccessControl() = default;
  /// Asked for every request before its operation, for each Pull again. Must not block.
  virtual bool permits(const AccessRequest& request) = 0;
};

}  // namespace wsman
