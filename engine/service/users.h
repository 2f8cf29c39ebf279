// The users of Basic authentication, kept in the service's own store.

#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/auth/basic.h"
#include "engine/auth/password_hash.h"
#include "engine/base/blocking.h"
#include "engine/wsman/byte_budget.h"
#include "engine/wsman/fault.h"
#include "storage/state_store.h"

namespace service {

/// One user, without his password. A value.
struct User {
  std::string name;
  std::vector<std::string> groups;
};

/// What is to become of a user: parts that are missing stay.
struct UserChange {
  std::optional<std::vector<std::string>> groups;
  std::optional<auth::Secret> password;
};

/// Keeps users as documents of kind "user" in the state store, and all of them in memory. Names compare without case
/// (ASCII).
///
/// Thread-safe. A name has 1 to 64 bytes and none of the characters that Windows forbids in one ("/\[]:;|=,+*?<>@), a user
/// at most 32 groups of 1 to 256 bytes each, a password 1 to 1024 bytes; there are at most 10,000 users.
class Users final : public auth::PasswordDirectory {
 public:
  /// Reads all users. Those that cannot be read are passed over, with a line in the log. Blocks. What it is given outlives
  /// it.
  static base::Result<std::unique_ptr<Users>> open(storage::StateStore& store, base::BlockingPool& pool,
                                                   auth::ScryptCost cost = {});

  base::AsyncResult<std::optional<Record>> verify(std::string user, auth::Secret password) override;
  std::uint64_t generation() const override { return generation_; }

  /// Sorted by name.
  std::vector<User> list() const;
  std::optional<User> find(std::string_view name) const;

  /// In effect and durable on return; `who` is for the log. Faults: AlreadyExists; ResourceNotFound; InvalidRepresentation
  /// with 87 for what breaks the rules above; InternalError where the store fails.
  wsman::AsyncResult<void> create(std::string name, UserChange change, std::string who);
  wsman::AsyncResult<void> change(std::string name, UserChange change, std::string who);
  wsman::AsyncResult<void> remove(std::string name, std::string who);

 private:
  struct Stored {
    User user;
    std::string hash;
  };
  Users(storage::StateStore& store, base::BlockingPool& pool, auth::ScryptCost cost);
  wsman::Result<void> store(const std::string& key, Stored stored);
  wsman::Result<Stored> changed(Stored stored, UserChange change) const;

  storage::StateStore& store_;
  base::BlockingPool& pool_;
  const auth::ScryptCost cost_;
  const std::string nobody_;  ///< the hash that a password of an unknown user is compared with
  wsman::ByteBudget verifying_;
  std::atomic<std::uint64_t> generation_ = 1;
  std::mutex changing_;  ///< one change at a time; held on a thread that may block
  mutable std::mutex mutex_;
  std::map<std::string, Stored> users_;  ///< by name in small letters
};

}  // namespace service
