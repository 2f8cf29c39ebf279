// The exports that are databases.

#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cli/export_format.h"
#include "engine/base/result.h"

namespace cli {

/// A log file of ours, for create_export(): `log` is the name that it is given.
base::Result<std::unique_ptr<EventSink>> create_mlog(const std::filesystem::path& file, const std::string& log,
                                                     const ExportOptions& options);
/// Tables for any SQLite shell.
base::Result<std::unique_ptr<EventSink>> create_sqlite(const std::filesystem::path& file, const ExportOptions& options);

}  // namespace cli
