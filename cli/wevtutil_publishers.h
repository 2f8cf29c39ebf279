// `wevtutil ep` and `gp`

#pragma once

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"
#include "engine/base/result.h"
#include "engine/base/task.h"

namespace cli {

base::AsyncResult<void> list_publishers(Console& console, Arguments arguments, ConnectFunction connect);
base::AsyncResult<void> show_publisher(Console& console, Arguments arguments, ConnectFunction connect);

}  // namespace cli
