// What the texts of a configuration may look like. Pure functions; the table of settings and the checks of files share them.

#pragma once

#include <string>
#include <string_view>

namespace config {

/// `[A-Za-z0-9_]` in parts joined by single "/", none at either end.
bool is_url_prefix(std::string_view text);

/// Empty, "*", or a list by commas of `<local>`, `prefix*`, `*suffix` and plain names or addresses.
bool is_trusted_hosts(std::string_view text);

/// Empty, "*", or a list by commas of inclusive ranges "a-b", a not above b. At most 1,024 octets.
bool is_ipv4_filter(std::string_view text);
bool is_ipv6_filter(std::string_view text);
/// Whether a filter (one of the two above) lets an address of its family through.
bool is_in_filter(std::string_view filter, std::string_view address);
/// Whether it lets every address through: "*" wins over what stands beside it.
bool is_whole_filter(std::string_view filter);

/// 40 hexadecimal digits, blanks between them passed over, or empty.
bool is_thumbprint_or_empty(std::string_view text);
/// Without its blanks, in capitals.
std::string normal_thumbprint(std::string_view text);

/// UTF-8 without control characters and without what XML could not hold.
bool is_plain_text(std::string_view text);

/// A DNS name or an address, IPv6 in brackets or bare.
bool is_host(std::string_view text);

/// is_host(), then ":PORT" where there is one.
bool is_authority(std::string_view text);

/// "*", "IP:192.0.2.7", "IP:[2001:db8::7]", "IP:2001:db8::7"
bool is_listener_address(std::string_view text);

/// A log's name: 1 to 255 printable octets, none of `<>|\":*?`, no blanks at either end.
bool is_channel(std::string_view text);

/// Of `candidates`, a range of texts, the one that `text` most probably meant, or nothing.
template <typename Candidates>
std::string nearest_name(std::string_view text, const Candidates& candidates);

/// How many characters must be added, dropped or changed to come from one to the other, capitals aside.
std::size_t edit_distance(std::string_view from, std::string_view to);

template <typename Candidates>
std::string nearest_name(std::string_view text, const Candidates& candidates) {
  std::size_t best = text.size() / 3 + 2;
  std::string found;
  for (const auto& candidate : candidates) {
    const std::size_t distance = edit_distance(text, candidate);
    if (distance >= best) continue;
    best = distance;
    found = candidate;
  }
  return found;
}

}  // namespace config
