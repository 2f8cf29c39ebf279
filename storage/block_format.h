// What writer and reader of a block have in common: docs/storage-format.md.

#pragma once

#include <cstdint>

#include "storage/block.h"

namespace storage {

/// First byte of the rows' frame.
inline constexpr std::uint8_t kBlockVersion = 1;

/// Columns are put into one frame until they have this many bytes: enough to compress well, and little to open for the sake
/// of one column.
inline constexpr std::size_t kFrameBytes = 64u << 10;

/// Bytes that any frame of a block can have at most, uncompressed. The values of an event take less room in their columns
/// than twice that of its text, whatever they are.
inline std::uint64_t most_frame_bytes(const BlockSummary& summary) {
  return 2 * summary.text_bytes + 64 * std::uint64_t{summary.events} + (64u << 10);
}

}  // namespace storage
