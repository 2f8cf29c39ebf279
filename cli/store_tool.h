// `muster store`: checks, repairs and copies event stores.

#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"

namespace cli {

/// The commands and options, for help and whoever else reads tables.
const ToolRow& store_tool();

/// check DIR · repair DIR · backup TARGET. Returns the exit status: 0; 220 (1500) where a check has found something wrong.
int run_store(Console& console, std::vector<std::string> words);
int run_store(Console& console, std::vector<std::string> words, const ConnectFunction& connect);

}  // namespace cli
