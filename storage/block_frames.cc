#include <algorithm>

#include "storage/block.h"
#include "storage/varint.h"

namespace storage {
namespace {

/// More than any block has.
constexpr std::uint64_t kMaxFrames = 4 * kMaxBlockEvents;

}  // namespace

std::string pack_frames(std::span<const std::string> frames) {
  std::string blob;
  std::size_t size = 4 + 4 * frames.size();
  for (const auto& frame : frames) size += frame.size();
  blob.reserve(size);
  append_varint(blob, frames.size());
  for (const auto& frame : frames) append_varint(blob, frame.size());
  for (const auto& frame : frames) blob += frame;
  return blob;
}

base::Result<std::vector<std::string>> unpack_frames(std::string_view blob) {
  ByteReader reader(blob);
  const std::uint64_t count = reader.varint(std::min<std::uint64_t>(kMaxFrames, blob.size()));
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(count));
  for (auto& size : sizes) size = reader.varint();
  std::vector<std::string> frames;
  frames.reserve(sizes.size());
  for (const auto size : sizes) frames.emplace_back(reader.bytes(size));
  if (!reader.done()) return base::make_error(Errc::Corrupt, "the frames of a block are damaged");
  return frames;
}

}  // namespace storage
