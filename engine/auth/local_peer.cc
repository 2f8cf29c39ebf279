#include "engine/auth/local_peer.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

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

bool is_member(const Account& account, gid_t group) {
  std::vector<gid_t> groups(256);
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(account.name.c_str(), account.primary_group, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(account.name.c_str(), account.primary_group, groups.data(), &count);
  }
  for (int i = 0; i < count; ++i) {
    if (groups[static_cast<std::size_t>(i)] == group) return true;
  }
  return false;
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
    who.administrator = process_->uid == 0 || process_->uid == ::geteuid();
    if (!who.administrator) {
      const auto group = find_group(group_);
      who.administrator = group && (process_->gid == *group || (account && is_member(*account, *group)));
    }
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
  who.administrator = account->uid == 0 || account->uid == ::geteuid();
  if (!who.administrator) {
    const auto group = find_group(admin_group);
    who.administrator = group && is_member(*account, *group);
  }
  return who;
}

bool LocalPeerAuthenticator::claims(std::string_view, const base::Peer& peer) const {
  return peer.process.has_value();
}

std::unique_ptr<Conversation> LocalPeerAuthenticator::begin(const base::Peer& peer) {
  return std::make_unique<LocalPeerConversation>(peer.process, group_);
}

}  // namespace auth
