#include "subscriptions/retry_schedule.h"

#include <gmock/gmock.h>

#include <vector>

#include "engine/wsman/identify.h"
#include "subscriptions/source_kind.h"

namespace subscriptions {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::vector<milliseconds> pauses(RetrySchedule& schedule, int count, bool refused = false) {
  std::vector<milliseconds> all;
  for (int i = 0; i < count; ++i) all.push_back(schedule.next(0.5, refused));
  return all;
}

TEST(RetrySchedule, GrowsToAnHour) {
  RetrySchedule schedule;
  EXPECT_EQ(pauses(schedule, 6),
            (std::vector<milliseconds>{minutes(1), minutes(5), minutes(15), minutes(60), minutes(60), minutes(60)}));
  EXPECT_TRUE(schedule.exhausted());
  schedule.reset();
  EXPECT_FALSE(schedule.exhausted());
  EXPECT_EQ(schedule.next(0.5, false), minutes(1));
}

TEST(RetrySchedule, HurriesWhereTheSourceWorkedAndHasNotRefused) {
  RetrySchedule schedule;
  schedule.worked();
  EXPECT_EQ(pauses(schedule, 4), (std::vector<milliseconds>{seconds(1), seconds(5), seconds(15), minutes(1)}));
  schedule.worked();
  EXPECT_EQ(pauses(schedule, 1, true), (std::vector<milliseconds>{minutes(1)}));
}

TEST(RetrySchedule, ASourceThatTakesAndFailsIsNotHurriedForEver) {
  RetrySchedule schedule;
  const base::SteadyTime begin{std::chrono::hours(1)};
  schedule.accepted(begin);
  EXPECT_EQ(schedule.next(0.5, false), seconds(1));
  for (int i = 0; i < 2; ++i) {
    schedule.accepted(begin + seconds(i));
    schedule.next(0.5, false);
  }
  schedule.accepted(begin + minutes(5));
  EXPECT_EQ(schedule.next(0.5, false), minutes(1));
  schedule.accepted(begin + minutes(11));
  EXPECT_EQ(schedule.next(0.5, false), seconds(1));
}

TEST(RetrySchedule, SpreadsByATenth) {
  RetrySchedule schedule;
  EXPECT_EQ(schedule.next(0, false), seconds(54));
  schedule.reset();
  EXPECT_LT(schedule.next(0.999, false), seconds(66));
}

TEST(SourceKind, IsKnownByItsVendor) {
  const auto kind = [](const std::string& vendor) {
    return recognise(*wsman::read_envelope(wsman::write_envelope(wsman::identify_response(vendor, {}, false))));
  };
  EXPECT_EQ(kind("Microsoft Corporation"), SourceKind::Windows);
  EXPECT_EQ(kind("Openwsman Project"), SourceKind::Openwsman);
  EXPECT_EQ(kind("Muster"), SourceKind::Muster);
  EXPECT_EQ(kind("Intel(r)"), SourceKind::Unknown);
  EXPECT_EQ(kind(""), SourceKind::Unknown);
}

TEST(SourceKind, HasARowForEach) {
  for (const SourceKind kind : {SourceKind::Unknown, SourceKind::Windows, SourceKind::Muster, SourceKind::Openwsman}) {
    EXPECT_EQ(quirks_of(kind).kind, kind);
  }
}

}  // namespace
}  // namespace subscriptions
