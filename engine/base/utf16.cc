#include "engine/base/utf16.h"

#include <bit>
#include <cstring>

namespace base {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// The length of the well-formed sequence at `text[at]` and its code point, or 0.
std::size_t decode_one(std::string_view text, std::size_t at, std::uint32_t& code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continuation = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char lead = byte(at);
  if (lead < 0x80) {
    code = lead;
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF && continuation(at + 1)) {
    code = (lead & 0x1Fu) << 6 | (byte(at + 1) & 0x3Fu);
    return 2;
  }
  if ((lead & 0xF0) == 0xE0 && continuation(at + 1) && continuation(at + 2)) {
    code = (lead & 0x0Fu) << 12 | (byte(at + 1) & 0x3Fu) << 6 | (byte(at + 2) & 0x3Fu);
    return code >= 0x800 && (code < 0xD800 || code > 0xDFFF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4 && continuation(at + 1) && continuation(at + 2) && continuation(at + 3)) {
    code = (lead & 0x07u) << 18 | (byte(at + 1) & 0x3Fu) << 12 | (byte(at + 2) & 0x3Fu) << 6 | (byte(at + 3) & 0x3Fu);
    return code >= 0x10000 && code <= 0x10FFFF ? 4 : 0;
  }
  return 0;
}

/// How many bytes from `at` on are plain ASCII, eight at a time.
std::size_t ascii_run(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end + 8 <= text.size()) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + end, 8);
    if (word & 0x8080808080808080ull) break;
    end += 8;
  }
  while (end < text.size() && static_cast<unsigned char>(text[end]) < 0x80) ++end;
  return end - at;
}

}  // namespace

DecodedText utf16_to_utf8(std::string_view bytes, Utf16Order order) {
  DecodedText result;
  std::string& out = result.text;
  const std::size_t units = bytes.size() / 2;
  const bool swap = order == Utf16Order::BigEndian;
  const auto unit = [&](std::size_t i) -> std::uint32_t {
    const auto low = static_cast<unsigned char>(bytes[2 * i + (swap ? 1 : 0)]);
    const auto high = static_cast<unsigned char>(bytes[2 * i + (swap ? 0 : 1)]);
    return static_cast<std::uint32_t>(high << 8 | low);
  };
  out.resize(units + units / 8 + 16);
  std::size_t used = 0;
  const auto reserve = [&](std::size_t more) {
    if (used + more > out.size()) out.resize((used + more) * 3 / 2);
  };
  for (std::size_t i = 0; i < units;) {
    // Four ASCII characters at a time: nearly everything that Windows sends.
    if (!swap) {
      reserve(units - i > 4096 ? 4096 : units - i);
      const std::size_t limit = units - i > 4096 ? i + 4096 : units;
      while (i + 4 <= limit) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data() + 2 * i, 8);
        if (word & 0xFF80FF80FF80FF80ull) break;
        word |= word >> 8;
        word = (word & 0xFFFFull) | ((word >> 16) & 0xFFFF0000ull);
        const auto four = static_cast<std::uint32_t>(word);
        std::memcpy(out.data() + used, &four, 4);
        used += 4;
        i += 4;
      }
      if (i >= units) break;
    }
    std::uint32_t code = unit(i++);
    if (code >= 0xD800 && code <= 0xDFFF) {
      if (code < 0xDC00 && i < units && unit(i) >= 0xDC00 && unit(i) <= 0xDFFF) {
        code = 0x10000 + ((code - 0xD800) << 10) + (unit(i++) - 0xDC00);
      } else {
        code = 0xFFFD;
        ++result.replaced;
      }
    }
    reserve(4);
    char* to = out.data() + used;
    if (code < 0x80) {
      to[0] = static_cast<char>(code);
      used += 1;
    } else if (code < 0x800) {
      to[0] = static_cast<char>(0xC0 | (code >> 6));
      to[1] = static_cast<char>(0x80 | (code & 0x3F));
      used += 2;
    } else if (code < 0x10000) {
      to[0] = static_cast<char>(0xE0 | (code >> 12));
      to[1] = static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      to[2] = static_cast<char>(0x80 | (code & 0x3F));
      used += 3;
    } else {
      to[0] = static_cast<char>(0xF0 | (code >> 18));
      to[1] = static_cast<char>(0x80 | ((code >> 12) & 0x3F));
      to[2] = static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      to[3] = static_cast<char>(0x80 | (code & 0x3F));
      used += 4;
    }
  }
  out.resize(used);
  if (bytes.size() % 2 != 0) {
    out += kReplacement;
    ++result.replaced;
  }
  return result;
}

