// Files, written so that a crash leaves the old or the new content and never a half.

#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace base {

/// The whole file, at most `max_bytes` (else std::errc::file_too_large).
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes = 64 << 20);

/// Replaces the file durably: temporary file beside it, fsync, rename, fsync of the folder. `mode` is the new file's.
Result<void> replace_file(const std::filesystem::path& path, std::string_view content, mode_t mode = 0644);

/// Creates the file with `mode`; std::errc::file_exists if there is one.
Result<void> create_file(const std::filesystem::path& path, std::string_view content, mode_t mode = 0600);

/// Makes the folder and its parents, each new one with `mode`.
Result<void> make_directories(const std::filesystem::path& path, mode_t mode = 0750);

/// The exclusive claim of one process on a state directory, given up when it is destroyed or the process ends.
class DirectoryLock {
 public:
  /// Locks `directory`/lock. std::errc::device_or_resource_busy, with the holder's process id in the text, if another has
  /// it.
  static Result<DirectoryLock> acquire(const std::filesystem::path& directory);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace base
