// Authentication on the control socket: the kernel says who connects.

#pragma once

#include <optional>
#include <string>

#include "engine/auth/authenticator.h"

namespace auth {

/// The user of this host called `name`: an administrator where he would be one on the control socket. His scheme is left to
/// the caller. Nothing where there is no such user. Asks the system's account databases, which may block for a moment.
std::optional<Principal> find_local_user(const std::string& name, const std::string& admin_group);

/// Claims peers of UNIX sockets. Administrators are root, the service's own user, and members of `group`.
class LocalPeerAuthenticator final : public Authenticator {
 public:
  explicit LocalPeerAuthenticator(std::string group = "muster-admins") : group_(std::move(group)) {}
  std::string_view challenge() const override { return ""; }
  bool claims(std::string_view authorization, const base::Peer& peer) const override;
  std::unique_ptr<Conversation> begin(const base::Peer& peer) override;

 private:
  std::string group_;
};

}  // namespace auth
