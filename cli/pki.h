// `muster pki`: an authority and certificates for people who have none.

#pragma once

#include <string>
#include <vector>

#include "cli/console.h"

namespace cli {

/// init DIR [--name CN] · issue DIR HOST [--san NAME]… · show FILE. Keys are created readable by their owner only, and no
/// file is overwritten.
int run_pki(Console& console, std::vector<std::string> arguments);

}  // namespace cli
