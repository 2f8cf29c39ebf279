#include "cli/wevtutil_query.h"

#include <poll.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <limits>

#include "cli/event_output.h"
#include "cli/interruption.h"
#include "cli/log_query.h"
#include "engine/base/clock.h"
#include "engine/base/file_system.h"
#include "engine/base/win32.h"
#include "events/bookmark.h"

namespace cli {
namespace {

constexpr std::size_t kMaxBookmarkFile = 256 << 10;
/// How often a tail looks again, and how soon it notices that it is to end.
constexpr std::chrono::milliseconds kFollowPoll{300};
constexpr std::chrono::milliseconds kFollowStep{100};

EventFormat format_of(const Arguments& arguments) {
  if (arguments.flag("json")) return EventFormat::Json;
  const std::string format = arguments.value_or("f", "XML");
  if (format == "Text") return EventFormat::Text;
  return format == "RenderedXml" ? EventFormat::RenderedXml : EventFormat::Xml;
}

/// What an XML element may be called, as far as ASCII goes.
bool is_element_name(const std::string& name) {
  const auto begins = [](unsigned char c) { return std::isalpha(c) != 0 || c == '_' || c >= 0x80; };
  const auto goes_on = [&](unsigned char c) { return begins(c) || std::isdigit(c) != 0 || c == '-' || c == '.'; };
  return !name.empty() && begins(static_cast<unsigned char>(name.front())) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return goes_on(static_cast<unsigned char>(c)); });
}

/// The bookmark to begin behind. A file that /sbm is yet to make is one of a poll that begins now.
base::Result<events::Bookmark> read_bookmark(const Arguments& arguments) {
  const auto file = arguments.find("bm");
  if (!file) return events::Bookmark{};
  std::error_code ignored;
  if (arguments.find("sbm") == file && !std::filesystem::exists(*file, ignored)) return events::Bookmark{};
  ASSIGN_OR_RETURN(const std::string text, read_text_file(*file, kMaxBookmarkFile));
  auto bookmark = events::Bookmark::parse(text);
  if (!bookmark.ok()) return base::with_context(std::move(bookmark).error(), *file);
  return bookmark;
}

/// Everything that one run of qe goes on with from page to page.
struct Reading {
  Console& console;
  EventPrinter printer;
  std::uint64_t remaining;
  events::Bookmark bookmark;
  bool moved = false;

  /// False where no further event is wanted.
  base::Result<bool> take(resources::LogRecord& record) {
    --remaining;
    bookmark.set(record.log, record.record);
    moved = true;
    if (record.cut) warn_of_cut(console, record);
    printer.print(std::move(record));
    return remaining != 0;
  }
};

/// Keeps what has been printed. What nobody has got to see is read again next time.
base::Result<void> save_bookmark(const Arguments& arguments, Reading& reading) {
  const auto file = arguments.find("sbm");
  if (!file || !reading.moved || !reading.console.out.good()) return {};
  reading.moved = false;
  return base::replace_file(*file, reading.bookmark.to_xml() + "\n");
}

