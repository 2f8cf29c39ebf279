#include "cli/wevtutil_set.h"

#include <array>
#include <charconv>
#include <limits>

#include "cli/log_query.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

constexpr std::size_t kMaxFile = 256 << 10;

/// Elements of a Put, by name.
using Changes = std::vector<std::pair<std::string, std::string>>;

struct Setting {
  std::string_view option;   ///< of the command line
  std::string_view element;  ///< of a Put
};
constexpr std::array kSettings{
    Setting{"e", "Enabled"},  Setting{"i", "Isolation"}, Setting{"rt", "Retention"},  Setting{"ab", "AutoBackup"},
    Setting{"ms", "MaxSize"}, Setting{"ma", "MaxAge"},   Setting{"mc", "MaxRecords"}, Setting{"ca", "ChannelAccess"},
};
/// Options that are understood, and that no log here can have.
constexpr std::array<std::string_view, 4> kOthers{"fm", "lfn", "l", "k"};

Changes changes_of(const Arguments& arguments) {
  Changes changes;
  for (const Setting& setting : kSettings) {
    auto value = arguments.find(setting.option);
    if (!value) continue;
    if (setting.option == "ma") value = std::to_string(parse_span(*value).value_or(std::chrono::seconds(0)).count());
    changes.emplace_back(setting.element, std::move(*value));
  }
  return changes;
}

/// What a file written by `gl /f:XML` says, and the log's name.
base::Result<Changes> changes_of_file(const std::string& path, std::string& name) {
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMaxFile));
  auto document = xml::Document::parse(text);
  if (!document.ok()) return base::make_error(base::Win32::EvtMalformedXml, path + ": " + document.error().what);
  const xml::Element channel = document->root();
  name = channel.attribute("name").value_or("");
  if (channel.local_name() != "channel" || name.empty()) {
    return base::make_error(base::Win32::InvalidData,
                            path + " is no configuration of a log: its root is not channel with a name.");
  }
  Changes changes;
  const auto take_attribute = [&](std::string_view attribute, std::string_view element) {
    if (const auto value = channel.attribute(attribute)) changes.emplace_back(element, *value);
  };
  take_attribute("enabled", "Enabled");
  take_attribute("isolation", "Isolation");
  take_attribute("access", "ChannelAccess");
  const xml::Element logging = channel.child("logging");
  for (const auto& [child, element] :
       std::array<std::pair<std::string_view, std::string_view>, 5>{{{"retention", "Retention"},
                                                                     {"autoBackup", "AutoBackup"},
                                                                     {"maxSize", "MaxSize"},
                                                                     {"maxAge", "MaxAge"},
                                                                     {"maxRecords", "MaxRecords"}}}) {
    if (const xml::Element found = logging.child(child)) changes.emplace_back(element, found.text());
  }
  return changes;
}

}  // namespace

base::Result<void> check_set_log_options(const Arguments& arguments) {
  if (arguments.has("c")) {
    bool alone = arguments.positional.empty();
    for (const Setting& setting : kSettings) alone = alone && !arguments.has(setting.option);
    for (const std::string_view option : kOthers) alone = alone && !arguments.has(option);
    if (!alone) return usage("Option c is not allowed together with a log name or other options.");
    return {};
  }
  if (arguments.positional.empty()) return usage("Required argument(s) is/are not specified.");
  bool any = false;
  for (const Setting& setting : kSettings) any = any || arguments.has(setting.option);
  for (const std::string_view option : kOthers) any = any || arguments.has(option);
  if (!any) return usage("Required argument(s) is/are not specified.");
  if (arguments.value_or("i", "") == "Custom" && !arguments.has("ca")) {
    return usage("Option ca is required together with option i where that is custom.");
  }
  if (const auto age = arguments.find("ma"); age && !parse_span(*age)) return usage("Invalid value for option ma.");
  return {};
}

base::AsyncResult<void> set_log(Console&, Arguments arguments, ConnectFunction connect) {
  std::string name = arguments.positional.empty() ? "" : arguments.positional[0];
  Changes changes = changes_of(arguments);
  if (const auto file = arguments.find("c")) {
    ASSIGN_OR_CO_RETURN(changes, changes_of_file(*file, name));
  }
  for (const std::string_view option : {"l", "k"}) {
    if (!arguments.has(option)) continue;
    co_return usage("Option " + std::string(option) + " is for Analytic and Debug logs; " + name + " is neither.");
  }
  if (arguments.has("lfn")) {
    co_return base::make_error(base::Win32::NotSupported,
                               "Where a log lies cannot be set: it is in the service's state directory.");
  }
  if (arguments.number("fm").value_or(1) != 1) {
    co_return usage("Option fm is for Analytic and Debug logs; " + name + " is neither.");
  }
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  xml::Writer writer;
  writer.open("l:Log").attribute("xmlns:l", wsman::resource::kLog);
  for (const auto& [element, value] : changes) writer.leaf("l:" + element, value);
  wsman::Client::Target target;
  target.resource_uri = wsman::resource::kLog;
  target.selectors.push_back({"Name", std::move(name), {}});
  std::string body = writer.take();
  auto reply = co_await client->put(std::move(target), std::move(body));
  if (!reply.ok()) co_return std::move(reply).error();
  co_return base::Result<void>{};
}

std::optional<std::chrono::seconds> parse_span(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc() || number < 0 || end - at > 1) return std::nullopt;
  std::int64_t unit = 1;
  if (at != end) {
    switch (*at) {
      case 's':
        break;
      case 'm':
        unit = 60;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'd':
        unit = 86'400;
        break;
      default:
        return std::nullopt;
    }
  }
  if (number > std::numeric_limits<std::int64_t>::max() / 1'000'000'000 / unit) return std::nullopt;
  return std::chrono::seconds(number * unit);
}

}  // namespace cli
