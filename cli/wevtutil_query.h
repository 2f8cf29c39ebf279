// `wevtutil qe`

#pragma once

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"
#include "engine/base/result.h"
#include "engine/base/task.h"
#include "engine/resources/event_logs.h"

namespace cli {

/// The rules between the options of qe that the table cannot state. Errors: Win32::InvalidParameter.
base::Result<void> check_query_options(const Arguments& arguments);

/// Says that an event is not whole.
void warn_of_cut(Console& console, const resources::LogRecord& record);

/// Prints the events that are asked for as they come, and saves the bookmark of the last one printed.
base::AsyncResult<void> query_events(Console& console, Arguments arguments, ConnectFunction connect);

}  // namespace cli
