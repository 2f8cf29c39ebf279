// What queries and filters compare by.

#pragma once

#include <cstdint>

namespace base {

enum class Comparison : std::uint8_t { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual };

/// Whether an order (negative, 0, positive) satisfies `comparison`.
constexpr bool satisfies(int order, Comparison comparison) {
  switch (comparison) {
    case Comparison::Equal:
      return order == 0;
    case Comparison::NotEqual:
      return order != 0;
    case Comparison::Less:
      return order < 0;
    case Comparison::LessOrEqual:
      return order <= 0;
    case Comparison::Greater:
      return order > 0;
    case Comparison::GreaterOrEqual:
      return order >= 0;
  }
  return false;
}

/// The comparison of b with a that says what this one says of a with b.
constexpr Comparison mirrored(Comparison comparison) {
  switch (comparison) {
    case Comparison::Less:
      return Comparison::Greater;
    case Comparison::LessOrEqual:
      return Comparison::GreaterOrEqual;
    case Comparison::Greater:
      return Comparison::Less;
    case Comparison::GreaterOrEqual:
      return Comparison::LessOrEqual;
    case Comparison::Equal:
    case Comparison::NotEqual:
      break;
  }
  return comparison;
}

/// -1, 0 or 1.
template <typename Value>
constexpr int order_of(const Value& left, const Value& right) {
  return left < right ? -1 : right < left ? 1 : 0;
}

}  // namespace base
