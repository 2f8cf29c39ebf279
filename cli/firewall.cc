#include "cli/firewall.h"

#include <charconv>
#include <optional>

#include "engine/base/encoding.h"
#include "engine/base/win32.h"

namespace cli {
namespace {

constexpr std::uint32_t kPublicProfile = 2150859113;

/// What a command says; nothing where there is no such program.
std::optional<CommandOutput> ask(WinrmSurroundings& surroundings, const std::vector<std::string>& command) {
  auto output = surroundings.run(command);
  return output.ok() ? std::optional(std::move(*output)) : std::nullopt;
}

std::string tcp(std::uint16_t port) {
  return std::to_string(port) + "/tcp";
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const auto begin = line.find_first_not_of(" \t,;");
    if (begin == std::string_view::npos) break;
    line.remove_prefix(begin);
    const auto end = std::min(line.find_first_of(" \t,;"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

template <typename Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    visit(base::trimmed(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// "5985" or "5000-6000"
bool covers(std::string_view word, std::uint16_t port) {
  std::uint16_t first = 0;
  const char* end = word.data() + word.size();
  auto [at, failure] = std::from_chars(word.data(), end, first);
  if (failure != std::errc()) return false;
  if (at == end) return first == port;
  if (*at != '-') return false;
  std::uint16_t last = 0;
  const auto [behind, wrong] = std::from_chars(at + 1, end, last);
  return wrong == std::errc() && behind == end && first <= port && port <= last;
}

/// True for a rule that lets the port in: "tcp dport { 22, 5985 } accept".
bool lets_in(const std::vector<std::string_view>& words, std::uint16_t port) {
  bool tcp_rule = false;
  bool accepts = false;
  bool named = false;
  bool in_ports = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "tcp") tcp_rule = true;
    if (words[i] == "accept") accepts = true;
    if (words[i] == "dport") {
      in_ports = true;
      continue;
    }
    if (!in_ports || words[i] == "{") continue;
    if (words[i] == "}") {
      in_ports = false;
    } else if (covers(words[i], port)) {
      named = true;
    } else if (words[i].front() < '0' || words[i].front() > '9') {
      in_ports = false;
    }
  }
  return tcp_rule && accepts && named;
}

bool refuses(const std::vector<std::string_view>& words) {
  for (const std::string_view word : words) {
    if (word == "drop" || word == "reject") return true;
  }
  return false;
}

std::optional<std::vector<FirewallChange>> plan_ufw(WinrmSurroundings& surroundings, std::uint16_t port) {
  const auto status = ask(surroundings, {"ufw", "status"});
  if (!status || status->out.find("Status: active") == std::string::npos) return std::nullopt;
  bool allowed = false;
  for_each_line(status->out, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() < 2 || words[1] != "ALLOW") return;
    if (words[0] == tcp(port) || words[0] == std::to_string(port)) allowed = true;
  });
  if (allowed) return std::vector<FirewallChange>{};
  return std::vector<FirewallChange>{
      FirewallChange{"Let TCP port " + std::to_string(port) + " in through ufw.", {{"ufw", "allow", tcp(port)}}}};
}

base::Result<std::vector<FirewallChange>> plan_firewalld(WinrmSurroundings& surroundings, std::uint16_t port, bool force) {
  const auto open = ask(surroundings, {"firewall-cmd", "--query-port=" + tcp(port)});
  if (open && open->status == 0) return std::vector<FirewallChange>{};
  const auto zone = ask(surroundings, {"firewall-cmd", "--get-default-zone"});
  const std::string name(zone ? base::trimmed(zone->out) : std::string_view());
  if (!force && (name == "drop" || name == "block")) {
    return base::make_error(base::win32_code(kPublicProfile),
                            "The default zone of firewalld is " + name + ", which lets nothing in. Use -force to open it.");
  }
  return std::vector<FirewallChange>{FirewallChange{
      "Let TCP port " + std::to_string(port) + " in through firewalld, now and later, in its default zone" +
          (name.empty() ? "." : " (" + name + ")."),
      {{"firewall-cmd", "--permanent", "--add-port=" + tcp(port)}, {"firewall-cmd", "--add-port=" + tcp(port)}}}};
}

}  // namespace

base::Result<std::vector<FirewallChange>> plan_firewall(WinrmSurroundings& surroundings, std::uint16_t port, bool force) {
  const auto firewalld = ask(surroundings, {"firewall-cmd", "--state"});
  if (firewalld && firewalld->status == 0) return plan_firewalld(surroundings, port, force);
  if (auto changes = plan_ufw(surroundings, port)) return std::move(*changes);
  const auto ruleset = ask(surroundings, {"nft", "list", "ruleset"});
  if (!ruleset) return std::vector<FirewallChange>{};
  if (ruleset->status != 0) {
    return base::make_error(base::Win32::AccessDenied,
                            "The rules of nftables cannot be read: " + std::string(base::trimmed(ruleset->out)));
  }
  std::vector<FirewallChange> changes;
  for (const NftChain& chain : chains_in_the_way(ruleset->out, port)) {
    changes.push_back(FirewallChange{
        "Let TCP port " + std::to_string(port) + " in through nftables, chain " + chain.name + " of table " + chain.family +
            " " + chain.table + ", until the machine starts again (a rule that stays belongs into /etc/nftables.conf).",
        {{"nft", "insert", "rule", chain.family, chain.table, chain.name, "tcp", "dport", std::to_string(port), "accept"}}});
  }
  return changes;
}

std::vector<NftChain> chains_in_the_way(std::string_view ruleset, std::uint16_t port) {
  std::vector<NftChain> found;
  NftChain chain;
  bool at_input = false;
  bool stands_in_the_way = false;
  bool has_rule = false;
  for_each_line(ruleset, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.empty()) return;
    if (words[0] == "table" && words.size() >= 3) {
      chain = NftChain{std::string(words[1]), std::string(words[2]), {}};
    } else if (words[0] == "chain" && words.size() >= 2) {
      chain.name = words[1];
      at_input = stands_in_the_way = has_rule = false;
    } else if (words[0] == "}") {
      if (!chain.name.empty() && at_input && stands_in_the_way && !has_rule) found.push_back(chain);
      chain.name.clear();
    } else if (!chain.name.empty()) {
      if (words[0] == "type") at_input = line.find("hook input") != std::string_view::npos;
      if (refuses(words)) stands_in_the_way = true;
      if (lets_in(words, port)) has_rule = true;
    }
  });
  // Other families have no TCP.
  std::erase_if(found, [](const NftChain& c) { return c.family != "inet" && c.family != "ip" && c.family != "ip6"; });
  return found;
}

}  // namespace cli
