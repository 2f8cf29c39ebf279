// Any bytes as an SLDC stream: bounded, and what is compressed comes back.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/wsman/sldc.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kLimit = 100'000;
  const auto expanded = wsman::sldc_decompress(bytes, kLimit);
  if (expanded.ok() && expanded->size() > kLimit) std::abort();
  const auto back = wsman::sldc_decompress(wsman::sldc_compress(bytes), size);
  if (!back.ok() || *back != bytes) std::abort();
  return 0;
}
