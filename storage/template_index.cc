#include "storage/template_index.h"

#include <mutex>

namespace storage {
namespace {

// A skeleton's text, what it was understood as, and its places in the maps.
std::size_t memory_of(const events::Skeleton& skeleton) {
  return 1024 + 2 * skeleton.text().size() + 128 * skeleton.holes().size();
}

}  // namespace

std::optional<Template> TemplateIndex::find(const events::Splitter& cut) const {
  std::shared_lock lock(mutex_);
  auto [place, end] = by_hash_.equal_range(cut.hash());
  for (; place != end; ++place) {
    if (cut.is(place->second.skeleton->text())) return place->second;
  }
  return std::nullopt;
}

std::optional<Template> TemplateIndex::find(std::uint64_t hash, std::string_view text) const {
  std::shared_lock lock(mutex_);
  auto [place, end] = by_hash_.equal_range(hash);
  for (; place != end; ++place) {
    if (place->second.skeleton->text() == text) return place->second;
  }
  return std::nullopt;
}

void TemplateIndex::add(std::uint64_t hash, Template shape) {
  std::unique_lock lock(mutex_);
  bytes_ += memory_of(*shape.skeleton);
  by_hash_.emplace(hash, std::move(shape));
}

std::size_t TemplateIndex::size() const {
  std::shared_lock lock(mutex_);
  return by_hash_.size();
}

bool TemplateIndex::takes(events::Grain grain) const {
  std::shared_lock lock(mutex_);
  return grain == events::Grain::Fine ? by_hash_.size() < kMaxFineTemplates && bytes_ < kMaxTemplateBytes / 2
                                      : by_hash_.size() < kMaxTemplates && bytes_ < kMaxTemplateBytes;
}

void Cutter::cut(const events::Event& event, const TemplateIndex& index, CutBatch& batch) {
  CutBatch::Cut cut;
  if (event.quality != events::Quality::Raw) {
    for (const auto grain : {events::Grain::Fine, events::Grain::Coarse}) {
      if (!splitter_.split(event.xml, grain)) break;
      const auto shape = shape_of_cut(grain, index, batch);
      if (!shape) continue;
      const auto values = splitter_.values();
      cut.shape = *shape;
      cut.first_value = static_cast<std::uint32_t>(batch.values.size());
      cut.values = static_cast<std::uint32_t>(values.size());
      batch.values.insert(batch.values.end(), values.begin(), values.end());
      break;
    }
  }
  batch.events.push_back(cut);
}

std::optional<std::uint32_t> Cutter::shape_of_cut(events::Grain grain, const TemplateIndex& index, CutBatch& batch) {
  const auto hash = splitter_.hash();
  const auto is_cut = [&](const CutBatch::Shape& shape) {
    return shape.hash == hash && splitter_.is(shape.known.skeleton->text());
  };
  auto& last = batch.last_of_hash[hash % batch.last_of_hash.size()];
  if (last < batch.shapes.size() && is_cut(batch.shapes[last])) return last;
  for (std::uint32_t i = 0; i < batch.shapes.size(); ++i) {
    if (is_cut(batch.shapes[i])) return last = i;
  }
  CutBatch::Shape shape;
  shape.hash = hash;
  if (auto known = index.find(splitter_)) {
    shape.known = std::move(*known);
  } else {
    if (!index.takes(grain)) return std::nullopt;
    if (batch.unknown_shapes >= (grain == events::Grain::Fine ? kMaxNewShapes : 2 * kMaxNewShapes)) return std::nullopt;
    auto skeleton = events::Skeleton::parse(splitter_.skeleton());
    if (!skeleton.ok()) return std::nullopt;
    // As many values as holes, or the event would not come back as it was.
    if ((*skeleton)->holes().size() != splitter_.values().size()) return std::nullopt;
    shape.known.skeleton = std::move(skeleton).value();
    ++batch.unknown_shapes;
  }
  batch.shapes.push_back(std::move(shape));
  return last = static_cast<std::uint32_t>(batch.shapes.size() - 1);
}

}  // namespace storage
