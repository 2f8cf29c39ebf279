#include "engine/config/text_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "engine/base/utf16.h"

namespace config {
namespace {

constexpr std::size_t kMaxFilter = 1024;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// The octets of an address of `family` in the order of the network, so that they compare as the addresses do.
std::optional<std::array<unsigned char, 16>> address_octets(int family, std::string_view text) {
  std::array<unsigned char, 16> octets{};
  const std::string terminated(text);
  if (::inet_pton(family, terminated.c_str(), octets.data()) != 1) return std::nullopt;
  return octets;
}

std::string_view without_brackets(std::string_view text) {
  return text.size() > 2 && text.front() == '[' && text.back() == ']' ? text.substr(1, text.size() - 2) : text;
}

bool is_filter(int family, std::string_view text) {
  if (text.size() > kMaxFilter) return false;
  if (text.empty() || text == "*") return true;
  for (std::string_view range : split(text, ',')) {
    if (range == "*") continue;
    const auto dash = range.find('-');
    if (dash == std::string_view::npos) return false;
    const auto from = address_octets(family, without_brackets(trimmed(range.substr(0, dash))));
    const auto to = address_octets(family, without_brackets(trimmed(range.substr(dash + 1))));
    if (!from || !to || *from > *to) return false;
  }
  return true;
}

bool is_dns_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (std::string_view label : split(text, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; })) return false;
  }
  return true;
}

bool is_address(std::string_view text) {
  return address_octets(AF_INET, text) || address_octets(AF_INET6, without_brackets(text));
}

}  // namespace

bool is_url_prefix(std::string_view text) {
  if (text.empty() || text.size() > 255) return false;
  char previous = '/';
  for (char c : text) {
    if (!is_alphanumeric(c) && c != '_' && c != '/') return false;
    if (c == '/' && previous == '/') return false;
    previous = c;
  }
  return previous != '/';
}

bool is_trusted_hosts(std::string_view text) {
  if (text.size() > kMaxFilter) return false;
  if (text.empty() || text == "*") return true;
  for (std::string_view host : split(text, ',')) {
    if (host == "<local>") continue;
    const auto stars = std::ranges::count(host, '*');
    if (stars == 0 ? !is_host(host) : stars > 1 || host.size() < 2) return false;
    if (stars == 1 && host.front() != '*' && host.back() != '*') return false;
    if (host.find_first_of(" \t\r\n\"<>/\\?") != std::string_view::npos) return false;
  }
  return true;
}

bool is_ipv4_filter(std::string_view text) {
  return is_filter(AF_INET, text);
}

bool is_ipv6_filter(std::string_view text) {
  return is_filter(AF_INET6, text);
}

bool is_whole_filter(std::string_view filter) {
  return std::ranges::any_of(split(filter, ','), [](std::string_view range) { return range == "*"; });
}

bool is_in_filter(std::string_view filter, std::string_view address) {
  if (is_whole_filter(filter)) return true;
  const int family = address.find(':') == std::string_view::npos ? AF_INET : AF_INET6;
  const auto octets = address_octets(family, address);
  if (!octets) return false;
  return std::ranges::any_of(split(filter, ','), [&](std::string_view range) {
    const auto dash = range.find('-');
    if (dash == std::string_view::npos) return false;
    const auto from = address_octets(family, without_brackets(trimmed(range.substr(0, dash))));
    const auto to = address_octets(family, without_brackets(trimmed(range.substr(dash + 1))));
    return from && to && *from <= *octets && *octets <= *to;
  });
}

bool is_thumbprint_or_empty(std::string_view text) {
  std::size_t digits = 0;
  for (char c : text) {
    if (c == ' ') continue;
    if (!(c >= '0' && c <= '9') && !(lower(c) >= 'a' && lower(c) <= 'f')) return false;
    ++digits;
  }
  return digits == 0 || digits == 40;
}

std::string normal_thumbprint(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if (c != ' ') digits += c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return digits;
}

bool is_plain_text(std::string_view text) {
  if (!base::is_valid_utf8(text) || std::ranges::any_of(text, [](unsigned char c) { return c < ' ' || c == 0x7F; })) {
    return false;
  }
  // U+FFFE and U+FFFF
  return text.find("\xEF\xBF\xBE") == std::string_view::npos && text.find("\xEF\xBF\xBF") == std::string_view::npos;
}

bool is_host(std::string_view text) {
  return is_address(text) || is_dns_name(text);
}

bool is_authority(std::string_view text) {
  if (is_host(text)) return true;
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_host(text.substr(0, colon))) return false;
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), port);
  return error == std::errc{} && end == digits.end() && port != 0;
}

bool is_listener_address(std::string_view text) {
  return text == "*" || (text.starts_with("IP:") && is_address(text.substr(3)));
}

bool is_channel(std::string_view text) {
  if (text.empty() || text.size() > 255 || text != trimmed(text)) return false;
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && std::strchr("<>|\\\":*?", c) == nullptr; });
}

std::size_t edit_distance(std::string_view from, std::string_view to) {
  // One row of the table at a time.
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t changed = diagonal + (lower(from[i - 1]) == lower(to[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[to.size()];
}

}  // namespace config
