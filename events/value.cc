#include "events/value.h"

#include <charconv>
#include <cmath>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"

namespace events {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

double as_double(const Number& number) {
  if (!number.whole) return number.real;
  const auto size = static_cast<double>(number.magnitude);
  return number.negative ? -size : size;
}

bool is_equality(Comparison comparison) {
  return comparison == Comparison::Equal || comparison == Comparison::NotEqual;
}

std::optional<bool> parse_boolean(std::string_view text) {
  text = base::trimmed(text);
  if (base::equal_ignoring_case(text, "true")) return true;
  if (base::equal_ignoring_case(text, "false")) return false;
  if (const auto number = parse_number(text)) return as_double(*number) != 0;
  return std::nullopt;
}

bool compare_as_text(std::string_view value, Comparison comparison, std::string_view constant, bool ignore_case) {
  if (is_equality(comparison)) {
    const bool equal = value == constant || (ignore_case && base::equal_ignoring_case(value, constant));
    return equal == (comparison == Comparison::Equal);
  }
  const int order = value.compare(constant);
  return base::satisfies(order, comparison);
}

}  // namespace

Number Number::of(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  return Number{true, value < 0, value < 0 ? 0 - bits : bits, 0};
}

std::optional<std::uint64_t> Number::bits() const {
  if (!whole) return std::nullopt;
  return negative ? 0 - magnitude : magnitude;
}

int compare(const Number& left, const Number& right) {
  if (left.whole && right.whole) {
    // -0 is 0.
    const bool left_negative = left.negative && left.magnitude != 0;
    const bool right_negative = right.negative && right.magnitude != 0;
    if (left_negative != right_negative) return left_negative ? -1 : 1;
    const int order = base::order_of(left.magnitude, right.magnitude);
    return left_negative ? -order : order;
  }
  return base::order_of(as_double(left), as_double(right));
}

std::optional<Number> parse_number(std::string_view text) {
  text = base::trimmed(text);
  if (text.empty()) return std::nullopt;
  Number number;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    const auto [end, failure] = std::from_chars(text.data() + 2, text.data() + text.size(), number.magnitude, 16);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
  }
  std::string_view digits = text;
  if (digits.front() == '+' || digits.front() == '-') {
    number.negative = digits.front() == '-';
    digits.remove_prefix(1);
  }
  if (digits.empty() || !(is_digit(digits.front()) || (digits.front() == '.' && digits.size() > 1))) return std::nullopt;
  const char* const last = digits.data() + digits.size();
  const auto [end, failure] = std::from_chars(digits.data(), last, number.magnitude);
  if (end == last) {
    if (failure != std::errc()) return std::nullopt;
    return number;
  }
  const auto [real_end, real_failure] = std::from_chars(digits.data(), last, number.real, std::chars_format::general);
  if (real_failure != std::errc() || real_end != last) return std::nullopt;
  number.whole = false;
  number.magnitude = 0;
  if (number.negative) number.real = -number.real;
  return number;
}

std::optional<base::WallTime> parse_time(std::string_view text) {
  text = base::trimmed(text);
  // The shape is fixed up to the seconds; asking for it first keeps the full parser away from ordinary text.
  if (text.size() < 19 || text[4] != '-' || text[10] != 'T') return std::nullopt;
  return base::parse_datetime(text);
}

std::optional<GuidBytes> parse_guid_bytes(std::string_view text) {
  text = base::trimmed(text);
  if (text.size() == 38 && text.front() == '{' && text.back() == '}') text = text.substr(1, 36);
  if (text.size() != 36) return std::nullopt;
  GuidBytes bytes{};
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int digit = hex_digit(text[i]);
    if (digit < 0) return std::nullopt;
    bytes[digits / 2] = static_cast<std::uint8_t>(bytes[digits / 2] << 4 | digit);
    ++digits;
  }
  return bytes;
}

Number milliseconds_between(base::WallTime earlier, base::WallTime later) {
  // Whole milliseconds first: the difference of two far points in time does not fit into nanoseconds.
  const auto in_milliseconds = [](base::WallTime time) {
    return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
  };
  return Number::of(in_milliseconds(later) - in_milliseconds(earlier));
}

bool is_sid(std::string_view text) {
  text = base::trimmed(text);
  if (text.size() < 5 || (text[0] != 'S' && text[0] != 's') || text.substr(1, 3) != "-1-") return false;
  bool after_dash = true;
  for (const char c : text.substr(4)) {
    if (c == '-' ? after_dash : !is_digit(c)) return false;
    after_dash = c == '-';
  }
  return !after_dash;
}

Constant Constant::of(std::string_view text) {
  Constant constant;
  constant.text = text;
  if (const auto number = parse_number(text)) {
    constant.type = Type::Number;
    constant.number = *number;
  } else if (text == "true" || text == "false") {
    constant.type = Type::Boolean;
    constant.boolean = text == "true";
  } else if (const auto time = parse_time(text)) {
    constant.type = Type::Time;
    constant.time = *time;
  } else if (const auto guid = parse_guid_bytes(text)) {
    constant.type = Type::Guid;
    constant.guid = *guid;
  } else if (is_sid(text)) {
    constant.type = Type::Sid;
  }
  return constant;
}

bool compare(std::string_view value, Comparison comparison, const Constant& constant, bool ignore_case) {
  switch (constant.type) {
    case Constant::Type::Number:
      if (const auto number = parse_number(value)) return compare(*number, comparison, constant);
      return comparison == Comparison::NotEqual;
    case Constant::Type::Boolean:
      if (const auto boolean = parse_boolean(value)) {
        return is_equality(comparison) && (*boolean == constant.boolean) == (comparison == Comparison::Equal);
      }
      return comparison == Comparison::NotEqual;
    case Constant::Type::Time:
      if (const auto time = parse_time(value)) return compare(*time, comparison, constant);
      return false;
    case Constant::Type::Guid: {
      const auto guid = parse_guid_bytes(value);
      return guid && is_equality(comparison) && (*guid == constant.guid) == (comparison == Comparison::Equal);
    }
    case Constant::Type::Sid: {
      if (!is_equality(comparison) || !is_sid(value)) return false;
      const bool equal = base::equal_ignoring_case(base::trimmed(value), base::trimmed(constant.text));
      return equal == (comparison == Comparison::Equal);
    }
    case Constant::Type::Text:
      break;
  }
  return compare_as_text(value, comparison, constant.text, ignore_case);
}

bool compare(const Number& value, Comparison comparison, const Constant& constant) {
  return base::satisfies(compare(value, constant.number), comparison);
}

bool compare(base::WallTime value, Comparison comparison, const Constant& constant) {
  return base::satisfies(base::order_of(value, constant.time), comparison);
}

}  // namespace events
