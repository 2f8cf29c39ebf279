#include "cli/log_query.h"

#include <algorithm>
#include <limits>

#include "engine/base/encoding.h"
#include "engine/base/file_system.h"
#include "engine/base/utf16.h"
#include "engine/base/win32.h"
#include "engine/resources/event_log.h"
#include "engine/resources/log.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"
#include "events/query.h"
#include "events/text_search.h"

namespace cli {
namespace {

constexpr std::size_t kPageItems = 500;
/// The query text's limit of the Windows API, in UTF-16.
constexpr std::size_t kMaxQueryFile = 2 << 20;

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

void copy_with_path(xml::Element element, const std::string& path, xml::Writer& writer) {
  writer.open(element.local_name());
  element.for_each_attribute([&](xml::Element::Attribute attribute) {
    if (attribute.name != "Path" && !attribute.name.starts_with("xmlns")) writer.attribute(attribute.name, attribute.value);
  });
  if (element.local_name() != "QueryList") writer.attribute("Path", path);
  if (const std::string text = element.text(); !text.empty() && !element.first_child()) writer.text(text);
  for (const xml::Element child : element.children()) copy_with_path(child, path, writer);
  writer.close();
}

/// A QueryList asked of one file: whatever its paths are ("file://…", or the log that the events came from), that is meant.
base::Result<std::string> with_path(const std::string& list, const std::string& path) {
  ASSIGN_OR_RETURN(const auto document, xml::Document::parse(list));
  xml::Writer writer;
  copy_with_path(document.root(), path, writer);
  return writer.take();
}

}  // namespace

base::Result<LogSource> LogSource::open(Console& console, const Arguments& arguments, const ConnectFunction& connect,
                                        const std::string& path) {
  LogSource source;
  if (arguments.flag("lf")) {
    ASSIGN_OR_RETURN(source.copy_, StoreCopy::open(console, path));
    source.client_ = source.copy_->client();
  } else {
    ASSIGN_OR_RETURN(source.client_, connect(arguments));
  }
  return source;
}

const std::string& LogSource::only_log() const {
  static const std::string kNone;
  return copy_ ? copy_->only_log() : kNone;
}

base::Task<void> LogSource::stop() {
  client_.reset();
  if (copy_) co_await copy_->stop();
}

base::AsyncResult<LogQuery> read_log_query(Console& console, const Arguments& arguments, const std::string& path,
                                           LogSource& source) {
  LogQuery result;
  std::string text = arguments.value_or("q", "*");
  std::vector<std::string> paths{path};
  if (arguments.flag("sq")) {
    ASSIGN_OR_CO_RETURN(const std::string file, read_text_file(path, kMaxQueryFile));
    ASSIGN_OR_CO_RETURN(text, root_of(file, path));
    paths = {""};
  } else if (text.starts_with('<')) {
    ASSIGN_OR_CO_RETURN(text, root_of(text, "the query"));
  }
  if (!source.only_log().empty()) {
    paths = {source.only_log()};
    if (text.starts_with('<')) {
      ASSIGN_OR_CO_RETURN(text, with_path(text, paths.front()));
    }
  } else if (arguments.flag("lf")) {
    auto logs = co_await read_logs(source.client());
    if (!logs.ok()) co_return std::move(logs).error();
    paths.clear();
    for (resources::LogDescription& log : *logs) paths.push_back(std::move(log.name));
  }
  if (const auto search = arguments.find("text")) {
    const auto compiled = events::TextSearch::make(*search, arguments.flag("word"));
    if (!compiled.ok()) co_return usage("Invalid value for option text.");
    result.text = search;
    result.whole_words = arguments.flag("word");
  }
  if (paths.empty()) co_return result;
  ASSIGN_OR_CO_RETURN(const events::Query query, events::Query::parse(text, paths.front()));
  for (const std::string& name : query.unknown_system_names()) {
    console.err << "Warning: no event has an element or attribute " << name
                << " in its System part; this selects nothing.\n";
  }
  result.list = text.starts_with('<') ? text : query_list(paths, text);
  result.paths = text.starts_with('<') ? query.paths() : paths;
  co_return result;
}

wsman::Client::Target target_of(const LogQuery& query, std::string_view resource) {
  wsman::Client::Target target;
  target.resource_uri = resource;
  // The path of a list that names none.
  if (!query.paths.empty()) target.options.push_back({std::string(resources::kPathOption), query.paths.front()});
  if (query.text) {
    target.options.push_back({std::string(resources::kTextOption), *query.text});
    if (query.whole_words) target.options.push_back({std::string(resources::kWholeWordsOption), "true"});
  }
  return target;
}

wsman::Filter filter_of(const LogQuery& query) {
  wsman::Filter filter;
  filter.dialect = wsman::kEventQueryDialect;
  filter.text = query.list;
  return filter;
}

base::AsyncResult<void> read_events(wsman::Client& client, const LogQuery& query, bool newest_first, std::string after,
                                    std::uint64_t limit, TakeRecord take, TakePage page_done) {
  if (query.list.empty() || limit == 0) co_return base::Result<void>{};
  wsman::Client::Target target = target_of(query, wsman::resource::kEventLog);
  if (newest_first) target.options.push_back({std::string(resources::kReverseDirectionOption), "true"});
  if (!after.empty()) target.bookmark = std::move(after);
  std::optional<base::Error> failure;
  std::function<bool(wsman::Client::Page&)> take_page = [&](wsman::Client::Page& page) {
    bool more = true;
    for (const xml::Element item : page.items) {
      auto record = resources::parse_event_item(item);
      auto taken = record.ok() ? take(*record) : base::Result<bool>(std::move(record).error());
      if (!taken.ok()) failure = std::move(taken).error();
      more = taken.ok() && *taken;
      if (!more) break;
    }
    return page_done() && more;
  };
  const auto page_items = static_cast<std::size_t>(std::min<std::uint64_t>(kPageItems, limit));
  wsman::Filter filter = filter_of(query);
  auto read = co_await client.enumerate(std::move(target), std::move(filter), page_items, std::move(take_page));
  if (failure) co_return std::move(*failure);
  co_return read;
}

base::AsyncResult<std::vector<resources::LogDescription>> read_logs(wsman::Client& client) {
  std::vector<resources::LogDescription> logs;
  std::optional<base::Error> failure;
  wsman::Client::Target target;
  target.resource_uri = wsman::resource::kLog;
  std::function<bool(wsman::Client::Page&)> take = [&](wsman::Client::Page& page) {
    for (const xml::Element item : page.items) {
      auto read = resources::read_log(item, logs.emplace_back());
      if (!read.ok()) failure = std::move(read).error();
    }
    return !failure;
  };
  auto listed = co_await client.enumerate(std::move(target), std::nullopt, kPageItems, std::move(take));
  if (failure) co_return std::move(*failure);
  if (!listed.ok()) co_return std::move(listed).error();
  co_return logs;
}

base::AsyncResult<resources::LogDescription> read_log_description(wsman::Client& client, std::string name) {
  wsman::Client::Target target;
  target.resource_uri = wsman::resource::kLog;
  target.selectors.push_back({"Name", std::move(name), {}});
  auto reply = co_await client.get(std::move(target));
  if (!reply.ok()) co_return std::move(reply).error();
  resources::LogDescription log;
  CO_RETURN_IF_ERROR(resources::read_log(reply->body(), log));
  co_return log;
}

base::Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t max_bytes) {
  ASSIGN_OR_RETURN(const std::string bytes, base::read_file(path, max_bytes));
  // A mark says more than a declaration, which may have been written for another encoding.
  for (const auto& [mark, order] : {std::pair{std::string_view("\xFF\xFE"), base::Utf16Order::LittleEndian},
                                    std::pair{std::string_view("\xFE\xFF"), base::Utf16Order::BigEndian}}) {
    if (bytes.starts_with(mark)) return base::utf16_to_utf8(std::string_view(bytes).substr(2), order).text;
  }
  wsman::Charset charset = wsman::Charset::Utf8;
  auto text = wsman::decode_text(bytes, "", charset);
  if (!text.ok()) return base::make_error(base::Win32::InvalidData, path.string() + ": " + text.error().reason);
  return std::move(*text);
}

base::Result<void> not_together(const Arguments& arguments, std::string_view left, std::string_view right) {
  const auto given = [&](std::string_view option) {
    const auto value = arguments.find(option);
    return value && *value != "false";
  };
  if (!given(left) || !given(right)) return {};
  return usage("Option " + std::string(left) + " is not allowed together with option " + std::string(right) + ".");
}

base::Result<void> check_selection(const Arguments& arguments) {
  RETURN_IF_ERROR(not_together(arguments, "q", "sq"));
  RETURN_IF_ERROR(not_together(arguments, "lf", "sq"));
  if (arguments.flag("word") && !arguments.has("text")) {
    return usage("Option word is allowed only together with option text.");
  }
  return {};
}

}  // namespace cli
