#include "cli/wevtutil_logs.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "cli/json.h"
#include "cli/store_copy.h"
#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "engine/resources/log.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

constexpr std::size_t kPageItems = 500;
constexpr std::string_view kChannelNamespace = "http://schemas.microsoft.com/win/2004/08/events";
/// Who may do what with a log today: the system and administrators, everything.
constexpr std::string_view kAccess = "O:BAG:SYD:(A;;0xf0007;;;SY)(A;;0x7;;;BA)";
constexpr std::string_view kIsolation = "Application";
/// FILE_ATTRIBUTE_ARCHIVE, which Windows shows for every log.
constexpr unsigned kFileAttributes = 32;

using resources::LogDescription;

std::string_view boolean(bool value) {
  return value ? "true" : "false";
}

/// "key: value", and without the blank where there is no value.
void line(std::ostream& out, std::string_view key, std::string_view value) {
  out << key << ':' << (value.empty() ? "" : " ") << value << '\n';
}

base::AsyncResult<std::vector<LogDescription>> read_logs(wsman::Client& client) {
  std::vector<LogDescription> logs;
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

base::AsyncResult<LogDescription> read_one(wsman::Client& client, std::string name) {
  wsman::Client::Target target;
  target.resource_uri = wsman::resource::kLog;
  target.selectors.push_back({"Name", std::move(name), {}});
  auto reply = co_await client.get(std::move(target));
  if (!reply.ok()) co_return std::move(reply).error();
  LogDescription log;
  CO_RETURN_IF_ERROR(resources::read_log(reply->body(), log));
  co_return log;
}

void add_configuration(JsonObject& object, const LogDescription& log) {
  object.text("name", log.name).boolean("enabled", log.enabled).text("type", log.type);
  object.text("owningPublisher", log.owning_publisher).boolean("retention", log.retention);
  object.boolean("autoBackup", log.auto_backup).number("maxSize", log.max_size);
}

void add_status(JsonObject& object, const LogDescription& log) {
  object.text("creationTime", base::format_utc(log.created, 3)).text("lastAccessTime", base::format_utc(log.last_access, 3));
  object.text("lastWriteTime", base::format_utc(log.last_write, 3)).number("fileSize", log.size);
  object.number("attributes", kFileAttributes).number("numberOfLogRecords", log.records);
  object.number("oldestRecordNumber", log.oldest_record).number("newestRecordNumber", log.newest_record);
  object.number("overwrittenRecords", log.overwritten);
}

void print_configuration(std::ostream& out, const LogDescription& log) {
  line(out, "name", log.name);
  line(out, "enabled", boolean(log.enabled));
  line(out, "type", log.type);
  line(out, "owningPublisher", log.owning_publisher);
  line(out, "isolation", kIsolation);
  line(out, "channelAccess", kAccess);
  line(out, "logging", "");
  line(out, "  logFileName", "");
  line(out, "  retention", boolean(log.retention));
  line(out, "  autoBackup", boolean(log.auto_backup));
  line(out, "  maxSize", std::to_string(log.max_size));
  line(out, "publishing", "");
  line(out, "  fileMax", "1");
}

void print_configuration_xml(std::ostream& out, const LogDescription& log) {
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<channel name=\"" << xml::escaped_attribute(log.name)
      << "\" isolation=\"" << kIsolation << "\" enabled=\"" << boolean(log.enabled) << "\" type=\""
      << xml::escaped_attribute(log.type) << "\" owningPublisher=\"" << xml::escaped_attribute(log.owning_publisher)
      << "\" xmlns=\"" << kChannelNamespace << "\">\n  <logging>\n    <retention>" << boolean(log.retention)
      << "</retention>\n    <autoBackup>" << boolean(log.auto_backup) << "</autoBackup>\n    <maxSize>" << log.max_size
      << "</maxSize>\n  </logging>\n  <publishing>\n  </publishing>\n</channel>\n";
}

void print_status(std::ostream& out, const LogDescription& log) {
  line(out, "creationTime", base::format_utc(log.created, 3));
  line(out, "lastAccessTime", base::format_utc(log.last_access, 3));
  line(out, "lastWriteTime", base::format_utc(log.last_write, 3));
  line(out, "fileSize", std::to_string(log.size));
  line(out, "attributes", std::to_string(kFileAttributes));
  line(out, "numberOfLogRecords", std::to_string(log.records));
  line(out, "oldestRecordNumber", std::to_string(log.oldest_record));
}

/// All logs of a store as if they were one.
LogDescription summed(const std::vector<LogDescription>& logs) {
  LogDescription sum = logs.front();
  for (std::size_t i = 1; i < logs.size(); ++i) {
    const LogDescription& log = logs[i];
    sum.created = std::min(sum.created, log.created);
    sum.last_access = std::max(sum.last_access, log.last_access);
    sum.last_write = std::max(sum.last_write, log.last_write);
    sum.size += log.size;
    sum.records += log.records;
    sum.overwritten += log.overwritten;
    if (log.records != 0) {
      sum.oldest_record = sum.oldest_record == 0 ? log.oldest_record : std::min(sum.oldest_record, log.oldest_record);
    }
    sum.newest_record = std::max(sum.newest_record, log.newest_record);
  }
  return sum;
}

base::AsyncResult<LogDescription> read_copy_status(std::filesystem::path directory) {
  ASSIGN_OR_CO_RETURN(const auto copy, StoreCopy::open(directory));
  auto client = copy->client();
  auto logs = co_await read_logs(*client);
  client.reset();
  co_await copy->stop();
  if (!logs.ok()) co_return std::move(logs).error();
  if (logs->empty()) co_return base::make_error(base::Win32::InvalidData, directory.string() + " holds no log.");
  co_return summed(*logs);
}

base::AsyncResult<LogDescription> read_from_service(const Arguments& arguments, const ConnectFunction& connect) {
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  co_return co_await read_one(*client, arguments.positional[0]);
}

}  // namespace

base::AsyncResult<void> list_logs(Console& console, Arguments arguments, ConnectFunction connect) {
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  auto logs = co_await read_logs(*client);
  if (!logs.ok()) co_return std::move(logs).error();
  for (const LogDescription& log : *logs) {
    if (!arguments.flag("json")) {
      console.out << log.name << '\n';
      continue;
    }
    JsonObject object;
    add_configuration(object, log);
    add_status(object, log);
    console.out << object.take() << '\n';
  }
  co_return base::Result<void>{};
}

base::AsyncResult<void> show_log(Console& console, Arguments arguments, ConnectFunction connect) {
  auto log = co_await read_from_service(arguments, connect);
  if (!log.ok()) co_return std::move(log).error();
  if (arguments.flag("json")) {
    JsonObject object;
    add_configuration(object, *log);
    console.out << object.take() << '\n';
  } else if (arguments.value_or("f", "Text") == "XML") {
    print_configuration_xml(console.out, *log);
  } else {
    print_configuration(console.out, *log);
  }
  co_return base::Result<void>{};
}

base::AsyncResult<void> show_log_status(Console& console, Arguments arguments, ConnectFunction connect) {
  base::Result<LogDescription> log;
  if (arguments.flag("lf")) {
    log = co_await read_copy_status(arguments.positional[0]);
  } else {
    log = co_await read_from_service(arguments, connect);
  }
  if (!log.ok()) co_return std::move(log).error();
  if (arguments.flag("json")) {
    JsonObject object;
    object.text("name", arguments.flag("lf") ? arguments.positional[0] : log->name);
    add_status(object, *log);
    console.out << object.take() << '\n';
  } else {
    print_status(console.out, *log);
  }
  co_return base::Result<void>{};
}

}  // namespace cli
