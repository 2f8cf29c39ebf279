// Where a feed begins to read.

#include <mutex>

#include "engine/base/log.h"
#include "tests/forwarder/feed_fixture.h"

namespace forwarder_test {
namespace {

namespace action = wsman::action;
using forwarder::FeedEnd;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FeedStart : public FeedTest {
 protected:
  FeedStart() {
    base::set_log_sink([this](base::LogLevel, std::string_view text) {
      std::lock_guard lock(mutex_);
      lines_.emplace_back(text);
    });
  }
  ~FeedStart() override { base::set_log_sink(nullptr); }
  std::vector<std::string> lines() {
    std::lock_guard lock(mutex_);
    return lines_;
  }
  static std::string bookmark_at(int record) {
    return "<BookmarkList><Bookmark Channel='Application' RecordId='" + std::to_string(record) +
           "' IsCurrent='true'/></BookmarkList>";
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

TEST_F(FeedStart, ReadsWhatExistsWhereAsked) {
  log({"one", "two"});
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(delivered(), ElementsAre(1, 2));
}

TEST_F(FeedStart, BeginsWithTheNextEventOtherwise) {
  log({"one", "two"});
  how_.read_existing_events = false;
  start();
  settle();
  log({"three"});
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(delivered(), ElementsAre(3));
}

TEST_F(FeedStart, TakesOnlyWhatTheQuerySelects) {
  log({"one"}, "System");
  log({"two"});
  how_.filter =
      "<QueryList><Query Id='0'><Select Path='Application'>*[System[EventRecordID=2]]</Select></Query></QueryList>";
  log({"three"});
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  const auto message = collector_.received(action::kEvents).at(0);
  ASSERT_EQ(message.events.size(), 1u);
  EXPECT_THAT(message.events[0], HasSubstr("three"));
  EXPECT_THAT(message.events[0], HasSubstr("<Channel>Application</Channel>"));
}

TEST_F(FeedStart, GoesOnBehindTheBookmarkThatIsOffered) {
  log({"one", "two", "three"});
  how_.bookmark = bookmark_at(2);
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(delivered(), ElementsAre(3));
}

TEST_F(FeedStart, BeginsAChannelThatTheBookmarkLacksAtItsEnd) {
  log({"one", "two"});
  log({"before"}, "System");
  how_.filter = query_of({"Application", "System"});
  how_.read_existing_events = false;
  how_.bookmark = bookmark_at(2);
  start();
  log({"after"}, "System");
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(collector_.events(), ElementsAre(HasSubstr("after")));
}

TEST_F(FeedStart, ReadsAChannelThatTheBookmarkLacksFromItsBeginningWhereAsked) {
  log({"one", "two"});
  log({"before"}, "System");
  how_.filter = query_of({"Application", "System"});
  how_.bookmark = bookmark_at(2);
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(collector_.events(), ElementsAre(HasSubstr("before")));
}

TEST_F(FeedStart, BeginsAChannelThatTheBookmarkLacksWhereItBeganBeforeARestart) {
  log({"one", "two"});
  log({"before"}, "System");
  how_.filter = query_of({"Application", "System"});
  how_.read_existing_events = false;
  how_.bookmark = bookmark_at(2);
  collector_.answer_always(action::kEvents, Answer::Unreachable);
  start();
  stop();
  log({"while it was down"}, "System");
  start();
  log({"later"}, "System");
  collector_.answer_always(action::kEvents, Answer::Ack);
  advance_until([&] { return collector_.events().size() >= 2; });
  EXPECT_THAT(collector_.events(), ElementsAre(HasSubstr("while it was down"), HasSubstr("later")));
}

TEST_F(FeedStart, ForgetsWhereAChannelBeganThatTheQueryHasLost) {
  log({"one"});
  how_.read_existing_events = false;
  how_.filter = query_of({"Application", "System"});
  how_.bookmark = bookmark_at(1);
  start();
  stop();
  how_.filter = query_of({"Application"});
  start();
  stop();
  log({"unwanted"}, "System");
  how_.filter = query_of({"Application", "System"});
  start();
  log({"wanted"}, "System");
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(collector_.events(), ElementsAre(HasSubstr("wanted")));
}

TEST_F(FeedStart, SendsABookmarkWithAnEntryForEveryChannel) {
  log({"one"}, "System");
  how_.read_existing_events = false;
  how_.ignore_channel_error = true;
  how_.filter = query_of({"Application", "System", "Later"});
  start();
  log({"first"});
  ASSERT_TRUE(gets(1, action::kEvents));
  const std::string bookmark = collector_.received(action::kEvents).at(0).headers.bookmark.value_or("");
  EXPECT_THAT(bookmark, HasSubstr("<Bookmark Channel='Application' RecordId='1' IsCurrent='true'/>"));
  EXPECT_THAT(bookmark, HasSubstr("<Bookmark Channel='System' RecordId='1'/>"));
  EXPECT_THAT(bookmark, HasSubstr("<Bookmark Channel='Later' RecordId='0'/>"));
}

TEST_F(FeedStart, LosesNothingOfAChannelThatHadNoEventWhenItStopped) {
  how_.read_existing_events = false;
  how_.filter = query_of({"Application", "System"});
  how_.ignore_channel_error = true;
  start();
  log({"one"});
  ASSERT_TRUE(gets(1, action::kEvents));
  how_.bookmark = collector_.received(action::kEvents).at(0).headers.bookmark;
  stop();
  log({"while it was down"}, "System");
  start();
  ASSERT_TRUE(gets(2, action::kEvents));
  EXPECT_THAT(collector_.events(), ElementsAre(HasSubstr("one"), HasSubstr("while it was down")));
}

TEST_F(FeedStart, SendsEverythingWhereTheBookmarkCannotBeRead) {
  log({"one", "two"});
  how_.read_existing_events = false;
  how_.bookmark = "<Nonsense/>";
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(delivered(), ElementsAre(1, 2));
}

TEST_F(FeedStart, ReadsALogThatWasMadeAnewFromItsBeginning) {
  log({"one", "two"});
  how_.bookmark = bookmark_at(9041);
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(delivered(), ElementsAre(1, 2));
  EXPECT_THAT(lines(), Contains(HasSubstr("Application is at record 9041, the log ends at 2")));
}

TEST_F(FeedStart, ReadsALogThatIsNotThereYetFromItsBeginning) {
  how_.filter = query_of({"Application", "Later"});
  how_.ignore_channel_error = true;
  how_.bookmark = "<BookmarkList><Bookmark Channel='Later' RecordId='9041' IsCurrent='true'/></BookmarkList>";
  start();
  settle();
  log({"one"}, "Later");
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(delivered(), ElementsAre(1));
}

TEST_F(FeedStart, ReadsFromTheOldestEventAtTheEarliestBookmark) {
  log({"one", "two"});
  how_.read_existing_events = false;
  how_.bookmark = events::kEarliestBookmark;
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(delivered(), ElementsAre(1, 2));
}

TEST_F(FeedStart, GoesOnAtItsOwnPositionWhereNoBookmarkIsOffered) {
  log({"one"});
  how_.read_existing_events = false;
  start();
  settle();
  stop();
  log({"two"});
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(delivered(), ElementsAre(2));
}

TEST_F(FeedStart, PrefersTheBookmarkThatIsOfferedToItsOwn) {
  log({"one", "two"});
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  settle();
  wait(feed_->save_position());
  stop();
  how_.bookmark = bookmark_at(1);
  start();
  ASSERT_TRUE(gets(2, action::kEvents));
  EXPECT_THAT(delivered(), ElementsAre(1, 2, 2));
}

TEST_F(FeedStart, WritesItsPositionDownNowAndThen) {
  start();
  settle();
  log({"one"});
  ASSERT_TRUE(gets(1, action::kEvents));
  advance(seconds(31));
  log({"two"});
  ASSERT_TRUE(gets(2, action::kEvents));
  settle();
  const auto saved = state_->find("feed", "manager|" + how_.notify_to.identifier);
  ASSERT_TRUE(saved.ok() && *saved);
  EXPECT_EQ(**saved, bookmark_at(2));
}

TEST_F(FeedStart, RefusesAMissingChannel) {
  how_.filter = query_of({"Application", "Nowhere"});
  start();
  ASSERT_TRUE(ends(FeedEnd::Unready));
  const auto ended = collector_.received(action::kSubscriptionEnd);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].end_status, "http://schemas.xmlsoap.org/ws/2004/08/eventing/SourceCancelling");
  EXPECT_EQ(ended[0].end_code, "5004");
  EXPECT_THAT(collector_.received(action::kHeartbeat), IsEmpty());
}

TEST_F(FeedStart, PassesOverAMissingChannelWhereAllowed) {
  log({"one"});
  how_.filter = query_of({"Nowhere", "Application"});
  how_.ignore_channel_error = true;
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(delivered(), ElementsAre(1));
}

TEST_F(FeedStart, RefusesAQueryThatCannotBeRead) {
  how_.filter = "<QueryList><Query Id='0'><Select Path='Application'>*[</Select></Query></QueryList>";
  start();
  ASSERT_TRUE(ends(FeedEnd::Unusable));
  const auto ended = collector_.received(action::kSubscriptionEnd);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].end_code, "15001");
}

TEST_F(FeedStart, RefusesAnotherDeliveryMode) {
  how_.mode = "http://schemas.dmtf.org/wbem/wsman/1/wsman/Pull";
  start();
  ASSERT_TRUE(ends(FeedEnd::Unusable));
  EXPECT_EQ(collector_.received(action::kSubscriptionEnd).at(0).end_code, "50");
}

TEST_F(FeedStart, RefusesAnEnvelopeThatHoldsNoEvent) {
  how_.max_envelope_size = 1000;
  start();
  ASSERT_TRUE(ends(FeedEnd::Unusable));
  EXPECT_EQ(collector_.received(action::kSubscriptionEnd).at(0).end_code, "87");
}

}  // namespace
}  // namespace forwarder_test
