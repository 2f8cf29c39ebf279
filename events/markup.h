// Where elements stand in XML text, for changes that must leave every other byte alone.

#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace events {

/// One element in a text: from its '<' to behind its last '>', and what stands between its tags.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t content_begin = 0;  ///< equals content_end where the element is written <Name/>
  std::size_t content_end = 0;
  std::string_view name;  ///< with its prefix

  std::string_view local_name() const;
  bool is_empty_tag() const { return content_begin == end; }
};

/// The next element in `xml` at or after `at` and before `limit`: comments, CDATA and text are passed over. Nothing where
/// an end tag or the limit comes first. `xml` is well-formed (an xml::Document took it); other text gives a wrong answer,
/// never a wrong access.
std::optional<Span> next_element(std::string_view xml, std::size_t at, std::size_t limit);

/// The first child of `parent` with that local name.
std::optional<Span> find_child(std::string_view xml, const Span& parent, std::string_view local_name);

}  // namespace events
