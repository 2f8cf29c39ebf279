#include "events/text_search.h"

#include "engine/base/win32.h"
#include "engine/xml/document.h"
#include "events/formula_chain.h"
#include "events/skeleton_tree.h"
#include "events/text_match.h"

namespace events {
namespace {

constexpr std::size_t kMaxText = 1024;

/// How much of an element is searched.
enum class Extent : std::uint8_t {
  None,
  Texts,
  All,  ///< attributes, too
};

/// Of what is below a child of the event.
Extent extent_below(std::string_view child) {
  if (child == "EventData" || child == "UserData") return Extent::All;
  return child == "RenderingInfo" ? Extent::Texts : Extent::None;
}

/// The Name of a Data is what a value is called.
bool is_searched(std::string_view element, std::string_view attribute) {
  return attribute != "xmlns" && !attribute.starts_with("xmlns:") && !(element == "Data" && attribute == "Name");
}

bool is_provider_name(std::string_view element, std::string_view attribute) {
  return element == "Provider" && (attribute == "Name" || attribute == "EventSourceName");
}

class TreeSearch {
 public:
  explicit TreeSearch(const TextSearch& search) : search_(search) {}

  bool event(xml::Element root) const {
    for (const xml::Element child : root.children()) {
      const std::string_view name = child.local_name();
      if (name == "System" ? system(child) : below(child, extent_below(name))) return true;
    }
    return false;
  }

 private:
  bool found(std::string_view text) const {
    return search_.whole_words() ? has_word_ignoring_case(text, search_.text())
                                 : contains_ignoring_case(text, search_.text());
  }
  bool text_of(xml::Element element) const {
    std::string buffer;
    return found(element.text(buffer));
  }
  bool system(xml::Element system) const {
    for (const xml::Element child : system.children()) {
      const std::string_view name = child.local_name();
      if (name == "Computer" && text_of(child)) return true;
      bool hit = false;
      child.for_each_attribute([&](const xml::Element::Attribute& attribute) {
        hit = hit || (is_provider_name(name, attribute.name) && found(attribute.value));
      });
      if (hit) return true;
    }
    return false;
  }
  /// Depth: one level for each level of the document.
  bool below(xml::Element element, Extent extent) const {
    if (extent == Extent::None) return false;
    if (text_of(element)) return true;
    bool hit = false;
    if (extent == Extent::All) {
      element.for_each_attribute([&](const xml::Element::Attribute& attribute) {
        hit = hit || (is_searched(element.local_name(), attribute.name) && found(attribute.value));
      });
    }
    if (hit) return true;
    for (const xml::Element child : element.children()) {
      if (below(child, extent)) return true;
    }
    return false;
  }

  const TextSearch& search_;
};

class SkeletonSearch {
 public:
  SkeletonSearch(const TextSearch& search, const SkeletonTree& tree, Formula& formula)
      : search_(search), tree_(tree), formula_(formula), any_(formula, true) {}

  std::optional<std::uint32_t> event() {
    for_each_child(0, [&](std::uint32_t child) {
      const std::string_view name = tree_[child].local_name;
      name == "System" ? system(child) : below(child, extent_below(name));
    });
    return any_.finish();
  }

 private:
  template <typename Visit>
  void for_each_child(std::uint32_t element, const Visit& visit) {
    for (auto child = tree_[element].first_child; child != SkeletonTree::kNone; child = tree_[child].next_sibling)
      visit(child);
  }
  template <typename Visit>
  void for_each_attribute(const SkeletonTree::Element& element, const Visit& visit) {
    for (std::uint32_t i = 0; i < element.attribute_count; ++i) visit(tree_.attributes(element)[i]);
  }

  void value(const SkeletonTree::Value& value) {
    ValueTest test;
    test.op = search_.whole_words() ? ValueTest::Op::HasWord : ValueTest::Op::Contains;
    test.constant.text = search_.text();
    if (value.is_hole()) {
      test.hole = value.hole;
      any_.add(formula_.add_test(std::move(test)));
    } else {
      const bool hit = search_.whole_words() ? has_word_ignoring_case(value.text, search_.text())
                                             : contains_ignoring_case(value.text, search_.text());
      any_.add(formula_.add_constant(hit));
    }
  }
  void system(std::uint32_t system) {
    for_each_child(system, [&](std::uint32_t child) {
      const auto& element = tree_[child];
      if (element.local_name == "Computer") value(element.text);
      for_each_attribute(element, [&](const SkeletonTree::Attribute& attribute) {
        if (is_provider_name(element.local_name, attribute.name)) value(attribute.value);
      });
    });
  }
  void below(std::uint32_t number, Extent extent) {
    if (extent == Extent::None) return;
    const auto& element = tree_[number];
    value(element.text);
    if (extent == Extent::All) {
      for_each_attribute(element, [&](const SkeletonTree::Attribute& attribute) {
        if (is_searched(element.local_name, attribute.name)) value(attribute.value);
      });
    }
    for_each_child(number, [&](std::uint32_t child) { below(child, extent); });
  }

  const TextSearch& search_;
  const SkeletonTree& tree_;
  Formula& formula_;
  FormulaChain any_;
};

}  // namespace

base::Result<TextSearch> TextSearch::make(std::string text, bool whole_words) {
  if (text.empty() || text.size() > kMaxText) {
    return base::make_error(base::Win32::InvalidParameter,
                            "A text to search for has 1 to " + std::to_string(kMaxText) + " bytes");
  }
  TextSearch search;
  search.text_ = std::move(text);
  search.whole_words_ = whole_words;
  return search;
}

bool TextSearch::matches(const Event& event) const {
  const auto in_text = [&] {
    return whole_words_ ? has_word_ignoring_case(event.xml, text_) : contains_ignoring_case(event.xml, text_);
  };
  if (event.quality == Quality::Raw) return in_text();
  thread_local xml::Document kept;
  xml::Document own;
  xml::Document& document = event.xml.size() > (256 << 10) ? own : kept;
  if (!document.reparse(event.xml).ok()) return in_text();
  return TreeSearch(*this).event(document.root());
}

std::optional<std::uint32_t> TextSearch::bind(const Skeleton& skeleton, Formula& formula) const {
  const auto tree = SkeletonTree::make(skeleton);
  if (!tree) return std::nullopt;
  return SkeletonSearch(*this, *tree, formula).event();
}

}  // namespace events
