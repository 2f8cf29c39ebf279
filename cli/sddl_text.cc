#include "cli/sddl_text.h"

#include <array>
#include <vector>

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

constexpr std::array kEntryFlags{
    Word{"CI", "inherited by containers"},
    Word{"OI", "inherited by objects"},
    Word{"NP", "not passed on further"},
    Word{"IO", "only inherited"},
    Word{"ID", "inherited"},
    Word{"SA", "success"},
    Word{"FA", "failure"},
};

constexpr std::array kTypes{Word{"A", "may"}, Word{"D", "may not"}, Word{"AU", "is recorded"}};

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

/// "(A;;GA;;;BA)" as "administrators may: everything"; empty where it is none of the entries that are known.
std::string explain_entry(std::string_view entry) {
  entry = entry.substr(1, entry.size() - 2);
  std::vector<std::string_view> fields;
  for (;;) {
    const auto end = std::min(entry.find(';'), entry.size());
    fields.push_back(base::trimmed(entry.substr(0, end)));
    if (end == entry.size()) break;
    entry.remove_prefix(end + 1);
  }
  if (fields.size() != 6) return {};
  const std::string_view type = meaning_of(kTypes, fields[0]);
  if (type.empty()) return {};
  std::string text = account(fields[5]) + " " + std::string(type) + ": " + in_words(kRights, fields[2]);
  if (!fields[1].empty()) text += " (" + in_words(kEntryFlags, fields[1]) + ")";
  return text;
}

class Explainer {
 public:
  explicit Explainer(std::string_view text) : text_(text), rest_(text_) {
    // A line end inside a part would end its comment.
    std::erase_if(text_, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
    rest_ = text_;
  }
  Explainer(const Explainer&) = delete;
  Explainer& operator=(const Explainer&) = delete;

  std::string explain() {
    while (!rest_.empty()) {
      if (rest_.front() == '(') {
        const auto end = rest_.find(')');
        if (end == std::string_view::npos) break;
        const std::string_view entry = rest_.substr(0, end + 1);
        part(end + 1, explain_entry(entry));
        continue;
      }
      if (rest_.size() < 2 || rest_[1] != ':') break;
      const auto next = std::min(next_part(), rest_.size());
      const std::string_view value = base::trimmed(rest_.substr(2, next - 2));
      switch (base::to_upper(rest_.substr(0, 1))[0]) {
        case 'O':
          part(next, "owner: " + account(value));
          break;
        case 'G':
          part(next, "group: " + account(value));
          break;
        case 'D':
          part(next, "who may do what" + flags(value));
          break;
        case 'S':
          part(next, "what is recorded" + flags(value));
          break;
        default:
          part(next, {});
      }
    }
    if (!rest_.empty()) part(rest_.size(), {});
    return std::move(out_);
  }

 private:
  /// Where the next entry or the next of O: G: D: S: begins.
  std::size_t next_part() const {
    for (std::size_t i = 2; i < rest_.size(); ++i) {
      if (rest_[i] == '(') return i;
      if (i + 1 < rest_.size() && rest_[i + 1] == ':' &&
          std::string_view("OGDSogds").find(rest_[i]) != std::string_view::npos) {
        return i;
      }
    }
    return rest_.size();
  }

  static std::string flags(std::string_view value) {
    if (value.empty()) return {};
    return base::equal_ignoring_case(value, "P") ? " (inherits nothing)" : " (" + std::string(value) + ")";
  }

  void part(std::size_t size, std::string comment) {
    std::string text(base::trimmed(rest_.substr(0, size)));
    rest_.remove_prefix(size);
    if (!comment.empty()) {
      text.resize(std::max<std::size_t>(text.size(), 28), ' ');
      text += "  # " + comment;
    }
    out_ += text + '\n';
  }

  std::string text_;
  std::string_view rest_;
  std::string out_;
};

}  // namespace

std::string explain_sddl(std::string_view sddl) {
  return Explainer(sddl).explain();
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
    if (!comment && c != ' ' && c != '\t' && c != '\r' && c != '\n') sddl += c;
  }
  return sddl;
}

}  // namespace cli
