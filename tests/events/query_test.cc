#include "events/query.h"

#include "engine/base/iso8601.h"
#include "engine/xml/document.h"
#include "tests/support/matchers.h"

namespace events {
namespace {

constexpr std::string_view kLogon =
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    "<Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-A5BA-3E3B0328C30D}'/>"
    "<EventID>4624</EventID><Version>2</Version><Level>0</Level><Task>12544</Task><Opcode>0</Opcode>"
    "<Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='2024-05-01T10:00:00.1234567Z'/>"
    "<EventRecordID>4711</EventRecordID><Correlation ActivityID='{11111111-2222-3333-4444-55555555AAAA}'/>"
    "<Execution ProcessID='812' ThreadID='813'/><Channel>Security</Channel><Computer>A.example.org</Computer>"
    "<Security UserID='S-1-5-18'/></System><EventData><Data Name='TargetUserName'>alice</Data>"
    "<Data Name='LogonType'>3</Data><Data Name='AccessMask'>0x20</Data><Data>third</Data><Data Name='Empty'></Data>"
    "<Data Name='Flag'>true</Data><Data Name='Port'>0053</Data><Data Name='Sid'>S-1-5-21-1-2-3</Data>"
    "<Data Name='When'>2024-05-01T09:00:00.000Z</Data><Data Name='Big'>140737488355328</Data></EventData></Event>";

constexpr std::string_view kPrint =
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='P'/><EventID>307</EventID>"
    "<Level>4</Level></System><UserData><DocumentPrinted xmlns='urn:print'><Param1>7</Param1><p:PrinterName "
    "xmlns:p='urn:p'>MyPrinter</p:PrinterName></DocumentPrinted></UserData></Event>";

base::WallTime now() {
  return *base::parse_datetime("2024-05-01T11:00:00Z");
}

/// Asks both ways and expects one answer.
bool selects(std::string_view xpath, std::string_view xml) {
  const auto query = Query::parse_xpath("log", xpath);
  EXPECT_TRUE(query.ok()) << xpath << ": " << (query.ok() ? "" : query.error().message());
  const auto event = Event::parse(std::string(xml));
  const auto document = xml::Document::parse(std::string(xml));
  EXPECT_TRUE(event.ok() && document.ok());
  if (!query.ok() || !event.ok() || !document.ok()) return false;
  const bool by_tree = query->matches(document->root(), "log", now());
  EXPECT_EQ(query->matches(*event, "log", now()), by_tree) << xpath;
  return by_tree;
}

bool logon(std::string_view xpath) {
  return selects(xpath, kLogon);
}
/// A predicate on EventData of the logon event.
bool data(std::string_view predicate) {
  return logon("*[EventData[" + std::string(predicate) + "]]");
}
bool system(std::string_view predicate) {
  return logon("*[System[" + std::string(predicate) + "]]");
}

TEST(Query, TheStarAndEventSelectEverything) {
  EXPECT_TRUE(logon("*"));
  EXPECT_TRUE(logon("Event"));
  EXPECT_TRUE(logon("* or *[System[EventID=1]]"));
}

TEST(Query, PathsAndPredicatesSayTheSame) {
  EXPECT_TRUE(logon("*[System[EventID=4624]]"));
  EXPECT_TRUE(logon("*[System/EventID=4624]"));
  EXPECT_TRUE(logon("Event/System[EventID=4624]"));
  EXPECT_TRUE(logon("*/System[EventID=4624]"));
  EXPECT_TRUE(logon("*/System/EventID=4624"));
  EXPECT_TRUE(logon("Event[System[EventID=4624]]"));
  EXPECT_TRUE(logon("*[child::System/child::EventID=4624]"));
  EXPECT_TRUE(logon("*[System[EventID=4624] and System[Level=0]]"));
  EXPECT_FALSE(logon("Event/System[EventID=4]"));
}

TEST(Query, SeveralPathsCombineAsBooleans) {
  EXPECT_TRUE(logon("*[System[EventID=4624]] and (*[EventData[Data='x']] or *[EventData[Data='alice']])"));
  EXPECT_FALSE(logon("*[System[EventID=4624]] and (*[EventData[Data='x']] or *[EventData[Data='y']])"));
}

TEST(Query, AndBindsCloserThanOr) {
  EXPECT_TRUE(system("EventID=4624 or EventID=1 and EventID=2"));
  EXPECT_FALSE(system("(EventID=4624 or EventID=1) and EventID=2"));
  EXPECT_TRUE(system("EventID=1 OR EventID=4624"));
  EXPECT_FALSE(system("EventID=4624 AND EventID=1"));
}

TEST(Query, LiteralsAreTypedByTheirLooks) {
  EXPECT_TRUE(system("EventID='4624'"));
  EXPECT_TRUE(system("EventID=\"4624\""));
  EXPECT_TRUE(system("EventID=4624.0"));
  EXPECT_TRUE(system("EventID=0x1210"));
  EXPECT_TRUE(system("EventID='0x1210'"));
  EXPECT_TRUE(data("Data[@Name='Port']=53"));
  EXPECT_TRUE(data("Data[@Name='Port']='53'"));
  EXPECT_TRUE(data("Data[@Name='AccessMask']=32"));
  EXPECT_TRUE(data("Data[@Name='AccessMask']='0x20'"));
  EXPECT_TRUE(data("Data[@Name='Big']='140737488355328'"));
  EXPECT_FALSE(data("Data[@Name='Big']='140737488355329'"));
  EXPECT_TRUE(data("Data[@Name='Flag']='true'"));
  EXPECT_FALSE(data("Data[@Name='Flag']='false'"));
  EXPECT_TRUE(data("Data[@Name='Flag']!='false'"));
}

TEST(Query, SixtyFourBitsCompareExactly) {
  EXPECT_TRUE(system("Keywords=9232379236109516800"));
  EXPECT_TRUE(system("Keywords='0x8020000000000000'"));
  EXPECT_FALSE(system("Keywords=9232379236109516801"));
  EXPECT_TRUE(system("Keywords<9232379236109516801"));
  EXPECT_TRUE(system("Keywords>-1"));
}

TEST(Query, NumbersHaveOrder) {
  EXPECT_TRUE(system("EventID>=4624 and EventID<=4624 and EventID<4625 and EventID>4623"));
  EXPECT_FALSE(system("EventID>4624"));
  EXPECT_FALSE(system("EventID<4624"));
  EXPECT_TRUE(system("EventID>4623.5"));
  EXPECT_TRUE(system("Level>=-0"));
}

TEST(Query, TextThatIsNoNumberIsOnlyUnequalToOne) {
  EXPECT_FALSE(data("Data[@Name='TargetUserName']=3"));
  EXPECT_TRUE(data("Data[@Name='TargetUserName']!=3"));
  EXPECT_FALSE(data("Data[@Name='TargetUserName']<3"));
  EXPECT_FALSE(data("Data[@Name='TargetUserName']>3"));
}

TEST(Query, NotEqualNeedsANodeThatDiffers) {
  EXPECT_TRUE(data("Data[@Name='LogonType']!='5'"));
  EXPECT_FALSE(data("Data[@Name='LogonType']!='3'"));
  EXPECT_FALSE(data("Data[@Name='NoSuch']!='3'"));
  EXPECT_TRUE(data("Data!='3'"));
  EXPECT_FALSE(logon("*[UserData[X!='3']]"));
}

TEST(Query, SomeDataMayHaveTheNameAndAnotherTheValue) {
  EXPECT_TRUE(data("Data[@Name='LogonType'] and (Data='alice')"));
  EXPECT_FALSE(data("Data[@Name='LogonType']='alice'"));
}

TEST(Query, AnEmptyLiteralMatchesAnEmptyData) {
  EXPECT_TRUE(data("Data[@Name='Empty']=''"));
  EXPECT_FALSE(data("Data[@Name='LogonType']=''"));
}

TEST(Query, PositionsCountSiblingsOfTheNameFromOne) {
  EXPECT_TRUE(data("Data[1]='alice'"));
  EXPECT_TRUE(data("Data[4]='third'"));
  EXPECT_TRUE(data("Data[position()=4]='third'"));
  EXPECT_FALSE(data("Data[3]='third'"));
  EXPECT_FALSE(data("Data[0]"));
  EXPECT_FALSE(data("Data[11]"));
  EXPECT_TRUE(data("Data[10]"));
  EXPECT_TRUE(data("Data[position()>3 and position()<5]='third'"));
  EXPECT_TRUE(selects("*[UserData/DocumentPrinted/Param1[1]=7]", kPrint));
  EXPECT_TRUE(selects("*[UserData/DocumentPrinted/PrinterName[1]='MyPrinter']", kPrint));
  EXPECT_TRUE(selects("*[UserData/DocumentPrinted/*[2]='MyPrinter']", kPrint));
}

TEST(Query, APositionBehindAPredicateCountsWhatPassedIt) {
  EXPECT_TRUE(data("Data[@Name][4]=''"));
  EXPECT_TRUE(data("Data[position()>1][1]=3"));
  EXPECT_FALSE(data("Data[1][2]"));
}

TEST(Query, WildcardStepsMatchAnyElementOfTheLevel) {
  EXPECT_TRUE(selects("*[UserData/*/PrinterName='MyPrinter' and System/Level=4]", kPrint));
  EXPECT_TRUE(selects("*[*/*/PrinterName]", kPrint));
  EXPECT_FALSE(selects("*[*/PrinterName]", kPrint));
  EXPECT_TRUE(data("*='alice'"));
}

TEST(Query, NamespacesAndPrefixesAreIgnored) {
  EXPECT_TRUE(selects("*[UserData/DocumentPrinted/PrinterName]", kPrint));
  EXPECT_TRUE(
      selects("*[System[EventID=5]]", "<e:Event xmlns:e='urn:e'><e:System><e:EventID>5</e:EventID></e:System></e:Event>"));
}

TEST(Query, AttributesAreReadByBothSpellings) {
  EXPECT_TRUE(system("Execution[@ProcessID=812 and attribute::ThreadID=813]"));
  EXPECT_TRUE(system("Execution/@ProcessID=812"));
  EXPECT_TRUE(data("Data/@Name='LogonType'"));
  EXPECT_TRUE(data("Data/@*='LogonType'"));
  EXPECT_FALSE(logon("*[@*]")) << "a namespace declaration is no attribute";
}

TEST(Query, ElementAndAttributeNamesKeepTheirCase) {
  EXPECT_FALSE(logon("*[system[EventID=4624]]"));
  EXPECT_FALSE(system("eventid=4624"));
  EXPECT_FALSE(data("Data[@name='LogonType']"));
}

TEST(Query, ProviderChannelAndComputerNamesIgnoreCase) {
  EXPECT_TRUE(system("Provider[@Name='microsoft-windows-security-auditing']"));
  EXPECT_FALSE(system("Provider[@Name!='microsoft-windows-security-auditing']"));
  EXPECT_TRUE(system("Channel='SECURITY'"));
  EXPECT_TRUE(system("Computer='a.EXAMPLE.org'"));
  EXPECT_TRUE(logon("*[*/Channel='security']"));
  EXPECT_FALSE(system("Computer!='a.EXAMPLE.org'"));
}

TEST(Query, OtherTextKeepsItsCase) {
  EXPECT_TRUE(data("Data[@Name='TargetUserName']='alice'"));
  EXPECT_FALSE(data("Data[@Name='TargetUserName']='Alice'"));
  EXPECT_FALSE(data("Data[@Name='targetusername']='alice'"));
  EXPECT_FALSE(
      selects("*[UserData/Channel='security']", "<Event><System/><UserData><Channel>Security</Channel></UserData></Event>"));
}

TEST(Query, GuidsCompareByValue) {
  EXPECT_TRUE(system("Provider[@Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}']"));
  EXPECT_TRUE(system("Provider[@Guid='54849625-5478-4994-a5ba-3e3b0328c30d']"));
  EXPECT_TRUE(system("Correlation/@ActivityID='{11111111-2222-3333-4444-55555555aaaa}'"));
  EXPECT_FALSE(system("Provider[@Guid!='{54849625-5478-4994-a5ba-3e3b0328c30d}']"));
  EXPECT_FALSE(data("Data[@Name='LogonType']!='{54849625-5478-4994-a5ba-3e3b0328c30d}'"));
}

TEST(Query, SidsCompareAsSidsOnly) {
  EXPECT_TRUE(system("Security[@UserID='S-1-5-18']"));
  EXPECT_FALSE(system("Security[@UserID!='S-1-5-18']"));
  EXPECT_TRUE(data("Data[@Name='Sid']!='S-1-5-18'"));
  EXPECT_FALSE(data("Data[@Name='LogonType']!='S-1-5-18'")) << "what is no SID satisfies nothing";
}

TEST(Query, SysmonForLinuxUsersAreFoundByTheUsualName) {
  EXPECT_TRUE(selects("*[System[Security[@UserID=0]]]", "<Event><System><Security UserId='0'/></System></Event>"));
}

TEST(Query, TimesCompareAsTimes) {
  EXPECT_TRUE(system("TimeCreated[@SystemTime>='2024-05-01T10:00:00.000Z' and @SystemTime<='2024-05-01T10:00:00.999Z']"));
  EXPECT_FALSE(system("TimeCreated[@SystemTime<='2024-05-01T10:00:00.123Z']"));
  EXPECT_TRUE(system("TimeCreated[@SystemTime='2024-05-01T10:00:00.123456700Z']"));
  EXPECT_TRUE(system("TimeCreated[@SystemTime<'2024-05-01T10:00:01Z']"));
  EXPECT_TRUE(data("Data[@Name='When']='2024-05-01T09:00:00Z'"));
  EXPECT_FALSE(data("Data[@Name='LogonType']!='2024-05-01T09:00:00Z'"));
}

TEST(Query, BandIsTrueWhereABitIsCommon) {
  EXPECT_TRUE(system("band(Keywords,9007199254740992)"));
  EXPECT_TRUE(system("band(Keywords,13510798882111488)"));
  EXPECT_FALSE(system("band(Keywords,4503599627370496)"));
  EXPECT_TRUE(system("band(Keywords,0x8000000000000000)"));
  EXPECT_TRUE(system("band(9007199254740992,Keywords)"));
  EXPECT_TRUE(system("band(Keywords,4503599627370496)=false"));
  EXPECT_TRUE(system("band(Keywords,9007199254740992)=1"));
}

TEST(Query, BandTakesAPathWithAPredicateAndHexadecimalText) {
  EXPECT_TRUE(data("band(Data[@Name='AccessMask'], 32)"));
  EXPECT_TRUE(data("band(Data[@Name='AccessMask'],'0x30')"));
  EXPECT_FALSE(data("band(Data[@Name='AccessMask'], 31)"));
  EXPECT_FALSE(data("band(Data[@Name='NoSuch'], 32)"));
  EXPECT_FALSE(data("band(Data[@Name='TargetUserName'], 32)"));
  EXPECT_TRUE(data("band(Data, 32)"));
  EXPECT_FALSE(data("band(Data[@Name='NoSuch'], 32)=true"));
}

TEST(Query, TimeDiffIsPositiveForThePast) {
  // The event is 3,599,877 ms old: its last 4 digits are cut.
  EXPECT_TRUE(system("TimeCreated[timediff(@SystemTime) <= 3600000]"));
  EXPECT_TRUE(system("TimeCreated[timediff(@SystemTime) = 3599877]"));
  EXPECT_FALSE(system("TimeCreated[timediff(@SystemTime) <= 300000]"));
  EXPECT_TRUE(logon("*[System[timediff(TimeCreated/@SystemTime) > 0]]"));
}

TEST(Query, TimeDiffOfTwoIsTheSecondLessTheFirst) {
  EXPECT_TRUE(system("TimeCreated[timediff(@SystemTime,'2024-05-01T10:00:01.123Z') = 1000]"));
  EXPECT_TRUE(system("TimeCreated[timediff('2024-05-01T10:00:01.123Z',@SystemTime) = -1000]"));
  EXPECT_TRUE(system("TimeCreated[timediff(@SystemTime,'2024-05-01T09:00:00Z') < 0]"));
}

TEST(Query, TimeDiffOverCenturiesDoesNotOverflow) {
  EXPECT_TRUE(selects("*[System[TimeCreated[timediff(@SystemTime,'9999-01-01T00:00:00Z')>1000]]]",
                      "<Event><System><TimeCreated SystemTime='1601-01-01T00:00:00Z'/></System></Event>"));
}

TEST(Query, AMissingTimeHasNoDifference) {
  EXPECT_FALSE(selects("*[System[TimeCreated[timediff(@SystemTime)<=1]]]", "<Event><System/></Event>"));
  EXPECT_FALSE(selects("*[System[TimeCreated[timediff(@SystemTime)<=1]]]",
                       "<Event><System><TimeCreated SystemTime='x'/></System></Event>"));
}

TEST(Query, MissingFieldsEqualNothing) {
  constexpr std::string_view kBare = "<Event><System><Provider/></System></Event>";
  for (const char* predicate : {"Level=0", "Level!=1", "EventID=0", "EventRecordID<1", "Channel=''", "Channel!='x'",
                                "Provider[@Name='']", "Provider[@Name!='x']", "Security", "band(Keywords,1)"}) {
    EXPECT_FALSE(selects("*[System[" + std::string(predicate) + "]]", kBare)) << predicate;
  }
  EXPECT_TRUE(selects("*[System]", kBare));
  EXPECT_TRUE(selects("*[System[Provider]]", kBare));
}

TEST(Query, FieldsStatedTwiceAreAskedOneByOne) {
  constexpr std::string_view kTwice =
      "<Event><System><Provider Name='A'/><Provider Name='B'/><EventID>1</EventID><EventID>2</EventID></System>"
      "<System><Level>3</Level></System></Event>";
  EXPECT_TRUE(selects("*[System[EventID=2]]", kTwice));
  EXPECT_TRUE(selects("*[System[EventID!=1]]", kTwice));
  EXPECT_TRUE(selects("*[System[Provider[@Name='B']]]", kTwice));
  EXPECT_TRUE(selects("*[System[Level=3]]", kTwice));
  EXPECT_FALSE(selects("*[System[Level=3 and EventID=1]]", kTwice));
}

TEST(Query, OddFieldsAreComparedAsTheyAreWritten) {
  constexpr std::string_view kOdd =
      "<Event><System><EventID> 0x10 </EventID><Level>warn</Level><Task>70000</Task><Channel>a<b>c</b></Channel>"
      "<TimeCreated SystemTime='soon'/></System></Event>";
  EXPECT_TRUE(selects("*[System[EventID=16]]", kOdd));
  EXPECT_TRUE(selects("*[System[Level='warn']]", kOdd));
  EXPECT_FALSE(selects("*[System[Level=0]]", kOdd));
  EXPECT_TRUE(selects("*[System[Task=70000]]", kOdd));
  EXPECT_TRUE(selects("*[System[Channel='AC']]", kOdd));
  EXPECT_TRUE(selects("*[System[TimeCreated[@SystemTime='soon']]]", kOdd));
}

TEST(Query, TheTextOfAnElementIsAllTextInside) {
  EXPECT_TRUE(
      selects("*[UserData/a='xy']", "<Event><System/><UserData><a><b>x</b><c><![CDATA[y]]></c></a></UserData></Event>"));
  EXPECT_TRUE(selects("*[EventData/Data='a<b']",
                      "<Event><System/><EventData><Data>a<!-- c --><![CDATA[<]]>b</Data></EventData></Event>"));
}

TEST(Query, RawEventsMatchTheStarOnly) {
  const Event raw = Event::from_wire("not an event");
  ASSERT_EQ(raw.quality, Quality::Raw);
  const auto matches = [&](std::string_view xpath) { return Query::parse_xpath("log", xpath)->matches(raw, "log", now()); };
  EXPECT_TRUE(matches("*"));
  EXPECT_TRUE(matches("*[System] or *"));
  EXPECT_FALSE(matches("*[System[Level=0]]"));
  EXPECT_FALSE(matches("* and *[System]"));
  EXPECT_FALSE(matches("Event"));
  EXPECT_FALSE(matches("*[System[Level!=0]]"));
}

TEST(Query, ADefaultMadeQuerySelectsNothing) {
  const Query query;
  EXPECT_TRUE(query.paths().empty());
  EXPECT_EQ(query.text(), "");
  EXPECT_FALSE(query.matches(Event::from_wire(std::string(kLogon)), "", now()));
}

TEST(Query, CopiesOutliveTheOriginal) {
  Query copy;
  {
    const auto query = Query::parse_xpath("log", "*[System[EventID=4624]]");
    copy = *query;
  }
  EXPECT_TRUE(copy.matches(Event::from_wire(std::string(kLogon)), "LOG", now()));
  EXPECT_EQ(copy.text(), "*[System[EventID=4624]]");
}

/// The shapes that Get-WinEvent's FilterHashtable sends. Source: wevtutil, section 7.2.
TEST(Query, FilterHashtableFragmentsSelect) {
  for (const char* predicate :
       {"System/Provider[@Name='a' or @Name='microsoft-windows-security-auditing']",
        "((System/EventID=1) or (System/EventID=4624))", "((System/Level=0) or (System/Level=2))",
        "System[band(Keywords,9007199254740992)]",
        "(System/TimeCreated[@SystemTime>='2024-05-01T09:59:59.000Z' and @SystemTime<='2024-05-01T10:00:00.999Z'])",
        "(System/Security[@UserID='S-1-5-18'])", "((EventData/Data='x') or (EventData/Data='alice'))",
        "((EventData[Data[@Name='TargetUserName']='alice']) or (UserData/*/TargetUserName='alice'))"}) {
    EXPECT_TRUE(logon("*[" + std::string(predicate) + "]")) << predicate;
    EXPECT_TRUE(logon("*[(System/EventID=4624) and " + std::string(predicate) + "]")) << predicate;
  }
}

}  // namespace
}  // namespace events
