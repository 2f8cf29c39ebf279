// What a value says that stands in XML text.

#pragma once

#include <string>
#include <string_view>

namespace events {

/// The text that a raw value (see Splitter) stands for, as xml::Document gives it for the same event: the five named
/// references and those by number are resolved, others stay; white space alone is no text in an element; line ends stay as
/// they are. `raw` itself where it needs no change, otherwise `buffer` is used. A broken reference by number, which no
/// document has, stays as it is.
std::string_view plain_text(std::string_view raw, bool is_attribute, std::string& buffer);

}  // namespace events
