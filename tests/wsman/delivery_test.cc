#include "engine/wsman/delivery.h"

#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "tests/support/matchers.h"
#include "tests/wsman/fakes.h"

namespace wsman {
namespace {

using test_support::administrator;
using test_support::RequestText;
using test_support::Service;
using ::testing::ElementsAre;

constexpr std::string_view kIdentifier = "5D0F3C11-3333-4F4E-8B77-0A0B0C0D0E0F";

RequestText delivery(std::string_view action, std::string_view body) {
  return RequestText(action)
      .block("e:Identifier", "<e:Identifier>" + std::string(kIdentifier) + "</e:Identifier>")
      .block("m:MachineID",
             "<m:MachineID xmlns:m='http://schemas.microsoft.com/wbem/wsman/1/machineid'>host7.lab.example</m:MachineID>")
      .block("p:SessionId", "<p:SessionId>uuid:5</p:SessionId>")
      .block("w:AckRequested", "<w:AckRequested/>")
      .body(body);
}

RequestText events(std::string_view inside) {
  return delivery(action::kEvents, "<w:Events>" + std::string(inside) + "</w:Events>");
}

std::string cdata(std::string_view text) {
  return "<w:Event Action='http://schemas.dmtf.org/wbem/wsman/1/wsman/Event'><![CDATA[" + std::string(text) +
         "]]></w:Event>";
}

TEST(Delivery, BatchReachesTheSinkAndIsAcknowledged) {
  Service service;
  auto caller = administrator();
  caller.path = "/wsman/subscriptions/1";
  const auto reply = service.send(
      events(cdata("<Event>1</Event>") + "\r\n  " + cdata("<Event>2</Event>"))
          .block("w:Bookmark",
                 "<w:Bookmark><BookmarkList><Bookmark Channel=\"System\" RecordId=\"2\"/></BookmarkList></w:Bookmark>"),
      caller);
  EXPECT_EQ(reply.headers.action, "http://schemas.dmtf.org/wbem/wsman/1/wsman/Ack");
  EXPECT_EQ(reply.headers.relates_to, RequestText::kMessageId);
  EXPECT_FALSE(reply.body());
  EXPECT_EQ(reply.document.root().attribute(ns::kXml, "lang"), "en-US");

  ASSERT_EQ(service.sink.taken.size(), 1u);
  const Delivery& taken = service.sink.taken[0];
  EXPECT_EQ(taken.kind, Delivery::Kind::Events);
  EXPECT_THAT(taken.events, ElementsAre("<Event>1</Event>", "<Event>2</Event>"));
  EXPECT_EQ(taken.bookmark, "<BookmarkList><Bookmark Channel=\"System\" RecordId=\"2\"/></BookmarkList>");
  EXPECT_EQ(taken.identifier, kIdentifier);
  EXPECT_EQ(taken.machine_id, "host7.lab.example");
  EXPECT_EQ(taken.session_id, "uuid:5");
  EXPECT_EQ(taken.path, "/wsman/subscriptions/1");
  EXPECT_EQ(taken.address, caller.address);
  EXPECT_EQ(taken.who.name, caller.who.name);
}

TEST(Delivery, EventTextComesInThreeForms) {
  Service service;
  service.send(
      events("<w:Event><![CDATA[<Event>a]]]]><![CDATA[>b</Event>]]></w:Event>"
             "<w:Event>&lt;Event&gt;&amp;amp;&lt;/Event&gt;</w:Event>"
             "<w:Event><Event xmlns='urn:event'><Data Name='x'>1</Data></Event></w:Event>"));
  ASSERT_EQ(service.sink.taken.size(), 1u);
  EXPECT_THAT(service.sink.taken[0].events, ElementsAre("<Event>a]]>b</Event>", "<Event>&amp;</Event>",
                                                        "<Event xmlns='urn:event'><Data Name='x'>1</Data></Event>"));
}

TEST(Delivery, InlineEventKeepsItsNamespace) {
  Service service;
  service.send(events("<w:Event xmlns:v='urn:event'><v:Event><v:System/></v:Event></w:Event>"));
  auto event = xml::Document::parse(service.sink.taken.at(0).events.at(0));
  ASSERT_THAT(event, test_support::IsOk());
  EXPECT_TRUE(event->root().is("urn:event", "Event"));
}

TEST(Delivery, ForeignElementsArePassedOverAndDropsAreCounted) {
  Service service;
  service.send(
      events("<x:Other xmlns:x='urn:x'>?</x:Other>" + cdata("<Event/>") +
             "<w:DroppedEvents Action='http://schemas.dmtf.org/wbem/wsman/1/wsman/DroppedEvents'>3</w:DroppedEvents>"
             "<w:DroppedEvents>4</w:DroppedEvents><w:Event/>"));
  EXPECT_THAT(service.sink.taken.at(0).events, ElementsAre("<Event/>"));
  EXPECT_EQ(service.sink.taken.at(0).dropped, 7u);
}

TEST(Delivery, EmptyBatchIsFine) {
  Service service;
  EXPECT_EQ(service.send(events("")).headers.action, action::kAck);
  EXPECT_EQ(service.send(delivery(action::kEvents, "")).headers.action, action::kAck);
  EXPECT_EQ(service.sink.taken.size(), 2u);
}

TEST(Delivery, ControlCharactersAndMalformedEventsAreDelivered) {
  Service service;
  service.send(events(cdata("<Event>\x01\x1f</Event>") + cdata("<Event><RenderingInfo><Message>cut")));
  EXPECT_THAT(service.sink.taken.at(0).events, ElementsAre("<Event>\x01\x1f</Event>", "<Event><RenderingInfo><Message>cut"));
}

TEST(Delivery, HeartbeatWithAndWithoutBody) {
  Service service;
  EXPECT_EQ(service.send(delivery(action::kHeartbeat, "<w:Events></w:Events>")).headers.action, action::kAck);
  EXPECT_EQ(service.send(delivery(action::kHeartbeat, "")).headers.action, action::kAck);
  ASSERT_EQ(service.sink.taken.size(), 2u);
  EXPECT_EQ(service.sink.taken[1].kind, Delivery::Kind::Heartbeat);
}

TEST(Delivery, SubscriptionEndTellsWhy) {
  Service service;
  auto request = delivery(
      action::kSubscriptionEnd,
      "<e:SubscriptionEnd><e:SubscriptionManager><a:Address>http://x</a:Address><a:ReferenceProperties><e:Identifier>OTHER"
      "</e:Identifier></a:ReferenceProperties></e:SubscriptionManager>"
      "<e:Status>http://schemas.xmlsoap.org/ws/2004/08/eventing/SourceCancelling</e:Status>"
      "<f:WSManFault xmlns:f='http://schemas.microsoft.com/wbem/wsman/1/wsmanfault' Code='1717' Machine='host7'><f:Message>"
      "<f:ProviderFault><t:ProviderError xmlns:t='http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog'>gone"
      "</t:ProviderError></f:ProviderFault></f:Message></f:WSManFault></e:SubscriptionEnd>");
  request.block("w:OperationTimeout", "<w:OperationTimeout>PT0.500S</w:OperationTimeout>");
  EXPECT_EQ(service.send(request).headers.action, action::kAck);
  const Delivery& taken = service.sink.taken.at(0);
  EXPECT_EQ(taken.kind, Delivery::Kind::SubscriptionEnd);
  EXPECT_EQ(taken.identifier, kIdentifier);
  EXPECT_EQ(taken.end_status, "http://schemas.xmlsoap.org/ws/2004/08/eventing/SourceCancelling");
  EXPECT_EQ(taken.end_code, 1717u);
  EXPECT_EQ(taken.end_message, "gone");
}

TEST(Delivery, SingleEventMessageIsABatchOfOne) {
  Service service;
  service.send(delivery(action::kEvent, "<Event xmlns='urn:event'/>"));
  EXPECT_THAT(service.sink.taken.at(0).events, ElementsAre("<Event xmlns='urn:event'/>"));
}

TEST(Delivery, DroppedEventsMessageIsCounted) {
  Service service;
  service.send(delivery(action::kDroppedEvents, "<w:DroppedEvents>12</w:DroppedEvents>"));
  EXPECT_EQ(service.sink.taken.at(0).dropped, 12u);
}

TEST(Delivery, RefusalOfTheSinkIsTheReply) {
  Service service;
  service.sink.answer = make_fault(FaultCode::DeliveryRefused, "The subscription is gone");
  const auto fault = service.send(events(cdata("<Event/>"))).fault();
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->code, FaultCode::DeliveryRefused);
  EXPECT_EQ(fault->reason, "The subscription is gone");
}

TEST(Delivery, BodyOfAnotherOperationIsRefused) {
  Service service;
  EXPECT_EQ(service.fault_of(delivery(action::kEvents, "<n:Pull/>")), FaultCode::ActionMismatch);
  EXPECT_EQ(service.fault_of(delivery(action::kSubscriptionEnd, "<w:Events/>")), FaultCode::ActionMismatch);
  EXPECT_TRUE(service.sink.taken.empty());
}

TEST(Delivery, WithoutASinkTheActionIsUnknown) {
  Dispatcher dispatcher{DispatcherOptions{}};
  auto envelope = read_envelope(events("").text());
  ASSERT_THAT(envelope, test_support::IsOk());
  auto reply = test_support::run(dispatcher.dispatch(std::move(envelope).value(), administrator()));
  ASSERT_TRUE(reply.has_value());
  EXPECT_NE(reply->body.find("a:ActionNotSupported"), std::string::npos);
}

TEST(Delivery, SinkThatStallsIsAnsweredInTime) {
  Service service;
  test_support::FakeClock never;
  service.sink.stall = &never;
  auto envelope =
      read_envelope(events("").block("w:OperationTimeout", "<w:OperationTimeout>PT60.000S</w:OperationTimeout>").text());
  auto reply = boost::asio::co_spawn(service.loop.executor(),
                                     service.dispatcher.dispatch(std::move(envelope).value(), administrator()),
                                     boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return service.clock.sleepers() == 1; }));
  service.clock.advance(std::chrono::seconds(60));
  EXPECT_NE(reply.get()->body.find("w:TimedOut"), std::string::npos);
}

}  // namespace
}  // namespace wsman
