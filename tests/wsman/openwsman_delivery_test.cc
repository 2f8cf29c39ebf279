// What openwsman 2.8 pushes.

#include <gtest/gtest.h>

#include "engine/wsman/delivery.h"
#include "engine/wsman/names.h"
#include "tests/support/matchers.h"
#include "tests/wsman/fakes.h"

namespace wsman {
namespace {

using test_support::administrator;
using test_support::RequestText;
using test_support::Service;
using ::testing::ElementsAre;

constexpr std::string_view kAlert = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_AlertIndication";

/// A batch of items that have lost their roots.
RequestText batch(std::string_view items) {
  return RequestText(action::kEvents)
      .block("a:ReplyTo", "")
      .block("w:AckRequested", "<w:AckRequested/>")
      .body("<w:Events>" + std::string(items) + "</w:Events>");
}

std::string item(std::string_view action, std::string_view inside) {
  return "<w:Event w:Action='" + std::string(action) + "'>" + std::string(inside) + "</w:Event>";
}

xml::Document parsed(const std::string& event) {
  auto document = xml::Document::parse(event);
  EXPECT_THAT(document, test_support::IsOk()) << event;
  return document.ok() ? std::move(*document) : xml::Document();
}

TEST(OpenwsmanDelivery, AnEventGetsItsRootBack) {
  Service service;
  service.send(
      batch(item("http://schemas.microsoft.com/win/2004/08/events/event/Event",
                 "<v:System xmlns:v='http://schemas.microsoft.com/win/2004/08/events/event'><v:EventID>7"
                 "</v:EventID></v:System><v:EventData xmlns:v='http://schemas.microsoft.com/win/2004/08/events/event'>"
                 "<v:Data>a</v:Data></v:EventData>")));
  ASSERT_EQ(service.sink.taken.size(), 1u);
  ASSERT_EQ(service.sink.taken[0].events.size(), 1u);
  const auto document = parsed(service.sink.taken[0].events[0]);
  constexpr std::string_view kEvent = "http://schemas.microsoft.com/win/2004/08/events/event";
  EXPECT_TRUE(document.root().is(kEvent, "Event"));
  EXPECT_EQ(document.root().child(kEvent, "System").child(kEvent, "EventID").text(), "7");
  EXPECT_EQ(document.root().child(kEvent, "EventData").child(kEvent, "Data").text(), "a");
}

TEST(OpenwsmanDelivery, AnIndicationGetsTheNameThatItsActionEndsWith) {
  Service service;
  const std::string space(kAlert);
  service.send(
      batch(item(kAlert, "<p:AlertType xmlns:p='" + space + "'>5</p:AlertType>") +
            item(kAlert, "<p:AlertType xmlns:p='" + space + "'>6</p:AlertType><p:Other xmlns:p='" + space + "'/>")));
  ASSERT_EQ(service.sink.taken.at(0).events.size(), 2u);
  for (const std::string& event : service.sink.taken[0].events) {
    const auto document = parsed(event);
    EXPECT_TRUE(document.root().is(kAlert, "CIM_AlertIndication")) << event;
    EXPECT_TRUE(document.root().child(kAlert, "AlertType"));
  }
}

TEST(OpenwsmanDelivery, AnEventThatHasItsRootKeepsIt) {
  Service service;
  service.send(batch(item("urn:event/Event", "<Event xmlns='urn:event'><System/></Event>") +
                     "<w:Event w:Action='x'><![CDATA[<Event/>]]></w:Event>"));
  EXPECT_THAT(service.sink.taken.at(0).events, ElementsAre("<Event xmlns='urn:event'><System/></Event>", "<Event/>"));
}

TEST(OpenwsmanDelivery, AnActionThatIsNoNameDoesNotBecomeOne) {
  for (const char* action : {"", "no name at all/", "urn:x/&lt;evil&gt;", "urn:x/1st", "urn:x/a b"}) {
    Service service;
    service.send(batch(item(action, "<p:A xmlns:p='urn:\"p\"&amp;'/><p:B xmlns:p='urn:p'/>")));
    ASSERT_EQ(service.sink.taken.at(0).events.size(), 1u) << action;
    EXPECT_EQ(parsed(service.sink.taken[0].events[0]).root().child_count(), 2u) << action;
  }
}

TEST(OpenwsmanDelivery, AHeartbeatIsOneThoughItsActionIsMisspelt) {
  Service service;
  service.send(RequestText("http://schemas.xmlsoap.org/wbmem/wsman/1/wsman/Heartbeat")
                   .block("a:ReplyTo", "")
                   .block("w:AckRequested", "<w:AckRequested/>"));
  ASSERT_EQ(service.sink.taken.size(), 1u);
  EXPECT_EQ(service.sink.taken[0].kind, Delivery::Kind::Heartbeat);
}

TEST(OpenwsmanDelivery, ASingleEventHasItsActionElsewhereAndNoRoot) {
  Service service;
  service.send(RequestText("")
                   .block("a:Action", "")
                   .block("a:ReplyTo", "")
                   .block("w:Action", "<w:Action>" + std::string(kAlert) + "</w:Action>")
                   .block("w:AckRequested", "<w:AckRequested/>")
                   .body("<p:AlertType xmlns:p='" + std::string(kAlert) +
                         "'>5</p:AlertType>"
                         "<p:Message xmlns:p='" +
                         std::string(kAlert) + "'>hot</p:Message>"));
  ASSERT_EQ(service.sink.taken.size(), 1u);
  ASSERT_EQ(service.sink.taken[0].events.size(), 1u);
  const auto document = parsed(service.sink.taken[0].events[0]);
  EXPECT_TRUE(document.root().is(kAlert, "CIM_AlertIndication"));
  EXPECT_EQ(document.root().child(kAlert, "Message").text(), "hot");
}

}  // namespace
}  // namespace wsman
