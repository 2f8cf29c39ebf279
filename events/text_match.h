// Whether a text stands in another, as TextSearch asks it.

#pragma once

#include <string_view>

namespace events {

/// ASCII letters compare without case. `needle` is not empty.
bool contains_ignoring_case(std::string_view text, std::string_view needle);

/// The same where no letter, digit or byte above 127 stands on either side of it.
bool has_word_ignoring_case(std::string_view text, std::string_view needle);

}  // namespace events
