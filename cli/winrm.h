// winrm: what a WS-Management service offers, its own configuration first of all. Source: cli-winrm.

#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/winrm_surroundings.h"

namespace cli {

/// Runs the tool with what follows its name; returns the exit status. The second form is what tests give their own
/// surroundings.
int run_winrm(Console& console, std::vector<std::string> arguments);
int run_winrm(Console& console, std::vector<std::string> arguments, WinrmSurroundings& surroundings);

}  // namespace cli
