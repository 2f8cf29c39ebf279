// Authentication on the control socket: the kernel says who connects.

#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "engine/auth/authenticator.h"
#include "engine/base/clock.h"

namespace auth {

/// The user of this host called `name`: an administrator where he would be one on the control socket. His scheme is left to
/// the caller. Nothing where there is no such user. Asks the system's account databases, which may block for a moment.
std::optional<Principal> find_local_user(const std::string& name, const std::string& admin_group);

/// find_local_user() that remembers what it has found, or not found, for 10 seconds. Thread-safe; find() blocks for who is
/// not remembered.
class LocalUsers {
 public:
  static constexpr std::size_t kMost = 1000;
  static constexpr std::chrono::seconds kKept{10};

  explicit LocalUsers(std::string admin_group, base::Clock& clock = base::system_clock());
  std::optional<Principal> find(const std::string& name);

 private:
  struct Entry {
    std::optional<Principal> user;
    base::SteadyTime until;
  };
  const std::string admin_group_;
  base::Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> known_;
};

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
