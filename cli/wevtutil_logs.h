// `wevtutil el`, `gl` and `gli`

#pragma once

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"
#include "engine/base/result.h"
#include "engine/base/task.h"

namespace cli {

base::AsyncResult<void> list_logs(Console& console, Arguments arguments, ConnectFunction connect);
base::AsyncResult<void> show_log(Console& console, Arguments arguments, ConnectFunction connect);
base::AsyncResult<void> show_log_status(Console& console, Arguments arguments, ConnectFunction connect);

}  // namespace cli
