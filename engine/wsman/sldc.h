// Streaming Lossless Data Compression (ECMA-321), the Content-Encoding of event deliveries.
//
// Source: wef-wire, section 6.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include "engine/base/result.h"

namespace wsman {

enum class SldcErrc {
  Truncated = 1,  ///< the stream ends before End of record
  Invalid,        ///< a reserved symbol, or data before any Reset
  TooLarge,       ///< expands beyond the limit
};
std::error_code make_error_code(SldcErrc code);

/// True where `bytes` begin like an SLDC stream (FF A8…AF or FF B0…B7). A body may be marked as SLDC and not be it.
bool looks_like_sldc(std::string_view bytes);

/// Expands a stream up to End of record; what follows (padding, the four bytes of the length) is ignored, except that a
/// length that stands there and differs is logged at debug level. Errors: SldcErrc.
base::Result<std::string> sldc_decompress(std::string_view bytes, std::size_t max_bytes);

/// Reset 1, scheme 1, End of record, zero bits to a 32-bit boundary, and the length of `bytes` as four little-endian bytes.
std::string sldc_compress(std::string_view bytes);

}  // namespace wsman

template <>
struct std::is_error_code_enum<wsman::SldcErrc> : std::true_type {};
