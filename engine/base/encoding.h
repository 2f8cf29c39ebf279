// Bytes as text: base64 (RFC 4648) and hexadecimal; identifiers made of random bytes; comparison of secrets.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace base {

std::string to_base64(std::string_view bytes);
/// Nothing where `text` is not canonical base64 with its padding.
std::optional<std::string> parse_base64(std::string_view text);

/// Capital hexadecimal digits, two a byte.
std::string to_hex(std::string_view bytes);
/// Nothing where `text` holds anything but pairs of hexadecimal digits (either case).
std::optional<std::string> parse_hex(std::string_view text);

/// A random version-4 GUID in Windows' form: capitals, no braces. From the system's random source.
std::string new_guid();
/// `text` without braces and "uuid:" in front, in capitals, where it is a GUID; else nothing.
std::optional<std::string> parse_guid(std::string_view text);

/// True where both are equal. Takes the same time wherever they differ; their lengths are not kept secret.
bool equal_secret(std::string_view a, std::string_view b);

/// ASCII only: what protocol names need.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
/// `text` without white space (space, TAB, CR, LF) at both ends.
std::string_view trimmed(std::string_view text);
/// Glob with `*` and `?`, ASCII case ignored; linear time for each `*`.
bool matches_wildcard(std::string_view pattern, std::string_view text);

}  // namespace base
