// Whether a segment file is what it should be, and writing down again what of it can be read.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "storage/block_check.h"
#include "storage/catalogue.h"
#include "storage/segment_file.h"

namespace storage {

struct SegmentFindings {
  bool is_segment = false;  ///< it opens, and is one of ours
  SegmentInfo info;
  std::vector<std::uint64_t> readable;  ///< first records of the blocks whose events can be read, rising
  FileRow totals;                       ///< of the readable blocks; without number, log and name
  std::uint64_t blocks = 0;             ///< also those that cannot be read
  std::uint64_t events_lost = 0;        ///< in blocks that cannot be read
  bool is_indexed = false;              ///< all blocks are in runs, as a finished file's are
  bool is_damaged = false;              ///< to be written again, apart from what the catalogue says of it
  std::vector<std::string> problems;
};

/// How to look at it.
struct SegmentCheck {
  bool finished = false;
  std::uint64_t last_record = std::numeric_limits<std::int64_t>::max();  ///< what lies behind does not count
  const TemplateSource* more_templates = nullptr;  ///< asked for those that the file lacks; may be null
  BlockChecker::Visit visit;
  std::function<void(double part)> progress;
};

/// Reads everything in the file, which nobody has open. Changes nothing. Errors: Errc::TooNew; else what is wrong is in the
/// findings.
base::Result<SegmentFindings> check_segment_file(const std::filesystem::path& file, const SegmentCheck& check);

/// Writes the blocks that `findings` calls readable into `to`, a new file, and finishes it. Errors: those of Database.
base::Result<void> salvage_segment(const std::filesystem::path& file, const SegmentFindings& findings,
                                   const SegmentCheck& check, const std::filesystem::path& to);

}  // namespace storage
