#include "engine/http/message.h"

#include "engine/base/encoding.h"

namespace http {

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (base::equal_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

}  // namespace http
