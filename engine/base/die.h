// The end of the process when an invariant is broken.

#pragma once

#include <source_location>
#include <string_view>

namespace base {

/// Writes `what` and the place to standard error and aborts. For bugs only: bad input and failing systems get an Error.
[[noreturn]] void die(std::string_view what, std::source_location where = std::source_location::current());

}  // namespace base
