// Runs of the value index: the keys of up to kBlocksPerRun blocks, merged, sorted and packed into small chunks, so that a
// look-up reads one or two of them.
//
// Layout: docs/storage-schema.md. The bytes of a chunk are not trusted.

#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "storage/segment_file.h"
#include "storage/value_key.h"

namespace storage {

/// Blocks of a run, a bit for each.
using RunBlocks = std::uint64_t;
static_assert(kBlocksPerRun <= 64);

/// A chunk takes at most so many bytes: two rows of them fit into a page.
inline constexpr std::size_t kMaxChunkBytes = 4064;

struct ValueRun {
  std::vector<std::string> chunks;
  std::vector<ValueKey> first_keys;  ///< of each chunk
};

/// Merges the keys of blocks 0, 1, …: of each block rising and each once; at most kBlocksPerRun blocks.
ValueRun build_run(std::span<const std::vector<ValueKey>> keys_of_blocks);

/// Calls `take` for each key of the chunk within `range`, rising, with the blocks that have it. Errors: Errc::Corrupt.
template <typename Take>
base::Result<void> scan_chunk(std::string_view chunk, ValueKeyRange range, Take&& take);

/// first_keys as bytes, and back. Errors: Errc::Corrupt where they do not rise.
std::string encode_directory(std::span<const ValueKey> first_keys);
base::Result<std::vector<ValueKey>> decode_directory(std::string_view bytes);

/// Which chunks may hold keys of `range`: [first, second).
std::pair<std::size_t, std::size_t> chunks_for(std::span<const ValueKey> first_keys, ValueKeyRange range);

/// Rising numbers as varints of their differences, and back. Errors: Errc::Corrupt, also where there are more than `limit`.
std::string encode_rising(std::span<const std::uint64_t> numbers);
base::Result<std::vector<std::uint64_t>> decode_rising(std::string_view bytes, std::size_t limit);

// What scan_chunk() is made of.
namespace chunk_format {

// A chunk begins with: 1 byte Rice parameter, 1 byte number of blocks less one, 2 bytes number of keys, 4 bytes first key
// (little-endian). Then bits, from the lowest of each byte: of every key but the first how far it lies behind the one
// before, less one, and of every key its blocks.
inline constexpr std::size_t kHeaderBytes = 8;
inline constexpr unsigned kMaxRice = 31;
/// So many ones instead of a quotient: 32 bits follow.
inline constexpr unsigned kEscape = 20;

/// Reads bits; behind the end there are zeros, and overrun() is true.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes), limit_(bytes.size() * 8) {}

  /// At least 57 bits, not consumed.
  std::uint64_t peek() const {
    const std::size_t at = position_ >> 3;
    std::uint64_t word = 0;
    if (at + 8 <= bytes_.size()) {
      __builtin_memcpy(&word, bytes_.data() + at, 8);
    } else if (at < bytes_.size()) {
      __builtin_memcpy(&word, bytes_.data() + at, bytes_.size() - at);
    }
    return word >> (position_ & 7);
  }
  void skip(unsigned bits) { position_ += bits; }
  std::uint64_t take(unsigned bits) {
    const std::uint64_t value = peek() & ((std::uint64_t{1} << bits) - 1);
    position_ += bits;
    return value;
  }
  bool overrun() const { return position_ > limit_; }

 private:
  std::string_view bytes_;
  std::size_t limit_;
  std::size_t position_ = 0;
};

struct Header {
  unsigned rice = 0;
  unsigned blocks = 0;
  unsigned keys = 0;
  ValueKey first = 0;
};
base::Result<Header> read_header(std::string_view chunk);
base::Error damaged();

}  // namespace chunk_format

template <typename Take>
base::Result<void> scan_chunk(std::string_view chunk, ValueKeyRange range, Take&& take) {
  using namespace chunk_format;
  ASSIGN_OR_RETURN(const Header header, read_header(chunk));
  BitReader bits(chunk.substr(kHeaderBytes));
  const auto block_bits = static_cast<unsigned>(std::bit_width(header.blocks - 1));
  const std::uint64_t block_mask = (std::uint64_t{1} << block_bits) - 1;
  const std::uint64_t rice_mask = (std::uint64_t{1} << header.rice) - 1;
  std::uint64_t key = header.first;
  for (unsigned i = 0; i < header.keys; ++i) {
    std::uint64_t word = bits.peek();
    if (i != 0) {
      const auto quotient = static_cast<unsigned>(std::countr_one(word));
      if (quotient < kEscape) {
        const unsigned used = quotient + 1 + header.rice;
        key += (std::uint64_t{quotient} << header.rice) + (word >> (quotient + 1) & rice_mask) + 1;
        bits.skip(used);
      } else {
        bits.skip(kEscape);
        key += bits.take(32) + 1;
      }
      if (key > 0xffffffffu) return damaged();
      if (key > range.last) return {};
      word = bits.peek();
    }
    RunBlocks blocks = 0;
    if ((word & 1) == 0) {
      const auto block = static_cast<unsigned>(word >> 1 & block_mask);
      bits.skip(1 + block_bits);
      if (block >= header.blocks) return damaged();
      blocks = RunBlocks{1} << block;
    } else if ((word & 2) == 0) {
      bits.skip(2);
      const auto count = bits.take(block_bits) + 2;
      for (std::uint64_t k = 0; k < count; ++k) {
        const auto block = bits.take(block_bits);
        if (block >= header.blocks) return damaged();
        blocks |= RunBlocks{1} << block;
      }
    } else {
      bits.skip(2);
      blocks = bits.take(header.blocks < 32 ? header.blocks : 32);
      if (header.blocks > 32) blocks |= bits.take(header.blocks - 32) << 32;
    }
    if (bits.overrun()) return damaged();
    if (key >= range.first && key <= range.last) take(static_cast<ValueKey>(key), blocks);
  }
  return {};
}

}  // namespace storage
