// Log files of Windows (.evtx), through libevtx in a process of its own.

#pragma once

#include <filesystem>
#include <memory>

#include "cli/event_file.h"
#include "engine/base/result.h"

namespace cli {

/// The file is hostile and its parser is written in C: it runs in a child process that is limited in memory and may write no
/// file, and whatever becomes of it is an error here. Damaged records are counted as unreadable; what can be recovered of
/// unused room in the file follows the records. Errors: Win32::EventlogFileCorrupt.
base::Result<std::unique_ptr<EventFile>> open_evtx(const std::filesystem::path& file);

}  // namespace cli
