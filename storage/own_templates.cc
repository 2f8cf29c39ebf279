#include "storage/own_templates.h"

#include <string>

namespace storage {
namespace {

// As many kinds of events as a file tells apart, finely and in all.
constexpr std::size_t kMaxFine = 8'192;
constexpr std::size_t kMaxAll = 16'384;

}  // namespace

std::optional<Template> OwnTemplates::cut(std::string_view xml) {
  for (const auto grain : {events::Grain::Fine, events::Grain::Coarse}) {
    if (!splitter_.split(xml, grain)) return std::nullopt;
    if (auto found = find_cut(grain)) return found;
  }
  return std::nullopt;
}

std::optional<Template> OwnTemplates::find_cut(events::Grain grain) {
  const auto [first, last] = by_hash_.equal_range(splitter_.hash());
  for (auto at = first; at != last; ++at) {
    if (splitter_.is(at->second.skeleton->text())) return at->second;
  }
  if (by_number_.size() >= (grain == events::Grain::Fine ? kMaxFine : kMaxAll)) return std::nullopt;
  auto parsed = events::Skeleton::parse(splitter_.skeleton());
  if (!parsed.ok() || (*parsed)->holes().size() != splitter_.values().size()) return std::nullopt;
  by_number_.push_back(*parsed);
  const auto number = static_cast<std::uint32_t>(by_number_.size());
  return by_hash_.emplace(splitter_.hash(), Template{number, *parsed})->second;
}

base::Result<std::shared_ptr<const events::Skeleton>> OwnTemplates::find(std::uint32_t id) const {
  if (id == 0 || id > by_number_.size()) {
    return base::make_error(Errc::Corrupt, "no template has the number " + std::to_string(id));
  }
  return by_number_[id - 1];
}

}  // namespace storage
