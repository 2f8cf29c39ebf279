#include "engine/service/users.h"

#include <algorithm>
#include <thread>

#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/utf16.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"

namespace service {
namespace {

constexpr const char* kKind = "user";
constexpr std::size_t kMaxUsers = 10'000;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxPassword = 1024;
constexpr std::size_t kMaxGroups = 32;
constexpr std::size_t kMaxGroup = 256;
constexpr std::size_t kMaxWaiting = 64;
constexpr std::chrono::seconds kVerificationWait{10};

/// Verifications at one time: each takes a thread and 32 MiB for a tenth of a second or two. Something is left for the rest.
std::size_t verifications() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 2);
}

bool is_plain(std::string_view text, std::string_view forbidden) {
  if (!base::is_valid_utf8(text) || base::trimmed(text) != text) return false;
  return std::ranges::none_of(text, [&](unsigned char c) {
    return c < 0x20 || c == 0x7f || forbidden.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

wsman::Fault invalid(std::string reason) {
  wsman::Fault fault = wsman::make_fault(wsman::FaultCode::InvalidRepresentation, std::move(reason));
  fault.windows_code = static_cast<std::uint32_t>(base::Win32::InvalidParameter);
  return fault;
}

wsman::Result<void> check_name(std::string_view name) {
  if (!name.empty() && name.size() <= kMaxName && is_plain(name, "\"/\\[]:;|=,+*?<>@")) return {};
  return invalid("A user's name has 1 to 64 bytes, no blanks at its ends, and none of \"/\\[]:;|=,+*?<>@.");
}

wsman::Result<void> check_groups(const std::vector<std::string>& groups) {
  if (groups.size() > kMaxGroups) return invalid("A user has at most 32 groups.");
  const bool plain = std::ranges::all_of(
      groups, [](const std::string& group) { return !group.empty() && group.size() <= kMaxGroup && is_plain(group, ""); });
  if (!plain) return invalid("The name of a group has 1 to 256 bytes, and no blanks at its ends.");
  return {};
}

wsman::Result<void> check_password(std::string_view password) {
  // Whatever a client may send with Basic, and nothing else.
  if (password.empty()) return invalid("The password is empty.");
  if (password.size() > kMaxPassword) return invalid("The password has more than 1024 bytes.");
  const bool control = std::ranges::any_of(password, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (control || !base::is_valid_utf8(password)) return invalid("The password holds control characters, or is no UTF-8.");
  return {};
}

wsman::Fault unknown(const std::string& name) {
  return wsman::make_fault(wsman::FaultCode::ResourceNotFound, "There is no user " + name + ".");
}

}  // namespace

Users::Users(storage::StateStore& store, base::BlockingPool& pool, auth::ScryptCost cost)
    : store_(store), pool_(pool), cost_(cost), nobody_(auth::hash_of_nobody(cost)), verifying_(verifications()) {}

base::Result<std::unique_ptr<Users>> Users::open(storage::StateStore& store, base::BlockingPool& pool,
                                                 auth::ScryptCost cost) {
  ASSIGN_OR_RETURN(const auto texts, store.list(kKind));
  std::unique_ptr<Users> users(new Users(store, pool, cost));
  for (const auto& [key, text] : texts) {
    const auto document = xml::Document::parse(text);
    Stored stored;
    if (document.ok()) {
      for (const xml::Element child : document->root().children()) {
        if (child.local_name() == "Name") stored.user.name = child.text();
        if (child.local_name() == "Group") stored.user.groups.push_back(child.text());
        if (child.local_name() == "Hash") stored.hash = child.text();
      }
    }
    if (base::to_lower(stored.user.name) != key || stored.hash.empty()) {
      base::log_error("the stored user {} cannot be read and is passed over", key);
      continue;
    }
    users->users_.emplace(key, std::move(stored));
  }
  return users;
}

base::AsyncResult<std::optional<auth::PasswordDirectory::Record>> Users::verify(std::string user, auth::Secret password) {
  std::optional<Record> record;
  std::string hash = nobody_;
  {
    std::lock_guard lock(mutex_);
    if (const auto at = users_.find(base::to_lower(user)); at != users_.end()) {
      record = Record{at->second.user.name, at->second.user.groups};
      hash = at->second.hash;
    }
  }
  const base::Error busy = base::make_error(std::errc::device_or_resource_busy, "too many passwords wait to be verified");
  if (verifying_.waiting() >= kMaxWaiting) co_return busy;
  const auto turn = co_await verifying_.take(1, kVerificationWait);
  if (!turn) co_return busy;
  const bool right = co_await pool_.run([&] { return auth::verify_password(hash, password.view()); });
  if (!right) record.reset();
  co_return record;
}

std::vector<User> Users::list() const {
  std::vector<User> users;
  std::lock_guard lock(mutex_);
  for (const auto& [key, stored] : users_) users.push_back(stored.user);
  return users;
}

std::optional<User> Users::find(std::string_view name) const {
  std::lock_guard lock(mutex_);
  const auto at = users_.find(base::to_lower(name));
  return at == users_.end() ? std::nullopt : std::optional(at->second.user);
}

/// Blocks, with `changing_` held.
wsman::Result<void> Users::store(const std::string& key, Stored stored) {
  xml::Writer writer;
  writer.open("u:User").attribute("xmlns:u", wsman::resource::kUser).leaf("u:Name", stored.user.name);
  for (const std::string& group : stored.user.groups) writer.leaf("u:Group", group);
  writer.leaf("u:Hash", stored.hash);
  if (auto written = store_.put(kKind, key, writer.take()); !written.ok()) {
    return wsman::as_fault(written.error(), "storing a user");
  }
  std::lock_guard lock(mutex_);
  users_.insert_or_assign(key, std::move(stored));
  ++generation_;
  return {};
}

/// Blocks for the time of a hash.
wsman::Result<Users::Stored> Users::changed(Stored stored, UserChange change) const {
  if (change.groups) {
    RETURN_IF_ERROR(check_groups(*change.groups));
    stored.user.groups = std::move(*change.groups);
  }
  if (change.password) {
    RETURN_IF_ERROR(check_password(change.password->view()));
    auto hash = auth::hash_password(change.password->view(), cost_);
    if (!hash.ok()) return wsman::as_fault(hash.error(), "hashing a password");
    stored.hash = std::move(hash).value();
  }
  return stored;
}

wsman::AsyncResult<void> Users::create(std::string name, UserChange change, std::string who) {
  CO_RETURN_IF_ERROR(check_name(name));
  if (!change.password) co_return invalid("A user needs a password.");
  wsman::Result<void> outcome = co_await pool_.run([&]() -> wsman::Result<void> {
    ASSIGN_OR_RETURN(Stored stored, changed(Stored{User{name, {}}, {}}, std::move(change)));
    const std::lock_guard lock(changing_);
    if (find(name)) return wsman::make_fault(wsman::FaultCode::AlreadyExists, "There is a user " + name + " already.");
    if (list().size() >= kMaxUsers)
      return wsman::make_fault(wsman::FaultCode::QuotaLimit, "There are 10,000 users already.");
    return store(base::to_lower(name), std::move(stored));
  });
  if (outcome.ok()) base::log_notice("{} has added the user {}", who, name);
  co_return outcome;
}

wsman::AsyncResult<void> Users::change(std::string name, UserChange change, std::string who) {
  const std::string key = base::to_lower(name);
  const bool password = change.password.has_value();
  wsman::Result<void> outcome = co_await pool_.run([&]() -> wsman::Result<void> {
    const std::lock_guard lock(changing_);
    Stored before;
    {
      std::lock_guard reading(mutex_);
      const auto at = users_.find(key);
      if (at == users_.end()) return unknown(name);
      before = at->second;
    }
    ASSIGN_OR_RETURN(Stored after, changed(std::move(before), std::move(change)));
    return store(key, std::move(after));
  });
  if (outcome.ok()) base::log_notice("{} has changed the user {}{}", who, name, password ? " and his password" : "");
  co_return outcome;
}

wsman::AsyncResult<void> Users::remove(std::string name, std::string who) {
  const std::string key = base::to_lower(name);
  wsman::Result<void> outcome = co_await pool_.run([&]() -> wsman::Result<void> {
    const std::lock_guard lock(changing_);
    if (!find(name)) return unknown(name);
    if (auto removed = store_.remove(kKind, key); !removed.ok()) {
      return wsman::as_fault(removed.error(), "removing a user");
    }
    std::lock_guard writing(mutex_);
    users_.erase(key);
    ++generation_;
    return {};
  });
  if (outcome.ok()) base::log_notice("{} has removed the user {}", who, name);
  co_return outcome;
}

}  // namespace service
