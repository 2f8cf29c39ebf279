#include "events/skeleton_tree.h"

namespace events {

std::optional<SkeletonTree> SkeletonTree::make(const Skeleton& skeleton) {
  SkeletonTree tree;
  if (!tree.document_.reparse(skeleton.text()).ok()) return std::nullopt;
  tree.elements_.reserve(64);
  tree.attributes_.reserve(64);
  if (!tree.add(tree.document_.root(), kNone) || tree.holes_ != skeleton.holes().size()) return std::nullopt;
  return tree;
}

// Depth: one level for each level of the document.
bool SkeletonTree::add(xml::Element from, std::uint32_t parent) {
  const auto number = static_cast<std::uint32_t>(elements_.size());
  elements_.emplace_back();
  {
    Element& element = elements_.back();
    element.local_name = from.local_name();
    element.parent = parent;
    element.first_attribute = static_cast<std::uint32_t>(attributes_.size());
    from.for_each_attribute([&](const xml::Element::Attribute& attribute) {
      attributes_.push_back(Attribute{attribute.name, value(attribute.value)});
    });
    element.attribute_count = static_cast<std::uint32_t>(attributes_.size()) - element.first_attribute;
    std::string buffer;
    const std::string_view text = from.text(buffer);
    if (!buffer.empty()) return false;
    element.text = value(text);
    // A hole counts in the order of the text, and what stands in CDATA is no raw value.
    if (element.text.is_hole() && (from.first_child() || from.has_cdata())) return false;
  }
  std::uint32_t before = kNone;
  for (const xml::Element child : from.children()) {
    const auto next = static_cast<std::uint32_t>(elements_.size());
    if (!add(child, number)) return false;
    (before == kNone ? elements_[number].first_child : elements_[before].next_sibling) = next;
    before = next;
  }
  return true;
}

SkeletonTree::Value SkeletonTree::value(std::string_view text) {
  if (text.size() == 1 && text.front() == kHole) return Value{holes_++, {}};
  return Value{kNone, text};
}

const SkeletonTree::Attribute* SkeletonTree::find_attribute(const Element& element, std::string_view name) const {
  const Attribute* const all = attributes(element);
  for (std::uint32_t i = 0; i < element.attribute_count; ++i) {
    if (all[i].name == name) return &all[i];
  }
  return nullptr;
}

std::optional<SkeletonTree::Value> SkeletonTree::deep_text(std::uint32_t number, std::string& buffer) const {
  const Element& element = elements_[number];
  if (element.first_child == kNone) return element.text;
  Value joined;
  buffer.clear();
  if (!join(number, joined, buffer)) return std::nullopt;
  if (!joined.is_hole()) joined.text = buffer;
  return joined;
}

bool SkeletonTree::join(std::uint32_t number, Value& joined, std::string& buffer) const {
  const Element& element = elements_[number];
  if (element.text.is_hole()) {
    if (joined.is_hole() || !buffer.empty()) return false;
    joined.hole = element.text.hole;
  } else if (!element.text.text.empty()) {
    if (joined.is_hole()) return false;
    buffer += element.text.text;
  }
  for (std::uint32_t child = element.first_child; child != kNone; child = elements_[child].next_sibling) {
    if (!join(child, joined, buffer)) return false;
  }
  return true;
}

}  // namespace events
