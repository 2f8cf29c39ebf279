// What wecutil's commands share.

#pragma once

#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/wecutil_options.h"
#include "engine/base/task.h"
#include "engine/wsman/client.h"
#include "subscriptions/subscription.h"

namespace cli {

/// One command at work.
struct WecutilRun {
  Console& console;
  const Arguments& arguments;
  wsman::Client& client;
};

/// Prints what the command was doing when it failed ("open subscription") in the words that scripts match on, "Failed to ….
/// Error = 0x….", then the system's text and what is known besides. Returns the exit status.
int fail_wecutil(Console& console, std::string_view attempted, const base::Error& error);

/// One subscription of a resource.
wsman::Client::Target subscription_target(std::string_view resource, const std::string& id);

/// Asks at the console; an empty answer is an error.
AskPassword password_prompt(Console& console);

/// Items of one page of an enumeration.
inline constexpr std::size_t kWecutilPage = 1000;

}  // namespace cli
