#include "cli/wevtutil_logs.h"

#include <algorithm>
#include <vector>

#include "cli/json.h"
#include "cli/log_query.h"
#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "engine/resources/log.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

constexpr std::string_view kChannelNamespace = "http://schemas.microsoft.com/win/2004/08/events";
/// FILE_ATTRIBUTE_ARCHIVE, which Windows shows for every log.
constexpr unsigned kFileAttributes = 32;

using resources::LogDescription;

std::string access_of(const LogDescription& log) {
  return log.channel_access.empty() ? std::string(resources::kDefaultChannelAccess) : log.channel_access;
}

std::string_view boolean(bool value) {
  return value ? "true" : "false";
}

/// "key: value", and without the blank where there is no value.
void line(std::ostream& out, std::string_view key, std::string_view value) {
  out << key << ':' << (value.empty() ? "" : " ") << value << '\n';
}

void add_configuration(JsonObject& object, const LogDescription& log) {
  object.text("name", log.name).boolean("enabled", log.enabled).text("type", log.type);
  object.text("owningPublisher", log.owning_publisher).text("isolation", log.isolation);
  object.text("channelAccess", access_of(log)).boolean("retention", log.retention);
  object.boolean("autoBackup", log.auto_backup).number("maxSize", log.max_size);
  object.number("maxAge", static_cast<std::uint64_t>(log.max_age.count())).number("maxRecords", log.max_records);
}

void add_status(JsonObject& object, const LogDescription& log) {
  object.text("creationTime", base::format_utc(log.created, 3)).text("lastAccessTime", base::format_utc(log.last_access, 3));
  object.text("lastWriteTime", base::format_utc(log.last_write, 3)).number("fileSize", log.size);
  object.number("textSize", log.text_bytes);
  object.number("attributes", kFileAttributes).number("numberOfLogRecords", log.records);
  object.number("oldestRecordNumber", log.oldest_record).number("newestRecordNumber", log.newest_record);
  object.number("overwrittenRecords", log.overwritten).number("lostRecords", log.lost);
}

void print_configuration(std::ostream& out, const LogDescription& log) {
  line(out, "name", log.name);
  line(out, "enabled", boolean(log.enabled));
  line(out, "type", log.type);
  line(out, "owningPublisher", log.owning_publisher);
  line(out, "isolation", log.isolation);
  line(out, "channelAccess", access_of(log));
  line(out, "logging", "");
  line(out, "  logFileName", "");
  line(out, "  retention", boolean(log.retention));
  line(out, "  autoBackup", boolean(log.auto_backup));
  line(out, "  maxSize", std::to_string(log.max_size));
  // Ours: Windows has no such bounds, and prints no such lines.
  if (log.max_age.count() != 0) line(out, "  maxAge", std::to_string(log.max_age.count()));
  if (log.max_records != 0) line(out, "  maxRecords", std::to_string(log.max_records));
  line(out, "publishing", "");
  line(out, "  fileMax", "1");
}

void print_configuration_xml(std::ostream& out, const LogDescription& log) {
  const auto leaf = [&](std::string_view name, std::string_view value) {
    out << "    <" << name << '>' << xml::escaped_text(value) << "</" << name << ">\n";
  };
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<channel name=\"" << xml::escaped_attribute(log.name)
      << "\" isolation=\"" << xml::escaped_attribute(log.isolation) << "\" enabled=\"" << boolean(log.enabled)
      << "\" type=\"" << xml::escaped_attribute(log.type) << "\" owningPublisher=\""
      << xml::escaped_attribute(log.owning_publisher) << "\" access=\"" << xml::escaped_attribute(access_of(log))
      << "\" xmlns=\"" << kChannelNamespace << "\">\n  <logging>\n";
  leaf("retention", boolean(log.retention));
  leaf("autoBackup", boolean(log.auto_backup));
  leaf("maxSize", std::to_string(log.max_size));
  if (log.max_age.count() != 0) leaf("maxAge", std::to_string(log.max_age.count()));
  if (log.max_records != 0) leaf("maxRecords", std::to_string(log.max_records));
  out << "  </logging>\n  <publishing>\n    <fileMax>1</fileMax>\n  </publishing>\n</channel>\n";
}

void print_status(std::ostream& out, const LogDescription& log) {
  line(out, "creationTime", base::format_utc(log.created, 3));
  line(out, "lastAccessTime", base::format_utc(log.last_access, 3));
  line(out, "lastWriteTime", base::format_utc(log.last_write, 3));
  line(out, "fileSize", std::to_string(log.size));
  line(out, "attributes", std::to_string(kFileAttributes));
  line(out, "numberOfLogRecords", std::to_string(log.records));
  line(out, "oldestRecordNumber", std::to_string(log.oldest_record));
  // Ours: it stands there only where there is bad news.
  if (log.lost != 0) line(out, "lostRecords", std::to_string(log.lost));
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
    sum.text_bytes += log.text_bytes;
    sum.records += log.records;
    sum.overwritten += log.overwritten;
    sum.lost += log.lost;
    if (log.records != 0) {
      sum.oldest_record = sum.oldest_record == 0 ? log.oldest_record : std::min(sum.oldest_record, log.oldest_record);
    }
    sum.newest_record = std::max(sum.newest_record, log.newest_record);
  }
  return sum;
}

base::AsyncResult<LogDescription> status_of_file(LogSource& source, std::string path) {
  auto logs = co_await read_logs(source.client());
  if (!logs.ok()) co_return std::move(logs).error();
  if (logs->empty()) co_return base::make_error(base::Win32::InvalidData, path + " holds no log.");
  co_return summed(*logs);
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
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  auto log = co_await read_log_description(*client, arguments.positional[0]);
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
  const std::string& name = arguments.positional[0];
  ASSIGN_OR_CO_RETURN(LogSource source, LogSource::open(console, arguments, connect, name));
  base::Result<LogDescription> log;
  if (arguments.flag("lf")) {
    log = co_await status_of_file(source, name);
  } else {
    log = co_await read_log_description(source.client(), name);
  }
  co_await source.stop();
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
