// Events that a subscriber pulls.

#include "tests/wsman/subscription_fixture.h"

namespace wsman_test {
namespace {

namespace action = wsman::action;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> events_in(const wsman::Envelope& reply) {
  std::vector<std::string> events;
  for (const xml::Element item : reply.body().child(wsman::ns::kEnumeration, "Items").children()) {
    const xml::Element inside = item.first_child();
    events.push_back(inside ? inside.outer_xml() : std::string(item.text()));
  }
  return events;
}

class Pulling : public SubscriptionTest {
 protected:
  wsman::Envelope pull(const std::string& id, std::string_view inside = "<n:MaxElements>100</n:MaxElements>") {
    return service_.send(pull_request(id, inside));
  }
  wsman::Envelope read(std::optional<wsman::Message> message) {
    auto envelope = wsman::read_envelope(wsman::write_envelope(*message));
    return std::move(envelope).value();
  }
};

TEST_F(Pulling, GivesEventsInOrderWithTheirContext) {
  const std::string id = pull_mode();
  happenings_.add("one");
  happenings_.add("two");
  const auto reply = pull(id);
  EXPECT_THAT(events_in(reply), ElementsAre("<Event>one</Event>", "<Event>two</Event>"));
  EXPECT_EQ(reply.body().child(wsman::ns::kEnumeration, "EnumerationContext").text(), id);
  EXPECT_THAT(body_of(reply), HasSubstr("<w:Event Action='http://schemas.dmtf.org/wbem/wsman/1/wsman/Event'>"));
  EXPECT_FALSE(reply.headers.bookmark.has_value());
}

TEST_F(Pulling, GivesEachEventOnce) {
  const std::string id = pull_mode();
  for (const char* text : {"one", "two", "three"}) happenings_.add(text);
  EXPECT_THAT(events_in(pull(id, "<n:MaxElements>2</n:MaxElements>")),
              ElementsAre("<Event>one</Event>", "<Event>two</Event>"));
  EXPECT_THAT(events_in(pull(id)), ElementsAre("<Event>three</Event>"));
}

TEST_F(Pulling, GivesOneWhereNoNumberIsNamed) {
  const std::string id = pull_mode();
  happenings_.add("one");
  happenings_.add("two");
  EXPECT_THAT(events_in(pull(id, "")), ElementsAre("<Event>one</Event>"));
}

TEST_F(Pulling, WaitsForAnEvent) {
  const std::string id = pull_mode();
  auto waiting = start(pull_request(id));
  happenings_.add("late");
  EXPECT_THAT(events_in(read(waiting.get())), ElementsAre("<Event>late</Event>"));
}

TEST_F(Pulling, TimesOutAndLivesOn) {
  const std::string id = pull_mode();
  auto waiting = start(pull_request(id).block("w:OperationTimeout", "<w:OperationTimeout>PT5S</w:OperationTimeout>"));
  EXPECT_TRUE(
      passes_time_until([&] { return waiting.wait_for(seconds(0)) == std::future_status::ready; }, milliseconds(100)));
  const auto fault = read(waiting.get()).fault();
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(wsman::windows_code_of(*fault), 2150858793u);
  happenings_.add("after");
  EXPECT_THAT(events_in(pull(id)), ElementsAre("<Event>after</Event>"));
}

TEST_F(Pulling, TimesOutAfterMaxTime) {
  const std::string id = pull_mode();
  const auto begun = service_.clock.steady();
  auto waiting = start(pull_request(id, "<n:MaxTime>PT2S</n:MaxTime>"));
  EXPECT_TRUE(
      passes_time_until([&] { return waiting.wait_for(seconds(0)) == std::future_status::ready; }, milliseconds(10)));
  EXPECT_EQ(read(waiting.get()).fault()->code, FaultCode::TimedOut);
  EXPECT_GE(service_.clock.steady() - begun, seconds(2));
}

TEST_F(Pulling, TimesOutAfterMaxTimeoutms) {
  wsman::Limits limits;
  limits.max_timeout = seconds(5);
  service_.dispatcher.set_limits(limits);
  const std::string id = pull_mode();
  RequestText request = pull_request(id);
  request.block("w:OperationTimeout", "<w:OperationTimeout>PT600S</w:OperationTimeout>");
  const auto begun = service_.clock.steady();
  auto answer = start(request);
  ASSERT_TRUE(passes_time_until([&] { return answer.wait_for(seconds(0)) == std::future_status::ready; }));
  EXPECT_LE(service_.clock.steady() - begun, seconds(8));
  EXPECT_EQ(read(answer.get()).fault()->code, FaultCode::TimedOut);
}

TEST_F(Pulling, AnswersAtLeastOnceInAHeartbeat) {
  const std::string id = pull_mode("<w:Heartbeats>PT3S</w:Heartbeats>");
  const auto begun = service_.clock.steady();
  auto waiting = start(pull_request(id));
  EXPECT_TRUE(
      passes_time_until([&] { return waiting.wait_for(seconds(0)) == std::future_status::ready; }, milliseconds(10)));
  EXPECT_EQ(read(waiting.get()).fault()->code, FaultCode::TimedOut);
  EXPECT_LT(service_.clock.steady() - begun, seconds(50));
}

TEST_F(Pulling, GoesOnOnePullAtATime) {
  const std::string id = pull_mode();
  auto waiting = start(pull_request(id));
  ASSERT_TRUE(eventually([&] { return service_.fault_of(pull_request(id)) == FaultCode::PullInProgress; }));
  happenings_.add("one");
  waiting.get();
}

TEST_F(Pulling, SendsBookmarksWhereTheyAreWanted) {
  const std::string id = pull_mode("", "<w:SendBookmarks/>");
  happenings_.add("one");
  happenings_.add("two");
  EXPECT_EQ(pull(id).headers.bookmark, "<At>2</At>");
}

TEST_F(Pulling, PassesEventsAsTextWhereAsked) {
  const std::string id =
      subscribe(subscribe_request(wsman::kModePull)
                    .block("w:OptionSet", "<w:OptionSet><w:Option Name=\"CDATA\" xsi:nil=\"true\"/></w:OptionSet>"));
  happenings_.add("a&lt;b");
  EXPECT_THAT(events_in(pull(id)), ElementsAre("<Event>a&lt;b</Event>"));
}

TEST_F(Pulling, PassesWhatIsNotWellFormedAsText) {
  const std::string id = pull_mode();
  wsman::Item broken;
  broken.xml = "<Event><cut";
  broken.opaque = true;
  happenings_.add(std::move(broken));
  EXPECT_THAT(events_in(pull(id)), ElementsAre("<Event><cut"));
}

TEST_F(Pulling, KeepsWhatDoesNotFitForTheNextPull) {
  const std::string id = pull_mode();
  happenings_.add(std::string(5000, 'a'));
  happenings_.add(std::string(5000, 'b'));
  const auto small = [&] {
    return pull_request(id).block("w:MaxEnvelopeSize", "<w:MaxEnvelopeSize>8192</w:MaxEnvelopeSize>");
  };
  const auto first = service_.send(small());
  EXPECT_EQ(events_in(first).size(), 1u);
  EXPECT_LT(wsman::write_envelope({first.headers, body_of(first)}).size(), 8192u);
  EXPECT_THAT(events_in(service_.send(small())), ElementsAre("<Event>" + std::string(5000, 'b') + "</Event>"));
}

TEST_F(Pulling, AsksForALargerMessageWhereOneWouldDo) {
  const std::string id = pull_mode();
  happenings_.add(std::string(9000, 'a'));
  EXPECT_EQ(service_.fault_of(pull_request(id).block("w:MaxEnvelopeSize", "<w:MaxEnvelopeSize>8192</w:MaxEnvelopeSize>")),
            FaultCode::MaxEnvelopeSizeExceeded);
  EXPECT_EQ(events_in(pull(id)).size(), 1u);
}

TEST_F(Pulling, TellsHowManyEventsFitIntoNoMessage) {
  const std::string id = pull_mode("<w:MaxEnvelopeSize Policy=\"Notify\">10000</w:MaxEnvelopeSize>");
  happenings_.add(std::string(12'000, 'a'));
  happenings_.add("small");
  const std::string body = body_of(pull(id));
  EXPECT_THAT(body, HasSubstr("<Event>small</Event>"));
  EXPECT_THAT(body, HasSubstr("wsman/DroppedEvents'>1</w:DroppedEvents>"));
}

TEST_F(Pulling, SkipsThemWhereAsked) {
  const std::string id = pull_mode("<w:MaxEnvelopeSize Policy=\"Skip\">10000</w:MaxEnvelopeSize>");
  happenings_.add(std::string(12'000, 'a'));
  happenings_.add("small");
  const std::string body = body_of(pull(id));
  EXPECT_THAT(body, HasSubstr("<Event>small</Event>"));
  EXPECT_THAT(body, Not(HasSubstr("DroppedEvents")));
}

TEST_F(Pulling, EndsForThemWhereAsked) {
  const std::string id = pull_mode("<w:MaxEnvelopeSize Policy=\"CancelSubscription\">10000</w:MaxEnvelopeSize>");
  happenings_.add("small");
  happenings_.add(std::string(12'000, 'a'));
  EXPECT_THAT(events_in(pull(id)), ElementsAre("<Event>small</Event>"));
  EXPECT_EQ(service_.fault_of(pull_request(id)), FaultCode::MaxEnvelopeSizeExceeded);
  EXPECT_EQ(service_.fault_of(pull_request(id)), FaultCode::InvalidEnumerationContext);
}

TEST_F(Pulling, EndsWithItsSource) {
  const std::string id = pull_mode();
  happenings_.add("last");
  happenings_.end();
  const auto reply = pull(id);
  EXPECT_THAT(events_in(reply), ElementsAre("<Event>last</Event>"));
  EXPECT_TRUE(reply.body().child(wsman::ns::kEnumeration, "EndOfSequence"));
  EXPECT_EQ(service_.dispatcher.open_subscriptions(), 0u);
}

TEST_F(Pulling, SurvivesASourceThatFails) {
  const std::string id = pull_mode();
  happenings_.fail(FaultCode::InternalError);
  EXPECT_EQ(service_.fault_of(pull_request(id)), FaultCode::InternalError);
  happenings_.fail(std::nullopt);
  happenings_.add("one");
  EXPECT_THAT(events_in(pull(id)), ElementsAre("<Event>one</Event>"));
}

TEST_F(Pulling, IsAskedForTheRightToReadEachTime) {
  const std::string id = pull_mode();
  service_.resource.allowed = false;
  EXPECT_EQ(service_.fault_of(pull_request(id)), FaultCode::AccessDenied);
}

TEST_F(Pulling, IsNotHowPushedEventsAreGot) {
  const std::string id = subscribe(subscribe_request(wsman::kModeEvents, kNotifyTo));
  EXPECT_EQ(service_.fault_of(pull_request(id)), FaultCode::InvalidEnumerationContext);
}

/// Our client against our dispatcher.
TEST_F(Pulling, IsWhatTheClientDoes) {
  wsman::ClientOptions options;
  options.to = "http://wec.lab.example:5985/wsman";
  options.operation_timeout = seconds(5);
  wsman::Client client(wsman::loopback_transport(service_.dispatcher, administrator()), options);
  const auto run = [&](auto task) { return test_support::run_on(service_.loop.executor(), std::move(task)); };
  wsman::SubscribeRequest request;
  request.resource_uri = test_support::kFakeUri;
  request.mode = wsman::kModePull;
  request.expires = "PT60S";
  auto subscribed = run(client.subscribe(request));
  ASSERT_TRUE(subscribed.ok()) << subscribed.error().message();
  EXPECT_EQ(subscribed->expires, seconds(60));
  EXPECT_EQ(subscribed->context, subscribed->identifier);

  happenings_.add("one");
  happenings_.add("two");
  auto pulled = run(client.pull(*subscribed, 10));
  ASSERT_TRUE(pulled.ok()) << pulled.error().message();
  EXPECT_THAT(pulled->events, ElementsAre("<Event>one</Event>", "<Event>two</Event>"));
  EXPECT_EQ(pulled->bookmark, "<At>2</At>");

  ASSERT_TRUE(run(client.renew(*subscribed, "PT90S")).ok());
  EXPECT_EQ(subscribed->expires, seconds(90));
  ASSERT_TRUE(run(client.get_status(*subscribed)).ok());
  EXPECT_EQ(subscribed->expires, seconds(90));
  ASSERT_TRUE(run(client.unsubscribe(*subscribed)).ok());
  EXPECT_EQ(service_.dispatcher.open_subscriptions(), 0u);
  EXPECT_FALSE(run(client.pull(*subscribed, 10)).ok());
}

}  // namespace
}  // namespace wsman_test
