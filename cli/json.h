// JSON for other programs: one object a line.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cli {

/// `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

/// Builds one object, members in the order in which they are added.
class JsonObject {
 public:
  JsonObject& text(std::string_view name, std::string_view value) { return raw(name, json_string(value)); }
  JsonObject& number(std::string_view name, std::uint64_t value) { return raw(name, std::to_string(value)); }
  JsonObject& boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  /// `json` is a complete value.
  JsonObject& raw(std::string_view name, std::string_view json);
  std::string take();

 private:
  std::string out_ = "{";
};

/// Builds one array.
class JsonArray {
 public:
  JsonArray& text(std::string_view value) { return raw(json_string(value)); }
  JsonArray& raw(std::string_view json);
  std::string take();

 private:
  std::string out_ = "[";
};

}  // namespace cli
