// What becomes of the passwords in a definition when it is stored.

#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "subscriptions/subscription.h"

namespace subscriptions {

/// A place of SecretStore within a subscription, and what is to be sealed there.
struct NewPassword {
  std::string name;
  std::string password;
};

/// The place of the password for every source, and that of one source.
std::string common_password_name();
std::string password_name(const std::string& address);

/// Takes the passwords that are given out of `wanted` and puts kKeptPassword in their places. A user without a password
/// keeps the one of the same user in `old`, which may be null. Errors: Win32::EcCredentialNotFound for a kKeptPassword that
/// `old` does not have.
base::Result<std::vector<NewPassword>> settle_passwords(Subscription& wanted, const Subscription* old);

/// The places that the definition, once settled, still needs.
std::vector<std::string> kept_password_names(const Subscription& definition);

}  // namespace subscriptions
