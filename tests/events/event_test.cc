#include "events/event.h"

#include <limits>

#include "engine/base/iso8601.h"
#include "engine/xml/document.h"
#include "tests/support/matchers.h"

namespace events {
namespace {

using test_support::IsError;
using test_support::IsOk;
using testing::Eq;
using testing::HasSubstr;
using testing::Optional;

constexpr std::string_view kFull =
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Linux-Journal' "
    "Guid='{6f0c1c5e-1d7c-4a52-9a63-2f5f7c1f9b10}' EventSourceName='journal'/><EventID Qualifiers='16384'>1</EventID>"
    "<Version>2</Version><Level>3</Level><Task>5</Task><Opcode>1</Opcode><Keywords>0x8020000000000001</Keywords>"
    "<TimeCreated SystemTime='2024-05-01T10:15:30.1234567Z'/><EventRecordID>4711</EventRecordID>"
    "<Correlation ActivityID='{11111111-2222-3333-4444-555555555555}' RelatedActivityID='{2}'/>"
    "<Execution ProcessID='812' ThreadID='813'/><Channel>Linux-Journal/Operational</Channel>"
    "<Computer>a.example.org</Computer><Security UserID='S-1-22-1-1000'/></System>"
    "<EventData><Data Name='MESSAGE'>disk almost full</Data></EventData></Event>";

std::string with_system(std::string_view children) {
  return "<Event><System>" + std::string(children) + "</System></Event>";
}

System system_of(std::string_view children) {
  auto event = Event::parse(with_system(children));
  EXPECT_TRUE(event.ok());
  return event.ok() ? event->system : System();
}

TEST(Event, ReadsEverySystemField) {
  const auto event = Event::parse(std::string(kFull));
  ASSERT_TRUE(event.ok());
  const System& system = event->system;
  EXPECT_EQ(system.provider, "Linux-Journal");
  EXPECT_EQ(system.provider_guid, "{6f0c1c5e-1d7c-4a52-9a63-2f5f7c1f9b10}");
  EXPECT_EQ(system.event_source_name, "journal");
  EXPECT_EQ(system.event_id, 1);
  EXPECT_THAT(system.qualifiers, Optional(Eq(16384)));
  EXPECT_EQ(system.version, 2);
  EXPECT_EQ(system.level, 3);
  EXPECT_EQ(system.task, 5);
  EXPECT_EQ(system.opcode, 1);
  EXPECT_EQ(system.keywords, 0x8020000000000001u);
  EXPECT_EQ(base::format_utc(system.time, 9), "2024-05-01T10:15:30.123456700Z");
  EXPECT_THAT(system.record_id, Optional(Eq(4711u)));
  EXPECT_EQ(system.activity_id, "{11111111-2222-3333-4444-555555555555}");
  EXPECT_EQ(system.related_activity_id, "{2}");
  EXPECT_THAT(system.process_id, Optional(Eq(812u)));
  EXPECT_THAT(system.thread_id, Optional(Eq(813u)));
  EXPECT_EQ(system.channel, "Linux-Journal/Operational");
  EXPECT_EQ(system.computer, "a.example.org");
  EXPECT_EQ(system.user_id, "S-1-22-1-1000");
  EXPECT_EQ(event->xml, kFull);
  EXPECT_EQ(event->quality, Quality::Good);
}

TEST(Event, MissingAndEmptySystemFieldsAreNoError) {
  const System system = system_of("<Correlation/><Security/><Channel/>");
  EXPECT_EQ(system.event_id, 0);
  EXPECT_EQ(system.record_id, std::nullopt);
  EXPECT_EQ(system.process_id, std::nullopt);
  EXPECT_EQ(system.channel, "");
  EXPECT_EQ(system.user_id, "");
  EXPECT_EQ(system.time, base::WallTime{});
}

TEST(Event, OddSystemFieldsStayAtTheirDefault) {
  const System system = system_of(
      "<EventID>70000</EventID><Level>x</Level><Version>-1</Version><Keywords>0xZZ</Keywords>"
      "<TimeCreated SystemTime='yesterday'/><EventRecordID>1.5</EventRecordID>");
  EXPECT_EQ(system.event_id, 0);
  EXPECT_EQ(system.level, 0);
  EXPECT_EQ(system.version, 0);
  EXPECT_EQ(system.keywords, 0u);
  EXPECT_EQ(system.time, base::WallTime{});
  EXPECT_EQ(system.record_id, std::nullopt);
  EXPECT_EQ(system.known, 0u);
}

TEST(Event, TimesOfZeroToNineDigitsAreRead) {
  for (const auto& [text, nine] : std::vector<std::pair<std::string, std::string>>{
           {"2024-05-01T10:15:30Z", "2024-05-01T10:15:30.000000000Z"},
           {"2024-05-01T10:15:30.123Z", "2024-05-01T10:15:30.123000000Z"},
           {"2024-05-01T10:15:30.1234567Z", "2024-05-01T10:15:30.123456700Z"},
           {"2024-05-01T10:15:30.123456789Z", "2024-05-01T10:15:30.123456789Z"}}) {
    EXPECT_EQ(base::format_utc(system_of("<TimeCreated SystemTime='" + text + "'/>").time, 9), nine);
  }
}

TEST(Event, SysmonForLinuxSpellsTheUserItsOwnWay) {
  EXPECT_EQ(system_of("<Security UserId='0'/>").user_id, "0");
}

TEST(Event, TheFirstOfTwoFieldsCountsAndIsNotKnownForSure) {
  const System system = system_of("<EventID>1</EventID><Level>2</Level><EventID>2</EventID>");
  EXPECT_EQ(system.event_id, 1);
  EXPECT_FALSE(system.knows(Field::EventId));
  EXPECT_TRUE(system.knows(Field::Level));
  const auto twice = Event::parse("<Event><System><Level>2</Level></System><System><Level>3</Level></System></Event>");
  ASSERT_TRUE(twice.ok());
  EXPECT_EQ(twice->system.level, 2);
  EXPECT_EQ(twice->system.known, 0u);
}

TEST(Event, AcceptsAnyNamespaceAndPrefix) {
  EXPECT_TRUE(Event::parse("<Event><System/></Event>").ok());
  const auto prefixed = Event::parse("<e:Event xmlns:e='urn:e'><e:System><e:EventID>5</e:EventID></e:System></e:Event>");
  ASSERT_TRUE(prefixed.ok());
  EXPECT_EQ(prefixed->system.event_id, 5);
}

TEST(Event, DropsMarkAndDeclarationInFrontOfIt) {
  const auto event = Event::parse("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?>\r\n<Event><System/></Event>\r\n");
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(event->xml, "<Event><System/></Event>");
}

TEST(Event, RefusesWhatIsNoEvent) {
  EXPECT_THAT(Event::parse("<Events><System/></Events>"), IsError(std::errc::invalid_argument));
  EXPECT_THAT(Event::parse("<Event><EventData/></Event>"), IsError(std::errc::invalid_argument));
  EXPECT_THAT(Event::parse("<Event><System></Event>"), IsError(xml::Errc::Malformed));
  EXPECT_THAT(Event::parse(""), IsError(xml::Errc::Malformed));
  EXPECT_THAT(Event::parse("<!DOCTYPE a><Event><System/></Event>"), IsError(xml::Errc::DtdRefused));
}

TEST(Event, UnknownElementsBehindThePayloadAreKept) {
  const std::string xml =
      "<Event><System/><EventData/><Extra xmlns='urn:x'><a/></Extra><SubscriptionBookmarkEvent/></Event>";
  const auto event = Event::parse(xml);
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(event->xml, xml);
}

TEST(EventFromWire, AGoodEventIsKeptAsItCame) {
  const Event event = Event::from_wire(std::string(kFull));
  EXPECT_EQ(event.xml, kFull);
  EXPECT_EQ(event.quality, Quality::Good);
  EXPECT_EQ(event.system.event_id, 1);
}

TEST(EventFromWire, ControlCharactersAreReplacedAndTheEventIsMarked) {
  const Event event = Event::from_wire(
      "<Event><System><EventID>7</EventID></System><EventData><Data>a\x01\x1f"
      "b\tc\r\n</Data></EventData></Event>");
  EXPECT_EQ(event.quality, Quality::Repaired);
  EXPECT_EQ(event.system.event_id, 7);
  EXPECT_THAT(event.xml, HasSubstr("<Data>a\xEF\xBF\xBD\xEF\xBF\xBD"
                                   "b\tc\r\n</Data>"));
}

TEST(EventFromWire, AZeroByteAndNonCharactersAreReplaced) {
  const std::string zero("<Event><System/><EventData>\0</EventData></Event>", 48);
  EXPECT_EQ(Event::from_wire(zero).quality, Quality::Repaired);
  const Event event = Event::from_wire("<Event><System/><EventData>\xEF\xBF\xBE</EventData></Event>");
  EXPECT_EQ(event.quality, Quality::Repaired);
  EXPECT_THAT(event.xml, HasSubstr("<EventData>\xEF\xBF\xBD</EventData>"));
}

TEST(EventFromWire, InvalidUtf8IsReplaced) {
  const Event event = Event::from_wire("<Event><System><Computer>a\xFF</Computer></System></Event>");
  EXPECT_EQ(event.quality, Quality::Repaired);
  EXPECT_EQ(event.system.computer, "a\xEF\xBF\xBD");
}

TEST(EventFromWire, ARenderingInfoCutInTheMiddleIsDropped) {
  const Event event = Event::from_wire(
      "<Event xmlns='urn:x'><System><EventID>9</EventID></System><EventData><Data>1</Data></EventData>"
      "<RenderingInfo Culture='en-US'><Message>text cut in the mi");
  EXPECT_EQ(event.quality, Quality::Repaired);
  EXPECT_EQ(event.system.event_id, 9);
  EXPECT_EQ(event.xml,
            "<Event xmlns='urn:x'><System><EventID>9</EventID></System><EventData><Data>1</Data></EventData></Event>");
}

TEST(EventFromWire, ControlCharactersAndACutRenderingInfoAreRepairedTogether) {
  const Event event =
      Event::from_wire("<e:Event xmlns:e='u'><e:System/><a>\x02</a><RenderingInfo Culture='en-US'><Message>\x03</e:Event>");
  EXPECT_EQ(event.quality, Quality::Repaired);
  EXPECT_EQ(event.xml, "<e:Event xmlns:e='u'><e:System/><a>\xEF\xBF\xBD</a></e:Event>");
}

TEST(EventFromWire, WhatCannotBeReadIsKeptRaw) {
  for (const std::string text : {"", "no xml", "<Event><System>", "<Event>\x01<System></Event><RenderingInfo",
                                 "<RenderingInfo/>", "<Other><System/></Other>", "<!DOCTYPE x><Event><System/></Event>"}) {
    const Event event = Event::from_wire(text);
    EXPECT_EQ(event.quality, Quality::Raw) << text;
    EXPECT_EQ(event.xml, text);
    EXPECT_EQ(event.system.event_id, 0);
  }
}

TEST(EventFromWire, EveryCutOfAnEventIsKeptOneWayOrTheOther) {
  const std::string whole = std::string(kFull.substr(0, kFull.size() - 8)) +
                            "<RenderingInfo Culture='en-US'><Message>m</Message></RenderingInfo></Event>";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Event event = Event::from_wire(whole.substr(0, length));
    if (length > kFull.size() - 8 + 14) {
      EXPECT_EQ(event.quality, Quality::Repaired) << length;
      EXPECT_EQ(event.xml, kFull);
    } else {
      EXPECT_NE(event.quality, Quality::Good) << length;
    }
  }
}

TEST(Event, TheBookmarkCarrierIsRecognised) {
  const auto carrier = Event::parse(
      "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider "
      "Name='Microsoft-Windows-EventForwarder'/><EventID>111</EventID><TimeCreated SystemTime='2024-05-01T10:15:30.123Z'/>"
      "<Computer>a.example.org</Computer></System><SubscriptionBookmarkEvent><SubscriptionId></SubscriptionId>"
      "</SubscriptionBookmarkEvent></Event>");
  ASSERT_TRUE(carrier.ok());
  EXPECT_TRUE(carrier->is_bookmark_carrier());
  EXPECT_FALSE(Event::parse(std::string(kFull))->is_bookmark_carrier());
}

Draft example() {
  Draft draft;
  draft.system.provider = "Linux-Journal";
  draft.system.provider_guid = "{6f0c1c5e-1d7c-4a52-9a63-2f5f7c1f9b10}";
  draft.system.event_id = 1;
  draft.system.level = 3;
  draft.system.task = 5;
  draft.system.keywords = 0x8000000000000000u;
  draft.system.time = *base::parse_datetime("2024-05-01T10:15:30.123456Z");
  draft.system.activity_id = "{11111111-2222-3333-4444-555555555555}";
  draft.system.process_id = 812;
  draft.system.channel = "Linux-Journal/Operational";
  draft.system.computer = "a.example.org";
  draft.system.user_id = "S-1-22-1-1000";
  draft.data = {{"MESSAGE", "disk almost full"}, {"_SYSTEMD_UNIT", "backup.service"}};
  return draft;
}

TEST(EventFinish, WritesAnEventInWindowsManner) {
  const Event event = finish(example(), 4711);
  EXPECT_EQ(event.xml,
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Linux-Journal' "
            "Guid='{6f0c1c5e-1d7c-4a52-9a63-2f5f7c1f9b10}'/><EventID>1</EventID><Version>0</Version><Level>3</Level>"
            "<Task>5</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords>"
            "<TimeCreated SystemTime='2024-05-01T10:15:30.1234560Z'/><EventRecordID>4711</EventRecordID>"
            "<Correlation ActivityID='{11111111-2222-3333-4444-555555555555}'/><Execution ProcessID='812' ThreadID='812'/>"
            "<Channel>Linux-Journal/Operational</Channel><Computer>a.example.org</Computer>"
            "<Security UserID='S-1-22-1-1000'/></System><EventData><Data Name='MESSAGE'>disk almost full</Data>"
            "<Data Name='_SYSTEMD_UNIT'>backup.service</Data></EventData></Event>");
  EXPECT_EQ(event.quality, Quality::Good);
  EXPECT_EQ(event.system.event_id, 1);
  EXPECT_THAT(event.system.record_id, Optional(Eq(4711u)));
}

TEST(EventFinish, EscapesWhatXmlReserves) {
  Draft draft = example();
  draft.data = {{"a'b\"<", "1 < 2 & ]]> 'x'"}, {"", "no name"}, {"EMPTY", ""}};
  const Event event = finish(draft, 1);
  EXPECT_THAT(event.xml, HasSubstr("<EventData><Data Name='a&apos;b&quot;&lt;'>1 &lt; 2 &amp; ]]&gt; 'x'</Data>"
                                   "<Data>no name</Data><Data Name='EMPTY'></Data></EventData>"));
  EXPECT_EQ(event.quality, Quality::Good);
}

TEST(EventFinish, ValuesThatXmlCannotHoldBecomeHexadecimal) {
  Draft draft = example();
  draft.data = {{"BIN", std::string("a\0b", 3)}, {"BAD", "\xFF"}, {"NON", "\xEF\xBF\xBF"}, {"OK", "\xC3\xA4\t"}};
  EXPECT_THAT(finish(draft, 1).xml,
              HasSubstr("<Data Name='BIN' Type='hex'>610062</Data><Data Name='BAD' Type='hex'>FF</Data>"
                        "<Data Name='NON' Type='hex'>EFBFBF</Data><Data Name='OK'>\xC3\xA4\t</Data>"));
}

TEST(EventFinish, NamesThatXmlCannotHoldAreRepaired) {
  Draft draft = example();
  draft.system.provider = "a\x01\xFF";
  draft.system.computer = "c\x02";
  const Event event = finish(draft, 1);
  EXPECT_EQ(event.system.provider, "a\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(event.system.computer, "c\xEF\xBF\xBD");
  EXPECT_EQ(event.quality, Quality::Good);
}

void expect_system_is_that_of_the_xml(const Draft& draft, std::uint64_t record_id) {
  const Event event = finish(draft, record_id);
  EXPECT_EQ(event.quality, Quality::Good) << event.xml;
  const auto parsed = Event::parse(event.xml);
  ASSERT_THAT(parsed, IsOk()) << event.xml;
  EXPECT_EQ(parsed->xml, event.xml);
  EXPECT_TRUE(event.system == parsed->system) << event.xml;
}

TEST(EventFinish, TheSystemIsWhatParsingTheXmlGives) {
  expect_system_is_that_of_the_xml(Draft(), 0);
  expect_system_is_that_of_the_xml(example(), 1);
  Draft largest = example();
  largest.system.event_id = 65535;
  largest.system.qualifiers = 65535;
  largest.system.version = 255;
  largest.system.level = 255;
  largest.system.task = 65535;
  largest.system.opcode = 255;
  largest.system.keywords = std::numeric_limits<std::uint64_t>::max();
  largest.system.process_id = std::numeric_limits<std::uint32_t>::max();
  largest.system.thread_id = std::numeric_limits<std::uint32_t>::max();
  expect_system_is_that_of_the_xml(largest, std::numeric_limits<std::uint64_t>::max());
  Draft thread_only;
  thread_only.system.thread_id = 7;
  thread_only.system.qualifiers = 0;
  expect_system_is_that_of_the_xml(thread_only, 1);
  // What was known of the draft says nothing about the XML.
  Draft knows_all;
  knows_all.system.known = ~0u;
  knows_all.system.record_id = 99;
  expect_system_is_that_of_the_xml(knows_all, 1);
}

TEST(EventFinish, TheSystemIsWhatParsingGivesForAnyText) {
  const std::string texts[] = {"",
                               " ",
                               "\t \n",
                               "\r",
                               " \r\n",
                               "  both  ",
                               "a\tb\r\nc",
                               "&amp; <x a='1' b=\"2\"> ]]> <![CDATA[",
                               std::string("nul\0nul", 7),
                               "\x01\x1F\x7F",
                               "\xFF\xC3",
                               "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80",
                               "\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xBF\xBD",
                               "\xED\xA0\x80",
                               "\xEF\xBB\xBF",
                               "1234567\x01",
                               "12345678\xFF",
                               std::string(300'000, 'x')};
  for (const std::string& text : texts) {
    Draft draft = example();
    System& system = draft.system;
    for (std::string* field : {&system.provider, &system.provider_guid, &system.event_source_name, &system.activity_id,
                               &system.related_activity_id, &system.channel, &system.computer, &system.user_id}) {
      *field = text;
    }
    draft.data = {{text, text}, {"NAME", text}, {text, "value"}, {"", text}};
    expect_system_is_that_of_the_xml(draft, 1);
    if (text.find("CDATA") != std::string::npos) continue;
    draft.ready_xml = text + "<no event>" + text;
    expect_system_is_that_of_the_xml(draft, 1);
  }
}

TEST(EventFinish, TheSystemHasTheTimeThatTheXmlStates) {
  for (const char* const text : {"1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999999Z", "1700-02-28T01:02:03.000000001Z",
                                 "2024-02-29T10:15:30.123456789Z", "2261-12-31T23:59:59.99999995Z"}) {
    Draft draft;
    draft.system.time = *base::parse_datetime(text);
    expect_system_is_that_of_the_xml(draft, 1);
  }
}

TEST(EventFinish, MoreDataThanTheReaderTakesIsKeptAsRawText) {
  Draft draft = example();
  draft.data.assign(400'000, {"", "x"});
  const Event event = finish(draft, 1);
  EXPECT_EQ(event.quality, Quality::Raw);
  EXPECT_THAT(Event::parse(event.xml), IsError(xml::Errc::TooLarge));
}

constexpr std::string_view kSysmon =
    "<Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}\"/><EventID>1</EventID>"
    "<Version>5</Version><Level>4</Level><Task>1</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords>"
    "<TimeCreated SystemTime=\"2021-10-14T12:33:58.123456000Z\"/><EventRecordID>77</EventRecordID><Correlation/>"
    "<Execution ProcessID=\"12\" ThreadID=\"12\"/><Channel>Linux-Sysmon/Operational</Channel><Computer>h</Computer>"
    "<Security UserId=\"0\"/></System><EventData><Data Name=\"Image\">/bin/ls</Data></EventData></Event>";

TEST(EventFinish, AReadyEventGetsItsRecordIdChannelAndUserAndKeepsTheRest) {
  Draft draft;
  draft.ready_xml = kSysmon;
  draft.system.channel = "Other & Log";
  const Event event = finish(draft, 5);
  std::string expected(kSysmon);
  const auto swap_text = [&](std::string_view from, std::string_view to) {
    expected.replace(expected.find(from), from.size(), to);
  };
  swap_text("<EventRecordID>77<", "<EventRecordID>5<");
  swap_text("<Channel>Linux-Sysmon/Operational<", "<Channel>Other &amp; Log<");
  swap_text("UserId=", "UserID=");
  EXPECT_EQ(event.xml, expected);
  EXPECT_EQ(event.system.channel, "Other & Log");
  EXPECT_EQ(event.system.user_id, "0");
}

TEST(EventFinish, AReadyEventWithoutRecordIdAndChannelGetsThemAtTheirPlace) {
  Draft draft;
  draft.ready_xml = "<Event><System><EventID>1</EventID><!-- <Channel> --><Computer>h</Computer></System></Event>";
  draft.system.channel = "L";
  EXPECT_EQ(finish(draft, 5).xml,
            "<Event><System><EventID>1</EventID><!-- <Channel> --><EventRecordID>5</EventRecordID><Channel>L</Channel>"
            "<Computer>h</Computer></System></Event>");
}

TEST(EventFinish, AReadyTextThatIsNoEventBecomesTheMessage) {
  Draft draft = example();
  draft.data.clear();
  for (const std::string text : {"<Event><System></Event>", "<Event><System/></Event>", "plain"}) {
    draft.ready_xml = text;
    const Event event = finish(draft, 5);
    EXPECT_EQ(event.system.provider, "Linux-Journal");
    const auto document = xml::Document::parse(event.xml);
    ASSERT_TRUE(document.ok());
    EXPECT_EQ(document->root().child("EventData").child("Data").text(), text);
  }
}

}  // namespace
}  // namespace events
