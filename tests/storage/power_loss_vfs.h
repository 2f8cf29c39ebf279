// SQLite's way to files, recorded, so that a test can lose power at any moment of it.

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/storage/recorded_disk.h"

namespace storage_test {

/// A VFS that does what the default one does, and records it for the files below a folder. What is done to names there
/// without SQLite (a file removed, or moved) is recorded with the next change that SQLite makes. Nothing is really synced,
/// anywhere. Thread-safe; must outlive all connections through it.
class PowerLossVfs {
 public:
  explicit PowerLossVfs(const std::filesystem::path& directory);
  ~PowerLossVfs();
  PowerLossVfs(const PowerLossVfs&) = delete;
  PowerLossVfs& operator=(const PowerLossVfs&) = delete;

  const std::string& name() const;
  /// How many changes there were so far: a point in time.
  std::size_t points() const;
  /// The changes so far.
  std::vector<DiskChange> changes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace storage_test
