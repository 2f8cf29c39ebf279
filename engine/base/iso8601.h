// Points in time and durations in the forms that XML Schema writes them.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"

namespace base {

/// "2024-05-01T10:15:30.1234560Z": UTC with `fraction_digits` (0 to 9) digits behind the point, cut and not rounded.
std::string format_utc(WallTime time, int fraction_digits);
/// The same without the zone's letter, in the machine's own time zone; what wecutil's gr prints.
std::string format_local(WallTime time, int fraction_digits);

/// Parses YYYY-MM-DDThh:mm:ss[.f…][Z|±hh:mm]; 0 to 9 fraction digits (further ones are dropped). Without a zone it is taken
/// as UTC, or, where `local_without_zone` is set, as local time. Nothing where it is malformed or outside 1601 to 9999; what
/// lies outside the range of nanoseconds since 1970 (1677 to 2262) is clamped to its ends.
std::optional<WallTime> parse_datetime(std::string_view text, bool local_without_zone = false);

/// "PT60.000S", as Windows writes durations. Never negative.
std::string format_duration(std::chrono::milliseconds duration);

/// Parses PnYnMnDTnHnMn.nS, a year as 365 and a month as 30 days. Nothing where it is malformed, negative, or more than a
/// hundred years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace base
