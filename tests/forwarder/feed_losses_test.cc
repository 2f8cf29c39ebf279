// What the forwarder's own bounded store could not keep until it was delivered.

#include <random>

#include "engine/service/operational_log.h"
#include "tests/forwarder/feed_fixture.h"

namespace forwarder_test {
namespace {

namespace action = wsman::action;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class FeedLosses : public FeedTest {
 protected:
  FeedLosses() {
    make_log("Application", 1 << 20);
    how_.max_elements = 100;
  }
  /// Events that are not to be made much smaller.
  void log_large(int count) {
    for (int i = 0; i < count; ++i) {
      std::string text;
      while (text.size() < 50'000) text += std::to_string(random_());
      log({text});
    }
  }
  storage::LogStatus status() { return (*wait(store_->find_log("Application")))->status; }
  /// The texts of the events in the forwarder's own log that tell of a loss.
  std::vector<std::string> told() {
    storage::ReadRequest request;
    request.query = *events::Query::parse(query_of({std::string(service::kOperationalLog)}), "");
    request.ignore_missing_logs = true;
    auto found = wait(store_->read(std::move(request)));
    std::vector<std::string> texts;
    for (const auto& event : found->events) {
      if (event.event.system.event_id == service::kEventsOverwrittenEvent) texts.push_back(event.event.xml);
    }
    return texts;
  }
  /// All events that they tell of.
  std::uint64_t told_count() {
    std::uint64_t count = 0;
    for (const std::string& event : told()) {
      const std::string before = "<Data Name='Count'>";
      count += std::stoull(event.substr(event.find(before) + before.size()));
    }
    return count;
  }
  std::uint64_t dropped() const {
    std::uint64_t count = 0;
    for (const auto& message : collector_.received(action::kEvents)) count += message.dropped;
    return count;
  }
  static std::string bookmark_at(std::uint64_t record) {
    return "<BookmarkList><Bookmark Channel='Application' RecordId='" + std::to_string(record) +
           "' IsCurrent='true'/></BookmarkList>";
  }

 private:
  std::mt19937_64 random_{1};
};

TEST_F(FeedLosses, AreCountedAndTold) {
  log_large(60);
  ASSERT_GT(status().oldest_record, 3u);
  how_.bookmark = bookmark_at(2);
  start();
  ASSERT_TRUE(eventually([&] { return !delivered().empty() && delivered().back() == 60; }));
  EXPECT_EQ(dropped() + delivered().size(), 58u);
  // In the batch whose events show the gap.
  const std::string first = std::to_string(delivered().at(0) - 1);
  EXPECT_EQ(std::to_string(collector_.received(action::kEvents).at(0).dropped + 2), first);
  const auto events = told();
  ASSERT_FALSE(events.empty());
  EXPECT_THAT(events[0], HasSubstr("<Data Name='Subscription'>baseline</Data>"));
  EXPECT_THAT(events[0], HasSubstr("<Data Name='Channel'>Application</Data>"));
  EXPECT_THAT(events[0], HasSubstr("<Data Name='FirstRecordID'>3</Data>"));
  EXPECT_THAT(events[0], HasSubstr("<Data Name='LastRecordID'>" + first + "</Data>"));
}

TEST_F(FeedLosses, AreToldOnceOverRestarts) {
  log_large(60);
  how_.bookmark = bookmark_at(2);
  collector_.answer_always(action::kEvents, Answer::Unreachable);
  start();
  ASSERT_TRUE(eventually([&] { return !collector_.received(action::kEvents).empty(); }));
  stop();
  EXPECT_FALSE(told().empty());
  const std::uint64_t before = dropped();
  collector_.answer_always(action::kEvents, Answer::Ack);
  start();
  ASSERT_TRUE(eventually([&] { return !delivered().empty() && delivered().back() == 60; }));
  const std::uint64_t lost = dropped() - before;
  EXPECT_EQ(lost + delivered().size(), 58u);
  EXPECT_EQ(told_count(), lost);
  // The collector has the bookmark of the batch that told it.
  stop();
  const std::uint64_t all = dropped();
  how_.bookmark = collector_.received(action::kEvents).back().headers.bookmark;
  start();
  log({"more"});
  ASSERT_TRUE(eventually([&] { return delivered().back() == 61; }));
  EXPECT_EQ(dropped(), all);
  EXPECT_EQ(told_count(), lost);
}

TEST_F(FeedLosses, GrowWhileTheCollectorIsAway) {
  log_large(60);
  how_.bookmark = bookmark_at(2);
  collector_.answer_always(action::kEvents, Answer::Unreachable);
  start();
  ASSERT_TRUE(eventually([&] { return !collector_.received(action::kEvents).empty(); }));
  stop();
  const std::uint64_t before = dropped();
  const auto once = told();
  log_large(60);
  collector_.answer_always(action::kEvents, Answer::Ack);
  start();
  ASSERT_TRUE(eventually([&] { return !delivered().empty() && delivered().back() == 120; }));
  // What was told to nobody is still in the count that the collector gets; in the forwarder's own log only the rest is new.
  EXPECT_EQ(dropped() - before + delivered().size(), 118u);
  const auto events = told();
  ASSERT_GT(events.size(), once.size());
  EXPECT_THAT(events[once.size()], Not(HasSubstr("<Data Name='FirstRecordID'>3</Data>")));
}

TEST_F(FeedLosses, AreToldWhateverThePolicy) {
  log_large(60);
  how_.bookmark = bookmark_at(2);
  how_.oversize = wsman::OversizePolicy::Skip;
  start();
  ASSERT_TRUE(eventually([&] { return !delivered().empty() && delivered().back() == 60; }));
  EXPECT_EQ(dropped() + delivered().size(), 58u);
}

TEST_F(FeedLosses, AreNotWhatSomebodyHasCleared) {
  log({"one", "two", "three"});
  ASSERT_TRUE(wait(store_->clear_log("Application")).ok());
  log({"four"});
  how_.bookmark = bookmark_at(1);
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(delivered(), ElementsAre(4));
  EXPECT_EQ(dropped(), 0u);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(FeedLosses, AreNotWhatWasThereBeforeItBegan) {
  log_large(60);
  ASSERT_GT(status().oldest_record, 3u);
  start();
  ASSERT_TRUE(eventually([&] { return !delivered().empty(); }));
  EXPECT_EQ(dropped(), 0u);
  EXPECT_THAT(told(), IsEmpty());
}

}  // namespace
}  // namespace forwarder_test
