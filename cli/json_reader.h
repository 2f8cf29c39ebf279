// JSON text from elsewhere, read into values.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace cli {

/// One JSON value.
struct JsonValue {
  enum class Kind { Null, Boolean, Number, Text, Array, Object };
  Kind kind = Kind::Null;
  bool boolean = false;
  std::string text;  ///< of a Text, UTF-8; of a Number its digits
  std::vector<JsonValue> items;
  std::vector<std::pair<std::string, JsonValue>> members;  ///< in order

  /// The member of that name; null if there is none, or this is no object.
  const JsonValue* find(std::string_view name) const;
  /// The text of a member that is one, or the digits of a number.
  std::optional<std::string> find_text(std::string_view name) const;
  /// A member that is a whole number of 64 bits without a sign.
  std::optional<std::uint64_t> find_number(std::string_view name) const;
};

/// Reads one value and white space around it; nested 32 deep at most. Errors: std::errc::invalid_argument with the position.
base::Result<JsonValue> parse_json(std::string_view text);

}  // namespace cli
