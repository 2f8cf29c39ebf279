#include "cli/wevtutil.h"

#include <algorithm>
#include <array>

#include "cli/arguments.h"
#include "cli/wevtutil_export.h"
#include "cli/wevtutil_logs.h"
#include "cli/wevtutil_publishers.h"
#include "cli/wevtutil_query.h"
#include "cli/wevtutil_set.h"
#include "cli/wevtutil_stats.h"
#include "engine/base/win32.h"

namespace cli {
namespace {

constexpr OptionRow kJson{"", "json", ValueKind::Flag, "", "Print one JSON object a line."};
constexpr OptionRow kQuery{"q", "query", ValueKind::Text, "XPATH", "Which events: XPath or a QueryList. Default: all."};
constexpr OptionRow kStructured{"sq", "structuredquery", ValueKind::Boolean, "",
                                "true: PATH is a file that holds a QueryList."};
constexpr OptionRow kLogFile{
    "lf", "logfile", ValueKind::Boolean, "",
    "true: PATH is a log file (.mlog), a copy of a service's state directory, a file of event XML or JSON lines, or a log "
    "file of Windows (.evtx)."};
constexpr OptionRow kText{"", "text", ValueKind::Text, "TEXT",
                          "Only events with this text in their data or message. ASCII letters compare without case."};
constexpr OptionRow kWord{"", "word", ValueKind::Flag, "", "The text stands as words of its own."};
constexpr OptionRow kLocale{"l", "locale", ValueKind::Text, "CULTURE",
                            "Accepted for compatibility; texts are those of the events, or in English."};

constexpr std::array kQueryOptions{
    kQuery,
    OptionRow{"c", "count", ValueKind::Number, "N", "At most so many events. Default: all.", 1},
    OptionRow{"rd", "reversedirection", ValueKind::Boolean, "", "true: the newest events first. Default: the oldest first."},
    OptionRow{"f", "format", ValueKind::Choice, "XML|Text|RenderedXml",
              "How events are printed. Default: XML. For JSON see --json."},
    OptionRow{"e", "element", ValueKind::Text, "NAME",
              "A root element around the events in XML. Without it, each event is a document of its own."},
    OptionRow{
        "bm", "bookmark", ValueKind::Text, "FILE",
        "Begin behind the event that the bookmark in FILE names. A file that is missing and named by /sbm too means the "
        "oldest event."},
    OptionRow{"sbm", "savebookmark", ValueKind::Text, "FILE", "Write a bookmark of the last event printed to FILE."},
    kStructured,
    kLogFile,
    kLocale,
    kText,
    kWord,
    OptionRow{"", "follow", ValueKind::Flag, "",
              "Print events as they come, from now or from the bookmark of /bm on, until Ctrl-C or the count of /c."},
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
constexpr std::array kSetOptions{
    OptionRow{"e", "enabled", ValueKind::Boolean, "", "Whether the log takes events."},
    OptionRow{"q", "quiet", ValueKind::Boolean, "", "Accepted for compatibility; nothing is ever asked."},
    OptionRow{"fm", "filemax", ValueKind::Number, "N", "1: other numbers are for Analytic and Debug logs.", 1, 16},
    OptionRow{"i", "isolation", ValueKind::Choice, "System|Application|Custom", "Kept and shown. Custom needs /ca."},
    OptionRow{"lfn", "logfilename", ValueKind::Text, "PATH", "Not supported: logs lie in the service's state directory."},
    OptionRow{"rt", "retention", ValueKind::Boolean, "",
              "true: a full log keeps its events and refuses new ones. false: the oldest go."},
    OptionRow{"ab", "autobackup", ValueKind::Boolean, "",
              "true: a full log is kept aside and a new one begun. Needs /rt:true."},
    OptionRow{"ms", "maxsize", ValueKind::Number, "BYTES", "Size on disk, 1048576 at least; a multiple of 65536 is taken."},
    OptionRow{"ma", "maxage", ValueKind::Text, "TIME",
              "Events received longer ago than this go: 90d, 12h, 15m, seconds; 0 keeps them."},
    OptionRow{"mc", "maxcount", ValueKind::Number, "N", "How many events the log keeps; 0 is no limit."},
    OptionRow{"l", "level", ValueKind::Number, "N", "For Analytic and Debug logs, which there are none of."},
    OptionRow{"k", "keywords", ValueKind::Text, "MASK", "For Analytic and Debug logs, which there are none of."},
    OptionRow{"ca", "channelaccess", ValueKind::Text, "SDDL",
              "A security descriptor: who may read (0x1), fill and configure (0x2), and empty (0x4) the log."},
    OptionRow{"c", "config", ValueKind::Text, "FILE",
              "All of this, and the log's name, from a file as gl /f:XML prints it."},
};
constexpr std::array kStatusOptions{
    OptionRow{"lf", "logfile", ValueKind::Boolean, "",
              "true: LOG is a file or a copy of a state directory; the status is that of all its logs together."},
    kJson,
};
constexpr std::array kPublisherOptions{
    OptionRow{"ge", "getevents", ValueKind::Boolean, "", "true: list the provider's kinds of events too."},
    OptionRow{"gm", "getmessage", ValueKind::Boolean, "", "true: the texts of messages rather than their numbers."},
    OptionRow{"f", "format", ValueKind::Choice, "Text|XML", "How the provider is printed. Default: Text."},
    kJson,
};
constexpr std::array kExportOptions{
    kQuery,
    kStructured,
    kLogFile,
    OptionRow{"ow", "overwrite", ValueKind::Boolean, "",
              "true: a TARGET that is there is replaced. Default: it is an error."},
    kText,
    kWord,
    OptionRow{"", "classic", ValueKind::Flag, "",
              "CSV and text as Event Viewer writes them: local dates, no heading above the message, cells as they are."},
};
constexpr std::array kArchiveOptions{kLocale};
constexpr std::array kClearOptions{
    OptionRow{"bu", "backup", ValueKind::Text, "FILE",
              "Write the events to FILE first, as epl does; only what is safely there is removed."},
};
constexpr std::array kStatsOptions{
    kQuery,
    kStructured,
    kLogFile,
    OptionRow{"", "by", ValueKind::Text, "KEY,KEY",
              "level, provider, eventid, task, opcode, keywords, channel, computer, user, log, machine. Default: level."},
    OptionRow{"", "bucket", ValueKind::Text, "TIME", "Count each 15m, 1h, 1d, ... of the events' own time (UTC) apart."},
    OptionRow{"c", "count", ValueKind::Number, "N", "Only the N most frequent rows, of each bucket.", 1},
    kText,
    kWord,
    kJson,
};

constexpr std::string_view kNotAvailable = "Not supported: providers here need no manifest.";

constexpr std::array kCommands{
    CommandRow{"el", "enum-logs", "", 0, 0, kListOptions, "Lists the names of the logs."},
    CommandRow{"gl", "get-log", "LOG", 1, 1, kGetOptions, "Shows the configuration of a log."},
    CommandRow{"sl", "set-log", "[LOG]", 0, 1, kSetOptions, "Changes the configuration of a log."},
    CommandRow{"ep", "enum-publishers", "", 0, 0, kListOptions, "Lists the providers of events."},
    CommandRow{"gp", "get-publisher", "PROVIDER", 1, 1, kPublisherOptions,
               "Shows what is known of a provider: by a table, or from the events that are held."},
    CommandRow{"im", "install-manifest", "", 0, 0, {}, kNotAvailable},
    CommandRow{"um", "uninstall-manifest", "", 0, 0, {}, kNotAvailable},
    CommandRow{"qe", "query-events", "PATH", 1, 1, kQueryOptions, "Reads events from a log."},
    CommandRow{"gli", "get-loginfo|get-log-info", "LOG", 1, 1, kStatusOptions,
               "Shows the status of a log. fileSize is its size on disk."},
    CommandRow{"epl", "export-log", "PATH TARGET", 2, 2, kExportOptions,
               "Writes events to a file: a log file (.mlog), .xml, .csv, .txt, .jsonl or .sqlite, by its extension."},
    CommandRow{"al", "archive-log", "FILE", 1, 1, kArchiveOptions,
               "Puts the texts of messages, levels and tasks into an exported file.", false},
    CommandRow{"cl", "clear-log", "LOG", 1, 1, kClearOptions, "Removes the events of a log."},
    CommandRow{"stats", "statistics", "PATH", 1, 1, kStatsOptions, "Counts events (not in Windows' tool)."},
};
constexpr ToolRow kTool{"wevtutil", "Reads and manages event logs.", kCommands};

/// What a command does, what is checked before, and what it says where it could not.
struct Action {
  std::string_view command;
  base::AsyncResult<void> (*run)(Console& console, Arguments arguments, ConnectFunction connect);
  base::Result<void> (*check)(const Arguments& arguments);
  std::string_view failed;  ///< with % for the first argument
};

constexpr std::array kActions{
    Action{"el", list_logs, nullptr, "Failed to open channel enumeration."},
    Action{"gl", show_log, nullptr, "Failed to read configuration for log %."},
    Action{"sl", set_log, check_set_log_options, "Failed to save configuration or activate log %."},
    Action{"ep", list_publishers, nullptr, "Failed to open publisher enumeration."},
    Action{"gp", show_publisher, nullptr, "Failed to open metadata for publisher %."},
    Action{"qe", query_events, check_query_options, "Failed to open event query."},
    Action{"gli", show_log_status, nullptr, "Failed to read log status information for log %."},
    Action{"epl", export_log, check_export_options, "Failed to export log %."},
    Action{"al", archive_log, nullptr, "Failed to archive log %."},
    Action{"cl", clear_log, nullptr, "Failed to clear log %."},
    Action{"stats", show_statistics, check_stats_options, "Failed to count events."},
};

std::string failed_text(std::string_view text, const Arguments& arguments) {
  std::string failed(text);
  std::string name = arguments.positional.empty() ? arguments.value_or("c", "") : arguments.positional[0];
  if (const auto hole = failed.find('%'); hole != std::string::npos) failed.replace(hole, 1, name);
  return failed;
}

int run_action(Console& console, const CommandRow& command, Arguments arguments, const ConnectFunction& connect) {
  const auto action = std::find_if(kActions.begin(), kActions.end(),
                                   [&](const Action& candidate) { return candidate.command == command.name; });
  if (action->check != nullptr) {
    if (const auto checked = action->check(arguments); !checked.ok()) return usage_error(console, kTool, checked.error());
  }
  const std::string failed = failed_text(action->failed, arguments);
  const bool remote = arguments.has("r");
  auto outcome = run_blocking(action->run(console, std::move(arguments), connect));
  if (outcome.ok()) return 0;
  base::Error error = std::move(outcome).error();
  // What Windows' tool says where the service of its own machine is not there. Source: wevtutil, section 6.
  if (!remote && error.code == base::Win32::ServerUnavailable) error.code = base::Win32::UnknownInterface;
  return print_error(console, error, failed);
}

}  // namespace

const ToolRow& wevtutil_tool() {
  return kTool;
}

int run_wevtutil(Console& console, std::vector<std::string> words) {
  return run_wevtutil(console, std::move(words), service_connector(console));
}

int run_wevtutil(Console& console, std::vector<std::string> words, const ConnectFunction& connect) {
  if (const CommandRow* named = words.empty() ? nullptr : find_command(kTool, words.front());
      named != nullptr && named->help == kNotAvailable) {
    return print_error(console, base::make_error(base::Win32::NotSupported,
                                                 "The command " + std::string(named->name) +
                                                     " is not supported: providers here need no manifest. What is known of "
                                                     "one, 'wevtutil gp' shows."));
  }
  ParsedCommand parsed = parse_command(console, kTool, words);
  if (parsed.command == nullptr) return parsed.status;
  return run_encoded(console, parsed.arguments,
                     [&](Console& encoded) { return run_action(encoded, *parsed.command, parsed.arguments, connect); });
}

}  // namespace cli
