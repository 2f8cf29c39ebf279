// A disk below SQLite that fails when it is told to, and that knows what has really reached it.

#pragma once

#include <cstddef>
#include <filesystem>

namespace storage_test {

/// Replaces SQLite's default way to files for as long as it lives; one at a time. Thread-safe.
class FaultyDisk {
 public:
  enum class Failure { Io, NoSpace };

  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  /// The next but `passing` write, sync or truncation fails, and all after it, until heal(). NoSpace fails only writes.
  void fail_after(std::size_t passing, Failure failure);
  /// True where something has failed since fail_after().
  bool has_failed() const;
  void heal();

  /// From now on each file is copied into `folder` when it is synced, and removed there when its removal is: what a loss of
  /// power would leave if the disk wrote nothing before it had to.
  void keep_synced_copies(const std::filesystem::path& folder);
  /// Copies what keep_synced_copies() has kept so far into `folder`, as of one moment: threads of the store that sync
  /// meanwhile wait.
  void copy_synced_to(const std::filesystem::path& folder) const;
};

}  // namespace storage_test
