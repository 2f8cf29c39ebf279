#include "events/render.h"

#include "engine/xml/document.h"
#include "tests/events/corpus.h"
#include "tests/support/matchers.h"

namespace events {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Event event_with(std::string_view system, std::string_view rest) {
  return Event::from_wire("<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>" +
                          std::string(system) + "</System>" + std::string(rest) + "</Event>");
}

Event journal() {
  return event_with(
      "<Provider Name='Linux-Journal'/><EventID>1</EventID><Version>0</Version><Level>3</Level><Task>4</Task>"
      "<Opcode>0</Opcode><Keywords>0x8010000000000000</Keywords><TimeCreated SystemTime='2024-05-01T10:15:30.123Z'/>"
      "<Channel>Linux-Journal/Operational</Channel><Computer>a.example.org</Computer><Security UserID='S-1-22-1-1000'/>",
      "<EventData><Data Name='_PID'>1</Data><Data Name='MESSAGE'>disk &amp; co almost full</Data></EventData>");
}

TEST(Render, LevelsHaveTheirDisplayNames) {
  EXPECT_EQ(level_name(0), "Information");
  EXPECT_EQ(level_name(1), "Critical");
  EXPECT_EQ(level_name(2), "Error");
  EXPECT_EQ(level_name(3), "Warning");
  EXPECT_EQ(level_name(4), "Information");
  EXPECT_EQ(level_name(5), "Verbose");
  EXPECT_EQ(level_name(6), "6");
  EXPECT_EQ(level_name(255), "255");
}

TEST(Render, OpcodesHaveTheirNames) {
  EXPECT_EQ(opcode_name(0), "Info");
  EXPECT_EQ(opcode_name(1), "Start");
  EXPECT_EQ(opcode_name(2), "Stop");
  EXPECT_EQ(opcode_name(9), "Send");
  EXPECT_EQ(opcode_name(10), "10");
  EXPECT_EQ(opcode_name(240), "Receive");
}

TEST(Render, OnlyTheStandardKeywordsHaveNames) {
  EXPECT_EQ(keyword_names(0x8000000000000000), "");
  EXPECT_EQ(keyword_names(0x80000000000000), "Classic");
  EXPECT_EQ(keyword_names(0x8020000000000000), "Audit Success");
  EXPECT_EQ(keyword_names(0x80A0000000000000), "Audit Success,Classic");
  EXPECT_EQ(keyword_names(0xFFFF), "");
}

TEST(Render, FacilitiesHaveTheirSyslogNames) {
  EXPECT_EQ(syslog_facility_name(0), "kern");
  EXPECT_EQ(syslog_facility_name(3), "daemon");
  EXPECT_EQ(syslog_facility_name(10), "authpriv");
  EXPECT_EQ(syslog_facility_name(23), "local7");
  EXPECT_EQ(syslog_facility_name(24), "24");
}

TEST(Render, TheMessageIsTheRenderedOneFirst) {
  EXPECT_EQ(message_of(event_with("",
                                  "<EventData><Data Name='MESSAGE'>raw</Data></EventData><RenderingInfo "
                                  "Culture='en-US'><Message>rendered</Message></RenderingInfo>")),
            "rendered");
}

TEST(Render, TheMessageIsTheMessageDataNext) {
  EXPECT_EQ(message_of(journal()), "disk & co almost full");
  EXPECT_EQ(message_of(event_with("",
                                  "<EventData><Data Name='Message'>m</Data></EventData><RenderingInfo>"
                                  "<Message></Message></RenderingInfo>")),
            "m");
}

TEST(Render, TheMessageIsTheValuesOtherwise) {
  EXPECT_EQ(message_of(event_with("", "<EventData><Data Name='A'>1</Data><Data>two</Data><Data Name='C'/></EventData>")),
            "A=1\ntwo\nC=");
  EXPECT_EQ(message_of(event_with("", "<UserData><W xmlns='urn:w'><F>1</F><G>2</G></W></UserData>")), "F=1\nG=2");
  EXPECT_EQ(message_of(event_with("", "")), "");
}

TEST(Render, TheMessageOfARawEventIsItsText) {
  EXPECT_EQ(message_of(Event::from_wire("raw text")), "raw text");
}

TEST(Render, RenderingInfoIsAddedAsTheLastChild) {
  const Event event = journal();
  const std::string xml = with_rendering_info(event);
  const std::string info =
      "<RenderingInfo Culture='en-US'><Message>disk &amp; co almost full</Message><Level>Warning</Level>"
      "<Task>daemon</Task><Opcode>Info</Opcode><Channel>Linux-Journal/Operational</Channel>"
      "<Provider>Linux-Journal</Provider><Keywords><Keyword>Audit Failure</Keyword></Keywords></RenderingInfo>";
  EXPECT_EQ(xml, event.xml.substr(0, event.xml.size() - 8) + info + "</Event>");
}

TEST(Render, RenderingInfoHasThePrefixOfItsEvent) {
  const Event event = Event::from_wire("<e:Event xmlns:e='u'><e:System/></e:Event>");
  const auto document = xml::Document::parse(with_rendering_info(event));
  ASSERT_TRUE(document.ok());
  EXPECT_TRUE(document->root().child("u", "RenderingInfo").child("u", "Message"));
}

TEST(Render, AnEventWithRenderingInfoKeepsIt) {
  const Event event = event_with("", "<RenderingInfo Culture='de-DE'><Message>x</Message></RenderingInfo>");
  EXPECT_EQ(with_rendering_info(event), event.xml);
}

TEST(Render, ARawEventIsNeitherRenderedNorCut) {
  const Event raw = Event::from_wire("<a><RenderingInfo/>");
  EXPECT_EQ(with_rendering_info(raw), raw.xml);
  EXPECT_EQ(without_rendering_info(raw), raw.xml);
}

TEST(Render, TakingRenderingInfoAwayLeavesTheRestByteForByte) {
  const std::string before =
      "<Event  xmlns=\"u\" >\n<System ></System><!-- <RenderingInfo> --><UserData><RenderingInfo/>"
      "<![CDATA[<RenderingInfo>]]></UserData>\n ";
  const std::string after = "\n<Extra a='>'/> </Event >";
  const Event event =
      Event::from_wire(before + "<RenderingInfo Culture='en-US'><Message>a</Message><x/></RenderingInfo>" + after);
  ASSERT_EQ(event.quality, Quality::Good);
  EXPECT_EQ(without_rendering_info(event), before + after);
  const Event empty = Event::from_wire(before + "<RenderingInfo/>" + after);
  EXPECT_EQ(without_rendering_info(empty), before + after);
}

TEST(Render, AddingAndTakingAwayGivesEveryRealEventBack) {
  for (const Event& event : corpus::events()) {
    const Event rendered = Event::from_wire(with_rendering_info(event));
    EXPECT_EQ(rendered.quality, Quality::Good);
    EXPECT_NE(rendered.xml, event.xml);
    EXPECT_EQ(without_rendering_info(rendered), event.xml);
    EXPECT_EQ(message_of(rendered), message_of(event)) << event.xml;
  }
}

TEST(Render, TextHasTheLinesOfWevtutil) {
  const Event event = event_with(
      "<Provider Name='backup'/><EventID Qualifiers='0'>100</EventID><Level>4</Level><Task>0</Task><Opcode>0</Opcode>"
      "<Keywords>0x80000000000000</Keywords><TimeCreated SystemTime='2024-05-01T10:15:30.123Z'/>"
      "<Channel>Application</Channel><Computer>a.example.org</Computer><Security UserID='S-1-5-18'/>",
      "<EventData><Data Name='MESSAGE'>first line of the message\r\nsecond line\r\n</Data></EventData>");
  EXPECT_EQ(as_text(event, 0),
            "Event[0]\n"
            "  Log Name: Application\n"
            "  Source: backup\n"
            "  Date: 2024-05-01T10:15:30.1230000Z\n"
            "  Event ID: 100\n"
            "  Task: None\n"
            "  Level: Information\n"
            "  Opcode: Info\n"
            "  Keyword: Classic\n"
            "  User: S-1-5-18\n"
            "  User Name: NT AUTHORITY\\SYSTEM\n"
            "  Computer: a.example.org\n"
            "  Description: \n"
            "first line of the message\n"
            "second line\n");
}

TEST(Render, TextShowsWhatIsMissing) {
  const std::string text = as_text(event_with("<EventID>5</EventID>", ""), 12);
  EXPECT_THAT(text, StartsWith("Event[12]\n"));
  EXPECT_THAT(text, HasSubstr("  Keyword: N/A\n  User: N/A\n  User Name: N/A\n"));
  EXPECT_THAT(text, HasSubstr("  Description: \nN/A\n"));
}

TEST(Render, TextPrefersTheRenderedNames) {
  const std::string text = as_text(
      event_with(
          "<Level>0</Level><Task>12544</Task><Keywords>0x8020000000000000</Keywords><Security UserID='S-1-22-1-1000'/>",
          "<RenderingInfo Culture='en-US'><Message>m</Message><Level>Info!</Level><Task>Logon</Task>"
          "<Opcode></Opcode><Keywords><Keyword>One</Keyword><Keyword>Two</Keyword></Keywords></RenderingInfo>"),
      0);
  EXPECT_THAT(text, HasSubstr("  Task: Logon\n  Level: Info!\n  Opcode: Info\n  Keyword: One,Two\n"));
  EXPECT_THAT(text, HasSubstr("  User: S-1-22-1-1000\n  User Name: N/A\n"));
}

TEST(Render, TextOfAnUnknownTaskIsItsNumber) {
  EXPECT_THAT(as_text(event_with("<Task>12544</Task>", ""), 0), HasSubstr("  Task: 12544\n"));
}

TEST(Render, ForeignTextCannotForgeLinesOrDriveATerminal) {
  const std::string text = as_text(event_with("<Computer>a\n  Level: Critical</Computer>",
                                              "<EventData><Data Name='MESSAGE'>x\xC2\x9B"
                                              "31m\x7F</Data></EventData>"),
                                   0);
  EXPECT_THAT(text, HasSubstr("  Computer: a   Level: Critical\n"));
  EXPECT_THAT(text, HasSubstr("\nx\xEF\xBF\xBD"
                              "31m\xEF\xBF\xBD\n"));
  EXPECT_THAT(as_text(Event::from_wire("\x1B[2J\xFF"), 0), HasSubstr("\n\xEF\xBF\xBD[2J\xEF\xBF\xBD\n"));
}

TEST(Render, TextOfARawEventIsTheTextThatCame) {
  const std::string text = as_text(Event::from_wire("not an event"), 3);
  EXPECT_THAT(text, StartsWith("Event[3]\n  Log Name: N/A\n"));
  EXPECT_THAT(text, HasSubstr("  Event ID: N/A\n"));
  EXPECT_THAT(text, HasSubstr("  Description: \nnot an event\n"));
  EXPECT_THAT(text, Not(HasSubstr("Information")));
}

}  // namespace
}  // namespace events
