#include "events/raw_value.h"

#include <array>
#include <cstdint>
#include <utility>

namespace events {
namespace {

constexpr std::array<std::pair<std::string_view, char>, 5> kNamed{
    {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};

constexpr std::uint64_t kLastCharacter = 0x10FFFF;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

void append_utf8(std::string& out, std::uint64_t code) {
  const auto continuation = [&](unsigned shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    continuation(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    continuation(6);
    continuation(0);
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

/// Resolves the reference by number that `text` begins with. Its length, or 0 where it is broken.
std::size_t append_character(std::string& out, std::string_view text) {
  const bool hexadecimal = text.size() > 2 && text[2] == 'x';
  // The parser takes hexadecimal digits in decimal references too, and lets the number run over: so that one event says the
  // same here and there, this does as well.
  const std::uint64_t base = hexadecimal ? 16 : 10;
  std::size_t at = hexadecimal ? 3 : 2;
  std::uint64_t code = 0;
  for (int digit = 0; at < text.size() && (digit = digit_of(text[at])) >= 0; ++at) {
    code = code * base + static_cast<std::uint64_t>(digit);
  }
  if (at == text.size() || text[at] != ';' || code > kLastCharacter) return 0;
  append_utf8(out, code);
  return at + 1;
}

std::size_t append_reference(std::string& out, std::string_view text) {
  if (text.starts_with("&#")) return append_character(out, text);
  for (const auto& [reference, character] : kNamed) {
    if (!text.starts_with(reference)) continue;
    out += character;
    return reference.size();
  }
  return 0;
}

}  // namespace

std::string_view plain_text(std::string_view raw, bool is_attribute, std::string& buffer) {
  if (raw.empty()) return raw;
  // Before references are resolved: one that says a blank is kept.
  if (!is_attribute && is_blank(raw.front())) {
    std::size_t at = 1;
    while (at < raw.size() && is_blank(raw[at])) ++at;
    if (at == raw.size()) return {};
  }
  std::size_t reference = raw.find('&');
  if (reference == std::string_view::npos) return raw;
  buffer.clear();
  std::size_t at = 0;
  while (reference != std::string_view::npos) {
    buffer += raw.substr(at, reference - at);
    const std::size_t length = append_reference(buffer, raw.substr(reference));
    at = reference + length;
    if (length == 0) buffer += raw[at++];
    reference = raw.find('&', at);
  }
  buffer += raw.substr(at);
  return buffer;
}

}  // namespace events
