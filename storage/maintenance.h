// Looking after a store that no service has open: whether it is whole, and making it whole again.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace storage {

struct CheckReport {
  std::uint64_t files = 0;
  std::uint64_t blocks = 0;
  std::uint64_t events = 0;
  /// What is wrong (or was, after a repair), each a sentence that names file and block.
  std::vector<std::string> problems;
  std::uint64_t events_lost = 0;  ///< events of blocks that cannot be read
};

/// Called now and then with the bytes done and to do.
using Progress = std::function<void(std::uint64_t done, std::uint64_t all)>;

/// Reads everything in the store in `directory`: the databases' own check, each block's frames, summaries, counts, index and
/// records against the catalogue. Changes nothing; the caller holds base::DirectoryLock. Errors only where the check itself
/// cannot be done.
base::Result<CheckReport> check_store(const std::filesystem::path& directory, const Progress& progress);

/// Makes a store that opens and holds every event that can still be read: blocks that cannot be read are taken out (their
/// file is kept beside, with ".damaged" behind its name), a catalogue that is missing or damaged is made again from the
/// files; how far deliveries had come is kept where it can be read. The caller holds base::DirectoryLock.
base::Result<CheckReport> repair_store(const std::filesystem::path& directory, const Progress& progress);

}  // namespace storage
