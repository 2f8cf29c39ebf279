// A namespace-aware view of one element of a parsed document.

#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace rapidxml {
template <class Ch>
class xml_node;
}

namespace xml {

/// A light value that points into a Document, which must outlive it. A default-made Element is null: it has no name, no
/// children and no text, so that a chain of child() calls needs one check at its end. Immutable, thread-safe.
class Element {
 public:
  Element() = default;
  explicit Element(const rapidxml::xml_node<char>* node) : node_(node) {}

  explicit operator bool() const { return node_ != nullptr; }
  bool operator==(const Element& other) const = default;

  /// The name as it is written, prefix and all.
  std::string_view name() const;
  /// The name without its prefix.
  std::string_view local_name() const;
  /// The URI that the prefix (or the default namespace) is bound to here; empty where there is none.
  std::string_view namespace_uri() const;
  bool is(std::string_view namespace_uri, std::string_view local_name) const;

  /// The attribute without a prefix.
  std::optional<std::string_view> attribute(std::string_view name) const;
  /// The attribute whose prefix is bound to `namespace_uri` ("xml" is bound to its own).
  std::optional<std::string_view> attribute(std::string_view namespace_uri, std::string_view local_name) const;

  /// The first child element with that name; null if there is none.
  Element child(std::string_view namespace_uri, std::string_view local_name) const;
  /// The first child element with that local name in any namespace.
  Element child(std::string_view local_name) const;
  Element first_child() const;
  Element next_sibling() const;
  Element parent() const;
  std::size_t child_count() const;

  /// The text and CDATA directly inside, joined. White space alone between a tag and `<` is not kept by the parser.
  std::string text() const;
  /// The same without a copy where it is one piece, which `buffer` otherwise holds.
  std::string_view text(std::string& buffer) const;
  /// True where an immediate child is a CDATA section.
  bool has_cdata() const;

  /// The element as XML that stands alone: namespaces bound further out are declared on it.
  std::string outer_xml() const;
  /// Its children and text as XML, each child standing alone.
  std::string inner_xml() const;

  /// The URI that `prefix` is bound to at this element; nothing where it is not bound.
  std::optional<std::string_view> lookup_namespace(std::string_view prefix) const;

  /// for (xml::Element child : element.children())
  class Iterator;
  struct Children;
  Children children() const;

  /// One attribute as it is written, prefix and all.
  struct Attribute {
    std::string_view name;
    std::string_view value;
  };
  /// Calls `visit(Attribute)` for each attribute, namespace declarations included, in document order.
  template <typename Visit>
  void for_each_attribute(Visit visit) const {
    const void* at = first_attribute();
    while (at != nullptr) {
      Attribute attribute;
      at = next_attribute(at, attribute);
      visit(attribute);
    }
  }

 private:
  const void* first_attribute() const;
  static const void* next_attribute(const void* at, Attribute& attribute);

  const rapidxml::xml_node<char>* node_ = nullptr;
};

class Element::Iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = Element;
  using difference_type = std::ptrdiff_t;
  using pointer = const Element*;
  using reference = const Element&;
  Iterator() = default;
  explicit Iterator(Element at) : at_(at) {}
  const Element& operator*() const { return at_; }
  const Element* operator->() const { return &at_; }
  Iterator& operator++() {
    at_ = at_.next_sibling();
    return *this;
  }
  Iterator operator++(int) {
    Iterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Iterator& other) const = default;

 private:
  Element at_;
};

struct Element::Children {
  Element first;
  Iterator begin() const { return Iterator(first); }
  Iterator end() const { return Iterator(); }
};

inline Element::Children Element::children() const {
  return Children{first_child()};
}

}  // namespace xml
