// wecutil: subscriptions of a collector, for administrators. Source: wecutil.

#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"
#include "cli/winrm_surroundings.h"

namespace cli {

/// The commands and options, for help and whoever else reads tables.
const ToolRow& wecutil_tool();

/// Runs the tool with what follows its name; returns the exit status. The second form is what tests give their own
/// connection and machine.
int run_wecutil(Console& console, std::vector<std::string> arguments);
int run_wecutil(Console& console, std::vector<std::string> arguments, const ConnectFunction& connect,
                WinrmSurroundings& surroundings);

}  // namespace cli
