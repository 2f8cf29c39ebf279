// Authentication on the control socket: the kernel says who connects.

#pragma once

#include <string>

#include "engine/auth/authenticator.h"

namespace auth {

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
