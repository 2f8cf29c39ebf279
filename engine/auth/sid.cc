#include "engine/auth/sid.h"

#include <algorithm>
#include <charconv>

#include "engine/base/encoding.h"

namespace auth {
namespace {

constexpr std::uint64_t kMaxAuthority = (1ull << 48) - 1;

/// An account by its token. Authority 0: the number behind that of a domain; otherwise S-1-authority-first[-second].
struct WellKnown {
  std::string_view token;
  std::uint32_t authority;
  std::uint32_t first;
  std::uint32_t second = 0;
};

constexpr std::array kWellKnown{
    WellKnown{"WD", 1, 0},       WellKnown{"CO", 3, 0},       WellKnown{"CG", 3, 1},       WellKnown{"OW", 3, 4},
    WellKnown{"NU", 5, 2},       WellKnown{"IU", 5, 4},       WellKnown{"SU", 5, 6},       WellKnown{"AN", 5, 7},
    WellKnown{"ED", 5, 9},       WellKnown{"PS", 5, 10},      WellKnown{"AU", 5, 11},      WellKnown{"RC", 5, 12},
    WellKnown{"SY", 5, 18},      WellKnown{"LS", 5, 19},      WellKnown{"NS", 5, 20},      WellKnown{"WR", 5, 33},
    WellKnown{"BA", 5, 32, 544}, WellKnown{"BU", 5, 32, 545}, WellKnown{"BG", 5, 32, 546}, WellKnown{"PU", 5, 32, 547},
    WellKnown{"AO", 5, 32, 548}, WellKnown{"SO", 5, 32, 549}, WellKnown{"PO", 5, 32, 550}, WellKnown{"BO", 5, 32, 551},
    WellKnown{"RE", 5, 32, 552}, WellKnown{"RU", 5, 32, 554}, WellKnown{"RD", 5, 32, 555}, WellKnown{"NO", 5, 32, 556},
    WellKnown{"MU", 5, 32, 558}, WellKnown{"LU", 5, 32, 559}, WellKnown{"IS", 5, 32, 568}, WellKnown{"CY", 5, 32, 569},
    WellKnown{"ER", 5, 32, 573}, WellKnown{"CD", 5, 32, 574}, WellKnown{"RA", 5, 32, 575}, WellKnown{"ES", 5, 32, 576},
    WellKnown{"MS", 5, 32, 577}, WellKnown{"HA", 5, 32, 578}, WellKnown{"AA", 5, 32, 579}, WellKnown{"RM", 5, 32, 580},
    WellKnown{"AC", 15, 2, 1},   WellKnown{"LW", 16, 4096},   WellKnown{"ME", 16, 8192},   WellKnown{"MP", 16, 8448},
    WellKnown{"HI", 16, 12288},  WellKnown{"SI", 16, 16384},  WellKnown{"RO", 0, 498},     WellKnown{"LA", 0, 500},
    WellKnown{"LG", 0, 501},     WellKnown{"DA", 0, 512},     WellKnown{"DU", 0, 513},     WellKnown{"DG", 0, 514},
    WellKnown{"DC", 0, 515},     WellKnown{"DD", 0, 516},     WellKnown{"CA", 0, 517},     WellKnown{"SA", 0, 518},
    WellKnown{"EA", 0, 519},     WellKnown{"PA", 0, 520},     WellKnown{"RS", 0, 553},
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The number at the front of `text`, which it is taken from.
template <typename Number>
std::optional<Number> take_number(std::string_view& text, int base) {
  Number number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (failure != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

Sid known(std::string_view token) {
  return *Sid::parse(token);
}

}  // namespace

std::optional<Sid> Sid::parse(std::string_view text) {
  Sid sid;
  if (text.size() == 2) {
    for (const WellKnown& row : kWellKnown) {
      if (!base::equal_ignoring_case(row.token, text)) continue;
      sid.of_domain_ = row.authority == 0;
      sid.authority_ = row.authority;
      sid.parts_[0] = row.first;
      sid.parts_[1] = row.second;
      sid.count_ = row.second == 0 ? 1 : 2;
      return sid;
    }
    return std::nullopt;
  }
  if (!base::equal_ignoring_case(text.substr(0, 4), "S-1-")) return std::nullopt;
  text.remove_prefix(4);
  const bool hexadecimal = base::equal_ignoring_case(text.substr(0, 2), "0x");
  if (hexadecimal) text.remove_prefix(2);
  const auto authority = take_number<std::uint64_t>(text, hexadecimal ? 16 : 10);
  if (!authority || *authority > kMaxAuthority) return std::nullopt;
  sid.authority_ = *authority;
  sid.count_ = 0;
  while (text.starts_with('-') && sid.count_ < sid.parts_.size()) {
    text.remove_prefix(1);
    const auto part = take_number<std::uint32_t>(text, 10);
    if (!part) return std::nullopt;
    sid.parts_[sid.count_++] = *part;
  }
  if (!text.empty() || sid.count_ == 0) return std::nullopt;
  return sid;
}

std::size_t Sid::length_in(std::string_view text) {
  if (!base::equal_ignoring_case(text.substr(0, 2), "S-")) return parse(text.substr(0, 2)) ? 2 : 0;
  // Hexadecimal digits, which could be the D of "D:", only stand in the authority, and a '-' ends that.
  bool hexadecimal = base::equal_ignoring_case(text.substr(0, 6), "S-1-0x");
  std::size_t length = hexadecimal ? 6 : 2;
  for (; length < text.size(); ++length) {
    const char c = text[length];
    if (c == '-') hexadecimal = false;
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!is_digit(c) && c != '-' && !(hexadecimal && letter)) break;
  }
  return parse(text.substr(0, length)) ? length : 0;
}

Sid Sid::unix_user(std::uint32_t uid) {
  Sid sid;
  sid.authority_ = 22;
  sid.parts_[0] = 1;
  sid.parts_[1] = uid;
  sid.count_ = 2;
  return sid;
}

Sid Sid::unix_group(std::uint32_t gid) {
  Sid sid = unix_user(gid);
  sid.parts_[0] = 2;
  return sid;
}

std::string Sid::text() const {
  for (const WellKnown& row : kWellKnown) {
    const bool same = of_domain_ == (row.authority == 0) && authority_ == row.authority && parts_[0] == row.first &&
                      count_ == (row.second == 0 ? 1 : 2) && parts_[1] == row.second;
    if (same) return std::string(row.token);
  }
  std::string text = "S-1-";
  if (authority_ >> 32 == 0) {
    text += std::to_string(authority_);
  } else {
    std::array<char, 12> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), authority_, 16).ptr;
    text += "0x" + base::to_upper(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
  }
  for (std::size_t i = 0; i < count_; ++i) text += '-' + std::to_string(parts_[i]);
  return text;
}

namespace sid {
const Sid kEveryone = known("WD");
const Sid kAnonymous = known("AN");
const Sid kNetwork = known("NU");
const Sid kInteractive = known("IU");
const Sid kAuthenticatedUsers = known("AU");
const Sid kSystem = known("SY");
const Sid kLocalService = known("LS");
const Sid kNetworkService = known("NS");
const Sid kAdministrators = known("BA");
const Sid kUsers = known("BU");
const Sid kEventLogReaders = known("ER");
const Sid kRemoteManagement = known("RM");
const Sid kLocalAdministrator = known("LA");
}  // namespace sid

}  // namespace auth
