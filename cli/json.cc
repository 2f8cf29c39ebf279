#include "cli/json.h"

#include <utility>

#include "engine/base/utf16.h"

namespace cli {

std::string json_string(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  const std::string repaired = base::repaired_utf8(text).text;
  std::string out = "\"";
  for (const char c : repaired) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += "\\u00";
          out += kDigits[static_cast<unsigned char>(c) >> 4];
          out += kDigits[static_cast<unsigned char>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

JsonObject& JsonObject::raw(std::string_view name, std::string_view json) {
  if (out_.size() > 1) out_ += ',';
  out_ += json_string(name);
  out_ += ':';
  out_ += json;
  return *this;
}

std::string JsonObject::take() {
  return std::exchange(out_, "{") + "}";
}

JsonArray& JsonArray::raw(std::string_view json) {
  if (out_.size() > 1) out_ += ',';
  out_ += json;
  return *this;
}

std::string JsonArray::take() {
  return std::exchange(out_, "[") + "]";
}

}  // namespace cli
