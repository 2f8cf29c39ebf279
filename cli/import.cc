#include "cli/import.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <limits>

#include "cli/event_file.h"
#include "cli/interruption.h"
#include "cli/json.h"
#include "cli/log_query.h"
#include "cli/progress.h"
#include "engine/base/win32.h"
#include "engine/resources/log.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

/// One request: larger ones save nothing.
constexpr std::size_t kBatchBytes = 1 << 20;
constexpr std::size_t kBatchEvents = 2'000;

constexpr std::array kOptions{
    OptionRow{"", "log", ValueKind::Text, "NAME", "The log to put events into. Default: each event's own channel."},
    OptionRow{"", "json", ValueKind::Flag, "", "Print one JSON object for each file."},
};
constexpr std::array kCommands{
    CommandRow{"import", "", "FILE...", 1, std::numeric_limits<std::size_t>::max(), kOptions,
               "Stores the events of files: event XML, JSON lines, .mlog, and log files of Windows (.evtx)."},
};
constexpr ToolRow kTool{"muster", "Imports events.", kCommands};

struct Summary {
  std::uint64_t stored = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t unreadable = 0;
};

std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

std::uint64_t number_of(xml::Element element, std::string_view name) {
  const std::string text = element.child(wsman::resource::kLog, name).text();
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Sends events to one log, or to their own.
class Importer {
 public:
  Importer(wsman::Client& client, std::string log, Summary& summary)
      : client_(client), log_(std::move(log)), summary_(summary) {}

  /// Whether it is time to send().
  bool add(std::string_view event) {
    body_ += "<l:Event>";
    xml::append_cdata(body_, event);
    body_ += "</l:Event>";
    return ++events_ == kBatchEvents || body_.size() >= kBatchBytes;
  }

  base::AsyncResult<void> send() {
    if (events_ == 0) co_return base::Result<void>{};
    wsman::Client::Target target;
    target.resource_uri = wsman::resource::kLog;
    if (!log_.empty()) target.selectors.push_back({"Name", log_, {}});
    std::string body = "<l:Import xmlns:l=\"" + std::string(wsman::resource::kLog) + "\">" + body_ + "</l:Import>";
    body_.clear();
    events_ = 0;
    std::string method(resources::kImportMethod);
    auto reply = co_await client_.invoke(std::move(target), std::move(method), std::move(body));
    if (!reply.ok()) co_return std::move(reply).error();
    summary_.stored += number_of(reply->body(), "Stored");
    summary_.duplicates += number_of(reply->body(), "Duplicates");
    summary_.unreadable += number_of(reply->body(), "Unreadable");
    co_return base::Result<void>{};
  }

 private:
  wsman::Client& client_;
  std::string log_;
  Summary& summary_;
  std::string body_;
  std::size_t events_ = 0;
};

/// The file's events as texts: from a log file of ours through the engine that reads those.
base::AsyncResult<void> import_log_file(Console& console, const std::string& path, Importer& importer, Progress& progress,
                                        const Interruption& interruption) {
  Arguments arguments;
  arguments.add("lf", "true");
  ASSIGN_OR_CO_RETURN(LogSource source, LogSource::open(console, arguments, ConnectFunction(), path));
  auto query = co_await read_log_query(console, arguments, path, source);
  events::Bookmark position;
  base::Result<void> outcome;
  if (!query.ok()) outcome = std::move(query).error();
  // A page is read, then sent: a request cannot be made inside of another one.
  for (bool more = outcome.ok(); more;) {
    bool full = false;
    std::uint64_t events = 0;
    const TakeRecord take = [&](resources::LogRecord& record) -> base::Result<bool> {
      position.set(record.log, record.record);
      ++events;
      full = importer.add(record.event.xml);
      return !full;
    };
    const TakePage page_done = [] { return true; };
    const std::string after = position.entries.empty() ? std::string() : position.to_xml();
    outcome = co_await read_events(source.client(), *query, false, after, kBatchEvents, take, page_done);
    if (outcome.ok()) outcome = co_await importer.send();
    progress.add(events);
    if (interruption.requested()) outcome = Interruption::error();
    more = outcome.ok() && full;
  }
  co_await source.stop();
  co_return outcome;
}

base::AsyncResult<void> import_events(EventFile& file, Importer& importer, Progress& progress,
                                      const Interruption& interruption) {
  std::uint64_t events = 0;
  for (;;) {
    auto event = file.next();
    // What came before is kept all the same.
    const bool end = !event.ok() || !*event;
    const bool full = !end && importer.add(**event);
    if (!end) ++events;
    if (full || end) {
      CO_RETURN_IF_ERROR(co_await importer.send());
      progress.add(std::exchange(events, 0), file.done(), file.size());
    }
    if (!event.ok()) co_return std::move(event).error();
    if (interruption.requested()) co_return Interruption::error();
    if (end) co_return base::Result<void>{};
  }
}

void print_summary(Console& console, const std::string& path, const Summary& summary, bool json) {
  if (json) {
    JsonObject object;
    object.text("File", path).number("Stored", summary.stored).number("Duplicates", summary.duplicates);
    console.out << object.number("Unreadable", summary.unreadable).take() << '\n';
    return;
  }
  console.out << path << ": " << counted(summary.stored, "event", "events") << " stored, "
              << counted(summary.duplicates, "duplicate", "duplicates") << ", " << summary.unreadable << " unreadable\n";
}

/// The status for one file.
base::Task<int> import_file(Console& console, const Arguments& arguments, wsman::Client& client, std::string path) {
  const Interruption interruption;
  Summary summary;
  base::Result<void> outcome;
  {
    Progress progress(console, path);
    Importer importer(client, arguments.value_or("log", ""), summary);
    if (is_log_file(path)) {
      outcome = co_await import_log_file(console, path, importer, progress, interruption);
    } else {
      auto file = EventFile::open(path);
      if (file.ok()) {
        outcome = co_await import_events(**file, importer, progress, interruption);
        summary.unreadable += (*file)->unreadable();
      } else {
        outcome = std::move(file).error();
      }
    }
  }
  const bool nothing = summary.stored + summary.duplicates + summary.unreadable == 0;
  if (outcome.ok() || !nothing) print_summary(console, path, summary, arguments.flag("json"));
  if (!outcome.ok()) co_return print_error(console, outcome.error(), "Failed to import " + path + ".");
  co_return summary.unreadable == 0 ? 0 : static_cast<int>(base::Win32::InvalidData);
}

base::Task<int> import_files(Console& console, const Arguments& arguments, const ConnectFunction& connect) {
  auto client = connect(arguments);
  if (!client.ok()) co_return print_error(console, client.error(), "Failed to import events.");
  int status = 0;
  for (const std::string& path : arguments.positional) {
    const int one = co_await import_file(console, arguments, **client, path);
    if (one != 0) status = one;
    if (one == exit_status(Interruption::error())) break;
  }
  co_return status;
}

}  // namespace

const ToolRow& import_tool() {
  return kTool;
}

int run_import(Console& console, std::vector<std::string> words) {
  return run_import(console, std::move(words), service_connector(console));
}

int run_import(Console& console, std::vector<std::string> words, const ConnectFunction& connect) {
  if (words.empty()) words.push_back("/?");
  words.insert(words.begin(), "import");
  ParsedCommand parsed = parse_command(console, kTool, words);
  if (parsed.command == nullptr) return parsed.status;
  if (parsed.arguments.has("log") && parsed.arguments.find("log")->empty()) {
    return usage_error(console, kTool, usage("Invalid value for option log."));
  }
  return run_encoded(console, parsed.arguments,
                     [&](Console& encoded) { return run_blocking(import_files(encoded, parsed.arguments, connect)); });
}

}  // namespace cli
