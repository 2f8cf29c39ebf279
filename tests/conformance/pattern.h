// Text with holes: what a conformance case expects, and what it has learnt so far.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace conformance {

/// What the holes named in earlier answers held.
using Names = std::map<std::string, std::string>;

/// Puts in what stands for itself: {{repeat 100 TEXT}}, {{byte 01}}, {{lf}}, {{cr}}, {{surrogate}} (a lone one; only in
/// UTF-16), and {{NAME}} for a name that is known. Other holes stay.
std::string expanded(std::string_view text, const Names& names);

/// Compares `actual` with `pattern`, whose holes are {{any}} (anything, as little as possible), {{uuid}} ("uuid:" and a GUID
/// in capitals), {{guid}}, {{number}}, and {{uuid NAME}}, which is learnt. Nothing where they agree; else what was expected
/// at the place where they first part.
std::optional<std::string> difference(std::string_view pattern, std::string_view actual, Names& names);

}  // namespace conformance
