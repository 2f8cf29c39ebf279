// The program `muster`, and by its links wevtutil, wecutil, winrm and winrs.

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iostream>

#include "cli/completion.h"
#include "cli/console.h"
#include "cli/import.h"
#include "cli/pki.h"
#include "cli/service_connection.h"
#include "cli/store_tool.h"
#include "cli/tool.h"
#include "cli/user_tool.h"
#include "cli/wecutil.h"
#include "cli/wevtutil.h"
#include "cli/winrm.h"
#include "engine/base/encoding.h"
#include "engine/base/win32.h"

namespace {

using cli::Console;

int not_available(Console& console, std::vector<std::string>) {
  return cli::print_error(console,
                          base::make_error(base::Win32::NotSupported, "This tool is not available in this version."));
}

int print_completion(Console& console, std::vector<std::string> arguments);

constexpr std::array kTools{
    cli::Tool{"wevtutil", "reads and manages event logs", cli::run_wevtutil, true},
    cli::Tool{"wecutil", "manages subscriptions", cli::run_wecutil, true},
    cli::Tool{"import", "stores the events of files", cli::run_import},
    cli::Tool{"store", "checks, repairs and copies event stores", cli::run_store},
    cli::Tool{"user", "manages the users of Basic authentication", cli::run_user},
    cli::Tool{"pki", "makes and shows certificates", cli::run_pki},
    cli::Tool{"winrm", "reads and changes the configuration of a WS-Management service", cli::run_winrm, true},
    cli::Tool{"winrs", "runs a command on another machine", not_available, true},
    cli::Tool{"doctor", "looks for what is wrong with an installation", not_available},
    cli::Tool{"completion", "prints a script for the shell that completes command lines", print_completion},
};

int print_completion(Console& console, std::vector<std::string> arguments) {
  std::vector<std::string_view> names;
  for (const cli::Tool& tool : kTools) names.push_back(tool.name);
  return cli::run_completion(console, arguments, names);
}

void print_help(Console& console) {
  console.out << "Usage: muster TOOL [ARGUMENT...]\n\nTools:\n";
  for (const cli::Tool& tool : kTools) {
    std::string name(tool.name);
    name.resize(12, ' ');
    console.out << "  " << name << tool.help << '\n';
  }
  console.out << "\n'muster TOOL /?' explains a tool. 'muster --version' prints the version.\n";
}

const cli::Tool* find_tool(std::string_view name, bool linked_only) {
  for (const cli::Tool& tool : kTools) {
    if (tool.name == name && (tool.linked || !linked_only)) return &tool;
  }
  return nullptr;
}

int run(Console& console, const std::string& program, std::vector<std::string> arguments) {
  if (const cli::Tool* tool = find_tool(program, true)) return tool->run(console, std::move(arguments));
  if (arguments.empty() || cli::asks_for_help(arguments.front())) {
    print_help(console);
    return 0;
  }
  if (arguments.front() == "--version") {
    console.out << "muster " << MUSTER_VERSION << '\n';
    return 0;
  }
  const std::string name = base::to_lower(arguments.front());
  const cli::Tool* tool = find_tool(name, false);
  if (tool == nullptr) return cli::print_error(console, cli::usage("There is no tool " + arguments.front() + "."));
  arguments.erase(arguments.begin());
  return tool->run(console, std::move(arguments));
}

}  // namespace

int main(int count, char** values) {
  // A service that goes away must not end the tool without a word; that nobody reads the output is seen when it is written.
  std::signal(SIGPIPE, SIG_IGN);
  cli::DescriptorBuffer buffer(STDOUT_FILENO);
  std::ostream out(&buffer);
  Console console{out, std::cerr, std::cin, ::isatty(STDERR_FILENO) == 1, STDOUT_FILENO};
  const std::string program = count > 0 ? std::filesystem::path(values[0]).filename().string() : "muster";
  int status = run(console, program, std::vector<std::string>(values + std::min(count, 1), values + count));
  out.flush();
  if (buffer.failure() == EPIPE) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  if (buffer.failure() != 0 && status == 0) {
    status = cli::print_error(
        console, base::make_error(std::error_code(buffer.failure(), std::generic_category()), "write to standard output"));
  }
  return status;
}
