#include "cli/wevtutil_query.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>

#include "cli/event_output.h"
#include "cli/store_copy.h"
#include "engine/base/file_system.h"
#include "engine/base/win32.h"
#include "engine/resources/event_log.h"
#include "engine/resources/log.h"
#include "engine/wsman/envelope.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"
#include "events/bookmark.h"
#include "events/query.h"

namespace cli {
namespace {

constexpr std::size_t kPageItems = 500;
/// The query text's limit of the Windows API, in UTF-16.
constexpr std::size_t kMaxQueryFile = 2 << 20;
constexpr std::size_t kMaxBookmarkFile = 256 << 10;

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

/// A text file as UTF-8; Windows' tools write theirs in UTF-16 with its mark.
base::Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t max_bytes) {
  ASSIGN_OR_RETURN(const std::string bytes, base::read_file(path, max_bytes));
  wsman::Charset charset = wsman::Charset::Utf8;
  auto text = wsman::decode_text(bytes, "", charset);
  if (!text.ok()) return base::make_error(base::Win32::InvalidData, path.string() + ": " + text.error().reason);
  return std::move(*text);
}

/// The root element's XML alone: no declaration, comment or mark in front of it.
base::Result<std::string> root_of(const std::string& text, const std::string& where) {
  auto document = xml::Document::parse(text);
  if (!document.ok()) return base::make_error(base::Win32::EvtMalformedXml, where + ": " + document.error().what);
  return document->root().outer_xml();
}

std::string query_list(const std::vector<std::string>& paths, const std::string& xpath) {
  xml::Writer writer;
  writer.open("QueryList").open("Query").attribute("Id", "0");
  for (const std::string& path : paths) writer.open("Select").attribute("Path", path).text(xpath).close();
  return writer.take();
}

base::AsyncResult<std::vector<std::string>> log_names(wsman::Client& client) {
  std::vector<std::string> names;
  std::optional<base::Error> failure;
  wsman::Client::Target target;
  target.resource_uri = wsman::resource::kLog;
  std::function<bool(wsman::Client::Page&)> take = [&](wsman::Client::Page& page) {
    for (const xml::Element item : page.items) {
      resources::LogDescription log;
      if (auto read = resources::read_log(item, log); !read.ok()) failure = std::move(read).error();
      names.push_back(std::move(log.name));
    }
    return !failure;
  };
  auto listed = co_await client.enumerate(std::move(target), std::nullopt, kPageItems, std::move(take));
  if (failure) co_return std::move(*failure);
  if (!listed.ok()) co_return std::move(listed).error();
  co_return names;
}

/// The query as one QueryList, compiled once here so that mistakes are told with their position and without a service.
base::AsyncResult<std::string> read_query(Console& console, const Arguments& arguments, wsman::Client& client) {
  const std::string& argument = arguments.positional[0];
  std::string text = arguments.value_or("q", "*");
  std::vector<std::string> paths{argument};
  if (arguments.flag("sq")) {
    ASSIGN_OR_CO_RETURN(const std::string file, read_text_file(argument, kMaxQueryFile));
    ASSIGN_OR_CO_RETURN(text, root_of(file, argument));
    paths = {""};
  } else if (text.starts_with('<')) {
    ASSIGN_OR_CO_RETURN(text, root_of(text, "the query"));
  }
  if (arguments.flag("lf")) {
    auto names = co_await log_names(client);
    if (!names.ok()) co_return std::move(names).error();
    paths = std::move(*names);
    if (paths.empty()) co_return std::string();
  }
  ASSIGN_OR_CO_RETURN(const events::Query query, events::Query::parse(text, paths.front()));
  for (const std::string& name : query.unknown_system_names()) {
    console.err << "Warning: no event has an element or attribute " << name
                << " in its System part; this selects nothing.\n";
  }
  co_return text.starts_with('<') ? text : query_list(paths, text);
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
  EventPrinter printer;
  std::uint64_t remaining;
  events::Bookmark bookmark;
  bool moved = false;
  std::optional<base::Error> failure;
};

/// False where no further page is wanted.
bool print_page(Console& console, Reading& reading, const wsman::Client::Page& page) {
  for (const xml::Element item : page.items) {
    if (reading.remaining == 0) return false;
    auto record = resources::parse_event_item(item);
    if (!record.ok()) {
      reading.failure = std::move(record).error();
      return false;
    }
    --reading.remaining;
    reading.bookmark.set(record->log, record->record);
    reading.moved = true;
    if (record->cut) {
      console.err << "Warning: event " << record->record << " of " << record->log
                  << " is larger than the service's MaxEnvelopeSizekb allows; only its System part is shown.\n";
    }
    reading.printer.print(std::move(*record));
  }
  console.out.flush();
  return reading.remaining != 0 && console.out.good();
}

base::AsyncResult<void> query_with(Console& console, const Arguments& arguments, wsman::Client& client) {
  auto text = co_await read_query(console, arguments, client);
  if (!text.ok()) co_return std::move(text).error();
  ASSIGN_OR_CO_RETURN(events::Bookmark bookmark, read_bookmark(arguments));
  Reading reading{EventPrinter(console.out, format_of(arguments), arguments.value_or("e", "")),
                  arguments.number("c").value_or(std::numeric_limits<std::uint64_t>::max()), std::move(bookmark)};
  const std::size_t page_items = static_cast<std::size_t>(std::min<std::uint64_t>(kPageItems, reading.remaining));

  wsman::Client::Target target;
  target.resource_uri = wsman::resource::kEventLog;
  if (!arguments.flag("sq")) target.options.push_back({std::string(resources::kPathOption), arguments.positional[0]});
  if (arguments.flag("rd")) target.options.push_back({std::string(resources::kReverseDirectionOption), "true"});
  if (!reading.bookmark.entries.empty()) target.bookmark = reading.bookmark.to_xml();
  wsman::Filter filter;
  filter.dialect = wsman::kEventQueryDialect;
  filter.text = std::move(*text);

  reading.printer.begin();
  if (!filter.text.empty()) {
    std::function<bool(wsman::Client::Page&)> take = [&](wsman::Client::Page& page) {
      return print_page(console, reading, page);
    };
    auto read = co_await client.enumerate(std::move(target), std::move(filter), page_items, std::move(take));
    if (reading.failure) co_return std::move(*reading.failure);
    if (!read.ok()) co_return std::move(read).error();
  }
  reading.printer.end();
  console.out.flush();
  // What nobody has got to see is read again next time.
  const auto file = arguments.find("sbm");
  if (file && reading.moved && console.out.good()) {
    CO_RETURN_IF_ERROR(base::replace_file(*file, reading.bookmark.to_xml() + "\n"));
  }
  co_return base::Result<void>{};
}

}  // namespace

