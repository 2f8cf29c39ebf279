// Whether the file system has room for more events.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "storage/errc.h"

namespace storage {

/// Stops what takes events before the disk is full, so that what is needed to go on (states, retention) still works. Asks
/// the system now and then. One thread.
class FreeSpace {
 public:
  /// Bytes that are left for us in the file system of `directory`. Errors: the system's.
  using Ask = std::function<base::Result<std::uint64_t>(const std::filesystem::path& directory)>;

  /// `ask` may be empty: then it is statvfs(), and the minimum is at most a sixteenth of the file system.
  FreeSpace(std::filesystem::path directory, std::uint64_t minimum, base::Clock& clock, Ask ask);

  /// Errc::Full while less than the minimum is left. Says so in the log when that begins and when it ends. Where the system
  /// gives no answer, there is room.
  base::Result<void> check();
  /// So much has been written since the last call.
  void note(std::uint64_t bytes) { written_ += bytes; }

 private:
  std::filesystem::path directory_;
  std::uint64_t minimum_;
  base::Clock& clock_;
  Ask ask_;
  base::SteadyTime asked_ = base::SteadyTime::min();
  std::uint64_t written_ = 0;
  bool low_ = false;
};

}  // namespace storage
