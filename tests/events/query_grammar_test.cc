#include "engine/base/win32.h"
#include "events/query.h"
#include "tests/support/matchers.h"

namespace events {
namespace {

using base::Win32;
using test_support::IsError;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kUnsupported = "This operator is unsupported by this implementation of the filter.";

auto compiled(std::string_view xpath) {
  return Query::parse_xpath("System", xpath);
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(QueryGrammar, AcceptsEveryFormOfTheSubset) {
  for (const char* xpath : {
           "*",
           "Event",
           "(*)",
           " \t\r\n*\n ",
           "*[System]",
           "Event[System[EventID=4]]",
           "Event/System[EventID=4]",
           "*/System/EventID=4",
           "*[System[Level=1 or Level=2 and Task!=0]]",
           "*[System[Level=1 OR Level=2 AND Task!=0]]",
           "*[System] and (*[EventData] or *[UserData])",
           "*[System[EventID>=1 and EventID<=2 and Level<3 and Level>0]]",
           "*[EventData[Data[3]='x']]",
           "*[EventData[Data[position()=3]='x' and Data[position()>1]]]",
           "*[EventData/Data[@Name='a'][1]='x']",
           "*[UserData/*/PrinterName=\"P\"]",
           "*[attribute::Name or child::System[child::*/@*]]",
           "*[System/child::Provider/attribute::Name='x']",
           "*[EventData[band(Data[@Name='AccessMask'],0x20)]]",
           "*[System[band(9007199254740992,Keywords)]]",
           "*[System[band(Keywords,'0x8000000000000000')=true]]",
           "*[System[TimeCreated[timediff(@SystemTime)<=3600000]]]",
           "*[System[TimeCreated[timediff(@SystemTime,'2024-05-01T10:00:00.000Z')>-1]]]",
           "*[System[TimeCreated[timediff('2024-05-01T10:00:00Z',@SystemTime)<1e3]]]",
           "*[System['4624'=EventID]]",
           "*[EventData[(Data[@Name='x'])='y']]",
           "*[or and and]",
           "*[System[Level=-1 or Level=+1 or Level=1.5 or Level=.5 or Level=1. or Level=2E-3 or Level=0xFf]]",
           "*[EventData[Data[@Name='a\"b']=\"it's\"]]",
           "*[UserData/a-b.c_1]",
           "*[UserData/\xC3\xA4]",
           "*[System[EventID=18446744073709551615]]",
           "*[EventData[Data[@Name='Flag']=true or Data=false]]",
       }) {
    const auto query = compiled(xpath);
    EXPECT_TRUE(query.ok()) << xpath << ": " << (query.ok() ? "" : query.error().message());
  }
}

struct Refusal {
  std::string xpath;
  std::string reason;
};

TEST(QueryGrammar, RefusesEachErrorCaseWithReasonAndPosition) {
  const std::vector<Refusal> refusals{
      {"System[EventID=1]", "begins with * or Event"},
      {"*[System[EventID=1]] or System[EventID=1]", "at position 24"},
      {"*[contains(System/Channel,'x')]", std::string(kUnsupported) + " (at position 2)"},
      {"*[starts-with(System/Channel,'x')]", kUnsupported},
      {"*[count(System)=1]", kUnsupported},
      {"*[System[EventID=1]", "A syntax error occurred at position 19"},
      {"*[System[", "A syntax error occurred at position 9"},
      {"*[System[EventID==1]]", "A syntax error occurred at position 17"},
      {"//EventID", std::string(kUnsupported) + " (at position 0)"},
      {"/Event", kUnsupported},
      {"*//EventID", kUnsupported},
      {"*[5=System/EventID]", "Left hand side arguments"},
      {"*[System[EventID in (1,2)]]", "A syntax error occurred at position 17"},
      {"*[System[not(Level=4)]]", std::string(kUnsupported) + " (at position 9)"},
      {"", "A syntax error occurred at position 0"},
      {"  ", "A syntax error occurred at position 2"},
      {"*[]", "A syntax error occurred at position 2"},
      {"*[System[Provider[@Name='x]]]", "A syntax error occurred at position 24"},
      {"*[System[Provider[@Name=\"x']]]", "A syntax error occurred at position 24"},
      {"*]", "A syntax error occurred at position 1"},
      {"(*", "A syntax error occurred at position 2"},
      {"*)", "A syntax error occurred at position 1"},
      {"* *", kUnsupported},
      {"*[System[EventID=1+1]]", "position 18"},
      {"*[System[EventID+1=2]]", kUnsupported},
      {"*[System[EventID - 1 = 2]]", kUnsupported},
      {"*[System[EventID div 2 = 2]]", kUnsupported},
      {"*[System[EventID mod 2 = 2]]", kUnsupported},
      {"*[System|EventData]", kUnsupported},
      {"*[System/..]", kUnsupported},
      {"*[.]", kUnsupported},
      {"*[$x=1]", kUnsupported},
      {"*[System/text()='x']", kUnsupported},
      {"*[descendant::EventID=1]", kUnsupported},
      {"*[e:System]", "A syntax error occurred at position 3"},
      {"*[last()]", kUnsupported},
      {"*[System[EventID=1]] and", "A syntax error occurred at position 24"},
      {"and *", "begins with * or Event"},
      {"*[System and]", "A syntax error occurred at position 12"},
      {"*[System/]", "A syntax error occurred at position 9"},
      {"*[@]", "A syntax error occurred at position 3"},
      {"@Name", "begins with * or Event"},
      {"*[1=1]", "Left hand side arguments"},
      {"*['a'='a']", "Left hand side arguments"},
      {"*[System/EventID=System/Task]", "Left hand side arguments"},
      {"*[timediff(System/TimeCreated/@SystemTime)]", "A step operation must involve a node test"},
      {"*[EventData[Data['x']]]", "A step operation must involve a node test"},
      {"*[EventData[Data[-1]]]", "A step operation must involve a node test"},
      {"*[EventData[Data[1.5]]]", "A step operation must involve a node test"},
      {"*[EventData[Data[position()]]]", "A step operation must involve a node test"},
      {"*[1]", "A step operation must involve a node test"},
      {"*[position()=1]", "A step operation must involve a node test"},
      {"5", "A step operation must involve a node test"},
      {"'x'", "A step operation must involve a node test"},
      {"*[EventData[Data[position()='x']]]", "This data type is currently unsupported."},
      {"*[System[TimeCreated[timediff(@SystemTime)<='x']]]", "This data type is currently unsupported."},
      {"*[System[TimeCreated[timediff(@SystemTime,'x')<=1]]]", "This data type is currently unsupported."},
      {"*[System[TimeCreated[timediff(@SystemTime,@SystemTime)<=1]]]", "Left hand side arguments"},
      {"*[System[band(Keywords,'x')]]", "This data type is currently unsupported."},
      {"*[System[band(Keywords,1.5)]]", "This data type is currently unsupported."},
      {"*[System[band(Keywords)]]", "A syntax error occurred at position 22"},
      {"*[System[band(Keywords,1,2)]]", "A syntax error occurred at position 24"},
      {"*[System[band(Keywords,1)='x']]", "This data type is currently unsupported."},
      {"*[System[position(1)=1]]", "A syntax error occurred"},
      {"*[(System)[EventID=1]]", "An expression can only be followed by a change-of-scope operation"},
      {"*[(System)/EventID=1]", "An expression can only be followed by a change-of-scope operation"},
      {"*[System/Provider/@Name/x]", "An expression can only be followed by a change-of-scope operation"},
      {"*[System/Provider/@Name[1]]", "A step operation must involve an element set."},
      {"*[System[EventID=18446744073709551616]]", "A number in the query is out of range."},
      {"*[System[EventID=0x10000000000000000]]", "A number in the query is out of range."},
      {"*[System[EventID=0x]]", "A number in the query is out of range."},
      {"*[System[EventID=1e999]]", "A number in the query is out of range."},
      {"*[System[EventID=5a]]", "A syntax error occurred at position 18"},
      {"*[System#]", "A syntax error occurred at position 8"},
      {"*[UserData/\xC3\xA4\xC3\xA4 =!]", "A syntax error occurred at position 15"},
  };
  for (const Refusal& refusal : refusals) {
    const auto query = compiled(refusal.xpath);
    ASSERT_FALSE(query.ok()) << refusal.xpath;
    EXPECT_THAT(query, IsError(Win32::EvtInvalidQuery, refusal.reason)) << refusal.xpath << "\n" << query.error().message();
    EXPECT_THAT(query, IsError(Win32::EvtInvalidQuery, "position ")) << refusal.xpath;
    EXPECT_THAT(query, IsError(Win32::EvtInvalidQuery, "The specified query is invalid.")) << refusal.xpath;
  }
}

TEST(QueryGrammar, EveryCutOfAQueryIsAnErrorOrAQuery) {
  const std::string xpath =
      "*[System[(EventID>=0x10 or Level!=-1) and TimeCreated[timediff(@SystemTime,'2024-05-01T00:00:00Z')<5]]] and "
      "(*[EventData[band(Data[@Name='a'][2],1) and Data[position()=1]=\"q\"]])";
  for (std::size_t length = 0; length < xpath.size(); ++length) {
    const auto query = compiled(xpath.substr(0, length));
    EXPECT_TRUE(query.ok() || query.error().what.find("position ") != std::string::npos) << length;
  }
  EXPECT_TRUE(compiled(xpath).ok());
}

TEST(QueryGrammar, AMegabyteOfOrIsTooComplexAndNotACrash) {
  for (const char* piece : {"or ", "* or ", "*or", "or", "*[", "(", "*/", "*[System[Level=1 or "}) {
    std::string text = repeated(piece, (1 << 20) / std::string_view(piece).size());
    text.resize(1 << 20, ' ');
    EXPECT_THAT(compiled(text), IsError(Win32::EvtInvalidQuery, "position ")) << piece;
  }
  EXPECT_THAT(compiled(repeated("* or ", 200'000) + "*"), IsError(Win32::EvtInvalidQuery, "The query is too complex."));
}

TEST(QueryGrammar, ChainsUpToTheTokenLimitWork) {
  EXPECT_TRUE(compiled(repeated("* or ", 4'999) + "*").ok());
  EXPECT_THAT(compiled(repeated("* or ", 5'000) + "*"), IsError(Win32::EvtInvalidQuery, "The query is too complex."));
  EXPECT_TRUE(compiled("*[" + repeated("a/", 4'000) + "b]").ok());
}

TEST(QueryGrammar, NestsSixtyFourDeepAndNoDeeper) {
  EXPECT_TRUE(compiled(repeated("(", 64) + "*" + repeated(")", 64)).ok());
  EXPECT_THAT(compiled(repeated("(", 65) + "*" + repeated(")", 65)),
              IsError(Win32::EvtInvalidQuery, "The query is too complex. (at position 64)"));
  EXPECT_TRUE(compiled(repeated("*[", 64) + "a" + repeated("]", 64)).ok());
  EXPECT_THAT(compiled(repeated("*[", 65) + "a" + repeated("]", 65)),
              IsError(Win32::EvtInvalidQuery, "The query is too complex."));
}

TEST(QueryGrammar, ATextOverTheLimitIsTooComplex) {
  EXPECT_THAT(compiled("*" + std::string(1 << 20, ' ')), IsError(Win32::EvtInvalidQuery, "The query is too complex."));
  EXPECT_TRUE(compiled("*" + std::string((1 << 20) - 1, ' ')).ok());
}

TEST(QueryGrammar, FortyComparisonsAreFine) {
  EXPECT_TRUE(compiled("*[System[" + repeated("EventID=1 or ", 40) + "EventID=2]]").ok());
}

TEST(QueryGrammar, ReportsNamesThatNoEventHas) {
  EXPECT_THAT(compiled("*[System[Bogus=1 or EventId=2 or Bogus=3]]")->unknown_system_names(),
              ElementsAre("Bogus", "EventId"));
  EXPECT_THAT(compiled("*[System/Provider[@name='x']]")->unknown_system_names(), ElementsAre("@name"));
  EXPECT_THAT(compiled("*[System[TimeCreated[timediff(@Time)<1]]]")->unknown_system_names(), ElementsAre("@Time"));
  EXPECT_THAT(compiled("*[EventID=4624]")->unknown_system_names(), ElementsAre("EventID"));
  EXPECT_THAT(compiled("*[EventData[Data[@Any='x']] and UserData/Any/Bogus]")->unknown_system_names(), IsEmpty());
  EXPECT_THAT(compiled("*[System[Container or Execution[@SessionID=1]]]")->unknown_system_names(), IsEmpty());
}

}  // namespace
}  // namespace events
