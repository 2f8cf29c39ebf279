#include "cli/winrm.h"

#include "cli/winrm_arguments.h"
#include "cli/winrm_configsddl.h"
#include "cli/winrm_help.h"
#include "cli/winrm_operations.h"
#include "cli/winrm_quickconfig.h"
#include "cli/winrm_session.h"

namespace cli {
namespace {

int usage_failure(Console& console, const base::Error& error) {
  console.err << "Error: " << error.what << "\n\nType \"winrm -?\" for help.\n";
  return exit_status(error);
}

base::Task<int> connect_and_run(Console& console, const WinrmArguments& arguments, WinrmRequest request,
                                WinrmSurroundings& surroundings) {
  auto session = co_await open_session(console, arguments.switches, surroundings);
  if (!session.ok()) co_return print_failure(console, request.format, session.error(), {});
  co_return co_await run_operation(console, std::string(arguments.operation->name), std::move(request), **session);
}

}  // namespace

int run_winrm(Console& console, std::vector<std::string> arguments) {
  const auto surroundings = real_surroundings();
  return run_winrm(console, std::move(arguments), *surroundings);
}

int run_winrm(Console& console, std::vector<std::string> arguments, WinrmSurroundings& surroundings) {
  const auto parsed = parse_winrm_arguments(arguments);
  if (!parsed.ok()) return usage_failure(console, parsed.error());
  if (parsed->operation == nullptr) return print_winrm_help(console, parsed->topic);
  const std::string_view operation = parsed->operation->name;
  if (operation == "helpmsg") return print_message_of(console, parsed->positional.front());
  if (operation == "quickconfig") return run_blocking(run_quickconfig(console, *parsed, surroundings));
  if (operation == "configsddl") return run_blocking(run_configsddl(console, *parsed, surroundings));
  auto request = make_request(console, *parsed);
  if (!request.ok()) return usage_failure(console, request.error());
  return run_blocking(connect_and_run(console, *parsed, std::move(*request), surroundings));
}

}  // namespace cli
