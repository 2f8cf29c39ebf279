// The firewall of this machine, as far as letting a port in goes: firewalld, ufw, nftables.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/winrm_surroundings.h"
#include "engine/base/result.h"

namespace cli {

/// One thing to do.
struct FirewallChange {
  std::string description;                         ///< for people
  std::vector<std::vector<std::string>> commands;  ///< to run one after the other
};

/// What must be done so that TCP `port` is let in; nothing where it is, or where no firewall is at work. Changes nothing.
///
/// firewalld and ufw are asked for by their own programs; only where neither is at work are the rules of nftables read: a
/// chain at the input hook that drops or rejects something, and has no rule for the port, gets one.
///
/// Errors: 2150859113 where firewalld's default zone lets nothing in by principle ("drop", "block"), unless `force`;
/// Win32::AccessDenied where the rules cannot be read.
base::Result<std::vector<FirewallChange>> plan_firewall(WinrmSurroundings& surroundings, std::uint16_t port, bool force);

/// A chain of nftables that stands in the way.
struct NftChain {
  std::string family;
  std::string table;
  std::string name;

  bool operator==(const NftChain&) const = default;
};
/// Finds them in what `nft list ruleset` prints.
std::vector<NftChain> chains_in_the_way(std::string_view ruleset, std::uint16_t port);

}  // namespace cli
