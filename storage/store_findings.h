// What is found when everything in a store is read: what checks report, and repairs act on.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "storage/catalogue.h"
#include "storage/maintenance.h"
#include "storage/segment_check.h"

namespace storage {

/// A file in segments/, or one that should be there.
struct FoundFile {
  FileRow row;  ///< as the catalogue has it; only the name where it does not
  bool in_catalogue = false;
  bool is_there = false;
  bool is_left_over = false;  ///< of something that was never committed, or has been removed: goes at the next start
  SegmentFindings found;
};

/// A row of `tail`.
struct FoundBlock {
  std::int64_t id = 0;
  std::int64_t log = 0;
  std::uint64_t first_record = 0;
  std::uint64_t last_record = 0;
  std::uint64_t text_bytes = 0;
  std::uint64_t bytes = 0;
  bool is_sound = false;
};

/// A row of `logs`.
struct FoundLog {
  std::int64_t id = 0;
  std::string name;
  std::uint64_t records = 0;
  std::uint64_t text_bytes = 0;
  std::uint64_t next_record = 0;
};

struct StoreFindings {
  std::vector<FoundLog> logs;
  std::vector<FoundFile> files;
  std::vector<FoundBlock> tail;
  CheckReport report;
};

/// Called for each event: the name of its log, the machine that sent it (empty for this host), the event.
using VisitEvent = std::function<void(const std::string& log, const std::string& machine, const CheckedEvent& event)>;

/// Reads the whole store, whose catalogue has the newest version and can be read. `visit` may be empty. Errors: those of
/// reading the catalogue; Errc::TooNew for a file.
base::Result<StoreFindings> examine_store(const std::filesystem::path& directory, Database& catalogue,
                                          const VisitEvent& visit, const Progress& progress);

/// Whether all rows of `batches` make sense: an append that comes upon one that does not is refused.
base::Result<bool> batches_are_sound(Database& catalogue);

/// How a catalogue is: what is wrong with its pages, and its version.
struct CatalogueState {
  bool is_there = false;
  std::int64_t version = 0;  ///< 0 where it cannot be told
  std::vector<std::string> problems;
};
/// Errors: Errc::TooNew.
base::Result<CatalogueState> examine_catalogue(const std::filesystem::path& directory);

/// The catalogue, opened to be read and nothing else.
base::Result<std::unique_ptr<Database>> open_still(const std::filesystem::path& catalogue);

}  // namespace storage
