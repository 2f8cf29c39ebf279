// Text that XML 1.0 can hold.

#pragma once

#include <string>
#include <string_view>

namespace events {

/// Whether XML can hold `text` as it is: valid UTF-8 without forbidden characters.
bool is_clean(std::string_view text);

/// `text` with U+FFFD in the place of what is not UTF-8 and of each forbidden character.
std::string clean(std::string_view text);

}  // namespace events
