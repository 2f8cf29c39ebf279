// Who may use which resource and which event log: winrm/config's security descriptors at work.
//
// Source: winrm-config, section 7.

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/auth/identities.h"
#include "engine/auth/security_descriptor.h"
#include "engine/config/configuration.h"
#include "engine/resources/log_access.h"
#include "engine/service/audit_log.h"
#include "engine/wsman/access.h"

namespace service {

/// The right as a bit of a security descriptor.
std::uint32_t mask_of(wsman::Right right);

/// A request goes by the descriptor for exactly its resource's URI, else by that of the longest URI above it, else by
/// RootSDDL; an event log by its ChannelAccess. A descriptor that cannot be read lets nobody in. Root on the control socket
/// (uid 0) may do everything whatever they say, so that a bad one can be set right. Thread-safe.
class Authorization final : public wsman::AccessControl, public resources::LogAccess {
 public:
  /// `audits` outlives it. Until the first apply() only root on the control socket may do anything.
  explicit Authorization(AuditLog& audits);

  /// [access.sids]
  void set_members(const std::vector<auth::SidMembers>& members);
  /// For requests that come from now on. Descriptors are only read anew where they differ.
  void apply(const config::Current& current);

  bool permits(const wsman::AccessRequest& request) override;
  bool may_use_log(const auth::Principal& who, std::string_view channel_access, std::uint32_t wanted) override;

 private:
  struct Rules;
  std::shared_ptr<const Rules> rules() const;
  void set_rules(std::shared_ptr<const Rules> rules);

  AuditLog& audits_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Rules> rules_;
};

}  // namespace service
