#include "storage/value_index.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "storage/varint.h"

namespace storage {
namespace chunk_format {

base::Error damaged() {
  return base::make_error(Errc::Corrupt, "the value index is damaged");
}

base::Result<Header> read_header(std::string_view chunk) {
  if (chunk.size() < kHeaderBytes) return damaged();
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(chunk[i])); };
  Header header;
  header.rice = byte(0);
  header.blocks = byte(1) + 1;
  header.keys = byte(2) | byte(3) << 8;
  header.first = byte(4) | byte(5) << 8 | byte(6) << 16 | byte(7) << 24;
  if (header.rice > kMaxRice || header.blocks > kBlocksPerRun || header.keys == 0) return damaged();
  return header;
}

}  // namespace chunk_format

namespace {

using chunk_format::kEscape;
using chunk_format::kHeaderBytes;

// Writes bits, from the lowest of each byte, eight bytes at a time.
class BitWriter {
 public:
  /// `bits` is at most 56.
  void put(std::uint64_t value, unsigned bits) {
    word_ |= value << held_;
    held_ += bits;
    std::memcpy(bytes_.data() + size_, &word_, sizeof word_);
    size_ += held_ >> 3;
    word_ >>= held_ & ~7u;
    held_ &= 7;
  }
  std::size_t bits() const { return size_ * 8 + held_; }
  std::string_view bytes() const { return {bytes_.data(), size_ + (held_ > 0 ? 1 : 0)}; }
  void clear() {
    size_ = 0;
    held_ = 0;
    word_ = 0;
  }

 private:
  std::array<char, kMaxChunkBytes + 64> bytes_{};
  std::size_t size_ = 0;
  std::uint64_t word_ = 0;
  unsigned held_ = 0;
};

// Packs keys into chunks.
class Packer {
 public:
  Packer(unsigned blocks, unsigned rice, ValueRun& run)
      : blocks_(blocks), block_bits_(static_cast<unsigned>(std::bit_width(blocks - 1))), rice_(rice), run_(run) {}

  void add(ValueKey key, RunBlocks blocks) {
    const std::uint64_t gap = std::uint64_t{key} - last_ - 1;
    const std::uint64_t quotient = gap >> rice_;
    const unsigned gap_bits = quotient < kEscape ? static_cast<unsigned>(quotient) + 1 + rice_ : kEscape + 32;
    const bool single = (blocks & (blocks - 1)) == 0;
    const unsigned count = single ? 1 : static_cast<unsigned>(std::popcount(blocks));
    const unsigned list_bits = 2 + block_bits_ * (1 + count);
    const unsigned mask_bits = 2 + blocks_;
    const unsigned blocks_bits = single ? 1 + block_bits_ : std::min(list_bits, mask_bits);
    if (keys_ == std::numeric_limits<std::uint16_t>::max() || bits_.bits() + gap_bits + blocks_bits > kMaxBits) end_chunk();
    if (keys_ == 0) {
      first_ = key;
    } else if (quotient < kEscape) {
      const std::uint64_t ones = (std::uint64_t{1} << quotient) - 1;
      const std::uint64_t rest = gap & ((std::uint64_t{1} << rice_) - 1);
      bits_.put(ones | rest << (quotient + 1), gap_bits);
    } else {
      bits_.put(((std::uint64_t{1} << kEscape) - 1) | gap << kEscape, gap_bits);
    }
    put_blocks(blocks, count, list_bits <= mask_bits);
    last_ = key;
    ++keys_;
  }

  void end_chunk() {
    if (keys_ == 0) return;
    std::string chunk(kHeaderBytes, '\0');
    chunk[0] = static_cast<char>(rice_);
    chunk[1] = static_cast<char>(blocks_ - 1);
    chunk[2] = static_cast<char>(keys_ & 0xff);
    chunk[3] = static_cast<char>(keys_ >> 8);
    for (unsigned i = 0; i < 4; ++i) chunk[4 + i] = static_cast<char>(first_ >> (8 * i) & 0xff);
    chunk += bits_.bytes();
    run_.chunks.push_back(std::move(chunk));
    run_.first_keys.push_back(first_);
    bits_.clear();
    keys_ = 0;
  }

 private:
  static constexpr std::size_t kMaxBits = (kMaxChunkBytes - kHeaderBytes) * 8;

  void put_blocks(RunBlocks blocks, unsigned count, bool as_list) {
    if (count == 1) {
      bits_.put(static_cast<std::uint64_t>(std::countr_zero(blocks)) << 1, 1 + block_bits_);
    } else if (as_list) {
      bits_.put(1 | std::uint64_t{count - 2} << 2, 2 + block_bits_);
      for (; blocks != 0; blocks &= blocks - 1) {
        bits_.put(static_cast<std::uint64_t>(std::countr_zero(blocks)), block_bits_);
      }
    } else {
      bits_.put(3, 2);
      bits_.put(blocks & 0xffffffffu, std::min(blocks_, 32u));
      if (blocks_ > 32) bits_.put(blocks >> 32, blocks_ - 32);
    }
  }

