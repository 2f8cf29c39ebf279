#include "cli/wevtutil_export.h"

#include <limits>

#include "cli/export_format.h"
#include "cli/interruption.h"
#include "cli/log_query.h"
#include "cli/progress.h"
#include "cli/wevtutil_query.h"
#include "engine/base/win32.h"
#include "engine/resources/log.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

/// How often `cl /bu` begins anew because events came in while it wrote, before it closes the log.
constexpr int kClearRounds = 3;

/// What an export has written.
struct Exported {
  std::uint64_t events = 0;
  std::uint64_t newest = 0;  ///< the highest record number
};

base::AsyncResult<Exported> write_events(Console& console, wsman::Client& client, const LogQuery& query,
                                         std::filesystem::path target, ExportOptions options, std::string log) {
  const Interruption interruption;
  ASSIGN_OR_CO_RETURN(const ExportForm form, export_form(target));
  ASSIGN_OR_CO_RETURN(const auto sink, create_export(target, form, log, options));
  Exported exported;
  Progress progress(console, "Exporting");
  std::uint64_t page = 0;
  const TakeRecord take = [&](resources::LogRecord& record) -> base::Result<bool> {
    if (record.cut) warn_of_cut(console, record);
    ++exported.events;
    ++page;
    exported.newest = std::max(exported.newest, record.record);
    RETURN_IF_ERROR(sink->add(record));
    return true;
  };
  const TakePage page_done = [&] {
    progress.add(std::exchange(page, 0));
    return !interruption.requested();
  };
  const std::string from_the_beginning;
  auto read = co_await read_events(client, query, false, from_the_beginning, std::numeric_limits<std::uint64_t>::max(), take,
                                   page_done);
  if (interruption.requested()) co_return Interruption::error();
  if (!read.ok()) co_return std::move(read).error();
  CO_RETURN_IF_ERROR(sink->finish());
  co_return exported;
}

base::AsyncResult<void> export_source(Console& console, const Arguments& arguments, LogSource& source) {
  const std::string& path = arguments.positional[0];
  auto query = co_await read_log_query(console, arguments, path, source);
  if (!query.ok()) co_return std::move(query).error();
  // A log that is missing is told before a file is made.
  if (!arguments.flag("lf")) {
    for (const std::string& name : query->paths) {
      auto known = co_await read_log_description(source.client(), name);
      if (!known.ok()) co_return std::move(known).error();
    }
  }
  ExportOptions options;
  options.overwrite = arguments.flag("ow");
  options.classic = arguments.flag("classic");
  const std::string log = query->paths.empty() ? std::string("Exported") : query->paths.front();
  auto written = co_await write_events(console, source.client(), *query, arguments.positional[1], options, log);
  if (!written.ok()) co_return std::move(written).error();
  co_return base::Result<void>{};
}

wsman::Client::Target log_target(const std::string& name) {
  wsman::Client::Target target;
  target.resource_uri = wsman::resource::kLog;
  target.selectors.push_back({"Name", name, {}});
  return target;
}

base::AsyncResult<void> clear(wsman::Client& client, std::string name, std::string backup,
                              std::optional<std::uint64_t> newest) {
  xml::Writer writer;
  writer.open("l:Clear").attribute("xmlns:l", wsman::resource::kLog);
  if (!backup.empty()) writer.leaf("l:Backup", backup);
  if (newest) writer.leaf("l:NewestRecord", std::to_string(*newest));
  auto target = log_target(name);
  std::string method(resources::kClearMethod);
  std::string body = writer.take();
  auto reply = co_await client.invoke(std::move(target), std::move(method), std::move(body));
  if (!reply.ok()) co_return std::move(reply).error();
  co_return base::Result<void>{};
}

base::AsyncResult<void> set_enabled(wsman::Client& client, std::string name, bool enabled) {
  xml::Writer writer;
  writer.open("l:Log").attribute("xmlns:l", wsman::resource::kLog).leaf("l:Enabled", enabled ? "true" : "false");
  auto target = log_target(name);
  std::string body = writer.take();
  auto reply = co_await client.put(std::move(target), std::move(body));
  if (!reply.ok()) co_return std::move(reply).error();
  co_return base::Result<void>{};
}

