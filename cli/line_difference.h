// The difference of two texts, line by line.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// The lines that went, with '-' in front, and those that came, with '+', in the order of the texts. Shortest where the
/// changed part is of moderate size; for a very large one all of it goes and all of it comes.
std::vector<std::string> line_difference(std::string_view before, std::string_view after);

}  // namespace cli
