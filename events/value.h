// Numbers, times and identifiers as event text and queries write them.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/comparison.h"

namespace events {

/// A number that a query can compare: whole ones exactly over 64 bits and a sign, others as double.
struct Number {
  bool whole = true;
  bool negative = false;
  std::uint64_t magnitude = 0;
  double real = 0;  ///< where not whole

  static Number of(std::uint64_t value) { return Number{true, false, value, 0}; }
  static Number of(std::int64_t value);
  /// The 64 bits for band(): negative ones in two's complement. Nothing where it is not whole.
  std::optional<std::uint64_t> bits() const;
};

/// Less than, equal, greater: -1, 0, 1.
int compare(const Number& left, const Number& right);

/// Reads `[+-]digits[.digits][e±digits]` or `0x` and hexadecimal digits, white space around it allowed. Nothing for other
/// text; nothing for whole numbers beyond 64 bits either, which compare as text.
std::optional<Number> parse_number(std::string_view text);

/// Reads an ISO 8601 date and time, white space around it allowed.
std::optional<base::WallTime> parse_time(std::string_view text);

using GuidBytes = std::array<std::uint8_t, 16>;
/// With or without braces, any case.
std::optional<GuidBytes> parse_guid_bytes(std::string_view text);

/// What timediff() gives: from `earlier` to `later` in milliseconds, each rounded down to whole ones first.
Number milliseconds_between(base::WallTime earlier, base::WallTime later);

/// True for S-1-… with at least one further number.
bool is_sid(std::string_view text);

using base::Comparison;

/// A constant of a query. Its type is read off its looks, whether it stands in quotes or not. Source: event-query, 3.3.
struct Constant {
  enum class Type : std::uint8_t { Text, Number, Boolean, Time, Guid, Sid };
  Type type = Type::Text;
  std::string text;
  Number number;
  bool boolean = false;
  base::WallTime time{};
  GuidBytes guid{};

  static Constant of(std::string_view text);
};

/// Compares an event's text with a constant by the constant's type. What cannot be a time, a GUID or a SID satisfies
/// nothing, not even !=; what cannot be a number or Boolean is compared as text, where order is never satisfied.
bool compare(std::string_view value, Comparison comparison, const Constant& constant, bool ignore_case);
/// The same for a value that is known to be a number; `constant.type` is Number.
bool compare(const Number& value, Comparison comparison, const Constant& constant);
/// The same for a value that is known to be a time; `constant.type` is Time.
bool compare(base::WallTime value, Comparison comparison, const Constant& constant);

}  // namespace events
