// `wevtutil`: reads event logs.
//
// Source: wevtutil (command reference).

#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"

namespace cli {

/// The commands and options, for help and whoever else reads tables.
const ToolRow& wevtutil_tool();

/// qe, el, gl, gli; the other commands of Windows' tool are known and say that they are not available. Returns the exit
/// status. The second form is what tests give their own connection.
int run_wevtutil(Console& console, std::vector<std::string> words);
int run_wevtutil(Console& console, std::vector<std::string> words, const ConnectFunction& connect);

}  // namespace cli
