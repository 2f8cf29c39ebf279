// A tool's run with string streams.

#pragma once

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/console.h"

namespace cli {

struct ToolRun {
  int status = 0;
  std::string out;
  std::string err;
};

/// Runs `tool(console)` and keeps what it wrote.
template <typename Tool>
ToolRun run_tool(Tool tool, std::string input = {}) {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in(std::move(input));
  Console console{out, err, in};
  ToolRun result;
  result.status = tool(console);
  result.out = out.str();
  result.err = err.str();
  return result;
}

/// The event ids in the XML that was printed, in order.
inline std::string ids(const std::string& out) {
  std::string found;
  for (std::size_t at = out.find("<EventID>"); at != std::string::npos; at = out.find("<EventID>", at + 1)) {
    found += (found.empty() ? "" : " ") + out.substr(at + 9, out.find('<', at + 9) - at - 9);
  }
  return found;
}

}  // namespace cli
