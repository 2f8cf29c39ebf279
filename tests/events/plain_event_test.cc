#include "events/plain_event.h"

#include "engine/xml/document.h"
#include "tests/events/corpus.h"
#include "tests/support/matchers.h"

namespace events {
namespace {

/// The short way's answer where it has one, checked against the parser's.
std::optional<System> read(const std::string& text) {
  const auto plain = read_plain_system(text);
  const auto document = xml::Document::parse(text);
  if (plain) {
    EXPECT_TRUE(document.ok() && *plain == read_system(document->root())) << text;
  }
  return plain;
}

TEST(PlainEvent, RealEventsTakeTheShortWayAndReadTheSame) {
  std::size_t taken = 0;
  const auto events = corpus::events();
  for (const Event& event : events) taken += read(event.xml) ? 1 : 0;
  EXPECT_GT(taken, events.size() * 9 / 10);
}

TEST(PlainEvent, BothQuotesWhiteSpaceAndEmptyElementsArePlain) {
  const auto system = read(
      "<Event\n xmlns = 'u' ><System>\n <Provider Name=\"a'b\" Guid = 'g'/> <EventID Qualifiers='1' > 7 </EventID>"
      "<Level></Level><Task> </Task><Channel> c </Channel><Correlation/><Security UserId='0'></Security></System>"
      "<EventData><Data Name='a&amp;b'>x &lt; y</Data>tail</EventData></Event>");
  ASSERT_TRUE(system);
  EXPECT_EQ(system->provider, "a'b");
  EXPECT_EQ(system->event_id, 7);
  EXPECT_EQ(system->channel, " c ");
  EXPECT_EQ(system->user_id, "0");
  EXPECT_FALSE(system->knows(Field::Level));
}

TEST(PlainEvent, WhatComesTwiceIsReadAlike) {
  const auto system = read(
      "<Event><System><EventID>1</EventID><EventID>2</EventID><Provider Name='a' "
      "Name='b'/></System><x><System/></x></Event>");
  ASSERT_TRUE(system);
  EXPECT_EQ(system->event_id, 1);
  EXPECT_EQ(system->provider, "a");
  EXPECT_FALSE(system->knows(Field::EventId));
}

TEST(PlainEvent, AnythingUnusualIsLeftToTheParser) {
  for (const char* text : {"",
                           "</",
                           "</>",
                           "</Event>",
                           "x",
                           "<",
                           "<Event",
                           "<Event>",
                           "<Event/>",
                           "<Event></Event>",
                           "<Event><System></Event>",
                           "<Events><System/></Events>",
                           "<Event><System/></Event> ",
                           " <Event><System/></Event>",
                           "<Event><System/></Event><a/>",
                           "<Event><System/></Even>",
                           "<Event><System/><System/></Event>",
                           "<Event><System></System><System></System></Event>",
                           "<e:Event xmlns:e='u'><e:System/></e:Event>",
                           "<Event><e:System/></Event>",
                           "<Event><System><e:Level>1</e:Level></System></Event>",
                           "<Event><System><Channel>a&amp;b</Channel></System></Event>",
                           "<Event><System><Provider Name='&lt;'/></System></Event>",
                           "<Event><System/><a>&#x110000;</a></Event>",
                           "<Event><System/><a b='&#xD800;'/></Event>",
                           "<Event><System><!-- c --></System></Event>",
                           "<Event><System/><![CDATA[x]]></Event>",
                           "<?xml version='1.0'?><Event><System/></Event>",
                           "<Event><System><Channel>a<b/>c</Channel></System></Event>",
                           "<Event><System a='<'/></Event>",
                           "<Event><System a=b/></Event>",
                           "<Event><System a='1'b='2'/></Event>",
                           "<Event><System / ></Event>",
                           "<Event><System></System ></Event>"}) {
    EXPECT_FALSE(read(text)) << text;
  }
  EXPECT_FALSE(read(std::string("<Event><System/><a>\0</a></Event>", 32)));
}

TEST(PlainEvent, TheLimitsOfTheParserHold) {
  const auto nested = [](std::size_t depth) {
    std::string text = "<Event><System/>";
    for (std::size_t i = 1; i < depth; ++i) text += "<a>";
    for (std::size_t i = 1; i < depth; ++i) text += "</a>";
    return text + "</Event>";
  };
  EXPECT_TRUE(read(nested(64)));
  EXPECT_FALSE(read(nested(65)));
  EXPECT_FALSE(read(nested(100'000)));
  std::string many = "<Event><System ";
  for (int i = 0; i < 257; ++i) many += "a" + std::to_string(i) + "='' ";
  EXPECT_FALSE(read(many + "/></Event>"));
  std::string wide = "<Event><System/>";
  for (int i = 0; i < 400'000; ++i) wide += "<a/>";
  EXPECT_FALSE(read(wide + "</Event>"));
}

TEST(PlainEvent, EveryCutIsLeftToTheParser) {
  const std::string text = "<Event x='1'><System><Provider Name='P'/><EventID>1</EventID></System><a>b</a></Event>";
  EXPECT_TRUE(read(text));
  for (std::size_t length = 0; length < text.size(); ++length) EXPECT_FALSE(read(text.substr(0, length))) << length;
}

}  // namespace
}  // namespace events
