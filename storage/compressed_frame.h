// Bytes in a zstd frame, and back.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"

struct ZSTD_CCtx_s;

namespace storage {

/// Keeps its memory from one frame to the next. One thread.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  /// A frame that says its size and ends with a checksum.
  std::string compress(std::string_view bytes, int level);

 private:
  ZSTD_CCtx_s* context_;
  std::string buffer_;
};

/// Bytes without an owner's habits: not zeroed before they are written.
struct Bytes {
  std::unique_ptr<char[]> data;
  std::size_t size = 0;
  std::string_view view() const { return {data.get(), size}; }
};

/// Errors: Errc::Corrupt, also where the frame does not say its size or that is more than `most`.
base::Result<Bytes> decompress(std::string_view frame, std::uint64_t most);

}  // namespace storage
