#include <limits>

#include "storage/block.h"
#include "storage/varint.h"

namespace storage {
namespace {

constexpr std::uint8_t kVersion = 1;

std::uint64_t bits(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

void append_times(std::string& to, std::int64_t min, std::int64_t max) {
  append_varint(to, zigzag(bits(min)));
  append_varint(to, bits(max) - bits(min));
}

/// False where the later is the earlier.
bool read_times(ByteReader& reader, std::int64_t& min, std::int64_t& max) {
  min = static_cast<std::int64_t>(unzigzag(reader.varint()));
  max = static_cast<std::int64_t>(bits(min) + reader.varint());
  return min <= max;
}

base::Error damaged() {
  return base::make_error(Errc::Corrupt, "the summary of a block is damaged");
}

}  // namespace

std::string BlockSummary::encode() const {
  std::string bytes;
  bytes += static_cast<char>(kVersion);
  append_varint(bytes, first_record);
  append_varint(bytes, events);
  append_times(bytes, min_time, max_time);
  append_times(bytes, min_received, max_received);
  append_varint(bytes, text_bytes);
  append_varint(bytes, counts.size());
  std::uint32_t id = 0;
  std::int32_t hour = 0;
  for (const Count& count : counts) {
    append_varint(bytes, count.template_id - id);
    append_varint(bytes, zigzag(bits(std::int64_t{count.hour} - hour)));
    append_varint(bytes, count.events);
    id = count.template_id;
    hour = count.hour;
  }
  return bytes;
}

base::Result<BlockSummary> BlockSummary::decode(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.byte() != kVersion) return damaged();
  BlockSummary summary;
  // One more than any record has is behind the last of them.
  summary.first_record = reader.varint(std::numeric_limits<std::int64_t>::max() - kMaxBlockEvents);
  summary.events = static_cast<std::uint32_t>(reader.varint(kMaxBlockEvents));
  if (!read_times(reader, summary.min_time, summary.max_time) ||
      !read_times(reader, summary.min_received, summary.max_received)) {
    return damaged();
  }
  summary.text_bytes = reader.varint(kMaxBlockText + kMaxEventText);
  const std::uint64_t entries = reader.varint(kMaxBlockEvents);
  if (!reader.ok() || summary.events == 0 || entries > summary.events) return damaged();
  summary.counts.resize(static_cast<std::size_t>(entries));
  BlockSummary::Count before;
  std::uint64_t total = 0;
  for (auto& count : summary.counts) {
    const std::uint64_t id = before.template_id + reader.varint(std::numeric_limits<std::uint32_t>::max());
    const auto hour = before.hour + static_cast<std::int64_t>(unzigzag(reader.varint(std::uint64_t{1} << 33)));
    count.events = static_cast<std::uint32_t>(reader.varint(summary.events));
    const bool first = &count == summary.counts.data();
    if (!reader.ok() || id > std::numeric_limits<std::uint32_t>::max() || hour < std::numeric_limits<std::int32_t>::min() ||
        hour > std::numeric_limits<std::int32_t>::max() || count.events == 0 ||
        (!first && id == before.template_id && hour <= before.hour)) {
      return damaged();
    }
    count.template_id = static_cast<std::uint32_t>(id);
    count.hour = static_cast<std::int32_t>(hour);
    total += count.events;
    before = count;
  }
  if (!reader.done() || total != summary.events) return damaged();
  return summary;
}

}  // namespace storage
