// Events into files: what `wevtutil epl` writes.

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/resources/event_logs.h"

namespace cli {

enum class ExportForm {
  Mlog,    ///< our log file
  Xml,     ///< one <Events> around the events
  Csv,     ///< Event Viewer's columns
  Text,    ///< the same between tabs
  Json,    ///< event_json(), one a line
  Sqlite,  ///< tables for any SQLite shell
};

/// The form that the file's extension names; any other one is our log file. Errors: Win32::NotSupported for .evtx and .evt,
/// which this program reads but does not write.
base::Result<ExportForm> export_form(const std::filesystem::path& file);

struct ExportOptions {
  bool overwrite = false;
  /// Csv and Text as Event Viewer writes them: no heading above the message, dates in local time, cells as they are.
  bool classic = false;
  /// RenderingInfo for events that have none: in Mlog, Xml and Json.
  bool render = false;
};

/// Writes events into a new file that takes its place when all is written. One thread. What is not finished leaves nothing
/// behind.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual base::Result<void> add(resources::LogRecord& record) = 0;
  /// Durable on return.
  virtual base::Result<void> finish() = 0;
};

/// Errors: Win32::PathNotFound, Win32::FileExists unless options.overwrite, the system's.
base::Result<std::unique_ptr<EventSink>> create_export(const std::filesystem::path& file, ExportForm form,
                                                       const std::string& log, const ExportOptions& options);

/// A cell of CSV: quoted where that is needed; with `guard` never read as a formula by a spreadsheet, whoever wrote the
/// event: an apostrophe goes before = + - @ TAB and CR.
std::string csv_cell(std::string_view text, bool guard);

}  // namespace cli
