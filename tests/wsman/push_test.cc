// Events that are pushed to a subscriber.

#include "tests/wsman/subscription_fixture.h"

namespace wsman_test {
namespace {

namespace action = wsman::action;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Pushing : public SubscriptionTest {
 protected:
  /// With a batch that goes out at once, and no second attempt unless `delivery` says otherwise.
  std::string push(std::string_view mode, std::string delivery = {}, std::string_view behind = {},
                   std::string_view before = {}) {
    if (delivery.find("ConnectionRetry") == std::string::npos) {
      delivery += "<w:ConnectionRetry Total=\"0\">PT0S</w:ConnectionRetry>";
    }
    if (mode == wsman::kModeEvents && delivery.find("MaxTime") == std::string::npos) {
      delivery += "<w:MaxTime>PT0S</w:MaxTime>";
    }
    return subscribe(subscribe_request(mode, std::string(kNotifyTo) + delivery, behind, before));
  }
  ReceivedMessage last(std::string_view which) { return subscriber_.received(which).back(); }
  ::testing::AssertionResult ends() {
    if (eventually([&] { return service_.dispatcher.open_subscriptions() == 0; })) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "the subscription lives";
  }
};

TEST_F(Pushing, BeginsWithAHeartbeatThatCarriesTheSubscribersOwnHeaders) {
  push(wsman::kModeEvents);
  ASSERT_TRUE(gets(1, action::kHeartbeat));
  const ReceivedMessage heartbeat = last(action::kHeartbeat);
  EXPECT_EQ(heartbeat.headers.to, "http://col.example:5985/events");
  EXPECT_EQ(heartbeat.headers.identifier, "5D0F");
  EXPECT_EQ(heartbeat.headers.machine_id, "wec.lab.example");
  EXPECT_TRUE(heartbeat.headers.ack_requested);
  EXPECT_THAT(heartbeat.text, HasSubstr("<t:Own xmlns:t='urn:test'>7</t:Own>"));
  EXPECT_THAT(heartbeat.text, HasSubstr("<s:Body><w:Events/></s:Body>"));
}

TEST_F(Pushing, BatchesEventsInModeEvents) {
  happenings_.add("one");
  happenings_.add("two");
  push(wsman::kModeEvents, {}, "<w:SendBookmarks/>");
  ASSERT_TRUE(gets(1, action::kEvents));
  const ReceivedMessage batch = last(action::kEvents);
  EXPECT_THAT(batch.events, ElementsAre("<Event>one</Event>", "<Event>two</Event>"));
  EXPECT_EQ(batch.headers.bookmark, "<At>2</At>");
  EXPECT_TRUE(batch.headers.ack_requested);
}

TEST_F(Pushing, PutsAtMostMaxElementsIntoABatch) {
  for (const char* text : {"one", "two", "three"}) happenings_.add(text);
  push(wsman::kModeEvents, "<w:MaxElements>2</w:MaxElements>");
  ASSERT_TRUE(gets(2, action::kEvents));
  EXPECT_EQ(subscriber_.received(action::kEvents)[0].events.size(), 2u);
  EXPECT_EQ(subscriber_.received(action::kEvents)[1].events.size(), 1u);
}

TEST_F(Pushing, LetsABatchWaitForMaxTime) {
  happenings_.add("one");
  push(wsman::kModeEvents, "<w:MaxTime>PT30S</w:MaxTime>");
  ASSERT_TRUE(gets(1, action::kHeartbeat));
  const auto begun = service_.clock.steady();
  EXPECT_TRUE(passes_time_until([&] { return !subscriber_.received(action::kEvents).empty(); }, milliseconds(200)));
  EXPECT_GE(last(action::kEvents).at - begun, seconds(30));
}

TEST_F(Pushing, SendsEachEventAloneInModePushWithAck) {
  happenings_.add("one");
  happenings_.add("two");
  push(wsman::kModePushWithAck, {}, "<w:SendBookmarks/>");
  ASSERT_TRUE(gets(2, action::kEvent));
  const auto pushed = subscriber_.received(action::kEvent);
  EXPECT_THAT(pushed[0].text, HasSubstr("<s:Body><Event>one</Event></s:Body>"));
  EXPECT_EQ(pushed[0].headers.bookmark, "<At>1</At>");
  EXPECT_TRUE(pushed[0].headers.ack_requested);
  EXPECT_THAT(pushed[1].text, HasSubstr("<s:Body><Event>two</Event></s:Body>"));
}

TEST_F(Pushing, WantsNoAckInModePush) {
  subscriber_.answer_always("", Answer::Nothing);
  happenings_.add("one");
  push(wsman::kModePush);
  ASSERT_TRUE(gets(1, action::kEvent));
  EXPECT_FALSE(last(action::kEvent).headers.ack_requested);
  EXPECT_FALSE(last(action::kHeartbeat).headers.ack_requested);
  happenings_.add("two");
  EXPECT_TRUE(gets(2, action::kEvent));
}

TEST_F(Pushing, TellsOfEventsThatAreTooLargeInAMessageOfTheirOwn) {
  happenings_.add(std::string(20'000, 'a'));
  happenings_.add("small");
  push(wsman::kModePushWithAck, "<w:MaxEnvelopeSize Policy=\"Notify\">16000</w:MaxEnvelopeSize>");
  ASSERT_TRUE(gets(1, action::kEvent));
  ASSERT_TRUE(gets(1, action::kDroppedEvents));
  EXPECT_THAT(last(action::kDroppedEvents).text, HasSubstr("wsman/DroppedEvents\">1</w:DroppedEvents></s:Body>"));
}

TEST_F(Pushing, TellsOnceOfWhatIsTooLargeByItsOwnMeasureAndTheSubscribers) {
  subscriber_.take_at_most(8'000);
  happenings_.add(std::string(30'000, 'a'));
  happenings_.add(std::string(10'000, 'b'));
  happenings_.add("small");
  push(wsman::kModePushWithAck, "<w:MaxEnvelopeSize Policy=\"Notify\">40000</w:MaxEnvelopeSize>", "<w:SendBookmarks/>");
  ASSERT_TRUE(gets(2, action::kEvent));
  // The one that exceeds MaxEnvelopeSize, then the one that the subscriber has refused.
  const auto told = subscriber_.received(action::kDroppedEvents);
  ASSERT_EQ(told.size(), 2u);
  for (const auto& message : told)
    EXPECT_THAT(message.text, HasSubstr("wsman/DroppedEvents\">1</w:DroppedEvents></s:Body>"));
  EXPECT_THAT(last(action::kEvent).text, HasSubstr("<s:Body><Event>small</Event></s:Body>"));
  EXPECT_EQ(last(action::kEvent).headers.bookmark, "<At>3</At>");
}

TEST_F(Pushing, KeepsWithinItsOwnMaxEnvelopeSize) {
  wsman::Limits limits;
  limits.max_envelope_size = 40'000;
  service_.dispatcher.set_limits(limits);
  for (int i = 0; i < 20; ++i) happenings_.add(std::string(4'000, 'a'));
  push(wsman::kModeEvents, "<w:MaxEnvelopeSize>512000</w:MaxEnvelopeSize>");
  ASSERT_TRUE(eventually([&] { return subscriber_.events().size() == 20; }));
  for (const auto& message : subscriber_.received(action::kEvents)) {
    EXPECT_LE(wsman::encode_text(message.text, wsman::Charset::Utf16).size(), 40'000u);
  }
}

TEST_F(Pushing, GivesTheSubscriberNoMoreTimeThanMaxTimeoutms) {
  wsman::Limits limits;
  limits.max_timeout = milliseconds(1500);
  service_.dispatcher.set_limits(limits);
  push(wsman::kModeEvents);
  ASSERT_TRUE(gets(1, action::kHeartbeat));
  EXPECT_EQ(last(action::kHeartbeat).headers.operation_timeout, milliseconds(1500));
}

TEST_F(Pushing, EndsForALargeEventWhereAskedAndSaysSo) {
  happenings_.add("small");
  happenings_.add(std::string(20'000, 'a'));
  push(wsman::kModeEvents, "<w:MaxEnvelopeSize Policy=\"CancelSubscription\">16000</w:MaxEnvelopeSize>");
  ASSERT_TRUE(gets(1, action::kSubscriptionEnd));
  EXPECT_THAT(subscriber_.events(), ElementsAre("<Event>small</Event>"));
  EXPECT_EQ(last(action::kSubscriptionEnd).end_status, "http://schemas.xmlsoap.org/ws/2004/08/eventing/SourceCancelling");
  EXPECT_TRUE(ends());
}

TEST_F(Pushing, SendsAHeartbeatInSilence) {
  push(wsman::kModeEvents, "<w:Heartbeats>PT10S</w:Heartbeats>");
  ASSERT_TRUE(gets(1, action::kHeartbeat));
  EXPECT_TRUE(passes_time_until([&] { return subscriber_.received(action::kHeartbeat).size() == 2; }, milliseconds(200)));
}

TEST_F(Pushing, SendsAgainWhatWasNotAcknowledged) {
  happenings_.add("one");
  subscriber_.answer_once(action::kEvents, Answer::Unreachable);
  subscriber_.answer_once(action::kEvents, Answer::NotAnAck);
  push(wsman::kModeEvents, "<w:ConnectionRetry Total=\"5\">PT1S</w:ConnectionRetry>");
  EXPECT_TRUE(passes_time_until([&] { return subscriber_.received(action::kEvents).size() >= 3; }, milliseconds(100)));
  ASSERT_TRUE(eventually([&] { return !subscriber_.events().empty(); }));
  EXPECT_THAT(subscriber_.events(), ElementsAre("<Event>one</Event>"));
}

TEST_F(Pushing, SaysAtEndToThatDeliveryFailed) {
  happenings_.add("one");
  subscriber_.answer_always(action::kEvents, Answer::Unreachable);
  push(wsman::kModeEvents, {}, {},
       "<e:EndTo><a:Address>http://col.example:5985/end</a:Address><a:ReferenceParameters><e:Identifier>E1</e:Identifier>"
       "</a:ReferenceParameters></e:EndTo>");
  ASSERT_TRUE(gets(1, action::kSubscriptionEnd));
  const ReceivedMessage end = last(action::kSubscriptionEnd);
  EXPECT_EQ(end.end_status, "http://schemas.xmlsoap.org/ws/2004/08/eventing/DeliveryFailure");
  EXPECT_EQ(end.headers.to, "http://col.example:5985/end");
  EXPECT_EQ(end.headers.identifier, "E1");
  EXPECT_THAT(end.text, HasSubstr("<e:SubscriptionManager><a:Address>http://wec.lab.example:5985/wsman</a:Address>"));
  EXPECT_TRUE(ends());
}

TEST_F(Pushing, EndsSilentlyWhereDeliveriesAreRefused) {
  happenings_.add("one");
  subscriber_.answer_always(action::kEvents, FaultCode::DeliveryRefused);
  push(wsman::kModeEvents);
  ASSERT_TRUE(ends());
  EXPECT_TRUE(subscriber_.received(action::kSubscriptionEnd).empty());
}

TEST_F(Pushing, EndsSilentlyWithUnsubscribe) {
  const std::string id = push(wsman::kModeEvents);
  ASSERT_TRUE(gets(1, action::kHeartbeat));
  service_.send(to_manager(action::kUnsubscribe, id, "<e:Unsubscribe/>"));
  happenings_.add("one");
  EXPECT_EQ(service_.dispatcher.open_subscriptions(), 0u);
  EXPECT_TRUE(subscriber_.received(action::kSubscriptionEnd).empty());
  EXPECT_TRUE(subscriber_.received(action::kEvents).empty());
}

TEST_F(Pushing, UnsubscribeDoesNotWaitForASubscriberThatIsSilent) {
  subscriber_.answer_always("", Answer::Silence);
  const std::string id = push(wsman::kModeEvents);
  ASSERT_TRUE(gets(1, action::kHeartbeat));
  EXPECT_FALSE(service_.send(to_manager(action::kUnsubscribe, id, "<e:Unsubscribe/>")).fault());
}

TEST_F(Pushing, EndsSilentlyWhenItExpires) {
  push(wsman::kModeEvents, "<w:Heartbeats>PT3600S</w:Heartbeats>", "<e:Expires>PT60S</e:Expires>");
  ASSERT_TRUE(gets(1, action::kHeartbeat));
  EXPECT_TRUE(passes_time_until([&] { return service_.dispatcher.open_subscriptions() == 0; }));
  EXPECT_TRUE(subscriber_.received(action::kSubscriptionEnd).empty());
  EXPECT_EQ(subscriber_.received(action::kHeartbeat).size(), 1u);
}

TEST_F(Pushing, LivesOnWhereItIsRenewed) {
  const std::string id = push(wsman::kModeEvents, {}, "<e:Expires>PT60S</e:Expires>");
  ASSERT_TRUE(gets(1, action::kHeartbeat));
  service_.clock.advance(seconds(59));
  service_.send(to_manager(action::kRenew, id, "<e:Renew><e:Expires>PT60S</e:Expires></e:Renew>"));
  service_.clock.advance(seconds(59));
  happenings_.add("one");
  EXPECT_TRUE(gets(1, action::kEvents));
}

TEST_F(Pushing, EndsWhereTheSubscriberMayNoLongerRead) {
  push(wsman::kModeEvents);
  ASSERT_TRUE(gets(1, action::kHeartbeat));
  service_.resource.allowed = false;
  happenings_.add("secret");
  ASSERT_TRUE(gets(1, action::kSubscriptionEnd));
  EXPECT_EQ(last(action::kSubscriptionEnd).end_code, "5");
  EXPECT_TRUE(subscriber_.received(action::kEvents).empty());
  EXPECT_TRUE(ends());
}

TEST_F(Pushing, EndsWhereTheSourceLetsTheSubscriberReadNoMore) {
  push(wsman::kModeEvents);
  ASSERT_TRUE(gets(1, action::kHeartbeat));
  happenings_.fail(FaultCode::AccessDenied);
  ASSERT_TRUE(gets(1, action::kSubscriptionEnd));
  EXPECT_EQ(last(action::kSubscriptionEnd).end_code, "5");
  EXPECT_TRUE(ends());
}

TEST_F(Pushing, GoesOnAfterASourceThatFailed) {
  happenings_.fail(FaultCode::InternalError);
  push(wsman::kModeEvents);
  ASSERT_TRUE(gets(1, action::kHeartbeat));
  happenings_.add("one");
  happenings_.fail(std::nullopt);
  EXPECT_TRUE(passes_time_until([&] { return !subscriber_.received(action::kEvents).empty(); }, milliseconds(100)));
}

TEST_F(Pushing, SaysThatTheServiceStops) {
  push(wsman::kModeEvents);
  push(wsman::kModePush);
  ASSERT_TRUE(gets(2, action::kHeartbeat));
  const auto end = [](wsman::Dispatcher& dispatcher) -> base::Task<bool> {
    co_await dispatcher.end_subscriptions();
    co_return true;
  };
  test_support::run_on(service_.loop.executor(), end(service_.dispatcher));
  const auto ended = subscriber_.received(action::kSubscriptionEnd);
  ASSERT_EQ(ended.size(), 2u);
  EXPECT_EQ(ended[0].end_status, "http://schemas.xmlsoap.org/ws/2004/08/eventing/SourceShuttingDown");
  EXPECT_EQ(ended[0].end_code, "1717");
  EXPECT_EQ(service_.fault_of(subscribe_request(wsman::kModePull)), FaultCode::EndpointUnavailable);
}

TEST_F(Pushing, StopsThoughSubscribersAreSilent) {
  subscriber_.answer_always("", Answer::Silence);
  for (int i = 0; i < 20; ++i) push(wsman::kModeEvents);
  ASSERT_TRUE(gets(20, action::kHeartbeat));
  // The destructor stops the service.
}

}  // namespace
}  // namespace wsman_test
