// Fragment transfer: a part of a representation, named by a path, read or replaced.
//
// Source: wsman-protocol, section 6.1; DSP0226, annex D (XPath Level 1).

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wsman/envelope.h"
#include "engine/wsman/fault.h"
#include "engine/xml/element.h"

namespace wsman {

/// A path such as "Name", "/Class/Name", "Name[2]", "Name/text()", "Name/@Source" or ".". Names are case sensitive; their
/// prefixes do not count. A path that begins with a slash begins with the representation's own element, another one within
/// it. Immutable.
class FragmentPath {
 public:
  /// Faults: FragmentDialectNotSupported, with the dialects that are; InvalidFragmentPath, also for more than 16 steps.
  static Result<FragmentPath> parse(const Fragment& fragment);

  /// The selected nodes as XML, elements each standing alone; empty where the path selects nothing.
  std::string select(xml::Element representation) const;

  /// `representation` with the selected nodes replaced by what `fragment` (a w:XmlFragment) holds: elements by elements of
  /// the same name, a text or an attribute by its text. Faults: InvalidFragmentPath where the path selects nothing,
  /// InvalidFragment where what is held does not fit what is selected.
  Result<std::string> replace(xml::Element representation, xml::Element fragment) const;

 private:
  struct Step {
    std::string name;
    std::size_t index = 0;  ///< from 1 on; 0 takes all of that name
  };
  enum class End { Element, Text, Attribute };

  std::vector<xml::Element> find(xml::Element representation) const;

  bool absolute_ = false;
  std::vector<Step> steps_;
  End end_ = End::Element;
  std::string attribute_;
};

}  // namespace wsman
