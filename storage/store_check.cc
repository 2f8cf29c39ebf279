#include "storage/maintenance.h"
#include "storage/migrations.h"
#include "storage/store_findings.h"

namespace storage {
namespace {

// Without a catalogue: what the files say by themselves.
base::Result<CheckReport> check_files_alone(const std::filesystem::path& directory) {
  CheckReport report;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(segment_folder(directory), failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (!segment_number(entry->path().filename().string())) continue;
    ASSIGN_OR_RETURN(const auto found, check_segment_file(entry->path(), {}));
    ++report.files;
    report.blocks += found.blocks;
    report.events += found.totals.events;
    report.events_lost += found.events_lost;
    for (const auto& problem : found.problems) report.problems.push_back("segments/" + problem);
  }
  return report;
}

}  // namespace

base::Result<CheckReport> check_store(const std::filesystem::path& directory, const Progress& progress) {
  std::error_code failed;
  if (!std::filesystem::is_directory(directory, failed)) return base::make_error(Errc::NotFound, directory.string());
  ASSIGN_OR_RETURN(auto state, examine_catalogue(directory));
  const auto newest = static_cast<std::int64_t>(event_schema().steps.size());
  CheckReport report;
  if (state.version == newest) {
    ASSIGN_OR_RETURN(auto catalogue, open_still(catalogue_file(directory)));
    auto findings = examine_store(directory, *catalogue, nullptr, progress);
    if (findings.ok()) {
      report = std::move(findings->report);
    } else if (findings.error().code == Errc::TooNew) {
      return std::move(findings).error();
    } else {
      state.problems.push_back(findings.error().message());
      ASSIGN_OR_RETURN(report, check_files_alone(directory));
    }
  } else if (state.version == 0) {
    ASSIGN_OR_RETURN(report, check_files_alone(directory));
  } else {
    // One of an earlier version, whose events are rows; it is moved into files when it is opened.
    ASSIGN_OR_RETURN(auto catalogue, open_still(catalogue_file(directory)));
    const auto events = catalogue->ask("SELECT coalesce(sum(records), 0) FROM logs");
    if (events.ok()) report.events = static_cast<std::uint64_t>(*events);
  }
  report.problems.insert(report.problems.begin(), state.problems.begin(), state.problems.end());
  return report;
}

}  // namespace storage
