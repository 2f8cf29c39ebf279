// A skeleton as a tree of elements, for questions about its structure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/xml/document.h"
#include "events/skeleton.h"

namespace events {

/// Elements in document order, by number: 0 is the event. Shows what xml::Element shows for every event of the skeleton,
/// but for the values.
class SkeletonTree {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  /// A text that the skeleton states, or that of a hole.
  struct Value {
    std::uint32_t hole = kNone;
    std::string_view text;
    bool is_hole() const { return hole != kNone; }
  };
  struct Attribute {
    std::string_view name;  ///< with its prefix
    Value value;
    bool is_declaration() const { return name == "xmlns" || name.starts_with("xmlns:"); }
  };
  struct Element {
    std::string_view local_name;
    std::uint32_t parent = kNone;
    std::uint32_t first_child = kNone;
    std::uint32_t next_sibling = kNone;
    std::uint32_t first_attribute = 0;
    std::uint32_t attribute_count = 0;
    Value text;  ///< directly inside
  };

  /// Nothing where the holes of the text are not what the skeleton says: a reference in it that stands for kHole, a hole in
  /// a comment.
  static std::optional<SkeletonTree> make(const Skeleton& skeleton);

  const Element& operator[](std::uint32_t element) const { return elements_[element]; }
  std::size_t size() const { return elements_.size(); }
  const Attribute* attributes(const Element& element) const { return attributes_.data() + element.first_attribute; }
  const Attribute* find_attribute(const Element& element, std::string_view name) const;

  /// The text of `element` with that of all elements in it, where it is that of one hole, or of none: nothing where several
  /// texts of which one is a hole's are joined. What it refers to lives in the tree or in `buffer`.
  std::optional<Value> deep_text(std::uint32_t element, std::string& buffer) const;

 private:
  SkeletonTree() = default;
  bool add(xml::Element from, std::uint32_t parent);
  Value value(std::string_view text);
  bool join(std::uint32_t element, Value& joined, std::string& buffer) const;

  xml::Document document_;
  std::vector<Element> elements_;
  std::vector<Attribute> attributes_;
  std::uint32_t holes_ = 0;
};

}  // namespace events
