#include "cli/event_file.h"

#include "cli/event_output.h"
#include "engine/base/utf16.h"
#include "engine/base/win32.h"
#include "events/event.h"
#include "events/render.h"
#include "tests/resources/log_service.h"
#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"

namespace cli {
namespace {

using base::Win32;
using test_support::event_xml;
using test_support::IsError;
using test_support::IsOk;
using test_support::TemporaryDirectory;
using testing::ElementsAre;
using testing::IsEmpty;

struct Contents {
  std::vector<std::string> events;
  std::uint64_t unreadable = 0;
};

class EventFileTest : public testing::Test {
 protected:
  base::Result<Contents> read(const std::string& text) {
    folder_.write("events", text);
    ASSIGN_OR_RETURN(const auto file, EventFile::open(folder_ / "events"));
    Contents contents;
    for (;;) {
      ASSIGN_OR_RETURN(auto event, file->next());
      if (!event) break;
      contents.events.push_back(std::move(*event));
    }
    contents.unreadable = file->unreadable();
    return contents;
  }

  TemporaryDirectory folder_;
};

/// Splits `text` after feeding it in pieces of that size.
Contents split(const std::string& text, std::size_t piece) {
  EventSplitter splitter;
  Contents contents;
  const auto drain = [&] {
    while (auto event = splitter.next()) contents.events.push_back(std::move(*event));
  };
  for (std::size_t at = 0; at < text.size(); at += piece) {
    splitter.add(std::string_view(text).substr(at, piece));
    drain();
  }
  splitter.end();
  drain();
  contents.unreadable = splitter.unreadable();
  return contents;
}

TEST_F(EventFileTest, ReadsEventsOneALine) {
  const auto contents = read(event_xml(1, "a") + "\n" + event_xml(2, "b") + "\n");
  ASSERT_THAT(contents, IsOk());
  EXPECT_THAT(contents->events, ElementsAre(event_xml(1, "a"), event_xml(2, "b")));
  EXPECT_EQ(contents->unreadable, 0u);
}

TEST_F(EventFileTest, ReadsEventsInsideOfAnotherElement) {
  const auto contents = read("\xEF\xBB\xBF<?xml version='1.0'?><!-- of <Event> --><Events>\r\n" + event_xml(1, "a") +
                             "<Note>5 &gt; 4</Note>" + event_xml(2, "b") + "</Events>");
  ASSERT_THAT(contents, IsOk());
  EXPECT_THAT(contents->events, ElementsAre(event_xml(1, "a"), event_xml(2, "b")));
}

TEST_F(EventFileTest, ReadsUtf16) {
  const auto contents =
      read(base::utf8_to_utf16le_with_mark("<Events>" + event_xml(1, "Grüße \xF0\x9F\x98\x80") + "</Events>"));
  ASSERT_THAT(contents, IsOk());
  EXPECT_THAT(contents->events, ElementsAre(event_xml(1, "Grüße \xF0\x9F\x98\x80")));
}

TEST_F(EventFileTest, AnEmptyFileHasNoEvents) {
  EXPECT_THAT(read("")->events, IsEmpty());
  EXPECT_THAT(read("\r\n  ")->events, IsEmpty());
  EXPECT_THAT(read("<Events/>")->events, IsEmpty());
}

TEST_F(EventFileTest, OtherFormsAreRefused) {
  EXPECT_THAT(read("Level,Date and Time\r\n"), IsError(Win32::InvalidData));
  EXPECT_THAT(EventFile::open(folder_ / "missing"), IsError(Win32::FileNotFound));
  EXPECT_THAT(EventFile::open(folder_ / "no/such"), IsError(Win32::PathNotFound));
  EXPECT_THAT(EventFile::open(folder_.path()), IsError(Win32::InvalidData));
}

TEST_F(EventFileTest, WhatIsNoLogFileOfWindowsIsCorrupt) {
  EXPECT_THAT(read("ElfFile"), IsError(Win32::EventlogFileCorrupt));
  EXPECT_THAT(read("ElfFile" + std::string(70'000, '\xA5')), IsError(Win32::EventlogFileCorrupt));
}

TEST(EventSplitter, FindsTheSameEventsHoweverTheTextIsCut) {
  const std::string one = event_xml(1, "a <![CDATA[</Event><Event>]]> b <!-- <Event> --> c");
  const std::string two = "<x:Event xmlns:x='urn:x' a='&gt;'><UserData><Event/><Event><b/></Event></UserData></x:Event>";
  const std::string text = "<?xml version='1.0'?>\n<Events a='>'>\n" + one + "\n " + two + "</Events>\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const Contents contents = split(text, piece);
    EXPECT_THAT(contents.events, ElementsAre(one, two)) << piece;
    EXPECT_EQ(contents.unreadable, 0u) << piece;
  }
}

TEST(EventSplitter, GoesOnBehindAnEventThatIsBrokenOff) {
  const std::string whole = event_xml(2, "b");
  for (const std::string broken : {"<Event><System>", "<no event", "rubbish", "<Event><System a='", "<Event/>"}) {
    for (const std::size_t piece : {1, 7, 10'000}) {
      const Contents contents = split(event_xml(1, "a") + "\n" + broken + "\n" + whole + "\n", piece);
      EXPECT_THAT(contents.events, ElementsAre(event_xml(1, "a"), whole)) << broken;
      EXPECT_EQ(contents.unreadable, 1u) << broken;
    }
  }
  EXPECT_EQ(split(whole + "\n<Event><Sys", 5).unreadable, 1u);
}

TEST(EventSplitter, PassesOverAnEventThatIsTooLarge) {
  const std::string huge = "<Event>" + std::string(kMaxEventText + 1, 'x') + "</Event>";
  const Contents contents = split(huge + "\n" + event_xml(2, "b"), 1 << 20);
  EXPECT_THAT(contents.events, ElementsAre(event_xml(2, "b")));
  EXPECT_GE(contents.unreadable, 1u);
}

TEST_F(EventFileTest, ReadsWhatJsonSaysOfAnEvent) {
  resources::LogRecord record;
  record.log = "ForwardedEvents";
  std::string xml = event_xml(7, "a &lt;b&gt; \"c\" \\ ü", 100);
  xml.insert(xml.find("</Event>"), "<RenderingInfo Culture='en-US'><Message>told</Message></RenderingInfo>");
  record.event = events::Event::from_wire(xml);
  const auto contents = read(event_json(record) + "\n\n{\"Quality\":\"Raw\",\"Text\":\"<no\"}\n{broken\n{\"a\":1}\n");
  ASSERT_THAT(contents, IsOk());
  EXPECT_EQ(contents->unreadable, 2u);
  ASSERT_EQ(contents->events.size(), 2u);
  EXPECT_EQ(contents->events[1], "<no");
  const events::Event event = events::Event::from_wire(contents->events[0]);
  EXPECT_EQ(event.quality, events::Quality::Good);
  EXPECT_EQ(event.system, record.event.system);
  EXPECT_EQ(events::message_of(event), "told");
  EXPECT_NE(event.xml.find("<Data Name='Text'>a &lt;b&gt; \"c\" \\ ü</Data>"), std::string::npos);
}

TEST(JsonReader, ReadsValues) {
  const auto value = parse_json(R"( {"a":[1,-2.5e3,true,null,"A\n\u00fc\ud83d\ude00"],"b":{"c":"0x10"}} )");
  ASSERT_THAT(value, IsOk());
  const auto& items = value->find("a")->items;
  ASSERT_EQ(items.size(), 5u);
  EXPECT_EQ(items[1].text, "-2.5e3");
  EXPECT_TRUE(items[2].boolean);
  EXPECT_EQ(items[4].text, "A\nü\xF0\x9F\x98\x80");
  EXPECT_EQ(value->find("b")->find_number("c"), 16u);
}

TEST(JsonReader, RefusesWhatIsNone) {
  for (const std::string text : {"", "{", "[1,]", "{\"a\"}", "\"\\x\"", "\"\\u12g4\"", "nul", "1 2", "{\"a\":1,}"}) {
    EXPECT_THAT(parse_json(text), IsError(std::errc::invalid_argument)) << text;
  }
  EXPECT_THAT(parse_json(std::string(100'000, '[')), IsError(std::errc::invalid_argument));
}

}  // namespace
}  // namespace cli
