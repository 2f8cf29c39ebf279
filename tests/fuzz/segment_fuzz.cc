// Any bytes as a segment file: whatever they are, they are read to the end, or refused as damaged.

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "storage/segment_check.h"
#include "storage/segment_file.h"
#include "storage/template_registry.h"

namespace {

/// The file that all inputs are written to in turn.
const std::filesystem::path& place() {
  static const struct Place {
    Place() : path(std::filesystem::temp_directory_path() / ("muster-fuzz-" + std::to_string(::getpid()) + ".mlog")) {}
    ~Place() {
      std::error_code ignored;
      std::filesystem::remove(path, ignored);
    }
    std::filesystem::path path;
  } place;
  return place.path;
}

void read_everything(storage::SegmentReader& reader) {
  const storage::TemplateRegistry templates([&](std::uint32_t id) -> base::Result<std::string> {
    ASSIGN_OR_RETURN(auto text, reader.template_text(id));
    if (!text) return base::make_error(storage::Errc::Corrupt, "no template");
    return std::move(*text);
  });
  (void)reader.template_ids();
  (void)reader.sender_ids();
  (void)reader.sender(1);
  (void)reader.indexed_through();
  std::vector<std::uint64_t> found;
  (void)reader.find({0, 0xffffffff}, found);
  (void)reader.find({0x12345678, 0x12345678}, found);
  const auto summaries = reader.summaries(0, ~std::uint64_t{0});
  if (!summaries.ok()) return;
  std::uint64_t last = 0;
  for (const auto& summary : *summaries) {
    if (summary.first_record <= last) std::abort();
    last = summary.last_record();
    (void)reader.keys(summary.first_record);
    auto block = storage::Block::open(summary, reader.frames(summary.first_record), templates);
    if (!block.ok()) continue;
    for (std::size_t row = 0; row < (*block)->rows(); ++row) (void)(*block)->xml(row);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::ofstream(place(), std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  for (const bool finished : {true, false}) {
    auto reader = storage::SegmentReader::open(place(), finished, !finished);
    if (reader.ok()) read_everything(**reader);
  }
  storage::SegmentCheck check;
  check.finished = true;
  (void)storage::check_segment_file(place(), check);
  return 0;
}
