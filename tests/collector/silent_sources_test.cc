#include "collector/silent_sources.h"

#include "tests/subscriptions/manager_fixture.h"

namespace collector {
namespace {

using subscriptions::machine;
using subscriptions::sample;
using test_support::IsOkAndHolds;
using testing::Eq;

constexpr std::chrono::hours kDay{24};

class SilentSourcesTest : public subscriptions::ManagerFixture {
 protected:
  SilentSourcesTest() {
    EXPECT_TRUE(create(sample()).ok());
    hear_from("old.lab.example.org", "<BookmarkList/>");
  }
  base::Result<std::size_t> pass() { return wait(sources_.pass()); }
  bool is_there(const std::string& name) { return wait(events_->find_delivery_state("linux-baseline", name))->has_value(); }

  SilentSources sources_{*manager_, 30 * kDay, clock_};
};

TEST_F(SilentSourcesTest, GoAfterTheTimeAndADayMore) {
  clock_.advance(29 * kDay);
  EXPECT_THAT(pass(), IsOkAndHolds(Eq(0u)));
  clock_.advance(2 * kDay);
  EXPECT_THAT(pass(), IsOkAndHolds(Eq(0u)));
  clock_.advance(kDay / 2);
  EXPECT_THAT(pass(), IsOkAndHolds(Eq(0u)));
  clock_.advance(kDay);
  EXPECT_THAT(pass(), IsOkAndHolds(Eq(1u)));
  EXPECT_FALSE(is_there("old.lab.example.org"));
}

TEST_F(SilentSourcesTest, StayThroughAJumpOfTheClock) {
  clock_.set_wall(clock_.wall() + 365 * kDay);
  EXPECT_THAT(pass(), IsOkAndHolds(Eq(0u)));
  clock_.set_wall(clock_.wall() - 365 * kDay);
  clock_.advance(2 * kDay);
  EXPECT_THAT(pass(), IsOkAndHolds(Eq(0u)));
  EXPECT_TRUE(is_there("old.lab.example.org"));
}

TEST_F(SilentSourcesTest, StayWhereTheyAreHeardAgainInTime) {
  clock_.advance(31 * kDay);
  EXPECT_THAT(pass(), IsOkAndHolds(Eq(0u)));
  hear_from("old.lab.example.org");
  clock_.advance(2 * kDay);
  EXPECT_THAT(pass(), IsOkAndHolds(Eq(0u)));
  clock_.advance(30 * kDay);
  EXPECT_THAT(pass(), IsOkAndHolds(Eq(0u))) << "the day is counted from the beginning again";
  EXPECT_TRUE(is_there("old.lab.example.org"));
}

}  // namespace
}  // namespace collector
