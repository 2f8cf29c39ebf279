// `wevtutil sl`

#pragma once

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"
#include "engine/base/result.h"
#include "engine/base/task.h"

namespace cli {

/// The rules between the options of sl. Errors: Win32::InvalidParameter.
base::Result<void> check_set_log_options(const Arguments& arguments);

base::AsyncResult<void> set_log(Console& console, Arguments arguments, ConnectFunction connect);

/// A span of time as the command line writes it: "90" seconds, "15m", "12h", "30d". Nothing for other text.
std::optional<std::chrono::seconds> parse_span(std::string_view text);

}  // namespace cli
