#include "storage/compressed_frame.h"

#include <zstd.h>

#include "engine/base/die.h"
#include "storage/errc.h"

namespace storage {
namespace {

struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

Compressor::Compressor() : context_(ZSTD_createCCtx()) {
  if (context_ == nullptr || ZSTD_isError(ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1))) {
    base::die("no memory for a compressor");
  }
}

Compressor::~Compressor() {
  ZSTD_freeCCtx(context_);
}

std::string Compressor::compress(std::string_view bytes, int level) {
  ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
  const std::size_t bound = ZSTD_compressBound(bytes.size());
  if (buffer_.size() < bound) buffer_.resize(bound);
  const std::size_t size = ZSTD_compress2(context_, buffer_.data(), buffer_.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(size)) base::die(ZSTD_getErrorName(size));
  return buffer_.substr(0, size);
}

base::Result<Bytes> decompress(std::string_view frame, std::uint64_t most) {
  const auto size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  // The two error codes are larger than any size.
  if (size > most) return base::make_error(Errc::Corrupt, "a frame of a block is no frame, or too large");
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context(ZSTD_createDCtx());
  Bytes bytes;
  bytes.size = static_cast<std::size_t>(size);
  bytes.data = std::make_unique_for_overwrite<char[]>(bytes.size);
  const std::size_t written = ZSTD_decompressDCtx(context.get(), bytes.data.get(), bytes.size, frame.data(), frame.size());
  if (ZSTD_isError(written) || written != bytes.size) {
    return base::make_error(Errc::Corrupt, "a frame of a block is damaged");
  }
  return bytes;
}

}  // namespace storage
