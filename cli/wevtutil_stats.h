// `wevtutil stats`: how many events there are of what. Windows has no such command.

#pragma once

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"
#include "engine/base/result.h"
#include "engine/base/task.h"

namespace cli {

/// Errors: Win32::InvalidParameter for a key or a bucket that there is not.
base::Result<void> check_stats_options(const Arguments& arguments);

base::AsyncResult<void> show_statistics(Console& console, Arguments arguments, ConnectFunction connect);

}  // namespace cli
