#include "events/text_match.h"

#include <cstddef>
#include <cstring>

namespace events {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool equal_ignoring_case(const char* left, std::string_view right) {
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (lower(left[i]) != lower(right[i])) return false;
  }
  return true;
}

bool is_word_character(char c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || static_cast<unsigned char>(c) > 127;
}

const char* find(const char* from, std::size_t size, char c) {
  return static_cast<const char*>(std::memchr(from, c, size));
}

/// Calls `accept(offset)` for each place of `needle` until it says true.
template <typename Accept>
bool any_place(std::string_view text, std::string_view needle, const Accept& accept) {
  if (needle.empty() || text.size() < needle.size()) return false;
  const char* const end = text.data() + (text.size() - needle.size() + 1);
  const char* at = text.data();
  const char small = lower(needle.front());
  const char large = upper(needle.front());
  // The next place of each form of the first letter; both only move forward, so the text is read twice at most.
  const auto next = [&](const char* from, char c) {
    const char* const found = from < end ? find(from, static_cast<std::size_t>(end - from), c) : nullptr;
    return found != nullptr ? found : end;
  };
  const char* next_small = next(at, small);
  const char* next_large = small == large ? end : next(at, large);
  while ((at = next_small < next_large ? next_small : next_large) != end) {
    if (equal_ignoring_case(at, needle) && accept(static_cast<std::size_t>(at - text.data()))) return true;
    if (at == next_small) {
      next_small = next(at + 1, small);
    } else {
      next_large = next(at + 1, large);
    }
  }
  return false;
}

}  // namespace

bool contains_ignoring_case(std::string_view text, std::string_view needle) {
  return any_place(text, needle, [](std::size_t) { return true; });
}

bool has_word_ignoring_case(std::string_view text, std::string_view needle) {
  return any_place(text, needle, [&](std::size_t at) {
    const std::size_t behind = at + needle.size();
    return (at == 0 || !is_word_character(text[at - 1])) && (behind == text.size() || !is_word_character(text[behind]));
  });
}

}  // namespace events
