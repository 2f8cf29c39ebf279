#include "engine/auth/local_peer.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace auth {
namespace {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t primary_group = 0;
};

std::optional<Account> find_account(uid_t uid) {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return Account{entry.pw_name, entry.pw_uid, entry.pw_gid};
}

std::optional<Account> find_account(const std::string& name) {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return Account{entry.pw_name, entry.pw_uid, entry.pw_gid};
}

std::optional<gid_t> find_group(const std::string& name) {
  std::vector<char> buffer(65536);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return entry.gr_gid;
}

std::optional<std::string> group_name(gid_t gid) {
  std::vector<char> buffer(65536);
  group entry{};
  group* found = nullptr;
  if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return entry.gr_name;
}

/// All groups of the account, the primary one among them.
std::vector<std::uint32_t> groups_of(const Account& account) {
  std::vector<gid_t> groups(256);
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(account.name.c_str(), account.primary_group, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(account.name.c_str(), account.primary_group, groups.data(), &count) < 0) count = 0;
  }
  return {groups.begin(), groups.begin() + count};
}

std::shared_ptr<const LocalUser> local_user(uid_t uid, const std::optional<Account>& account, std::optional<gid_t> running) {
  auto user = std::make_shared<LocalUser>();
  user->uid = uid;
  if (account) user->gids = groups_of(*account);
  const bool known = !running || std::ranges::find(user->gids, *running) != user->gids.end();
  if (!known) user->gids.push_back(*running);
  for (const gid_t gid : user->gids) {
    if (auto name = group_name(gid)) user->groups.push_back(std::move(*name));
  }
  return user;
}

bool is_administrator(const LocalUser& user, const std::string& admin_group) {
  if (user.uid == 0 || user.uid == ::geteuid()) return true;
  // By number: a group may have several names.
  const auto group = find_group(admin_group);
  return group && std::ranges::find(user.gids, *group) != user.gids.end();
}

class LocalPeerConversation final : public Conversation {
 public:
  LocalPeerConversation(std::optional<base::PeerProcess> process, std::string group)
      : process_(process), group_(std::move(group)) {}

  base::AsyncResult<Step> step(std::string) override {
    if (!process_) co_return base::make_error(std::errc::permission_denied, "not a local peer");
    Step step;
    step.accepted = true;
    Principal& who = step.principal;
    who.scheme = Principal::Scheme::LocalPeer;
    const auto account = find_account(process_->uid);
    who.name = account ? account->name : std::to_string(process_->uid);
    who.local = local_user(process_->uid, account, process_->gid);
    who.administrator = is_administrator(*who.local, group_);
    co_return step;
  }

 private:
  std::optional<base::PeerProcess> process_;
  std::string group_;
};

}  // namespace

std::optional<Principal> find_local_user(const std::string& name, const std::string& admin_group) {
  const auto account = find_account(name);
  if (!account) return std::nullopt;
  Principal who;
  who.name = account->name;
  who.local = local_user(account->uid, account, std::nullopt);
  who.administrator = is_administrator(*who.local, admin_group);
  return who;
}

LocalUsers::LocalUsers(std::string admin_group, base::Clock& clock) : admin_group_(std::move(admin_group)), clock_(clock) {}

std::optional<Principal> LocalUsers::find(const std::string& name) {
  const base::SteadyTime now = clock_.steady();
  {
    std::lock_guard lock(mutex_);
    const auto known = known_.find(name);
    if (known != known_.end() && now < known->second.until) return known->second.user;
  }
  // Without the lock: who is known already need not wait for a slow directory.
  auto user = find_local_user(name, admin_group_);
  std::lock_guard lock(mutex_);
  if (known_.size() >= kMost) std::erase_if(known_, [now](const auto& entry) { return entry.second.until <= now; });
  if (known_.size() >= kMost) known_.clear();
  known_.insert_or_assign(name, Entry{user, now + kKept});
  return user;
}

bool LocalPeerAuthenticator::claims(std::string_view, const base::Peer& peer) const {
  return peer.process.has_value();
}

std::unique_ptr<Conversation> LocalPeerAuthenticator::begin(const base::Peer& peer) {
  return std::make_unique<LocalPeerConversation>(peer.process, group_);
}

}  // namespace auth