/// Writes all of the log and then removes just that. False where events have come in between.
base::AsyncResult<bool> back_up_and_clear(Console& console, wsman::Client& client, std::string name, std::string backup,
                                          bool overwrite) {
  LogQuery query;
  query.paths = {name};
  xml::Writer list;
  list.open("QueryList").open("Query").attribute("Id", "0").open("Select").attribute("Path", name).text("*");
  query.list = list.take();
  ExportOptions options;
  options.overwrite = overwrite;
  auto written = co_await write_events(console, client, query, backup, options, name);
  if (!written.ok()) co_return std::move(written).error();
  std::uint64_t newest = written->newest;
  if (written->events == 0) {
    auto log = co_await read_log_description(client, name);
    if (!log.ok()) co_return std::move(log).error();
    if (log->records != 0) co_return false;
    newest = log->newest_record;
  }
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::absolute(backup, ignored);
  const std::string told = ignored ? backup : whole.string();
  auto cleared = co_await clear(client, name, told, newest);
  if (cleared.ok()) co_return true;
  if (cleared.error().code == base::Win32::EvtQueryResultStale) co_return false;
  co_return std::move(cleared).error();
}

base::AsyncResult<void> clear_with_backup(Console& console, wsman::Client& client, std::string name, std::string backup) {
  auto log = co_await read_log_description(client, name);
  if (!log.ok()) co_return std::move(log).error();
  for (int round = 0; round < kClearRounds; ++round) {
    auto done = co_await back_up_and_clear(console, client, log->name, backup, round != 0);
    if (!done.ok()) co_return std::move(done).error();
    if (*done) co_return base::Result<void>{};
  }
  if (!log->enabled) co_return base::make_error(base::Win32::EvtQueryResultStale, "");
  console.err << "Note: events keep coming in. The log takes none until it is cleared; their senders offer them again.\n";
  CO_RETURN_IF_ERROR(co_await set_enabled(client, log->name, false));
  auto done = co_await back_up_and_clear(console, client, log->name, backup, true);
  auto opened = co_await set_enabled(client, log->name, true);
  if (!done.ok()) co_return std::move(done).error();
  if (!opened.ok()) co_return std::move(opened).error();
  if (!*done) co_return base::make_error(base::Win32::EvtQueryResultStale, "");
  co_return base::Result<void>{};
}

}  // namespace

base::Result<void> check_export_options(const Arguments& arguments) {
  RETURN_IF_ERROR(check_selection(arguments));
  auto form = export_form(arguments.positional[1]);
  if (!form.ok()) return {};
  if (arguments.flag("classic") && *form != ExportForm::Csv && *form != ExportForm::Text) {
    return usage("Option classic is for targets named .csv or .txt.");
  }
  return {};
}

base::AsyncResult<void> export_log(Console& console, Arguments arguments, ConnectFunction connect) {
  // Nothing is read for a target that cannot be.
  if (auto form = export_form(arguments.positional[1]); !form.ok()) co_return std::move(form).error();
  ASSIGN_OR_CO_RETURN(LogSource source, LogSource::open(console, arguments, connect, arguments.positional[0]));
  auto outcome = co_await export_source(console, arguments, source);
  co_await source.stop();
  co_return outcome;
}

base::AsyncResult<void> archive_log(Console& console, Arguments arguments, ConnectFunction connect) {
  const std::string file = arguments.positional[0];
  ASSIGN_OR_CO_RETURN(const ExportForm form, export_form(file));
  if (form != ExportForm::Mlog && form != ExportForm::Xml && form != ExportForm::Json) {
    co_return base::make_error(base::Win32::NotSupported, file + " is no log file of Muster (.mlog, .xml, .jsonl).");
  }
  arguments.add("lf", "true");
  ASSIGN_OR_CO_RETURN(LogSource source, LogSource::open(console, arguments, connect, file));
  auto query = co_await read_log_query(console, arguments, file, source);
  base::Result<void> outcome;
  if (query.ok()) {
    ExportOptions options;
    options.overwrite = true;
    options.render = true;
    const std::string log = query->paths.empty() ? std::string("Exported") : query->paths.front();
    auto written = co_await write_events(console, source.client(), *query, file, options, log);
    if (!written.ok()) outcome = std::move(written).error();
  } else {
    outcome = std::move(query).error();
  }
  co_await source.stop();
  co_return outcome;
}

base::AsyncResult<void> clear_log(Console& console, Arguments arguments, ConnectFunction connect) {
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  const std::string& name = arguments.positional[0];
  const auto backup = arguments.find("bu");
  const std::string none;
  if (!backup) co_return co_await clear(*client, name, none, std::nullopt);
  if (backup->empty()) co_return usage("Invalid value for option bu.");
  co_return co_await clear_with_backup(console, *client, name, *backup);
}

}  // namespace cli
