// Sessions at sources while the wall clock jumps: time is measured by a clock that does not. And where they go on.

#include "tests/subscriptions/source_fixture.h"

namespace subscriptions {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test_support::eventually;
using test_support::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

class SourceClock : public SourcesFixture {
 protected:
  /// Pushed, with heartbeats so rare that only renewals matter; granted are ten minutes.
  void begin(std::optional<base::WallTime> expires = {}) {
    source().set_vendor("Muster");
    source().set_expires("PT600.000S");
    Subscription subscription = definition(DeliveryMode::Push);
    subscription.heartbeat = hours(24 * 40);
    subscription.expires = expires;
    ASSERT_THAT(create(std::move(subscription)), IsOk());
  }
  void jump(std::chrono::nanoseconds by) { clock_.set_wall(clock_.wall() + by); }
};

TEST_F(SourceClock, RenewalsGoOnWhereverTheWallClockJumps) {
  begin();
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  std::size_t renewals = 0;
  for (const auto by : {hours(-24 * 365), hours(24 * 365 * 3), hours(-1), hours(24 * 365 * 50)}) {
    jump(by);
    pass(minutes(4));
    EXPECT_EQ(source().count("/Renew"), renewals);
    pass(minutes(2));
    ASSERT_TRUE(asks("/Renew", ++renewals));
  }
  EXPECT_EQ(source().count("/Renew"), renewals);
  EXPECT_EQ(source().count("/Subscribe"), 1u);
  EXPECT_EQ(source().count("/Unsubscribe"), 0u);
}

TEST_F(SourceClock, AFailingSourceIsNotAskedMoreOftenBecauseOfAJump) {
  source().set_reachable(false);
  begin();
  ASSERT_TRUE(becomes(RunTimeStatus::Trying));  // one question for each attempt
  jump(hours(24 * 365));
  pass(seconds(50));
  EXPECT_EQ(source().count(""), 1u);
  // After a minute, more or less.
  pass(seconds(20));
  ASSERT_TRUE(asks("", 2));
  jump(hours(-24 * 365 * 2));
  pass(minutes(4));
  EXPECT_EQ(source().count(""), 2u);
  pass(minutes(2));
  EXPECT_TRUE(asks("", 3));
}

TEST_F(SourceClock, WhatSeemedToHaveExpiredIsServedAgainOnceTheClockIsPutRight) {
  begin(clock_.wall() + hours(24));
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  jump(hours(48));
  pass(minutes(6));
  ASSERT_TRUE(asks("/Unsubscribe", 1));
  jump(hours(-48));
  EXPECT_TRUE(eventually([&] {
    clock_.advance(minutes(1));
    return source().count("/Subscribe") >= 2;
  }));
}

TEST_F(SourceClock, WhatHasExpiredWhenTheServiceStartsIsServedOnceTheClockIsPutRight) {
  stop();
  begin(clock_.wall() + hours(24));
  jump(hours(48));
  start();
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() > 0; }));
  EXPECT_EQ(source().count("/Subscribe"), 0u);
  jump(hours(-48));
  EXPECT_TRUE(eventually([&] {
    clock_.advance(minutes(1));
    return source().count("/Subscribe") >= 1;
  }));
}

class SourceBookmark : public SourcesFixture {
 protected:
  static constexpr const char* kStored =
      "<BookmarkList><Bookmark Channel='System' RecordId='70' IsCurrent='true'/></BookmarkList>";

  void store(std::string bookmark) {
    storage::DeliveryUpdate update;
    update.subscription = "Here";
    update.machine = "a.example.org";
    update.heartbeat = clock_.wall();
    update.bookmark = std::move(bookmark);
    ASSERT_THAT(wait(events_->update_delivery(std::move(update))), IsOk());
  }
  void begin(bool read_existing) {
    Subscription subscription = definition();
    subscription.read_existing_events = read_existing;
    ASSERT_THAT(create(std::move(subscription)), IsOk());
  }
};

TEST_F(SourceBookmark, OneThatIsRefusedIsNotOfferedForEver) {
  store(kStored);
  source().on_subscribe(ScriptedSource::refusal(wsman::FaultCode::InvalidBookmark));
  begin(true);
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  const auto asked = source().asked("/Subscribe");
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_THAT(asked[0], HasSubstr(kStored));
  EXPECT_THAT(asked[1], HasSubstr("bookmark/earliest"));
}

TEST_F(SourceBookmark, NorDoesItBringWhatWasNotWanted) {
  store(kStored);
  source().on_subscribe(ScriptedSource::refusal(wsman::FaultCode::BookmarkExpired));
  begin(false);
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  EXPECT_THAT(source().asked("/Subscribe").back(), Not(HasSubstr("<w:Bookmark")));
}

TEST_F(SourceBookmark, WithoutABookmarkARefusalIsAFailure) {
  source().on_subscribe(ScriptedSource::refusal(wsman::FaultCode::InvalidBookmark));
  source().on_subscribe(ScriptedSource::refusal(wsman::FaultCode::InvalidBookmark));
  begin(false);
  EXPECT_TRUE(fails_with(wsman::row_of(wsman::FaultCode::InvalidBookmark).windows_code));
}

TEST_F(SourceBookmark, WhatIsNoneIsNotKept) {
  store(kStored);
  source().on_pull(ScriptedSource::events({"<Event/>"}, "no bookmark at all"));
  source().on_pull(ScriptedSource::refusal(wsman::FaultCode::InvalidEnumerationContext));
  begin(true);
  ASSERT_TRUE(takes({"a.example.org <Event/>"}));
  ASSERT_TRUE(eventually([&] {
    clock_.advance(seconds(30));
    return source().count("/Subscribe") >= 2;
  }));
  EXPECT_THAT(source().asked("/Subscribe").back(), HasSubstr(kStored));
}

}  // namespace
}  // namespace subscriptions
