#include "engine/auth/identities.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "engine/base/encoding.h"

namespace auth {
namespace {

struct WindowsGroup {
  std::string_view name;
  std::string_view token;
};

/// The local groups of Windows by their English names.
constexpr std::array kWindowsGroups{
    WindowsGroup{"Administrators", "BA"},
    WindowsGroup{"Users", "BU"},
    WindowsGroup{"Guests", "BG"},
    WindowsGroup{"Power Users", "PU"},
    WindowsGroup{"Account Operators", "AO"},
    WindowsGroup{"Server Operators", "SO"},
    WindowsGroup{"Print Operators", "PO"},
    WindowsGroup{"Backup Operators", "BO"},
    WindowsGroup{"Replicator", "RE"},
    WindowsGroup{"Remote Desktop Users", "RD"},
    WindowsGroup{"Network Configuration Operators", "NO"},
    WindowsGroup{"Performance Monitor Users", "MU"},
    WindowsGroup{"Performance Log Users", "LU"},
    WindowsGroup{"Cryptographic Operators", "CY"},
    WindowsGroup{"Distributed COM Users", "CD"},
    WindowsGroup{"Event Log Readers", "ER"},
    WindowsGroup{"Hyper-V Administrators", "HA"},
    WindowsGroup{"Remote Management Users", "RM"},
};

std::optional<Sid> sid_of_group(std::string_view name) {
  for (const WindowsGroup& group : kWindowsGroups) {
    if (base::equal_ignoring_case(group.name, name)) return Sid::parse(group.token);
  }
  return Sid::parse(name);
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

Identities::Identities(const std::vector<SidMembers>& members) : members_(members) {
  for (SidMembers& row : default_members()) {
    if (std::ranges::find(members_, row.sid, &SidMembers::sid) == members_.end()) members_.push_back(std::move(row));
  }
}

AccessToken Identities::token_of(const Principal& who) const {
  std::vector<Sid> sids;
  sids.reserve(16 + who.groups.size() + (who.local ? who.local->gids.size() : 0));
  sids.push_back(sid::kEveryone);
  if (!who.authenticated()) {
    sids.insert(sids.end(), {sid::kAnonymous, sid::kNetwork});
    return AccessToken(std::move(sids));
  }
  sids.push_back(sid::kAuthenticatedUsers);
  sids.push_back(who.scheme == Principal::Scheme::LocalPeer ? sid::kInteractive : sid::kNetwork);
  if (who.administrator) sids.push_back(sid::kAdministrators);
  if (who.local) {
    sids.push_back(sid::kUsers);
    sids.push_back(Sid::unix_user(who.local->uid));
    for (const std::uint32_t gid : who.local->gids) sids.push_back(Sid::unix_group(gid));
    if (who.local->uid == 0) sids.insert(sids.end(), {sid::kSystem, sid::kLocalAdministrator});
    if (who.local->uid == ::geteuid()) sids.insert(sids.end(), {sid::kLocalService, sid::kNetworkService});
  }
  for (const std::string& group : who.groups) {
    if (const auto known = sid_of_group(group); known && can_be_given(*known)) sids.push_back(*known);
  }
  // A machine's name is that of no user, even where one is called the same.
  const bool is_user = who.local || who.scheme != Principal::Scheme::Certificate;
  for (const SidMembers& row : members_) {
    const bool has_it = std::ranges::any_of(row.members, [&](std::string_view member) {
      if (!member.starts_with('@')) return is_user && member == who.name;
      member.remove_prefix(1);
      return contains(who.groups, member) || (who.local && contains(who.local->groups, member));
    });
    if (has_it) sids.push_back(row.sid);
  }
  return AccessToken(std::move(sids));
}

std::vector<SidMembers> Identities::default_members() {
  return {{sid::kEventLogReaders, {"@systemd-journal", "@adm"}}, {sid::kRemoteManagement, {"@remote-management"}}};
}

bool Identities::can_be_given(const Sid& sid) {
  const std::array by_way{sid::kEveryone, sid::kAnonymous, sid::kNetwork, sid::kInteractive, sid::kAuthenticatedUsers};
  return std::ranges::find(by_way, sid) == by_way.end() && !sid.text().starts_with("S-1-22-");
}

bool is_known_group(std::string_view name) {
  return sid_of_group(name).has_value();
}

std::vector<std::string_view> known_groups() {
  std::vector<std::string_view> names;
  for (const WindowsGroup& group : kWindowsGroups) names.push_back(group.name);
  return names;
}

}  // namespace auth
