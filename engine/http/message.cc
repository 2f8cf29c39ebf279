#include "engine/http/message.h"

#include "engine/base/encoding.h"

namespace http {

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (base::equal_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

void Fields::append_to(std::string& head) const {
  for (const auto& [name, value] : fields_) {
    head += name;
    head += ": ";
    for (const char c : value) head += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    head += "\r\n";
  }
}

}  // namespace http
