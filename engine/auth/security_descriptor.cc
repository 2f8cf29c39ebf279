#include "engine/auth/security_descriptor.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"

namespace auth {
namespace {

constexpr std::uint32_t kInvalidDescriptor = 2150859100;
constexpr std::uint32_t kFileAll = 0x1F01FF;
constexpr std::uint32_t kFileRead = 0x120089;
constexpr std::uint32_t kFileWrite = 0x120116;
constexpr std::uint32_t kFileExecute = 0x1200A0;
constexpr std::string_view kNoAccessControl = "NO_ACCESS_CONTROL";

struct Word {
  std::string_view token;
  std::uint32_t bits;
};

/// Single bits in the order in which Windows writes them.
constexpr std::array kRights{
    Word{"CC", 0x1},
    Word{"DC", 0x2},
    Word{"LC", 0x4},
    Word{"SW", 0x8},
    Word{"RP", 0x10},
    Word{"WP", 0x20},
    Word{"DT", 0x40},
    Word{"LO", 0x80},
    Word{"CR", 0x100},
    Word{"SD", 0x1'0000},
    Word{"RC", 0x2'0000},
    Word{"WD", 0x4'0000},
    Word{"WO", 0x8'0000},
    Word{"GA", rights::kAll},
    Word{"GX", rights::kExecute},
    Word{"GW", rights::kWrite},
    Word{"GR", rights::kRead},
};
/// The first that is written as a token: those below mean something else on each kind of object, so numbers say more.
constexpr std::uint32_t kFirstShownRight = 0x1'0000;

/// Several bits at once: of files and of registry keys.
constexpr std::array kAliases{
    Word{"FA", kFileAll}, Word{"FR", kFileRead}, Word{"FW", kFileWrite}, Word{"FX", kFileExecute},
    Word{"KA", 0xF003F},  Word{"KR", 0x20019},   Word{"KW", 0x20006},    Word{"KX", 0x20019},
};

constexpr std::array kFlags{
    Word{"OI", Ace::kObjectInherit}, Word{"CI", Ace::kContainerInherit}, Word{"NP", Ace::kNoPropagate},
    Word{"IO", Ace::kInheritOnly},   Word{"ID", Ace::kInherited},        Word{"SA", Ace::kSuccess},
    Word{"FA", Ace::kFailure},
};

/// Types of entries that are kept as they came: object, conditional, label, attribute, policy, alarm.
constexpr std::array<std::string_view, 14> kOtherTypes{"OA", "OD", "OU", "OL", "AL", "XA", "XD",
                                                       "XU", "ZA", "ML", "RA", "SP", "TL", "FL"};

template <std::size_t N>
const Word* find_word(const std::array<Word, N>& words, std::string_view token) {
  const auto found =
      std::ranges::find_if(words, [&](const Word& word) { return base::equal_ignoring_case(word.token, token); });
  return found == words.end() ? nullptr : &*found;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  base::Result<SecurityDescriptor> parse() {
    if (text_.size() > SecurityDescriptor::kMaxText) return wrong("the text is too long");
    skip_space();
    if (at_ == text_.size()) return wrong("nothing is there");
    SecurityDescriptor descriptor;
    while (at_ < text_.size()) {
      RETURN_IF_ERROR(read_part(descriptor));
      skip_space();
    }
    return descriptor;
  }

 private:
  base::Error wrong(std::string_view what) const { return wrong(what, at_); }
  static base::Error wrong(std::string_view what, std::size_t at) {
    return base::make_error(base::win32_code(kInvalidDescriptor), base::format_text("character {}: {}", at + 1, what));
  }

  std::string_view rest() const { return text_.substr(at_); }
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  base::Result<void> read_part(SecurityDescriptor& descriptor) {
    const std::size_t start = at_;
    const std::string letter = base::to_upper(text_.substr(at_, 1));
    if (std::string_view("OGDS").find(letter) == std::string_view::npos) return wrong("O:, G:, D: or S: is missing");
    ++at_;
    if (!take(':')) return wrong("a colon is missing");
    const bool twice = (letter == "O" && descriptor.owner) || (letter == "G" && descriptor.group) ||
                       (letter == "D" && descriptor.dacl) || (letter == "S" && descriptor.sacl);
    if (twice) return wrong(letter + ": is there twice", start);
    if (letter == "O" || letter == "G") {
      ASSIGN_OR_RETURN(const Sid sid, read_sid());
      (letter == "O" ? descriptor.owner : descriptor.group) = sid;
      return {};
    }
    ASSIGN_OR_RETURN(Acl acl, read_acl());
    (letter == "D" ? descriptor.dacl : descriptor.sacl) = std::move(acl);
    return {};
  }

  base::Result<Sid> read_sid() {
    skip_space();
    const std::size_t length = Sid::length_in(rest());
    if (length == 0) return wrong("no account is known by this name");
    const auto sid = Sid::parse(rest().substr(0, length));
    at_ += length;
    return *sid;
  }

  base::Result<Acl> read_acl() {
    Acl acl;
    for (;;) {
      skip_space();
      // "S:" or another part begins: "D:PS:" is protected, and then comes the other list.
      const bool part = at_ + 1 < text_.size() && text_[at_ + 1] == ':';
      if (at_ == text_.size() || text_[at_] == '(' || part) break;
      if (take_flag(kNoAccessControl)) {
        acl.without_access_control = true;
      } else if (take_flag("AR")) {
        acl.must_inherit = true;
      } else if (take_flag("AI")) {
        acl.has_inherited = true;
      } else if (take_flag("P")) {
        acl.is_protected = true;
      } else {
        return wrong("only P, AR, AI and NO_ACCESS_CONTROL may stand in front of a list");
      }
    }
    while (take('(')) {
      if (++aces_ > SecurityDescriptor::kMaxAces) return wrong("there are too many entries");
      ASSIGN_OR_RETURN(Ace ace, read_ace());
      acl.aces.push_back(std::move(ace));
    }
    return acl;
  }

  bool take_flag(std::string_view flag) {
    if (!base::equal_ignoring_case(rest().substr(0, flag.size()), flag)) return false;
    at_ += flag.size();
    return true;
  }

  base::Result<Ace> read_ace() {
    skip_space();
    const std::size_t start = at_;
    std::size_t length = 0;
    while (at_ + length < text_.size() && is_letter(text_[at_ + length])) ++length;
    const std::string type = base::to_upper(rest().substr(0, length));
    Ace ace;
    if (type == "A") ace.effect = Ace::Effect::Allow;
    if (type == "D") ace.effect = Ace::Effect::Deny;
    if (type == "AU") ace.effect = Ace::Effect::Audit;
    if (ace.effect == Ace::Effect::None) {
      if (std::ranges::find(kOtherTypes, type) == kOtherTypes.end())
        return wrong("no type of entries is known by this name");
      RETURN_IF_ERROR(read_verbatim(ace));
      if (type != "OD" && type != "XD") return ace;
      // What it denies and to whom is in the same places as in other entries.
      ace.effect = Ace::Effect::Deny;
      const std::size_t end = at_;
      at_ = start + length;
      RETURN_IF_ERROR(read_fields(ace, true));
      at_ = end;
      return ace;
    }
    at_ += length;
    RETURN_IF_ERROR(read_fields(ace, false));
    if (!take(')')) return wrong("a closing parenthesis is missing");
    return ace;
  }

  /// From the semicolon behind the type to the account.
  base::Result<void> read_fields(Ace& ace, bool with_object) {
    RETURN_IF_ERROR(next_field());
    RETURN_IF_ERROR(read_flags(ace.flags));
    RETURN_IF_ERROR(next_field());
    RETURN_IF_ERROR(read_rights(ace.mask));
    for (int i = 0; i < 2; ++i) {
      RETURN_IF_ERROR(next_field());
      const auto end = std::min(text_.find_first_of(";()", at_), text_.size());
      if (with_object) at_ = end;
    }
    RETURN_IF_ERROR(next_field());
    ASSIGN_OR_RETURN(ace.sid, read_sid());
    return {};
  }

  base::Result<void> next_field() {
    if (!take(';')) return wrong("a semicolon is missing");
    skip_space();
    return {};
  }

  base::Result<void> read_flags(std::uint8_t& flags) {
    while (at_ < text_.size() && is_letter(text_[at_])) {
      const Word* flag = find_word(kFlags, rest().substr(0, 2));
      if (flag == nullptr) return wrong("no flag is known by this name");
      flags |= static_cast<std::uint8_t>(flag->bits);
      at_ += 2;
      skip_space();
    }
    return {};
  }

  base::Result<void> read_rights(std::uint32_t& mask) {
    if (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') return read_number(mask);
    const std::size_t start = at_;
    while (at_ < text_.size() && is_letter(text_[at_])) {
      const std::string_view token = rest().substr(0, 2);
      const Word* right = find_word(kRights, token);
      if (right == nullptr) right = find_word(kAliases, token);
      if (right == nullptr) return wrong("no right is known by this name");
      mask |= right->bits;
      at_ += 2;
      skip_space();
    }
    if (at_ == start) return wrong("the rights are missing");
    return {};
  }

  /// As C has them: 0x1F, 017, 15.
  base::Result<void> read_number(std::uint32_t& mask) {
    const std::size_t start = at_;
    int base = 10;
    if (text_[at_] == '0' && at_ + 1 < text_.size() && text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9') base = 8;
    if (base::equal_ignoring_case(text_.substr(at_, 2), "0x")) {
      base = 16;
      at_ += 2;
    }
    const auto [end, failure] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), mask, base);
    if (failure != std::errc()) return wrong("this is no number of 32 bits", start);
    at_ = static_cast<std::size_t>(end - text_.data());
    return {};
  }

  /// To the parenthesis that closes the entry; conditions have parentheses and texts in quotes of their own.
  base::Result<void> read_verbatim(Ace& ace) {
    const std::size_t start = at_;
    std::size_t depth = 1;
    bool quoted = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < ' ' && !is_space(c)) return wrong("a control character");
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      if (c == '(') ++depth;
      if (c == ')' && --depth == 0) break;
    }
    if (at_ == text_.size()) return wrong("the entry has no end", start);
    ace.verbatim = base::trimmed(text_.substr(start, at_ - start));
    std::ranges::replace_if(ace.verbatim, is_space, ' ');
    ++at_;
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t aces_ = 0;
};

/// Tokens where they say all of it.
std::string rights_text(std::uint32_t mask) {
  for (const Word& alias : kAliases) {
    if (alias.bits == mask) return std::string(alias.token);
  }
  std::string tokens;
  std::uint32_t left = mask;
  for (const Word& right : kRights) {
    if (right.bits < kFirstShownRight || (mask & right.bits) == 0) continue;
    tokens += right.token;
    left &= ~right.bits;
  }
  if (mask != 0 && left == 0) return tokens;
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), mask, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

std::string acl_text(const Acl& acl) {
  std::string text = acl.flags_text();
  for (const Ace& ace : acl.aces) text += ace.text();
  return text;
}

bool concerns(const Ace& ace, const AccessToken& token) {
  return (ace.flags & Ace::kInheritOnly) == 0 && token.has(ace.sid);
}

}  // namespace

std::uint32_t resource_rights(std::uint32_t mask) {
  const auto has = [mask](std::uint32_t all) { return (mask & all) == all; };
  if (has(rights::kAll) || has(kFileAll)) return rights::kRead | rights::kWrite | rights::kExecute;
  std::uint32_t found = mask & (rights::kRead | rights::kWrite | rights::kExecute);
  if (has(kFileRead)) found |= rights::kRead;
  if (has(kFileWrite)) found |= rights::kWrite;
  if (has(kFileExecute)) found |= rights::kExecute;
  return found;
}

std::uint32_t event_log_rights(std::uint32_t mask) {
  constexpr std::uint32_t kAllOfLog = rights::kReadLog | rights::kWriteLog | rights::kClearLog;
  std::uint32_t found = mask & kAllOfLog;
  if ((mask & rights::kRead) != 0) found |= rights::kReadLog;
  if ((mask & rights::kWrite) != 0) found |= rights::kWriteLog;
  return (mask & rights::kAll) != 0 ? kAllOfLog : found;
}

AccessToken::AccessToken(std::vector<Sid> sids) : sids_(std::move(sids)) {
  std::ranges::sort(sids_);
  const auto repeated = std::ranges::unique(sids_);
  sids_.erase(repeated.begin(), repeated.end());
}

bool AccessToken::has(const Sid& sid) const {
  return std::ranges::binary_search(sids_, sid);
}

std::string Ace::text() const {
  if (!verbatim.empty()) return "(" + verbatim + ")";
  std::string text = effect == Effect::Allow ? "(A;" : effect == Effect::Deny ? "(D;" : "(AU;";
  for (const Word& flag : kFlags) {
    if ((flags & flag.bits) != 0) text += flag.token;
  }
  return text + ";" + rights_text(mask) + ";;;" + sid.text() + ")";
}

std::string Acl::flags_text() const {
  std::string text;
  if (is_protected) text += "P";
  if (must_inherit) text += "AR";
  if (has_inherited) text += "AI";
  if (without_access_control) text += kNoAccessControl;
  return text;
}

base::Result<SecurityDescriptor> SecurityDescriptor::parse(std::string_view text) {
  return Parser(text).parse();
}

std::string SecurityDescriptor::text() const {
  std::string text;
  if (owner) text += "O:" + owner->text();
  if (group) text += "G:" + group->text();
  if (dacl) text += "D:" + acl_text(*dacl);
  if (sacl) text += "S:" + acl_text(*sacl);
  return text;
}

bool SecurityDescriptor::check(const AccessToken& token, std::uint32_t wanted, RightsOf rights_of) const {
  if (!controls_access()) return true;
  std::uint32_t needed = rights_of(wanted);
  for (const Ace& ace : dacl->aces) {
    const bool counts = ace.effect == Ace::Effect::Allow || ace.effect == Ace::Effect::Deny;
    if (!counts || !concerns(ace, token)) continue;
    const std::uint32_t bits = rights_of(ace.mask) & needed;
    if (ace.effect == Ace::Effect::Deny && bits != 0) return false;
    if (ace.effect == Ace::Effect::Allow) needed &= ~bits;
    if (needed == 0) return true;
  }
  return needed == 0;
}

bool SecurityDescriptor::audit(const AccessToken& token, std::uint32_t wanted, bool granted, RightsOf rights_of) const {
  if (!sacl) return false;
  const std::uint8_t flag = granted ? Ace::kSuccess : Ace::kFailure;
  return std::ranges::any_of(sacl->aces, [&](const Ace& ace) {
    return ace.effect == Ace::Effect::Audit && (ace.flags & flag) != 0 && (rights_of(ace.mask) & rights_of(wanted)) != 0 &&
           concerns(ace, token);
  });
}

}  // namespace auth
