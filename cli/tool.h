// The tools inside the program `muster`.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"

namespace cli {

/// A tool: `muster NAME …`, and NAME alone where the program is started by that name.
struct Tool {
  std::string_view name;
  std::string_view help;
  /// Gets what follows the name. Returns the exit status.
  int (*run)(Console& console, std::vector<std::string> arguments);
  /// True for the tools that have a link of their own.
  bool linked = false;
};

}  // namespace cli
