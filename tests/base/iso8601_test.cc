#include "engine/base/iso8601.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <limits>

namespace {

using namespace std::chrono_literals;
using base::format_utc;
using base::parse_datetime;
using base::parse_duration;
using base::WallTime;

WallTime at(std::int64_t nanoseconds) {
  return WallTime(std::chrono::nanoseconds(nanoseconds));
}

TEST(DateTime, IsWrittenWithTheDigitsThatAreAskedForAndCut) {
  const WallTime time = at(1'714'558'530'123'456'789);
  EXPECT_EQ(format_utc(time, 0), "2024-05-01T10:15:30Z");
  EXPECT_EQ(format_utc(time, 3), "2024-05-01T10:15:30.123Z");
  EXPECT_EQ(format_utc(time, 7), "2024-05-01T10:15:30.1234567Z");
  EXPECT_EQ(format_utc(time, 9), "2024-05-01T10:15:30.123456789Z");
  EXPECT_EQ(format_utc(at(-1), 9), "1969-12-31T23:59:59.999999999Z");
}

TEST(DateTime, FirstAndLastOfTheRangeAreWritten) {
  EXPECT_EQ(format_utc(at(std::numeric_limits<std::int64_t>::min()), 9), "1677-09-21T00:12:43.145224192Z");
  EXPECT_EQ(format_utc(at(std::numeric_limits<std::int64_t>::max()), 9), "2262-04-11T23:47:16.854775807Z");
}

TEST(DateTime, EveryFractionAndZoneIsRead) {
  const WallTime time = at(1'714'558'530'000'000'000);
  EXPECT_EQ(parse_datetime("2024-05-01T10:15:30Z"), time);
  EXPECT_EQ(parse_datetime(" 2024-05-01T10:15:30.5Z "), time + 500ms);
  EXPECT_EQ(parse_datetime("2024-05-01T10:15:30.1234567891234Z"), time + 123'456'789ns);
  EXPECT_EQ(parse_datetime("2024-05-01T12:15:30+02:00"), time);
  EXPECT_EQ(parse_datetime("2024-05-01T04:45:30-05:30"), time);
  EXPECT_EQ(parse_datetime("2024-05-01T10:15:30"), time);
}

TEST(DateTime, LocalTimeIsReadAndWrittenInTheMachinesZone) {
  ::setenv("TZ", "UTC-2", 1);  // POSIX counts westwards: two hours ahead of UTC
  ::tzset();
  EXPECT_EQ(parse_datetime("2024-05-01T12:15:30", true), at(1'714'558'530'000'000'000));
  EXPECT_EQ(base::format_local(at(1'714'558'530'120'000'000), 2), "2024-05-01T12:15:30.12");
  ::unsetenv("TZ");
  ::tzset();
}

TEST(DateTime, WhatIsMalformedOrOutsideTheCalendarIsRefused) {
  for (const char* text : {"", "2024-05-01", "2024-05-01 10:15:30Z", "2024-5-1T10:15:30Z", "2024-02-30T10:15:30Z",
                           "2024-13-01T10:15:30Z", "2024-05-01T24:15:30Z", "2024-05-01T10:60:30Z", "2024-05-01T10:15:61Z",
                           "2024-05-01T10:15:30.Z", "2024-05-01T10:15:30X", "2024-05-01T10:15:30+2:00",
                           "2024-05-01T10:15:30+15:00", "1600-12-31T23:59:59Z", "-024-05-01T10:15:30Z"}) {
    EXPECT_EQ(parse_datetime(text), std::nullopt) << text;
  }
}

TEST(DateTime, WhatNanosecondsCannotHoldIsClamped) {
  EXPECT_EQ(parse_datetime("9999-12-31T23:59:59Z"), WallTime::max());
  EXPECT_EQ(parse_datetime("1601-01-01T00:00:00Z"), WallTime::min());
}

TEST(Duration, IsWrittenAsWindowsDoes) {
  EXPECT_EQ(base::format_duration(60s), "PT60.000S");
  EXPECT_EQ(base::format_duration(1ms), "PT0.001S");
  EXPECT_EQ(base::format_duration(-1ms), "PT0.000S");
}

TEST(Duration, EveryUnitIsRead) {
  EXPECT_EQ(parse_duration("PT60.000S"), 60s);
  EXPECT_EQ(parse_duration("P1Y1M1DT1H1M1.5S"), std::chrono::hours(24 * (365 + 30 + 1) + 1) + 61'500ms);
  EXPECT_EQ(parse_duration("PT0S"), 0ms);
  EXPECT_EQ(parse_duration("PT0.0009S"), 0ms);
}

TEST(Duration, WhatIsMalformedNegativeOrTooLongIsRefused) {
  for (const char* text : {"", "P", "PT", "60", "PT60", "-PT60S", "PT-60S", "P1S", "PT1D", "PT1S1M", "PT1M1M", "PT1.5M",
                           "PT.S", "PT1.S", "P101Y", "PT99999999999999999999S", "P1DT"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

}  // namespace
