#include "storage/canonical.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

namespace storage {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::array<std::int64_t, 10> kPowers = {1,       10,        100,        1'000,       10'000,
                                                  100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

constexpr std::uint8_t kNoDigit = 0xff;
constexpr auto kHexDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  for (auto& digit : digits) digit = kNoDigit;
  for (std::uint8_t i = 0; i < 10; ++i) digits['0' + i] = i;
  // The bits above the digit tell capitals from small letters.
  for (std::uint8_t i = 10; i < 16; ++i) {
    digits[static_cast<std::size_t>('A') + i - 10] = static_cast<std::uint8_t>(0x10 | i);
    digits[static_cast<std::size_t>('a') + i - 10] = static_cast<std::uint8_t>(0x20 | i);
  }
  return digits;
}();

std::uint8_t hex_digit(char c) {
  return kHexDigits[static_cast<unsigned char>(c)];
}

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') <= 9;
}

/// -1 where one of the two is no digit.
int two_digits(const char* at) {
  const auto tens = static_cast<unsigned char>(at[0] - '0');
  const auto ones = static_cast<unsigned char>(at[1] - '0');
  return tens <= 9 && ones <= 9 ? tens * 10 + ones : -1;
}

void put_two(char* to, unsigned value) {
  to[0] = static_cast<char>('0' + value / 10);
  to[1] = static_cast<char>('0' + value % 10);
}

bool is_dash(std::size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

}  // namespace

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || text.size() > 20 || (text.front() == '0' && text.size() > 1)) return std::nullopt;
  std::uint64_t number = 0;
  const std::size_t safe = std::min<std::size_t>(text.size(), 19);
  for (std::size_t i = 0; i < safe; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(text[i] - '0');
  }
  if (text.size() == 20) {
    if (!is_digit(text[19])) return std::nullopt;
    if (__builtin_mul_overflow(number, std::uint64_t{10}, &number) ||
        __builtin_add_overflow(number, static_cast<std::uint64_t>(text[19] - '0'), &number)) {
      return std::nullopt;
    }
  }
  return number;
}

void append_decimal(std::string& to, std::uint64_t number) {
  char digits[20];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  if (text.size() < 3 || text.size() > 18 || text[0] != '0' || text[1] != 'x') return std::nullopt;
  if (text[2] == '0' && text.size() > 3) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : text.substr(2)) {
    const std::uint8_t digit = hex_digit(c);
    if (digit >= 0x30 || (digit & 0x10) != 0) return std::nullopt;
    number = number << 4 | (digit & 0xf);
  }
  return number;
}

void append_hex(std::string& to, std::uint64_t number) {
  char digits[16];
  to += "0x";
  to.append(digits, std::to_chars(digits, digits + sizeof digits, number, 16).ptr);
}

std::optional<TimeParser::Time> TimeParser::parse(std::string_view text) {
  if (text.size() < 20 || text.size() > 30 || text.size() == 21 || text.back() != 'Z') return std::nullopt;
  const char* const at = text.data();
  if (!has_date_ || std::memcmp(at, date_.data(), date_.size()) != 0) {
    const int century = two_digits(at);
    const int year = two_digits(at + 2);
    const int month = two_digits(at + 5);
    const int day = two_digits(at + 8);
    if (century < 0 || year < 0 || month < 0 || day < 0 || at[4] != '-' || at[7] != '-' || at[10] != 'T')
      return std::nullopt;
    const int full_year = century * 100 + year;
    const auto date = std::chrono::year(full_year) / month / day;
    if (full_year < 1678 || full_year > 2261 || !date.ok()) return std::nullopt;
    day_ = std::chrono::sys_days(date).time_since_epoch().count() * kDay;
    std::memcpy(date_.data(), at, date_.size());
    has_date_ = true;
  }
  const int hour = two_digits(at + 11);
  const int minute = two_digits(at + 14);
  const int second = two_digits(at + 17);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return std::nullopt;
  if (at[13] != ':' || at[16] != ':') return std::nullopt;
  Time time;
  std::int64_t fraction = 0;
  if (text.size() > 20) {
    if (at[19] != '.') return std::nullopt;
    time.fraction_digits = static_cast<std::uint8_t>(text.size() - 21);
    for (std::size_t i = 20; i + 1 < text.size(); ++i) {
      if (!is_digit(at[i])) return std::nullopt;
      fraction = fraction * 10 + (at[i] - '0');
    }
    fraction *= kPowers[kMaxFractionDigits - time.fraction_digits];
  }
  time.ns = day_ + ((hour * 60 + minute) * std::int64_t{60} + second) * kSecond + fraction;
  return time;
}

void append_time(std::string& to, std::int64_t ns, std::uint8_t fraction_digits) {
  std::int64_t day = ns / kDay;
  std::int64_t rest = ns % kDay;
  if (rest < 0) {
    rest += kDay;
    --day;
  }
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  // Nanoseconds in 64 bits reach from 1677 to 2262.
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  char text[30];
  std::memcpy(text, "0000-00-00T00:00:00.000000000", 29);
  put_two(text, year / 100);
  put_two(text + 2, year % 100);
  put_two(text + 5, static_cast<unsigned>(date.month()));
  put_two(text + 8, static_cast<unsigned>(date.day()));
  const auto seconds = static_cast<unsigned>(rest / kSecond);
  put_two(text + 11, seconds / 3600);
  put_two(text + 14, seconds / 60 % 60);
  put_two(text + 17, seconds % 60);
  std::size_t size = 19;
  if (fraction_digits != 0) {
    auto fraction = static_cast<std::uint32_t>(rest % kSecond);
    for (std::size_t i = 28; i >= 20; --i) {
      text[i] = static_cast<char>('0' + fraction % 10);
      fraction /= 10;
    }
    size = 20u + fraction_digits;
  }
  text[size++] = 'Z';
  to.append(text, size);
}

bool GuidParser::parse(std::string_view text, std::string& to) {
  if (text.size() != size_) {
    if (size_ != 0 || (text.size() != 36 && text.size() != 38)) return false;
    size_ = text.size();
  }
  if (size_ == 38) {
    if (text.front() != '{' || text.back() != '}') return false;
    text = text.substr(1, 36);
  }
  char bytes[16];
  std::size_t count = 0;
  for (std::size_t i = 0; i < 36;) {
    if (is_dash(i)) {
      if (text[i++] != '-') return false;
      continue;
    }
    const std::uint8_t high = hex_digit(text[i]);
    const std::uint8_t low = hex_digit(text[i + 1]);
    if (high == kNoDigit || low == kNoDigit) return false;
    letters_ |= static_cast<std::uint8_t>((high | low) & (kCapital | kSmall));
    bytes[count++] = static_cast<char>(high << 4 | (low & 0xf));
    i += 2;
  }
  to.append(bytes, sizeof bytes);
  return letters_ != (kCapital | kSmall);
}

void append_guid(std::string& to, const char* bytes, GuidForm form) {
  const char* const digits = form.capitals ? "0123456789ABCDEF" : "0123456789abcdef";
  char text[38];
  char* at = text;
  if (form.braces) *at++ = '{';
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    const auto byte = static_cast<unsigned char>(bytes[i]);
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 0xf];
  }
  if (form.braces) *at++ = '}';
  to.append(text, at);
}

}  // namespace storage
