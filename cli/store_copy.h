// Logs that are read without a service: what `wevtutil qe PATH /lf:true` opens.

#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cli/console.h"
#include "engine/base/result.h"
#include "engine/base/task.h"
#include "engine/wsman/client.h"

namespace cli {

/// The events in a file or a directory, behind an engine of its own. Call stop() before destruction.
class StoreCopy {
 public:
  /// Opens a copy of a service's state directory, a log file of ours (.mlog), or any file that EventFile reads, whose events
  /// are put into a temporary store in TMPDIR first (with progress on a terminal). Changes nothing there.
  ///
  /// Errors: Win32::PathNotFound; Win32::InvalidData where there is no log; Win32::SharingViolation while a service uses the
  /// directory; those of EventFile and of the store.
  static base::Result<std::unique_ptr<StoreCopy>> open(Console& console, const std::filesystem::path& path);
  ~StoreCopy();

  /// A client that may read everything; it is gone before the copy is.
  std::unique_ptr<wsman::Client> client();
  /// The log of a file, which has no more than one; empty for a directory.
  const std::string& only_log() const;
  base::Task<void> stop();

 private:
  struct State;
  explicit StoreCopy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Whether a file looks like a log file of ours (or any other database of SQLite).
bool is_log_file(const std::filesystem::path& file);

}  // namespace cli
