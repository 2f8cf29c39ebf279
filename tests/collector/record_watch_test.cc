#include "collector/record_watch.h"

#include <gmock/gmock.h>

#include "engine/service/operational_log.h"
#include "tests/collector/ingest_fixture.h"

namespace collector {
namespace {

using Kind = RecordFinding::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<events::Event> events_of(std::initializer_list<int> records) {
  std::vector<events::Event> made;
  for (const int record : records) made.push_back(events::Event::from_wire(event(record)));
  return made;
}

/// "kind channel first-last" of each finding.
std::vector<std::string> judged(std::initializer_list<int> records, RecordWatch::Positions& last, bool all_new = true,
                                std::vector<events::Event> further = {}) {
  auto events = events_of(records);
  for (auto& event : further) events.push_back(std::move(event));
  std::vector<std::string> texts;
  for (const RecordFinding& finding : judge(BatchRecords(events, {"System"}), last, all_new)) {
    const char* const kind = finding.kind == Kind::Lost ? "lost" : finding.kind == Kind::Cleared ? "cleared" : "restart";
    texts.push_back(std::string(kind) + " " + finding.channel + " " + std::to_string(finding.first) + "-" +
                    std::to_string(finding.last));
  }
  return texts;
}

TEST(RecordWatch, NumbersThatFollowEachOtherTellNothing) {
  RecordWatch::Positions last{{"system", 5}};
  EXPECT_THAT(judged({6, 7, 8}, last), IsEmpty());
  EXPECT_EQ(last["system"], 8u);
}

TEST(RecordWatch, AGapBehindTheLastOneIsALoss) {
  RecordWatch::Positions last{{"system", 5}};
  EXPECT_THAT(judged({9, 10}, last), ElementsAre("lost System 6-8"));
}

TEST(RecordWatch, AGapInsideABatchIsALoss) {
  RecordWatch::Positions last{{"system", 5}};
  EXPECT_THAT(judged({6, 8, 11}, last), ElementsAre("lost System 7-7", "lost System 9-10"));
}

TEST(RecordWatch, TheFirstBatchOfALogBeginsWhereItBegins) {
  RecordWatch::Positions last;
  EXPECT_THAT(judged({4711, 4712}, last), IsEmpty());
  EXPECT_THAT(judged({4714}, last), ElementsAre("lost System 4713-4713"));
}

TEST(RecordWatch, ABatchThatComesAgainTellsNothing) {
  RecordWatch::Positions last{{"system", 8}};
  EXPECT_THAT(judged({6, 7, 8}, last, false), IsEmpty());
  EXPECT_EQ(last["system"], 8u);
}

TEST(RecordWatch, ABatchThatOverlapsIsLookedAtBehindTheLastOne) {
  RecordWatch::Positions last{{"system", 7}};
  EXPECT_THAT(judged({6, 7, 8, 10}, last, false), ElementsAre("lost System 9-9"));
}

TEST(RecordWatch, SmallNumbersOfNewEventsAreALogThatWasMadeAnew) {
  RecordWatch::Positions last{{"system", 900}};
  EXPECT_THAT(judged({1, 2, 3}, last), ElementsAre("restart System 1-3"));
  EXPECT_THAT(judged({4}, last), IsEmpty());
}

TEST(RecordWatch, TheOrderInsideABatchDoesNotCount) {
  RecordWatch::Positions last{{"system", 5}};
  EXPECT_THAT(judged({8, 6, 7}, last), IsEmpty());
}

TEST(RecordWatch, LogsThatAreNotTakenWholeAreNotWatched) {
  EXPECT_TRUE(BatchRecords(events_of({1, 5}), {"Security"}).empty());
}

// The form of Windows' event 104 in System: UserData/LogFileCleared/Channel names the log.
TEST(RecordWatch, AGapThatComesOfClearingIsToldFromALoss) {
  RecordWatch::Positions last{{"system", 5}};
  std::vector<events::Event> cleared;
  cleared.push_back(events::Event::from_wire(
      "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider "
      "Name='Microsoft-Windows-Eventlog'/><EventID>104</EventID><TimeCreated "
      "SystemTime='2024-05-01T10:15:30.1234567Z'/><EventRecordID>20</EventRecordID><Channel>System</Channel>"
      "<Computer>host7</Computer></System><UserData><LogFileCleared "
      "xmlns='http://manifests.microsoft.com/win/2004/08/windows/eventlog'><SubjectUserName>ada</SubjectUserName>"
      "<Channel>System</Channel></LogFileCleared></UserData></Event>"));
  EXPECT_THAT(judged({}, last, true, std::move(cleared)), ElementsAre("cleared System 6-19"));
}

class RecordWatchTest : public IngestTest {
 protected:
  std::vector<std::string> told() {
    std::vector<std::string> texts;
    for (const auto& one : stored(std::string(service::kOperationalLog))) texts.push_back(one.event.xml);
    return texts;
  }
  static wsman::Delivery at(wsman::Delivery delivery, int record) {
    delivery.bookmark = "<BookmarkList><Bookmark Channel='System' RecordId='" + std::to_string(record) +
                        "' IsCurrent='true'/></BookmarkList>";
    return delivery;
  }
  std::uint64_t lost() {
    std::uint64_t events = 0;
    for (const auto& total : losses_->of_source("all", "host7.lab.example")) events += total.events;
    return events;
  }
};

TEST_F(RecordWatchTest, ALossIsCountedAndTold) {
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  ASSERT_TRUE(deliver(batch({event(10)})).ok());
  EXPECT_EQ(lost(), 2u);
  EXPECT_EQ(losses_->events_of_log("forwardedevents"), 2u);
  const auto texts = told();
  ASSERT_THAT(texts, SizeIs(1));
  EXPECT_THAT(texts[0], HasSubstr("<EventID>300</EventID>"));
  EXPECT_THAT(texts[0], HasSubstr("<Data Name='FirstRecordID'>8</Data>"));
  EXPECT_THAT(texts[0], HasSubstr("<Data Name='LastRecordID'>9</Data>"));
}

TEST_F(RecordWatchTest, ALossIsToldOnceHoweverOftenTheBatchComes) {
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  ASSERT_TRUE(deliver(batch({event(10)})).ok());
  ASSERT_TRUE(deliver(batch({event(10)})).ok());
  EXPECT_EQ(lost(), 2u);
  EXPECT_THAT(told(), SizeIs(1));
}

// kBookmark says that record 7 was the last one.
TEST_F(RecordWatchTest, AfterARestartTheStoredBookmarkIsTheMeasure) {
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  close();
  ingest_.reset();
  manager_.reset();
  events_.reset();
  state_.reset();
  open({});
  ASSERT_TRUE(deliver(batch({event(9)})).ok());
  EXPECT_EQ(lost(), 1u);
}

TEST_F(RecordWatchTest, ARefusedBatchLeavesTheMeasureAlone) {
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  test_support::run_on(loop_.executor(), events_->stop());
  EXPECT_FALSE(deliver(batch({event(9)})).ok());
  EXPECT_EQ(lost(), 0u);
}

TEST_F(RecordWatchTest, WhatTheSourceHasCountedIsNoLossOnceMore) {
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  auto made = at(batch({event(10)}), 10);
  made.dropped = 2;
  ASSERT_TRUE(deliver(std::move(made)).ok());
  EXPECT_EQ(lost(), 0u);
  EXPECT_EQ(state().dropped, 2u);
  const auto texts = told();
  ASSERT_THAT(texts, SizeIs(1));
  EXPECT_THAT(texts[0], HasSubstr("<EventID>303</EventID>"));
}

TEST_F(RecordWatchTest, WhatTheSourceHasNotCountedIsALoss) {
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  auto made = at(batch({event(12)}), 12);
  made.dropped = 1;
  ASSERT_TRUE(deliver(std::move(made)).ok());
  EXPECT_EQ(lost(), 3u);
  const auto texts = told();
  ASSERT_THAT(texts, SizeIs(2));
  EXPECT_THAT(texts[1], HasSubstr("<EventID>300</EventID>"));
  EXPECT_THAT(texts[1], HasSubstr("<Data Name='Count'>3</Data>"));
}

TEST_F(RecordWatchTest, WhatTheSourceHasCountedInAMessageOfItsOwnIsNoLoss) {
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  auto made = at(batch({}), 9);
  made.dropped = 2;
  ASSERT_TRUE(deliver(std::move(made)).ok());
  ASSERT_TRUE(deliver(at(batch({event(10)}), 10)).ok());
  EXPECT_EQ(lost(), 0u);
  EXPECT_EQ(state().dropped, 2u);
}

TEST_F(RecordWatchTest, WhatTheSourceHasCountedIsCountedOnceThoughItComesTwice) {
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  for (int i = 0; i < 2; ++i) {
    auto made = at(batch({event(10)}), 10);
    made.dropped = 2;
    ASSERT_TRUE(deliver(std::move(made)).ok());
  }
  EXPECT_EQ(state().dropped, 2u);
  EXPECT_THAT(told(), SizeIs(1));
}

TEST_F(RecordWatchTest, WhatASourceLeavesOutIsTold) {
  auto made = batch({event(6)});
  made.dropped = 3;
  ASSERT_TRUE(deliver(std::move(made)).ok());
  const auto texts = told();
  ASSERT_THAT(texts, SizeIs(1));
  EXPECT_THAT(texts[0], HasSubstr("<EventID>303</EventID>"));
  EXPECT_THAT(texts[0], HasSubstr("<Data Name='Count'>3</Data>"));
}

TEST_F(RecordWatchTest, ARemovedSubscriptionIsForgotten) {
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  ASSERT_TRUE(deliver(batch({event(10)})).ok());
  test_support::run_on(loop_.executor(), watch_->forget("ALL", true));
  EXPECT_EQ(lost(), 0u);
  auto reopened = subscriptions::LossLedger::open(*state_);
  ASSERT_TRUE(reopened.ok());
  EXPECT_EQ((*reopened)->events_of_log("ForwardedEvents"), 0u);
}

}  // namespace
}  // namespace collector
