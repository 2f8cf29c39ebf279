// Values that are written in just one way, so that a number can stand for the text.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace storage {

/// Decimal digits without leading zeros, below 2^64.
std::optional<std::uint64_t> parse_decimal(std::string_view text);
void append_decimal(std::string& to, std::uint64_t number);

/// "0x" and small hexadecimal digits without leading zeros, below 2^64.
std::optional<std::uint64_t> parse_hex(std::string_view text);
void append_hex(std::string& to, std::uint64_t number);

/// "YYYY-MM-DDTHH:MM:SS[.f…]Z" with up to 9 fraction digits, from 1678 to 2261. Remembers the date it has met last.
class TimeParser {
 public:
  struct Time {
    std::int64_t ns = 0;  ///< since 1970
    std::uint8_t fraction_digits = 0;
  };
  std::optional<Time> parse(std::string_view text);

 private:
  bool has_date_ = false;
  std::array<char, 11> date_{};
  std::int64_t day_ = 0;  ///< ns since 1970
};
inline constexpr std::uint8_t kMaxFractionDigits = 9;
/// Any time; digits beyond `fraction_digits` are cut.
void append_time(std::string& to, std::int64_t ns, std::uint8_t fraction_digits);

/// How GUIDs are written: one form for a column.
struct GuidForm {
  bool braces = false;
  bool capitals = false;
  std::size_t size() const { return braces ? 38 : 36; }
};
/// Reads GUIDs of one form: that of the first, and of the first letters.
class GuidParser {
 public:
  /// Appends 16 bytes to `to`, those of the text in its order; false where it is no GUID or another form.
  bool parse(std::string_view text, std::string& to);
  GuidForm form() const { return {size_ == 38, (letters_ & kCapital) != 0}; }

 private:
  static constexpr std::uint8_t kCapital = 0x10;
  static constexpr std::uint8_t kSmall = 0x20;

  std::size_t size_ = 0;
  std::uint8_t letters_ = 0;
};
/// `bytes` are 16.
void append_guid(std::string& to, const char* bytes, GuidForm form);

}  // namespace storage
