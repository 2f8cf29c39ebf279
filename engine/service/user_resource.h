// Users over WS-Management: what `muster user` asks for.

#pragma once

#include "engine/service/users.h"
#include "engine/wsman/resource.h"

namespace service {

/// The users as `<u:User
/// xmlns:u="urn:muster:wsman:1:user"><u:Name>alice</u:Name><u:Group>Administrators</u:Group></u:User>`; the selector Name.
/// Create and Put take a `u:Password`, which nobody ever gets back. In a Put, what is missing stays; groups are replaced all
/// together, by none where there is one empty `u:Group`.
class UserResource final : public wsman::Resource {
 public:
  /// `users` outlives it.
  explicit UserResource(Users& users) : users_(users) {}
  std::string_view uri() const override;
  /// Who has users' names needs only passwords: administrators see them, whoever else may read.
  std::optional<bool> may_use(const auth::Principal& who, std::string_view action) const override;
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> create(const wsman::Call& call) override;
  wsman::AsyncResult<void> remove(const wsman::Call& call) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;

 private:
  Users& users_;
};

}  // namespace service
