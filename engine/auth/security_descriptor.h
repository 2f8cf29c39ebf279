// Who may do what, and what of it is recorded: security descriptors in SDDL.
//
// Source: winrm-config, sections 7.2 and 7.3.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/auth/sid.h"
#include "engine/base/result.h"

namespace auth {

/// Bits of an entry's rights.
namespace rights {
inline constexpr std::uint32_t kRead = 0x8000'0000;     ///< GR
inline constexpr std::uint32_t kWrite = 0x4000'0000;    ///< GW
inline constexpr std::uint32_t kExecute = 0x2000'0000;  ///< GX
inline constexpr std::uint32_t kAll = 0x1000'0000;      ///< GA: all three
inline constexpr std::uint32_t kReadLog = 0x1;          ///< of an event log's own descriptor
inline constexpr std::uint32_t kWriteLog = 0x2;
inline constexpr std::uint32_t kClearLog = 0x4;
}  // namespace rights

/// What an entry's rights come to on one kind of object: bits that check() compares.
using RightsOf = std::uint32_t (*)(std::uint32_t mask);
/// On a resource: kRead, kWrite and kExecute, which GA has all of; those of files (FA, FR, FW, FX) stand for them.
std::uint32_t resource_rights(std::uint32_t mask);
/// On an event log: kReadLog, kWriteLog, kClearLog; GR and GW are the first two, GA is all three.
std::uint32_t event_log_rights(std::uint32_t mask);

/// What somebody is: the SIDs of a user, of his groups, and of how he came. A value.
class AccessToken {
 public:
  explicit AccessToken(std::vector<Sid> sids);
  bool has(const Sid& sid) const;
  const std::vector<Sid>& sids() const { return sids_; }  ///< in their order, each once

 private:
  std::vector<Sid> sids_;
};

/// One entry of a list.
struct Ace {
  enum class Effect : std::uint8_t { None, Allow, Deny, Audit };
  static constexpr std::uint8_t kObjectInherit = 0x01;
  static constexpr std::uint8_t kContainerInherit = 0x02;
  static constexpr std::uint8_t kNoPropagate = 0x04;
  static constexpr std::uint8_t kInheritOnly = 0x08;
  static constexpr std::uint8_t kInherited = 0x10;
  static constexpr std::uint8_t kSuccess = 0x40;
  static constexpr std::uint8_t kFailure = 0x80;

  Effect effect = Effect::None;
  std::uint8_t flags = 0;
  std::uint32_t mask = 0;
  Sid sid;
  /// Of a type other than A, D and AU: what stands between the parentheses, as it came. Such an entry has no effect, except
  /// that one that denies (OD, XD) does so for every object and whatever its condition: better too little than too much.
  std::string verbatim;

  /// "(A;;GA;;;BA)"
  std::string text() const;
  bool operator==(const Ace&) const = default;
};

/// A list of entries.
struct Acl {
  bool is_protected = false;            ///< P
  bool must_inherit = false;            ///< AR
  bool has_inherited = false;           ///< AI
  bool without_access_control = false;  ///< NO_ACCESS_CONTROL: as if the list were not there
  std::vector<Ace> aces;

  /// "PAI"
  std::string flags_text() const;
  bool operator==(const Acl&) const = default;
};

/// A value; immutable use from several threads is safe.
struct SecurityDescriptor {
  std::optional<Sid> owner;
  std::optional<Sid> group;
  std::optional<Acl> dacl;
  std::optional<Acl> sacl;

  static constexpr std::size_t kMaxText = 64 << 10;  ///< characters
  static constexpr std::size_t kMaxAces = 1000;      ///< of both lists

  /// Reads SDDL: O:, G:, D: and S: in any order, each at most once, letters in any case, white space between parts. Errors:
  /// the WS-Man number 2150859100 with the place (characters from 1) and what is wrong there.
  static base::Result<SecurityDescriptor> parse(std::string_view text);
  /// The canonical form: parts in their usual order, capitals, no white space, rights as tokens where all of them have
  /// one. parse() gives back an equal descriptor.
  std::string text() const;

  /// Whether access is controlled at all: without a list of entries everybody may do everything.
  bool controls_access() const { return dacl && !dacl->without_access_control; }
  /// Whether `token` may do all of `wanted`. Entries are walked in their order: the first one that denies something that is
  /// still wanted denies all, those that allow take away what they allow; what is left at the end is denied. Entries that
  /// are for inheritance only do not count. An empty list allows nothing, a missing one everything.
  bool check(const AccessToken& token, std::uint32_t wanted, RightsOf rights_of = resource_rights) const;
  /// Whether an attempt of `token` at `wanted` that was granted, or was not, is to be recorded.
  bool audit(const AccessToken& token, std::uint32_t wanted, bool granted, RightsOf rights_of = resource_rights) const;

  bool operator==(const SecurityDescriptor&) const = default;
};

}  // namespace auth
