// What the error codes of WS-Management (0x80338000 and above) mean, in our words: the one table of them.

#pragma once

#include <cstdint>
#include <string_view>

namespace base {

/// The text of a WS-Management code; empty where the number is none. win32_category() gives the same texts.
/// Source: wsman-error-codes.
std::string_view wsman_text(std::uint32_t number);

}  // namespace base
