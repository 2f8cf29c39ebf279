// `muster user`: who may use a service with a password.

#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"

namespace cli {

const ToolRow& user_tool();

/// `add NAME [--group NAME]...`, `password NAME`, `remove NAME`, `list [--json]`. Passwords come from the terminal, twice
/// and without an echo, else as one line of standard input.
int run_user(Console& console, std::vector<std::string> words);
int run_user(Console& console, std::vector<std::string> words, const ConnectFunction& connect);

}  // namespace cli
