// What a feed does where its messages are not acknowledged, and how it ends.

#include "tests/forwarder/feed_fixture.h"

namespace forwarder_test {
namespace {

namespace action = wsman::action;
using forwarder::FeedEnd;
using test_support::FakeCollector;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FeedTrouble : public FeedTest {
 protected:
  /// The first answer to a batch is `script`: whether it comes a second time, and is taken then.
  void expect_again(FakeCollector::Script script) {
    log({"one", "two"});
    collector_.answer_once(action::kEvents, script);
    start();
    ASSERT_TRUE(gets(1, action::kEvents));
    advance(milliseconds(700));
    ASSERT_TRUE(gets(2, action::kEvents));
    settle();
    const auto messages = collector_.received(action::kEvents);
    EXPECT_EQ(messages[0].events, messages[1].events);
    EXPECT_EQ(messages[0].headers.bookmark, messages[1].headers.bookmark);
    EXPECT_THAT(delivered(), ElementsAre(1, 2));
    EXPECT_EQ(feed_->end(), FeedEnd::Running);
  }
  void expect_refusal(FakeCollector::Script script) {
    log({"one"});
    collector_.answer_once(action::kEvents, script);
    start();
    ASSERT_TRUE(ends(FeedEnd::Refused));
    EXPECT_THAT(collector_.received(action::kEvents), SizeIs(1));
  }
};

TEST_F(FeedTrouble, SendsTheSameBatchAgainWhereTheCollectorIsBusy) {
  expect_again(FaultCode::EndpointUnavailable);
}
TEST_F(FeedTrouble, SendsTheSameBatchAgainAfterAnInternalError) {
  expect_again(FaultCode::InternalError);
}
TEST_F(FeedTrouble, SendsTheSameBatchAgainWhereTheConnectionFailed) {
  expect_again(Answer::Unreachable);
}
TEST_F(FeedTrouble, SendsTheSameBatchAgainAfterTheAckOfAnotherMessage) {
  expect_again(Answer::AnotherAck);
}
TEST_F(FeedTrouble, SendsTheSameBatchAgainAfterAnAnswerThatIsNoAck) {
  expect_again(Answer::NotAnAck);
}
TEST_F(FeedTrouble, SendsTheSameBatchAgainWithoutAnAnswer) {
  expect_again(Answer::Nothing);
}

TEST_F(FeedTrouble, EndsWhereDeliveriesAreRefused) {
  expect_refusal(FaultCode::DeliveryRefused);
}
TEST_F(FeedTrouble, EndsWhereTheDestinationIsUnknown) {
  expect_refusal(FaultCode::DestinationUnreachable);
}
TEST_F(FeedTrouble, EndsWhereTheSubscriptionIsUnknown) {
  expect_refusal(FaultCode::ResourceNotFound);
}
TEST_F(FeedTrouble, EndsWhereAccessIsDenied) {
  expect_refusal(FaultCode::AccessDenied);
}
TEST_F(FeedTrouble, EndsWhereItIsNotAuthenticated) {
  expect_refusal(Answer::Unauthorised);
}

TEST_F(FeedTrouble, EndsAtTheFirstHeartbeatAlready) {
  log({"one"});
  collector_.answer_once(action::kHeartbeat, FaultCode::DeliveryRefused);
  start();
  ASSERT_TRUE(ends(FeedEnd::Refused));
  EXPECT_THAT(collector_.received(action::kEvents), IsEmpty());
}

TEST_F(FeedTrouble, TriesEverMoreSlowlyThenByConnectionRetry) {
  how_.retry_interval = seconds(8);
  how_.retry_total = 3;
  collector_.answer_always("", Answer::Unreachable);
  start();
  advance_until([&] { return feed_->end() != FeedEnd::Running; });
  ASSERT_TRUE(ends(FeedEnd::Unreachable));
  const auto attempts = collector_.received();
  // After 0.5, 1, 2 and 4 seconds, and then twice after 8; each a fifth more or less, and the clock's steps.
  ASSERT_THAT(attempts, SizeIs(7));
  const std::vector<double> expected{0.5, 1, 2, 4, 8, 8};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::chrono::duration<double> gap = attempts[i + 1].at - attempts[i].at;
    EXPECT_GE(gap.count(), 0.8 * expected[i]) << i;
    EXPECT_LE(gap.count(), 1.2 * expected[i] + 1) << i;
  }
}

TEST_F(FeedTrouble, CountsFromTheFirstAttemptWhereTheIntervalIsShort) {
  how_.retry_interval = milliseconds(100);
  how_.retry_total = 2;
  collector_.answer_always("", Answer::Unreachable);
  start();
  advance_until([&] { return feed_->end() != FeedEnd::Running; });
  EXPECT_THAT(collector_.received(), SizeIs(2));
}

TEST_F(FeedTrouble, TriesOnceWithoutConnectionRetry) {
  how_.retry_interval = milliseconds(0);
  how_.retry_total = 0;
  collector_.answer_always("", Answer::Unreachable);
  start();
  ASSERT_TRUE(ends(FeedEnd::Unreachable));
  EXPECT_THAT(collector_.received(), SizeIs(1));
}

TEST_F(FeedTrouble, BeginsToCountAnewAfterAnAck) {
  how_.retry_interval = milliseconds(500);
  how_.retry_total = 2;
  start();
  settle();
  for (std::size_t i = 1; i <= 3; ++i) {
    collector_.answer_once(action::kEvents, Answer::Unreachable);
    log({std::to_string(i)});
    ASSERT_TRUE(gets(2 * i - 1, action::kEvents));
    advance(milliseconds(700));
    ASSERT_TRUE(gets(2 * i, action::kEvents));
    settle();
  }
  EXPECT_THAT(delivered(), ElementsAre(1, 2, 3));
  EXPECT_EQ(feed_->end(), FeedEnd::Running);
}

TEST_F(FeedTrouble, SendsEveryAttemptUnderANewMessageId) {
  log({"one"});
  collector_.answer_once(action::kEvents, FaultCode::EndpointUnavailable);
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  advance(milliseconds(700));
  ASSERT_TRUE(gets(2, action::kEvents));
  const auto messages = collector_.received(action::kEvents);
  EXPECT_NE(messages[0].headers.message_id, messages[1].headers.message_id);
  EXPECT_EQ(messages[0].headers.session_id, messages[1].headers.session_id);
}

TEST_F(FeedTrouble, CanBeStoppedWhileItWaitsForAnAnswer) {
  collector_.answer_always("", Answer::Silence);
  start();
  stop();
  EXPECT_THAT(collector_.received(), SizeIs(1));
}

TEST_F(FeedTrouble, SaysThatItEnds) {
  start();
  settle();
  stop();
  EXPECT_TRUE(wait(feed_->say_end("SourceShuttingDown", 1717, "The forwarder is stopping.")));
  const auto ended = collector_.received(action::kSubscriptionEnd);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].end_status, "http://schemas.xmlsoap.org/ws/2004/08/eventing/SourceShuttingDown");
  EXPECT_EQ(ended[0].end_code, "1717");
  EXPECT_EQ(ended[0].headers.operation_timeout, milliseconds(500));
  EXPECT_EQ(ended[0].headers.identifier, how_.notify_to.identifier);
}

TEST_F(FeedTrouble, SaysThatItEndsToTheAddressForThat) {
  how_.end_to.address = "https://wec.lab.example:5986/wsman/ends";
  start();
  settle();
  stop();
  wait(feed_->say_end("SourceShuttingDown", 1717, "The forwarder is stopping."));
  EXPECT_EQ(collector_.received(action::kSubscriptionEnd).at(0).headers.to, how_.end_to.address);
}

TEST_F(FeedTrouble, WaitsHalfASecondForTheAnswerToItsEnd) {
  start();
  settle();
  stop();
  collector_.answer_always(action::kSubscriptionEnd, Answer::Silence);
  auto end =
      boost::asio::co_spawn(loop_.executor(), feed_->say_end("SourceShuttingDown", 1717, ""), boost::asio::use_future);
  ASSERT_TRUE(gets(1, action::kSubscriptionEnd));
  advance(milliseconds(500), 2);
  EXPECT_FALSE(end.get());
}

}  // namespace
}  // namespace forwarder_test
