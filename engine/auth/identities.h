// Which SIDs somebody has who was authenticated.
//
// Source: winrm-config, section 7.3.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/auth/principal.h"
#include "engine/auth/security_descriptor.h"

namespace auth {

/// Who has a SID: users by their names, groups with an "@" in front.
struct SidMembers {
  Sid sid;
  std::vector<std::string> members;

  bool operator==(const SidMembers&) const = default;
};

/// Immutable.
///
/// Everybody has WD; who is authenticated AU; who came by the control socket IU, all others NU; strangers AN. Administrators
/// have BA. Users of this host have BU, their number S-1-22-1-uid and those of their groups S-1-22-2-gid; root has SY and
/// LA, the service's own user LS and NS. Groups of Basic users count by a SID, a token, or the name that Windows has for one
/// ("Event Log Readers"). Above that `members` decide, where user and group are those of this host or of a Basic user. A
/// machine that only has a certificate has no SIDs but those of its way.
class Identities {
 public:
  /// `members` take the place of default_members() of the same SIDs.
  explicit Identities(const std::vector<SidMembers>& members = {});
  AccessToken token_of(const Principal& who) const;

  /// ER: systemd-journal, adm. RM: remote-management.
  static std::vector<SidMembers> default_members();
  /// Whether a SID can be given by `members`: not one that says how somebody came, nor the number of an account.
  static bool can_be_given(const Sid& sid);

 private:
  std::vector<SidMembers> members_;
};

/// Whether a group in the record of a Basic user is a SID, a token, or the name that Windows has for one: otherwise it
/// counts by `members` only.
bool is_known_group(std::string_view name);
/// Windows' names of its local groups.
std::vector<std::string_view> known_groups();

}  // namespace auth
