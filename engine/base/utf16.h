// UTF-16 and UTF-8, as the wire mixes them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace base {

enum class Utf16Order { LittleEndian, BigEndian };

/// UTF-8 text made from foreign bytes, and how many places had to be replaced by U+FFFD.
struct DecodedText {
  std::string text;
  std::size_t replaced = 0;
};

/// Decodes UTF-16 without its byte order mark. Lone surrogates and a last odd byte become U+FFFD and are counted: Windows
/// sends them, and one bad character must not cost a batch. Never fails.
DecodedText utf16_to_utf8(std::string_view bytes, Utf16Order order);

/// Encodes as UTF-16 little endian with the byte order mark FF FE in front, as Windows sends and expects it.
/// Invalid UTF-8 becomes U+FFFD.
std::string utf8_to_utf16le_with_mark(std::string_view text);

/// True where `text` is well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_valid_utf8(std::string_view text);

/// Copies `text`, putting U+FFFD in the place of what is not well-formed UTF-8.
DecodedText repaired_utf8(std::string_view text);

/// Replaces in place each character that XML 1.0 forbids (C0 controls but TAB, LF, CR; U+FFFE, U+FFFF) by U+FFFD, keeping
/// the rest. `text` is valid UTF-8. Returns how many there were; 0 leaves `text` untouched.
std::size_t replace_forbidden_xml_characters(std::string& text);

/// The number of UTF-16 code units that `text` (valid UTF-8) takes.
std::size_t utf16_length(std::string_view text);

}  // namespace base
