#include "cli/wevtutil.h"

#include <array>

#include "cli/arguments.h"
#include "cli/wevtutil_logs.h"
#include "cli/wevtutil_query.h"
#include "engine/base/win32.h"

namespace cli {
namespace {

constexpr std::string_view kJsonHelp = "Print one JSON object a line.";
constexpr OptionRow kJson{"", "json", ValueKind::Flag, "", kJsonHelp};

constexpr std::array kQueryOptions{
    OptionRow{"q", "query", ValueKind::Text, "XPATH", "Which events: XPath or a QueryList. Default: all."},
    OptionRow{"c", "count", ValueKind::Number, "N", "At most so many events. Default: all.", 1},
    OptionRow{"rd", "reversedirection", ValueKind::Boolean, "", "true: the newest events first. Default: the oldest first."},
    OptionRow{"f", "format", ValueKind::Choice, "XML|Text|RenderedXml", "How events are printed. Default: XML."},
    OptionRow{"e", "element", ValueKind::Text, "NAME",
              "A root element around the events in XML. Without it, each event is a document of its own."},
    OptionRow{
        "bm", "bookmark", ValueKind::Text, "FILE",
        "Begin behind the event that the bookmark in FILE names. A file that is missing and named by /sbm too means the "
        "oldest event."},
    OptionRow{"sbm", "savebookmark", ValueKind::Text, "FILE", "Write a bookmark of the last event printed to FILE."},
    OptionRow{"sq", "structuredquery", ValueKind::Boolean, "", "true: PATH is a file that holds a QueryList."},
    OptionRow{"lf", "logfile", ValueKind::Boolean, "", "true: PATH is a copy of a service's state directory."},
    OptionRow{"l", "locale", ValueKind::Text, "CULTURE", "Accepted for compatibility; texts are those of the events."},
    OptionRow{
        "", "json", ValueKind::Flag, "",
        "Print one JSON object a line: Log, RecordId, Received, Machine, Quality, the System fields by their XML names, "
        "EventData as a list of Name and Value, UserData, Message."},
};
constexpr std::array kListOptions{kJson};
constexpr std::array kGetOptions{
    OptionRow{"f", "format", ValueKind::Choice, "Text|XML", "How the configuration is printed. Default: Text."},
    kJson,
};
constexpr std::array kStatusOptions{
    OptionRow{"lf", "logfile", ValueKind::Boolean, "",
              "true: LOG is a copy of a service's state directory; the status is that of all its logs together."},
    kJson,
};

constexpr std::string_view kNotAvailable = "Not available in this version.";

constexpr std::array kCommands{
    CommandRow{"qe", "query-events", "PATH", 1, 1, kQueryOptions, "Reads events from a log."},
    CommandRow{"el", "enum-logs", "", 0, 0, kListOptions, "Lists the names of the logs."},
    CommandRow{"gl", "get-log", "LOG", 1, 1, kGetOptions, "Shows the configuration of a log."},
    CommandRow{"gli", "get-loginfo|get-log-info", "LOG", 1, 1, kStatusOptions,
               "Shows the status of a log. fileSize is the size of the events' text."},
    CommandRow{"sl", "set-log", "", 0, 0, {}, kNotAvailable},
    CommandRow{"ep", "enum-publishers", "", 0, 0, {}, kNotAvailable},
    CommandRow{"gp", "get-publisher", "", 0, 0, {}, kNotAvailable},
    CommandRow{"im", "install-manifest", "", 0, 0, {}, kNotAvailable},
    CommandRow{"um", "uninstall-manifest", "", 0, 0, {}, kNotAvailable},
    CommandRow{"epl", "export-log", "", 0, 0, {}, kNotAvailable},
    CommandRow{"al", "archive-log", "", 0, 0, {}, kNotAvailable},
    CommandRow{"cl", "clear-log", "", 0, 0, {}, kNotAvailable},
};
constexpr ToolRow kTool{"wevtutil", "Reads event logs.", kCommands};

/// What a command does, and what it says where it could not.
struct Action {
  base::AsyncResult<void> (*run)(Console& console, Arguments arguments, ConnectFunction connect);
  std::string failed;
};

Action action_of(const CommandRow& command, const Arguments& arguments) {
  const std::string log = arguments.positional.empty() ? "" : arguments.positional[0];
  if (command.name == "el") return {list_logs, "Failed to open channel enumeration."};
  if (command.name == "gl") return {show_log, "Failed to read configuration for log " + log + "."};
  if (command.name == "gli") return {show_log_status, "Failed to read log status information for log " + log + "."};
  return {query_events, "Failed to open event query."};
}

}  // namespace

const ToolRow& wevtutil_tool() {
  return kTool;
}

int run_wevtutil(Console& console, std::vector<std::string> words) {
  return run_wevtutil(console, std::move(words), connect_to_service);
}

int run_wevtutil(Console& console, std::vector<std::string> words, const ConnectFunction& connect) {
  if (const CommandRow* named = words.empty() ? nullptr : find_command(kTool, words.front());
      named != nullptr && named->help == kNotAvailable) {
    return print_error(console, base::make_error(base::Win32::NotSupported, "The command " + std::string(named->name) +
                                                                                " is not available in this version."));
  }
  ParsedCommand parsed = parse_command(console, kTool, words);
  if (parsed.command == nullptr) return parsed.status;
  if (parsed.command->name == "qe") {
    if (const auto checked = check_query_options(parsed.arguments); !checked.ok()) {
      return usage_error(console, kTool, checked.error());
    }
  }
  const Action action = action_of(*parsed.command, parsed.arguments);
  const auto outcome = run_blocking(action.run(console, std::move(parsed.arguments), connect));
  return outcome.ok() ? 0 : print_error(console, outcome.error(), action.failed);
}

}  // namespace cli