base::Result<void> check_query_options(const Arguments& arguments) {
  const auto together = [&](std::string_view a, std::string_view b) -> base::Result<void> {
    const auto given = [&](std::string_view option) {
      return arguments.has(option) &&
             (option == "q" || option == "f" || option == "bm" || option == "sbm" || arguments.flag(option));
    };
    if (!given(a) || !given(b)) return {};
    return usage("Option " + std::string(a) + " is not allowed together with option " + std::string(b) + ".");
  };
  RETURN_IF_ERROR(together("q", "sq"));
  RETURN_IF_ERROR(together("lf", "sq"));
  RETURN_IF_ERROR(together("json", "f"));
  RETURN_IF_ERROR(together("bm", "lf"));
  RETURN_IF_ERROR(together("sbm", "lf"));
  if (arguments.has("sbm") && arguments.flag("rd")) {
    return usage(
        "Option sbm is not allowed together with option rd: the last event printed would be the oldest one, and the next "
        "run "
        "would print again what came before it.");
  }
  const auto root = arguments.find("e");
  if (root && !is_element_name(*root)) return usage("Invalid value for option e.");
  return {};
}

base::AsyncResult<void> query_events(Console& console, Arguments arguments, ConnectFunction connect) {
  if (!arguments.flag("lf")) {
    ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
    co_return co_await query_with(console, arguments, *client);
  }
  ASSIGN_OR_CO_RETURN(const auto copy, StoreCopy::open(arguments.positional[0]));
  auto client = copy->client();
  auto outcome = co_await query_with(console, arguments, *client);
  client.reset();
  co_await copy->stop();
  co_return outcome;
}

}  // namespace cli
