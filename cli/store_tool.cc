#include "cli/store_tool.h"

#include <array>
#include <filesystem>

#include "cli/json.h"
#include "cli/progress.h"
#include "engine/base/clock.h"
#include "engine/base/file_system.h"
#include "engine/base/win32.h"
#include "engine/resources/store.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"
#include "storage/maintenance.h"

namespace cli {
namespace {

constexpr std::chrono::milliseconds kPoll{200};

constexpr std::array kReportOptions{OptionRow{"", "json", ValueKind::Flag, "", "Print one JSON object."}};
constexpr std::array kCommands{
    CommandRow{"check", "", "DIR", 1, 1, kReportOptions,
               "Reads all of the store in a state directory that no service uses, and says what is wrong with it.", false},
    CommandRow{"repair", "", "DIR", 1, 1, kReportOptions,
               "Makes such a store one that opens and holds every event that can be read. Damaged files are kept aside.",
               false},
    CommandRow{"backup",
               "",
               "TARGET",
               1,
               1,
               {},
               "Has a running service copy its store into TARGET, a directory that is empty or missing."},
};
constexpr ToolRow kTool{"muster store", "Checks, repairs and copies event stores.", kCommands};

std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

void print_report(Console& console, const storage::CheckReport& report, bool json) {
  if (json) {
    JsonArray problems;
    for (const std::string& problem : report.problems) problems.text(problem);
    JsonObject object;
    object.number("Files", report.files).number("Blocks", report.blocks).number("Events", report.events);
    object.number("EventsLost", report.events_lost).raw("Problems", problems.take());
    console.out << object.take() << '\n';
    return;
  }
  for (const std::string& problem : report.problems) console.out << problem << '\n';
  console.out << counted(report.files, "file", "files") << ", " << counted(report.blocks, "block", "blocks") << ", "
              << counted(report.events, "event", "events") << ", " << counted(report.problems.size(), "problem", "problems");
  if (report.events_lost != 0) console.out << ", " << counted(report.events_lost, "event", "events") << " lost";
  console.out << '\n';
}

base::Result<base::DirectoryLock> lock_store(const std::filesystem::path& directory) {
  std::error_code failure;
  if (!std::filesystem::is_directory(directory, failure)) {
    return base::make_error(base::Win32::PathNotFound, directory.string());
  }
  const bool store = std::filesystem::exists(directory / "events.db", failure) ||
                     std::filesystem::is_directory(directory / "segments", failure);
  if (!store) return base::make_error(base::Win32::InvalidData, directory.string() + " holds no event store.");
  auto lock = base::DirectoryLock::acquire(directory);
  if (!lock.ok() && lock.error().code == std::errc::device_or_resource_busy) {
    return base::make_error(base::Win32::SharingViolation, lock.error().what + "\nStop that service first.");
  }
  return lock;
}

int look_after(Console& console, const Arguments& arguments, bool repair) {
  const std::filesystem::path directory = arguments.positional[0];
  const std::string failed = "Failed to " + std::string(repair ? "repair " : "check ") + directory.string() + ".";
  const auto lock = lock_store(directory);
  if (!lock.ok()) return print_error(console, lock.error(), failed);
  base::Result<storage::CheckReport> report;
  {
    Progress line(console, repair ? "Repairing" : "Checking", "");
    const storage::Progress progress = [&line](std::uint64_t done, std::uint64_t all) { line.add(0, done, all); };
    report = repair ? storage::repair_store(directory, progress) : storage::check_store(directory, progress);
  }
  if (!report.ok()) return print_error(console, report.error(), failed);
  print_report(console, *report, arguments.flag("json"));
  const bool broken = !repair && (!report->problems.empty() || report->events_lost != 0);
  return broken ? exit_status(base::make_error(base::Win32::EventlogFileCorrupt, "")) : 0;
}

base::AsyncResult<void> back_up(Console& console, Arguments arguments, ConnectFunction connect) {
  std::error_code failure;
  const std::filesystem::path target = std::filesystem::absolute(arguments.positional[0], failure);
  if (failure) co_return base::make_error(failure, arguments.positional[0]);
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  Progress progress(console, "Copying", "");
  xml::Writer writer;
  writer.open("s:Backup").attribute("xmlns:s", wsman::resource::kStore).leaf("s:Directory", target.string());
  std::string body = writer.take();
  for (;;) {
    wsman::Client::Target resource;
    resource.resource_uri = wsman::resource::kStore;
    std::string method(resources::kBackupMethod);
    auto reply = co_await client->invoke(std::move(resource), std::move(method), body);
    if (!reply.ok()) co_return std::move(reply).error();
    // A large store takes longer than a request may: the same request asks how far it is.
    if (reply->body().is(wsman::resource::kStore, "BackupDone")) co_return base::Result<void>{};
    progress.add(0);
    co_await base::system_clock().sleep_for(kPoll);
  }
}

}  // namespace

const ToolRow& store_tool() {
  return kTool;
}

int run_store(Console& console, std::vector<std::string> words) {
  return run_store(console, std::move(words), service_connector(console));
}

int run_store(Console& console, std::vector<std::string> words, const ConnectFunction& connect) {
  ParsedCommand parsed = parse_command(console, kTool, words);
  if (parsed.command == nullptr) return parsed.status;
  if (parsed.command->name != "backup") return look_after(console, parsed.arguments, parsed.command->name == "repair");
  const std::string failed = "Failed to back up the store to " + parsed.arguments.positional[0] + ".";
  const auto outcome = run_blocking(back_up(console, std::move(parsed.arguments), connect));
  return outcome.ok() ? 0 : print_error(console, outcome.error(), failed);
}

}  // namespace cli
