#include "events/clean.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/base/utf16.h"

namespace events {
namespace {

/// How many bytes from `at` on are printable ASCII (or DEL), looked at eight at a time.
std::size_t printable_run(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (text.size() - end >= 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + end, 8);
    // Each byte below 0x20 or from 0x80 sets a top bit.
    if ((((word - 0x2020202020202020u) | word) & 0x8080808080808080u) != 0) break;
    end += 8;
  }
  while (end < text.size() && static_cast<unsigned char>(text[end] - 0x20) < 0x60) ++end;
  return end - at;
}

}  // namespace

bool is_clean(std::string_view text) {
  text.remove_prefix(printable_run(text, 0));
  if (text.empty()) return true;
  if (!base::is_valid_utf8(text)) return false;
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; (i += printable_run(text, i)) < text.size(); ++i) {
    const unsigned char byte = byte_at(i);
    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') return false;
    // U+FFFE and U+FFFF.
    if (byte == 0xEF && byte_at(i + 1) == 0xBF && byte_at(i + 2) >= 0xBE) return false;
  }
  return true;
}

std::string clean(std::string_view text) {
  std::string good = base::repaired_utf8(text).text;
  base::replace_forbidden_xml_characters(good);
  return good;
}

}  // namespace events