std::string utf8_to_utf16le_with_mark(std::string_view text) {
  // No sequence takes more units than it has bytes.
  std::string out(2 * text.size() + 2, '\0');
  char* to = out.data();
  const auto put = [&](std::uint32_t unit) {
    *to++ = static_cast<char>(unit & 0xFF);
    *to++ = static_cast<char>(unit >> 8);
  };
  put(0xFEFF);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t ascii_end = at + ascii_run(text, at);
    for (; at + 4 <= ascii_end; at += 4, to += 8) {
      std::uint32_t four;
      std::memcpy(&four, text.data() + at, 4);
      std::uint64_t wide = four;
      wide = (wide | wide << 16) & 0x0000FFFF0000FFFFull;
      wide = (wide | wide << 8) & 0x00FF00FF00FF00FFull;
      std::memcpy(to, &wide, 8);
    }
    while (at < ascii_end) put(static_cast<unsigned char>(text[at++]));
    if (at == text.size()) break;
    std::uint32_t code = 0;
    const std::size_t length = decode_one(text, at, code);
    if (length == 0) {
      put(0xFFFD);
      ++at;
      continue;
    }
    at += length;
    if (code >= 0x10000) {
      code -= 0x10000;
      put(0xD800 + (code >> 10));
      put(0xDC00 + (code & 0x3FF));
    } else {
      put(code);
    }
  }
  out.resize(static_cast<std::size_t>(to - out.data()));
  return out;
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    at += ascii_run(text, at);
    if (at == text.size()) return true;
    std::uint32_t code = 0;
    const std::size_t length = decode_one(text, at, code);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

DecodedText repaired_utf8(std::string_view text) {
  DecodedText result;
  if (is_valid_utf8(text)) {
    result.text = text;
    return result;
  }
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t code = 0;
    const std::size_t length = decode_one(text, at, code);
    if (length == 0) {
      result.text += kReplacement;
      ++result.replaced;
      ++at;
    } else {
      result.text += text.substr(at, length);
      at += length;
    }
  }
  return result;
}

std::size_t replace_forbidden_xml_characters(std::string& text) {
  const auto forbidden = [&](std::size_t at, std::size_t& length) {
    const auto byte = static_cast<unsigned char>(text[at]);
    length = 1;
    if (byte < 0x20) return byte != '\t' && byte != '\n' && byte != '\r';
    if (byte == 0xEF && at + 2 < text.size() && static_cast<unsigned char>(text[at + 1]) == 0xBF) {
      const auto last = static_cast<unsigned char>(text[at + 2]);
      length = 3;
      return last == 0xBE || last == 0xBF;
    }
    return false;
  };
  std::size_t first = 0;
  std::size_t length = 1;
  while (first < text.size()) {
    const auto byte = static_cast<unsigned char>(text[first]);
    if ((byte < 0x20 || byte == 0xEF) && forbidden(first, length)) break;
    ++first;
  }
  if (first == text.size()) return 0;
  std::size_t count = 0;
  std::string clean = text.substr(0, first);
  for (std::size_t at = first; at < text.size();) {
    if (forbidden(at, length)) {
      clean += kReplacement;
      ++count;
      at += length;
    } else {
      clean += text[at++];
    }
  }
  text = std::move(clean);
  return count;
}

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t ascii = ascii_run(text, at);
    units += ascii;
    at += ascii;
    for (; at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80; ++at) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if ((byte & 0xC0) != 0x80) units += byte >= 0xF0 ? 2 : 1;
    }
  }
  return units;
}

}  // namespace base
