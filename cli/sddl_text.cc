#include "cli/sddl_text.h"

#include <algorithm>
#include <array>

#include "engine/auth/security_descriptor.h"
#include "engine/base/encoding.h"

namespace cli {
namespace {

struct Word {
  std::string_view token;
  std::string_view meaning;
};

constexpr std::array kAccounts{
    Word{"WD", "everyone"},
    Word{"AN", "anonymous"},
    Word{"NU", "whoever comes over the network"},
    Word{"IU", "whoever is logged on to this machine"},
    Word{"AU", "authenticated users"},
    Word{"SY", "the system"},
    Word{"LS", "the local service"},
    Word{"NS", "the network service"},
    Word{"SU", "services"},
    Word{"CO", "the creator"},
    Word{"CG", "the creator's group"},
    Word{"PS", "the account itself"},
    Word{"OW", "the owner"},
    Word{"BA", "administrators"},
    Word{"BU", "users of this machine"},
    Word{"BG", "guests"},
    Word{"PU", "power users"},
    Word{"AO", "account operators"},
    Word{"SO", "server operators"},
    Word{"PO", "printer operators"},
    Word{"BO", "backup operators"},
    Word{"RE", "the replicator"},
    Word{"RD", "remote desktop users"},
    Word{"NO", "network configuration operators"},
    Word{"MU", "performance monitor users"},
    Word{"LU", "performance log users"},
    Word{"ER", "event log readers"},
    Word{"RM", "remote management users"},
    Word{"DA", "domain administrators"},
    Word{"DU", "domain users"},
    Word{"DG", "domain guests"},
    Word{"DC", "domain computers"},
    Word{"DD", "domain controllers"},
    Word{"EA", "enterprise administrators"},
    Word{"LA", "root"},
    Word{"LG", "the guest"},
};

constexpr std::array kRights{
    Word{"GA", "everything"},
    Word{"GR", "read"},
    Word{"GW", "write"},
    Word{"GX", "execute"},
    Word{"RC", "read permissions"},
    Word{"SD", "delete"},
    Word{"WD", "change permissions"},
    Word{"WO", "take ownership"},
    Word{"FA", "everything"},
    Word{"FR", "read"},
    Word{"FW", "write"},
    Word{"FX", "execute"},
};

constexpr std::array kTypes{Word{"A", "may"}, Word{"D", "may not"}, Word{"AU", "is recorded"}};

constexpr std::array kEntryFlags{
    Word{"CI", "inherited by containers"},
    Word{"OI", "inherited by objects"},
    Word{"NP", "not passed on further"},
    Word{"IO", "only inherited"},
    Word{"ID", "inherited"},
    Word{"SA", "success"},
    Word{"FA", "failure"},
};

template <std::size_t N>
std::string_view meaning_of(const std::array<Word, N>& words, std::string_view token) {
  for (const Word& word : words) {
    if (base::equal_ignoring_case(word.token, token)) return word.meaning;
  }
  return {};
}

std::string account(std::string_view sid) {
  const std::string_view meaning = meaning_of(kAccounts, sid);
  if (!meaning.empty()) return std::string(meaning);
  if (sid.starts_with("S-1-22-1-")) return "the user with the number " + std::string(sid.substr(9));
  if (sid.starts_with("S-1-22-2-")) return "the group with the number " + std::string(sid.substr(9));
  return "the account " + std::string(sid);
}

/// "GRGX" as "read, execute"; numbers as they are.
template <std::size_t N>
std::string in_words(const std::array<Word, N>& words, std::string_view tokens) {
  std::string text;
  while (!tokens.empty()) {
    const std::string_view meaning = meaning_of(words, tokens.substr(0, 2));
    if (meaning.empty()) return std::string(text) + (text.empty() ? "" : ", ") + std::string(tokens);
    text += (text.empty() ? "" : ", ") + std::string(meaning);
    tokens.remove_prefix(std::min<std::size_t>(2, tokens.size()));
  }
  return text;
}

/// "(A;;GA;;;BA)" as "administrators may: everything".
std::string explain_entry(const auth::Ace& entry) {
  if (!entry.verbatim.empty()) {
    return entry.effect == auth::Ace::Effect::Deny ? "a condition or an object: denies whatever it is"
                                                   : "without effect in this version";
  }
  // The canonical text has six fields, so that flags and rights need no tables of bits here.
  const std::string text = entry.text();
  std::array<std::string_view, 3> fields;
  std::string_view rest = std::string_view(text).substr(1);
  for (std::string_view& field : fields) {
    const auto end = rest.find(';');
    field = rest.substr(0, end);
    rest.remove_prefix(end + 1);
  }
  std::string words = account(entry.sid.text()) + " " + std::string(meaning_of(kTypes, fields[0])) + ": ";
  words += in_words(kRights, fields[2]);
  if (!fields[1].empty()) words += " (" + in_words(kEntryFlags, fields[1]) + ")";
  return words;
}

std::string explain_flags(const auth::Acl& acl) {
  const std::string flags = acl.flags_text();
  if (flags.empty()) return {};
  return flags == "P" ? " (inherits nothing)" : " (" + flags + ")";
}

std::string line(std::string text, const std::string& comment) {
  text.resize(std::max<std::size_t>(text.size(), 28), ' ');
  return text + "  # " + comment + '\n';
}

std::string explain_list(std::string_view name, const std::string& purpose, const std::optional<auth::Acl>& acl) {
  if (!acl) return {};
  std::string out = line(std::string(name) + acl->flags_text(), purpose + explain_flags(*acl));
  for (const auth::Ace& entry : acl->aces) out += line(entry.text(), explain_entry(entry));
  return out;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

std::string explain_sddl(std::string_view sddl) {
  const auto descriptor = auth::SecurityDescriptor::parse(sddl);
  if (!descriptor.ok()) {
    std::string text(sddl);
    std::erase_if(text, is_space);
    return text.empty() ? text : text + '\n';
  }
  std::string out;
  if (descriptor->owner) {
    const std::string owner = descriptor->owner->text();
    out += line("O:" + owner, "owner: " + account(owner));
  }
  if (descriptor->group) {
    const std::string group = descriptor->group->text();
    out += line("G:" + group, "group: " + account(group));
  }
  out += explain_list("D:", "who may do what", descriptor->dacl);
  out += explain_list("S:", "what is recorded", descriptor->sacl);
  return out;
}

bool can_be_explained(std::string_view sddl) {
  return sddl.find_first_of("#\"") == std::string_view::npos;
}

std::string sddl_of(std::string_view text) {
  std::string sddl;
  bool comment = false;
  for (const char c : text) {
    if (c == '#') comment = true;
    if (c == '\n') comment = false;
    if (!comment && !is_space(c)) sddl += c;
  }
  return sddl;
}

}  // namespace cli
