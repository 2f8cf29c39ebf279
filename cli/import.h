// `muster import`: events from files into a service's logs.

#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"

namespace cli {

/// The command's options, for help and whoever else reads tables.
const ToolRow& import_tool();

/// Reads each file (all that EventFile reads, and .mlog), whatever its size, and stores its events; what has been imported
/// before is a duplicate, so that a run may be repeated. Prints a line for each file. Returns the exit status: 0, 13 where
/// events could not be read, that of the last file that failed.
int run_import(Console& console, std::vector<std::string> words);
int run_import(Console& console, std::vector<std::string> words, const ConnectFunction& connect);

}  // namespace cli
