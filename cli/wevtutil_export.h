// `wevtutil epl`, `al` and `cl`

#pragma once

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"
#include "engine/base/result.h"
#include "engine/base/task.h"

namespace cli {

/// The rules between the options of epl. Errors: Win32::InvalidParameter.
base::Result<void> check_export_options(const Arguments& arguments);

base::AsyncResult<void> export_log(Console& console, Arguments arguments, ConnectFunction connect);
/// Puts RenderingInfo into an exported file, which is replaced as a whole.
base::AsyncResult<void> archive_log(Console& console, Arguments arguments, ConnectFunction connect);
/// With /bu, what is removed has been written to that file and is durable there; a log that never stands still is closed for
/// the moment that takes.
base::AsyncResult<void> clear_log(Console& console, Arguments arguments, ConnectFunction connect);

}  // namespace cli
