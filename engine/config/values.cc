#include "engine/config/values.h"

#include <charconv>

namespace config {

Values::Values() : Values(Layers{}) {}

Values::Values(const Layers& layers) {
  for (const Setting& setting : settings()) {
    values_[static_cast<std::size_t>(setting.id)].text = setting.default_text;
  }
  take(layers.file, Source::File);
  take(layers.stored, Source::Stored);
  take(layers.policy, Source::Policy);
}

void Values::take(const Layer& layer, Source source) {
  for (const auto& [id, text] : layer) values_[static_cast<std::size_t>(id)] = {text, source};
}

std::uint32_t Values::number(Id id) const {
  const std::string& digits = text(id);
  std::uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace config
