// Any bytes as UTF-16 in both orders, and as UTF-8: what comes out is valid, and comes back as it was.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/base/utf16.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto order : {base::Utf16Order::LittleEndian, base::Utf16Order::BigEndian}) {
    const base::DecodedText decoded = base::utf16_to_utf8(bytes, order);
    if (!base::is_valid_utf8(decoded.text)) std::abort();
    const std::string encoded = base::utf8_to_utf16le_with_mark(decoded.text);
    if (order == base::Utf16Order::LittleEndian && decoded.replaced == 0 && encoded.substr(2) != bytes) std::abort();
    if (base::utf16_to_utf8(std::string_view(encoded).substr(2), base::Utf16Order::LittleEndian).text != decoded.text) {
      std::abort();
    }
  }
  base::DecodedText repaired = base::repaired_utf8(bytes);
  if (!base::is_valid_utf8(repaired.text)) std::abort();
  if ((repaired.replaced == 0) != base::is_valid_utf8(bytes)) std::abort();
  if (base::utf8_to_utf16le_with_mark(repaired.text).size() != 2 + 2 * base::utf16_length(repaired.text)) std::abort();
  base::replace_forbidden_xml_characters(repaired.text);
  if (!base::is_valid_utf8(repaired.text) || base::replace_forbidden_xml_characters(repaired.text) != 0) std::abort();
  return 0;
}
