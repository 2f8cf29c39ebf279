// The seam that every HTTP authentication scheme fits into: one-leg ones and those that go to and fro.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/auth/principal.h"
#include "engine/base/peer.h"
#include "engine/base/task.h"

namespace auth {

/// The protection of message bodies that a scheme with session security offers (SPNEGO, Kerberos, CredSSP over plain HTTP).
/// Belongs to one connection; calls come in the order of the messages. Source: wsman-protocol, section 14.
class MessageProtection {
 public:
  virtual ~MessageProtection() = default;
  /// The protocol string of multipart/encrypted, for instance "application/HTTP-Kerberos-session-encrypted".
  virtual std::string_view protocol() const = 0;
  struct Sealed {
    std::string header;
    std::string data;
  };
  virtual base::Result<Sealed> seal(std::string_view plain) = 0;
  virtual base::Result<std::string> unseal(std::string_view header, std::string_view data) = 0;
};

/// What one leg of a conversation came to.
struct Step {
  bool accepted = false;
  std::string token;                              ///< for WWW-Authenticate, without the scheme's name; may be empty
  Principal principal;                            ///< where accepted
  std::shared_ptr<MessageProtection> protection;  ///< where the scheme has it
};

/// One authentication in progress. One strand (that of its connection).
class Conversation {
 public:
  virtual ~Conversation() = default;
  /// `token` is what follows the scheme's name in Authorization. Errors: std::errc::permission_denied with the reason for
  /// the log, and the peer only learns 401; std::errc::device_or_resource_busy, 503, where it could not be looked at.
  virtual base::AsyncResult<Step> step(std::string token) = 0;
};

/// A scheme that a listener offers. Thread-safe.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// The name in WWW-Authenticate and Authorization, with parameters where it has them (`Basic realm="WSMAN"`).
  virtual std::string_view challenge() const = 0;
  /// Whether it may be used over such a connection; where not, it is neither offered nor asked.
  virtual bool offers(const base::Peer&) const { return true; }
  /// True where `authorization`, a whole Authorization value (empty if there was none), is for this scheme.
  virtual bool claims(std::string_view authorization, const base::Peer& peer) const = 0;
  virtual std::unique_ptr<Conversation> begin(const base::Peer& peer) = 0;
};

}  // namespace auth
