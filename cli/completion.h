// Scripts for shells that complete the tools' command lines, made from the tables that parse them.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"

namespace cli {

/// The script for "bash" or "zsh"; empty for another shell. `tools` are the names behind `muster`.
std::string completion_script(std::string_view shell, const std::vector<std::string_view>& tools);

/// `muster completion SHELL`: prints the script. Returns the exit status.
int run_completion(Console& console, const std::vector<std::string>& arguments, const std::vector<std::string_view>& tools);

}  // namespace cli
