#include "engine/base/iso8601.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <limits>

#include "engine/base/encoding.h"

namespace base {
namespace {

using std::chrono::days;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// Reads exactly `count` digits off the front of `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// The digits behind a decimal point as nanoseconds; digits past the ninth are dropped.
std::optional<std::int64_t> take_fraction(std::string_view& text) {
  std::int64_t value = 0;
  std::size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (digits < 9) value = value * 10 + (text.front() - '0');
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (std::size_t i = digits; i < 9; ++i) value *= 10;
  return value;
}

WallTime from_seconds(std::int64_t since_1970, std::int64_t fraction) {
  constexpr std::int64_t kLimit = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;
  if (since_1970 >= kLimit) return WallTime::max();
  if (since_1970 <= -kLimit) return WallTime::min();
  return WallTime(nanoseconds(since_1970 * 1'000'000'000 + fraction));
}

/// `year` from 0 to 9999. Without printf: each local event gets a time.
std::string format_fields(int year, unsigned month, unsigned day, int hour, int minute, int second, std::int64_t fraction,
                          int fraction_digits) {
  std::string text = "0000-00-00T00:00:00.000000000";
  const auto put = [&](std::size_t end, auto value, int count) {
    for (; count > 0; --count, value /= 10) text[--end] = static_cast<char>('0' + value % 10);
  };
  put(4, year, 4);
  put(7, month, 2);
  put(10, day, 2);
  put(13, hour, 2);
  put(16, minute, 2);
  put(19, second, 2);
  put(29, fraction, 9);
  text.resize(fraction_digits > 0 ? 20 + static_cast<std::size_t>(fraction_digits) : 19);
  return text;
}

}  // namespace

std::string format_utc(WallTime time, int fraction_digits) {
  // By hand: the day on which the range of nanoseconds begins began before it.
  constexpr std::int64_t kDay = nanoseconds(days(1)).count();
  const auto since_1970 = time.time_since_epoch().count();
  const auto whole_days = since_1970 / kDay - (since_1970 % kDay < 0 ? 1 : 0);
  const auto within = since_1970 % kDay + (since_1970 % kDay < 0 ? kDay : 0);
  const std::chrono::year_month_day date{std::chrono::sys_days(days(whole_days))};
  const std::chrono::hh_mm_ss clock{nanoseconds(within)};
  return format_fields(static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                       static_cast<int>(clock.seconds().count()), clock.subseconds().count(), fraction_digits) +
         "Z";
}

std::string format_local(WallTime time, int fraction_digits) {
  const auto whole = std::chrono::floor<seconds>(time);
  const std::time_t since_1970 = whole.time_since_epoch().count();
  std::tm local{};
  ::localtime_r(&since_1970, &local);
  return format_fields(local.tm_year + 1900, static_cast<unsigned>(local.tm_mon + 1), static_cast<unsigned>(local.tm_mday),
                       local.tm_hour, local.tm_min, local.tm_sec, (time - whole).count(), fraction_digits);
}

std::optional<WallTime> parse_datetime(std::string_view text, bool local_without_zone) {
  text = trimmed(text);
  const auto year = take_digits(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || !take(text, 'T')) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || !take(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second) return std::nullopt;
  std::int64_t fraction = 0;
  if (take(text, '.')) {
    const auto digits = take_fraction(text);
    if (!digits) return std::nullopt;
    fraction = *digits;
  }
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok() || *year < 1601 || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::int64_t since_1970 =
      std::chrono::sys_days(date).time_since_epoch() / days(1) * 86'400 + *hour * 3600 + *minute * 60 + *second;
  if (text.empty()) {
    if (local_without_zone) {
      std::tm local{};
      local.tm_year = *year - 1900;
      local.tm_mon = *month - 1;
      local.tm_mday = *day;
      local.tm_hour = *hour;
      local.tm_min = *minute;
      local.tm_sec = *second;
      local.tm_isdst = -1;
      since_1970 = ::mktime(&local);
    }
  } else if (text == "Z" || text == "z") {
    // UTC already.
  } else if (text.front() == '+' || text.front() == '-') {
    const int sign = text.front() == '+' ? 1 : -1;
    text.remove_prefix(1);
    const auto zone_hours = take_digits(text, 2);
    if (!zone_hours || !take(text, ':')) return std::nullopt;
    const auto zone_minutes = take_digits(text, 2);
    if (!zone_minutes || !text.empty() || *zone_hours > 14 || *zone_minutes > 59) return std::nullopt;
    since_1970 -= sign * (*zone_hours * 3600 + *zone_minutes * 60);
  } else {
    return std::nullopt;
  }
  return from_seconds(since_1970, fraction);
}

std::string format_duration(std::chrono::milliseconds duration) {
  std::array<char, 48> buffer;
  const long long count = duration.count() < 0 ? 0 : duration.count();
  const int used = std::snprintf(buffer.data(), buffer.size(), "PT%lld.%03lldS", count / 1000, count % 1000);
  return {buffer.data(), static_cast<std::size_t>(used)};
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  text = trimmed(text);
  if (!take(text, 'P') || text.empty()) return std::nullopt;
  constexpr std::int64_t kDay = 86'400'000;
  constexpr std::int64_t kLimit = 36'500 * kDay;
  std::int64_t total = 0;
  bool in_time = false;
  std::size_t last_rank = 0;
  while (!text.empty()) {
    if (!in_time && take(text, 'T')) {
      in_time = true;
      if (text.empty()) return std::nullopt;
      continue;
    }
    std::int64_t number = 0;
    std::size_t digits = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      number = number * 10 + (text.front() - '0');
      if (number > kLimit) return std::nullopt;
      ++digits;
      text.remove_prefix(1);
    }
    std::int64_t fraction = 0;
    const bool has_fraction = take(text, '.');
    if (has_fraction) {
      const auto parsed = take_fraction(text);
      if (!parsed) return std::nullopt;
      fraction = *parsed;
    }
    if ((digits == 0 && !has_fraction) || text.empty()) return std::nullopt;
    struct Unit {
      char letter;
      bool time;
      std::int64_t milliseconds;
    };
    static constexpr std::array<Unit, 6> kUnits{{{'Y', false, 365 * kDay},
                                                 {'M', false, 30 * kDay},
                                                 {'D', false, kDay},
                                                 {'H', true, 3'600'000},
                                                 {'M', true, 60'000},
                                                 {'S', true, 1000}}};
    std::size_t rank = 0;
    while (rank < kUnits.size() && !(kUnits[rank].letter == text.front() && kUnits[rank].time == in_time)) ++rank;
    if (rank == kUnits.size() || rank + 1 <= last_rank || (has_fraction && text.front() != 'S')) return std::nullopt;
    last_rank = rank + 1;
    text.remove_prefix(1);
    if (number > kLimit / kUnits[rank].milliseconds) return std::nullopt;
    total += number * kUnits[rank].milliseconds + fraction / 1'000'000;
    if (total > kLimit) return std::nullopt;
  }
  if (last_rank == 0) return std::nullopt;
  return std::chrono::milliseconds(total);
}

}  // namespace base
