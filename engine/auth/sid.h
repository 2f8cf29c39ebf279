// Security identifiers: how security descriptors name users, groups, and ways of coming.
//
// Source: winrm-config, section 7.3.

#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace auth {

/// A value. Either numbers (S-1-5-32-544), or an account of whatever domain or machine it is asked in (DA, LA), which has no
/// numbers as long as there is no domain; the latter is equal to itself only.
class Sid {
 public:
  /// The Null SID, S-1-0-0, which nobody has.
  Sid() = default;

  /// Reads a whole text: "S-1-5-32-544" or a token of two letters, both in any case. Nothing where it is neither: another
  /// revision than 1, no or more than 15 sub-authorities, numbers that are too large.
  static std::optional<Sid> parse(std::string_view text);
  /// How many characters in front of `text` are a SID as it stands in a descriptor, where nothing separates it from what
  /// follows ("BAD:P" holds BA). 0 where none is.
  static std::size_t length_in(std::string_view text);

  /// A user and a group of this host by number, as Samba has them: S-1-22-1-uid, S-1-22-2-gid.
  static Sid unix_user(std::uint32_t uid);
  static Sid unix_group(std::uint32_t gid);

  /// The token where it has one, else "S-1-…".
  std::string text() const;

  auto operator<=>(const Sid&) const = default;

 private:
  std::uint64_t authority_ = 0;  ///< 48 bits
  std::array<std::uint32_t, 15> parts_{};
  std::uint8_t count_ = 1;
  bool of_domain_ = false;  ///< parts_[0] is the number behind that of a domain
};

/// Those that the service itself gives out.
namespace sid {
extern const Sid kEveryone;            ///< WD
extern const Sid kAnonymous;           ///< AN
extern const Sid kNetwork;             ///< NU
extern const Sid kInteractive;         ///< IU
extern const Sid kAuthenticatedUsers;  ///< AU
extern const Sid kSystem;              ///< SY
extern const Sid kLocalService;        ///< LS
extern const Sid kNetworkService;      ///< NS
extern const Sid kAdministrators;      ///< BA
extern const Sid kUsers;               ///< BU
extern const Sid kEventLogReaders;     ///< ER
extern const Sid kRemoteManagement;    ///< RM
extern const Sid kLocalAdministrator;  ///< LA
}  // namespace sid

}  // namespace auth
