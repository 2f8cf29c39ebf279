#include "cli/json_reader.h"

#include <charconv>

namespace cli {
namespace {

constexpr int kMaxDepth = 32;

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  base::Result<JsonValue> document() {
    JsonValue value;
    if (!read(value, 0)) return failure();
    skip_space();
    if (at_ != text_.size()) return failure();
    return value;
  }

 private:
  base::Error failure() const {
    return base::make_error(std::make_error_code(std::errc::invalid_argument),
                            "this is no JSON at position " + std::to_string(at_));
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  bool take(char character) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != character) return false;
    ++at_;
    return true;
  }

  bool take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  bool read(JsonValue& value, int depth) {
    if (depth > kMaxDepth) return false;
    skip_space();
    if (at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '{':
        return read_object(value, depth);
      case '[':
        return read_array(value, depth);
      case '"':
        value.kind = JsonValue::Kind::Text;
        return read_text(value.text);
      case 't':
      case 'f':
        value.kind = JsonValue::Kind::Boolean;
        value.boolean = text_[at_] == 't';
        return take_word(value.boolean ? "true" : "false");
      case 'n':
        return take_word("null");
      default:
        return read_number(value);
    }
  }

  bool read_number(JsonValue& value) {
    const auto begin = at_;
    while (at_ < text_.size() && std::string_view("+-.0123456789eE").find(text_[at_]) != std::string_view::npos) ++at_;
    value.kind = JsonValue::Kind::Number;
    value.text = text_.substr(begin, at_ - begin);
    return at_ != begin;
  }

  bool read_array(JsonValue& value, int depth) {
    value.kind = JsonValue::Kind::Array;
    ++at_;
    if (take(']')) return true;
    do {
      if (!read(value.items.emplace_back(), depth + 1)) return false;
    } while (take(','));
    return take(']');
  }

  bool read_object(JsonValue& value, int depth) {
    value.kind = JsonValue::Kind::Object;
    ++at_;
    if (take('}')) return true;
    do {
      auto& [name, member] = value.members.emplace_back();
      skip_space();
      if (at_ >= text_.size() || text_[at_] != '"' || !read_text(name) || !take(':')) return false;
      if (!read(member, depth + 1)) return false;
    } while (take(','));
    return take('}');
  }

  std::optional<std::uint32_t> read_unit() {
    if (text_.size() - at_ < 4) return std::nullopt;
    std::uint32_t unit = 0;
    const char* end = text_.data() + at_ + 4;
    const auto [stopped, wrong] = std::from_chars(text_.data() + at_, end, unit, 16);
    if (wrong != std::errc() || stopped != end) return std::nullopt;
    at_ += 4;
    return unit;
  }

  bool read_escape(std::string& out) {
    if (at_ >= text_.size()) return false;
    const char character = text_[at_++];
    static constexpr std::string_view kFrom = "\"\\/bfnrt";
    static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    if (const auto known = kFrom.find(character); known != std::string_view::npos) {
      out += kTo[known];
      return true;
    }
    if (character != 'u') return false;
    auto unit = read_unit();
    if (!unit) return false;
    std::uint32_t code = *unit;
    if (code >= 0xD800 && code < 0xDC00 && take_word("\\u")) {
      const auto low = read_unit();
      if (!low) return false;
      code = *low >= 0xDC00 && *low < 0xE000 ? 0x10000 + ((code - 0xD800) << 10) + (*low - 0xDC00) : 0xFFFD;
    }
    if (code >= 0xD800 && code < 0xE000) code = 0xFFFD;
    append_utf8(out, code);
    return true;
  }

  bool read_text(std::string& out) {
    ++at_;
    while (at_ < text_.size()) {
      const auto end = text_.find_first_of("\"\\", at_);
      if (end == std::string_view::npos) return false;
      out += text_.substr(at_, end - at_);
      at_ = end + 1;
      if (text_[end] == '"') return true;
      if (!read_escape(out)) return false;
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
  for (const auto& [known, value] : members) {
    if (known == name) return &value;
  }
  return nullptr;
}

std::optional<std::string> JsonValue::find_text(std::string_view name) const {
  const JsonValue* value = find(name);
  if (value == nullptr || (value->kind != Kind::Text && value->kind != Kind::Number)) return std::nullopt;
  return value->text;
}

std::optional<std::uint64_t> JsonValue::find_number(std::string_view name) const {
  const auto digits = find_text(name);
  if (!digits) return std::nullopt;
  std::string_view text = *digits;
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  std::uint64_t number = 0;
  const auto [at, failure] = std::from_chars(text.data(), text.data() + text.size(), number, hex ? 16 : 10);
  if (failure != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return number;
}

base::Result<JsonValue> parse_json(std::string_view text) {
  return Parser(text).document();
}

}  // namespace cli