  const unsigned blocks_;
  const unsigned block_bits_;
  const unsigned rice_;
  ValueRun& run_;
  BitWriter bits_;
  unsigned keys_ = 0;
  ValueKey first_ = 0;
  ValueKey last_ = 0;
};

// A key above, the number of its block in the six bits below.
using Posting = std::uint64_t;
constexpr unsigned kBlockBits = 6;

// Sorts by key; postings of one key stay in their order. Their keys differ in the lower `bits` only.
void sort_by_key(std::vector<Posting>& postings, std::vector<Posting>& spare, unsigned bits) {
  spare.resize(postings.size());
  for (unsigned shift = 0; shift < bits; shift += 8) {
    std::array<std::uint32_t, 257> starts{};
    for (const auto posting : postings) ++starts[(posting >> (kBlockBits + shift) & 0xff) + 1];
    for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
    for (const auto posting : postings) spare[starts[posting >> (kBlockBits + shift) & 0xff]++] = posting;
    postings.swap(spare);
  }
}

}  // namespace

ValueRun build_run(std::span<const std::vector<ValueKey>> keys_of_blocks) {
  ValueRun run;
  std::size_t all = 0;
  for (const auto& keys : keys_of_blocks) all += keys.size();
  if (all == 0) return run;

  // The mean difference's logarithm makes the best parameter, near enough. Keys of several blocks make the true mean
  // larger; a parameter that is too small by one costs half a bit.
  const std::uint64_t mean = (std::uint64_t{1} << 32) / all;
  const unsigned rice = mean < 2 ? 0 : static_cast<unsigned>(std::bit_width(mean * 45 / 64)) - 1;
  Packer packer(static_cast<unsigned>(keys_of_blocks.size()), std::min(rice, chunk_format::kMaxRice), run);

  // Slice by slice of the keys, so that what is sorted at a time stays in the processor's cache.
  const unsigned slice_bits = 32 - std::min(12u, static_cast<unsigned>(std::bit_width(all / 4096)));
  std::vector<std::size_t> next(keys_of_blocks.size());
  std::vector<Posting> postings;
  std::vector<Posting> spare;
  for (std::uint64_t slice = 0; slice < std::uint64_t{1} << (32 - slice_bits); ++slice) {
    const std::uint64_t end = (slice + 1) << slice_bits;
    postings.clear();
    for (std::size_t block = 0; block < keys_of_blocks.size(); ++block) {
      const auto& keys = keys_of_blocks[block];
      auto& at = next[block];
      for (; at < keys.size() && keys[at] < end; ++at) postings.push_back(Posting{keys[at]} << kBlockBits | block);
    }
    sort_by_key(postings, spare, slice_bits);
    for (std::size_t i = 0; i < postings.size();) {
      const Posting key = postings[i] >> kBlockBits;
      RunBlocks blocks = 0;
      for (; i < postings.size() && postings[i] >> kBlockBits == key; ++i) {
        blocks |= RunBlocks{1} << (postings[i] & ((1u << kBlockBits) - 1));
      }
      packer.add(static_cast<ValueKey>(key), blocks);
    }
  }
  packer.end_chunk();
  return run;
}

std::string encode_directory(std::span<const ValueKey> first_keys) {
  std::string bytes;
  bytes.reserve(first_keys.size() * 4);
  for (const auto key : first_keys) {
    for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(key >> shift & 0xff);
  }
  return bytes;
}

base::Result<std::vector<ValueKey>> decode_directory(std::string_view bytes) {
  if (bytes.size() % 4 != 0) return chunk_format::damaged();
  std::vector<ValueKey> keys(bytes.size() / 4);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (unsigned k = 0; k < 4; ++k) {
      keys[i] |= static_cast<ValueKey>(static_cast<unsigned char>(bytes[4 * i + k])) << (8 * k);
    }
    if (i != 0 && keys[i] <= keys[i - 1]) return chunk_format::damaged();
  }
  return keys;
}

std::pair<std::size_t, std::size_t> chunks_for(std::span<const ValueKey> first_keys, ValueKeyRange range) {
  const auto begin = first_keys.begin();
  auto first = std::upper_bound(begin, first_keys.end(), range.first);
  if (first != begin) --first;
  const auto last = std::upper_bound(first, first_keys.end(), range.last);
  return {static_cast<std::size_t>(first - begin), static_cast<std::size_t>(last - begin)};
}

std::string encode_rising(std::span<const std::uint64_t> numbers) {
  std::string bytes;
  std::uint64_t last = 0;
  for (const auto number : numbers) append_varint(bytes, number - std::exchange(last, number));
  return bytes;
}

base::Result<std::vector<std::uint64_t>> decode_rising(std::string_view bytes, std::size_t limit) {
  std::vector<std::uint64_t> numbers;
  std::uint64_t last = 0;
  ByteReader reader(bytes);
  while (reader.left() > 0) {
    const auto difference = reader.varint(std::numeric_limits<std::uint64_t>::max() - last);
    if (!reader.ok() || numbers.size() == limit || (difference == 0 && !numbers.empty())) return chunk_format::damaged();
    last += difference;
    numbers.push_back(last);
  }
  return numbers;
}

}  // namespace storage