/// Whether whoever read the output has gone, which a pipe tells only when something is written.
bool is_abandoned(const Console& console) {
  if (!console.out.good()) return true;
  pollfd output{console.out_descriptor, 0, 0};
  return console.out_descriptor >= 0 && ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

/// Where a tail without a bookmark begins: behind what there is now.
base::AsyncResult<events::Bookmark> newest_of(wsman::Client& client, const LogQuery& query) {
  events::Bookmark bookmark;
  for (const std::string& path : query.paths) {
    auto log = co_await read_log_description(client, path);
    if (!log.ok()) co_return std::move(log).error();
    if (log->newest_record != 0) bookmark.set(log->name, log->newest_record);
  }
  co_return bookmark;
}

/// Prints events as they come until it is told to end, or enough have come.
base::AsyncResult<void> follow(const Arguments& arguments, wsman::Client& client, const LogQuery& query, Reading& reading) {
  const Interruption interruption;
  if (!arguments.has("bm")) {
    auto newest = co_await newest_of(client, query);
    if (!newest.ok()) co_return std::move(newest).error();
    reading.bookmark = std::move(*newest);
  }
  const auto goes_on = [&] { return !interruption.requested() && !is_abandoned(reading.console) && reading.remaining != 0; };
  const TakeRecord take = [&reading](resources::LogRecord& record) { return reading.take(record); };
  const TakePage page_done = [&] {
    reading.console.out.flush();
    return goes_on();
  };
  while (goes_on()) {
    std::string after = reading.bookmark.entries.empty() ? std::string() : reading.bookmark.to_xml();
    auto read = co_await read_events(client, query, false, std::move(after), reading.remaining, take, page_done);
    CO_RETURN_IF_ERROR(save_bookmark(arguments, reading));
    if (!read.ok()) co_return std::move(read).error();
    for (auto waited = kFollowPoll - kFollowPoll; waited < kFollowPoll && goes_on(); waited += kFollowStep) {
      co_await base::system_clock().sleep_for(kFollowStep);
    }
  }
  co_return base::Result<void>{};
}

base::AsyncResult<void> query_source(Console& console, const Arguments& arguments, LogSource& source) {
  const std::string& path = arguments.positional[0];
  auto query = co_await read_log_query(console, arguments, path, source);
  if (!query.ok()) co_return std::move(query).error();
  ASSIGN_OR_CO_RETURN(events::Bookmark bookmark, read_bookmark(arguments));
  Reading reading{console, EventPrinter(console.out, format_of(arguments), arguments.value_or("e", "")),
                  arguments.number("c").value_or(std::numeric_limits<std::uint64_t>::max()), std::move(bookmark)};
  reading.printer.begin();
  if (arguments.flag("follow")) {
    auto followed = co_await follow(arguments, source.client(), *query, reading);
    reading.printer.end();
    console.out.flush();
    co_return followed;
  }
  const TakeRecord take = [&reading](resources::LogRecord& record) { return reading.take(record); };
  const TakePage page_done = [&console] {
    console.out.flush();
    return console.out.good();
  };
  std::string after = reading.bookmark.entries.empty() ? std::string() : reading.bookmark.to_xml();
  auto read = co_await read_events(source.client(), *query, arguments.flag("rd"), std::move(after), reading.remaining, take,
                                   page_done);
  if (!read.ok()) co_return std::move(read).error();
  reading.printer.end();
  console.out.flush();
  co_return save_bookmark(arguments, reading);
}

}  // namespace

void warn_of_cut(Console& console, const resources::LogRecord& record) {
  console.err << "Warning: event " << record.record << " of " << record.log
              << " is larger than the service's MaxEnvelopeSizekb allows; only its System part is shown.\n";
}

base::Result<void> check_query_options(const Arguments& arguments) {
  RETURN_IF_ERROR(check_selection(arguments));
  if (arguments.has("json") && arguments.has("f")) {
    RETURN_IF_ERROR(not_together(arguments, "json", "f"));
  }
  RETURN_IF_ERROR(not_together(arguments, "bm", "lf"));
  RETURN_IF_ERROR(not_together(arguments, "sbm", "lf"));
  RETURN_IF_ERROR(not_together(arguments, "follow", "lf"));
  RETURN_IF_ERROR(not_together(arguments, "follow", "rd"));
  if (arguments.has("sbm") && arguments.flag("rd")) {
    return usage(
        "Option sbm is not allowed together with option rd: the last event printed would be the oldest one, and the next "
        "run would print again what came before it.");
  }
  const auto root = arguments.find("e");
  if (root && !is_element_name(*root)) return usage("Invalid value for option e.");
  return {};
}

base::AsyncResult<void> query_events(Console& console, Arguments arguments, ConnectFunction connect) {
  ASSIGN_OR_CO_RETURN(LogSource source, LogSource::open(console, arguments, connect, arguments.positional[0]));
  auto outcome = co_await query_source(console, arguments, source);
  co_await source.stop();
  co_return outcome;
}

}  // namespace cli
