#include "subscriptions/passwords.h"

#include <map>
#include <optional>
#include <utility>

#include "engine/base/encoding.h"
#include "engine/base/win32.h"

namespace subscriptions {
namespace {

/// A user and the password beside it.
struct Account {
  const std::string& user;
  const std::string& password;
};

base::Result<void> settle(std::string name, const std::string& what, const std::string& user, std::string& password,
                          std::optional<Account> old, std::vector<NewPassword>& fresh) {
  const bool same_user = old && !old->password.empty() && base::equal_ignoring_case(old->user, user);
  if (password == kKeptPassword && !same_user) {
    return base::make_error(base::Win32::EcCredentialNotFound, "no password is stored for " + what + "; it must be given");
  }
  if (password.empty()) {
    if (same_user && !user.empty()) password = kKeptPassword;
    return {};
  }
  if (password == kKeptPassword) return {};
  fresh.push_back(NewPassword{std::move(name), std::exchange(password, std::string(kKeptPassword))});
  return {};
}

}  // namespace

std::string common_password_name() {
  return {};
}

std::string password_name(const std::string& address) {
  return base::to_lower(address);
}

base::Result<std::vector<NewPassword>> settle_passwords(Subscription& wanted, const Subscription* old) {
  std::vector<NewPassword> fresh;
  std::map<std::string, const EventSource*> old_sources;
  std::optional<Account> old_account;
  if (old != nullptr) {
    for (const EventSource& source : old->sources) old_sources[base::to_lower(source.address)] = &source;
  }
  if (old != nullptr) old_account.emplace(Account{old->common_user_name, old->common_password});
  RETURN_IF_ERROR(settle(common_password_name(), "CommonUserName " + wanted.common_user_name, wanted.common_user_name,
                         wanted.common_password, old_account, fresh));
  for (EventSource& source : wanted.sources) {
    old_account.reset();
    const auto same = old_sources.find(base::to_lower(source.address));
    if (same != old_sources.end()) old_account.emplace(Account{same->second->user_name, same->second->password});
    RETURN_IF_ERROR(settle(password_name(source.address), "user " + source.user_name + " of " + source.address,
                           source.user_name, source.password, old_account, fresh));
  }
  return fresh;
}

std::vector<std::string> kept_password_names(const Subscription& definition) {
  std::vector<std::string> names;
  if (!definition.common_password.empty()) names.push_back(common_password_name());
  for (const EventSource& source : definition.sources) {
    if (!source.password.empty()) names.push_back(password_name(source.address));
  }
  return names;
}

}  // namespace subscriptions
