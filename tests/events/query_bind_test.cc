#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "events/query.h"
#include "events/skeleton.h"
#include "events/text_search.h"
#include "events/xpath_bind.h"
#include "tests/support/matchers.h"

namespace events {
namespace {

constexpr std::string_view kLogon =
    "<Event><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4624</EventID><Level>0</Level>"
    "<Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='2024-05-01T10:00:00.1234567Z'/>"
    "<Execution ProcessID='812'/><Channel>Security</Channel><Computer>A.example.org</Computer><Security UserID='S-1-5-18'/>"
    "</System><EventData><Data Name='TargetUserName'>alice</Data><Data "
    "Name='LogonType'>3</Data><Data>third</Data></EventData>"
    "<UserData><W><F a='1' b='1'>x</F><F a='2' b='1'>y</F><F a='1' b='2'>z</F></W></UserData></Event>";

/// A query bound to the skeleton of an event.
struct Bound {
  Event event;
  std::shared_ptr<const Skeleton> skeleton;
  std::vector<std::string_view> values;
  Formula formula;
  std::optional<std::uint32_t> root;

  /// "yes" and "no" are constants, "tests N: yes" is what N tests say, "open" is no formula.
  std::string answer() const {
    if (!root) return "open";
    const std::string truth = formula.holds(*skeleton, values, *base::parse_datetime("2024-05-01T10:00:01Z")) ? "yes" : "no";
    if (formula.constant() != Truth::Unknown) return truth;
    return "tests " + std::to_string(formula.tests().size()) + ": " + truth;
  }
};

template <typename Bind>
std::string bound(std::string_view xml, const Bind& bind) {
  Bound bound;
  bound.event = *Event::parse(std::string(xml));
  Splitter splitter;
  EXPECT_TRUE(splitter.split(bound.event.xml, Grain::Fine));
  bound.skeleton = *Skeleton::parse(splitter.skeleton());
  bound.values.assign(splitter.values().begin(), splitter.values().end());
  bound.root = bind(*bound.skeleton, bound.formula);
  if (bound.root) bound.formula.finish(*bound.root);
  return bound.answer();
}

std::string logon(std::string_view xpath) {
  const auto query = Query::parse_xpath("log", xpath);
  EXPECT_TRUE(query.ok()) << xpath;
  return bound(kLogon, [&](const Skeleton& skeleton, Formula& formula) { return query->bind(skeleton, "LOG", formula); });
}

std::string logon_list(std::string_view inside) {
  const auto query = Query::parse_list("<QueryList><Query Path='log'>" + std::string(inside) + "</Query></QueryList>");
  EXPECT_TRUE(query.ok()) << inside;
  return bound(kLogon, [&](const Skeleton& skeleton, Formula& formula) { return query->bind(skeleton, "log", formula); });
}

TEST(QueryBind, WhatTheSkeletonStatesIsAConstant) {
  EXPECT_EQ(logon("*"), "yes");
  EXPECT_EQ(logon("*[System[EventID=4624 and Channel='security']]"), "yes");
  EXPECT_EQ(logon("*[System[EventID=4625]] and *[EventData[Data='alice']]"), "no");
  EXPECT_EQ(logon("*[System[band(Keywords,9007199254740992)]]"), "yes");
  EXPECT_EQ(logon("*[EventData[Data[@Name='Nothing']='x']]"), "no");
  EXPECT_EQ(logon("*[EventData[Data[@Name='Nothing']!='x']]"), "no");
  EXPECT_EQ(logon("*[EventData/Data[@Name='LogonType']]"), "yes");
  EXPECT_EQ(logon("*[UserData/*/F[2]]"), "yes");
  EXPECT_EQ(logon("*[UserData/*/F[4]]"), "no");
}

TEST(QueryBind, AValueIsOneTest) {
  EXPECT_EQ(logon("*[EventData[Data[@Name='LogonType']=3]]"), "tests 1: yes");
  EXPECT_EQ(logon("*[EventData[Data[@Name='LogonType']!='3']]"), "tests 1: no");
  EXPECT_EQ(logon("*[EventData[Data[3]='third']]"), "tests 1: yes");
  EXPECT_EQ(logon("*[EventData[Data='alice']]"), "tests 3: yes");
  EXPECT_EQ(logon("*[System[EventID=4624]] and *[EventData[Data[@Name='TargetUserName']='bob']]"), "tests 1: no");
  EXPECT_EQ(logon("*[System[EventID=1]] or *[EventData[Data[@Name='TargetUserName']='alice']]"), "tests 1: yes");
  EXPECT_EQ(logon("*[System[Security[@UserID='s-1-5-18']]]"), "tests 1: yes");
  EXPECT_EQ(logon("*[System[Computer='a.EXAMPLE.org']]"), "tests 1: yes");
  EXPECT_EQ(logon("*[System/Execution[@*=812]]"), "tests 1: yes");
  EXPECT_EQ(logon("*[System[TimeCreated[timediff(@SystemTime) <= 1000]]]"), "tests 1: yes");
  EXPECT_EQ(logon("*[System[TimeCreated[timediff(@SystemTime) <= 876]]]"), "tests 1: no");
  EXPECT_EQ(logon("*[EventData[band(Data[@Name='LogonType'], 2)]]"), "tests 1: yes");
  EXPECT_EQ(logon("*[band(EventData/Data[@Name='LogonType'], System/Execution/@ProcessID)]"), "tests 1: no");
}

TEST(QueryBind, SysmonForLinuxNamesItsUserItsOwnWay) {
  const auto query = Query::parse_xpath("log", "*[System[Security[@UserID='1000']]]");
  EXPECT_EQ(bound("<Event><System><EventID>1</EventID><Security UserId='1000'/></System></Event>",
                  [&](const Skeleton& skeleton, Formula& formula) { return query->bind(skeleton, "log", formula); }),
            "tests 1: yes");
}

TEST(QueryBind, PositionsCountWhatPassesInEveryEvent) {
  EXPECT_EQ(logon("*[UserData/W[F[@a][2]='y']]"), "tests 1: yes");
  EXPECT_EQ(logon("*[UserData/W[F[position()>=2][1]='y']]"), "tests 1: yes");
  EXPECT_EQ(logon("*[UserData/W[F[position()>=2][2]='z']]"), "tests 1: yes");
}

TEST(QueryBind, APositionAmongWhatDependsOnValuesIsOpen) {
  EXPECT_EQ(logon("*[UserData/W[F[@a='1'][2]='z']]"), "open");
  EXPECT_EQ(logon("*[UserData/W[F[@a='1'][position()!=5]='z']]"), "open");
  EXPECT_EQ(logon("*[System[EventID=1]] and *[UserData/W[F[@a='1'][2]='z']]"), "no");
  EXPECT_EQ(logon("*[System[EventID=4624]] or *[UserData/W[F[@a='1'][2]='z']]"), "yes");
  // The first one's position is certain, and it is all that is asked for.
  EXPECT_EQ(logon("*[UserData/W[F[1][@a='1']='x']]"), "tests 2: yes");
}

TEST(QueryBind, TheTextOfSeveralValuesIsOpen) {
  EXPECT_EQ(logon("*[UserData/W='xyz']"), "open");
  EXPECT_EQ(logon("*[UserData/W]"), "yes");
}

TEST(QueryBind, ASuppressTakesAway) {
  EXPECT_EQ(logon_list("<Select>*</Select><Suppress>*[System[EventID=4624]]</Suppress>"), "no");
  EXPECT_EQ(logon_list("<Select>*</Select><Suppress>*[System[EventID=1]]</Suppress>"), "yes");
  EXPECT_EQ(logon_list("<Select>*</Select><Suppress>*[EventData[Data='alice']]</Suppress>"), "tests 3: no");
  EXPECT_EQ(logon_list("<Select>*[System[EventID=1]]</Select><Suppress>*[UserData/W='xyz']</Suppress>"), "no");
  EXPECT_EQ(logon_list("<Select>*</Select><Suppress>*[UserData/W='xyz']</Suppress>"), "open");
}

TEST(QueryBind, SelectsOfOnePathAreJoined) {
  EXPECT_EQ(logon_list("<Select>*[System[EventID=1]]</Select><Select>*[System[EventID=4624]]</Select>"), "yes");
  EXPECT_EQ(logon_list("<Select Path='other'>*</Select>"), "no");
}

TEST(QueryBind, AnotherPathSelectsNothing) {
  const auto query = Query::parse_xpath("log", "*");
  EXPECT_EQ(bound(kLogon, [&](const Skeleton& skeleton, Formula& formula) { return query->bind(skeleton, "x", formula); }),
            "no");
}

TEST(QueryBind, WhatIsOpenLeavesNothingInTheFormula) {
  const auto query = Query::parse_xpath("log", "*[EventData[Data='alice']] and *[UserData/W='xyz']");
  bound(kLogon, [&](const Skeleton& skeleton, Formula& formula) {
    const auto root = query->bind(skeleton, "log", formula);
    EXPECT_TRUE(formula.tests().empty());
    EXPECT_TRUE(formula.links().empty());
    return root;
  });
}

TEST(QueryBind, AFormulaBeyondTheBoundIsOpen) {
  std::string xml = "<Event><System><EventID>1</EventID></System><EventData>";
  for (int i = 0; i < 100; ++i) xml += "<Data>v</Data>";
  xml += "</EventData></Event>";
  std::string xpath = "*[EventData[Data='0'";
  for (int i = 1; i < 50; ++i) xpath += " or Data='" + std::to_string(i) + "'";
  const auto query = Query::parse_xpath("log", xpath + "]]");
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(bound(xml, [&](const Skeleton& skeleton, Formula& formula) { return query->bind(skeleton, "log", formula); }),
            "open");
}

TEST(QueryBind, ALongQueryOfConstantsIsNoFormula) {
  std::string xpath = "*[System[EventID=0";
  for (int i = 1; i < 2000; ++i) xpath += " or EventID=" + std::to_string(i);
  EXPECT_EQ(logon(xpath + "]]"), "no");
}

std::string search(std::string_view xml, std::string text, bool whole_words) {
  const auto search = TextSearch::make(std::move(text), whole_words);
  EXPECT_TRUE(search.ok());
  const bool by_tree = search->matches(*Event::parse(std::string(xml)));
  const std::string answer =
      bound(xml, [&](const Skeleton& skeleton, Formula& formula) { return search->bind(skeleton, formula); });
  EXPECT_TRUE(answer.ends_with(by_tree ? "yes" : "no")) << search->text();
  return answer;
}

TEST(TextSearch, LooksIntoTheValuesAndNamesThatPeopleRead) {
  EXPECT_EQ(search(kLogon, "ALICE", false), "tests 13: yes");
  EXPECT_EQ(search(kLogon, "lic", false), "tests 13: yes");
  EXPECT_EQ(search(kLogon, "lic", true), "tests 13: no");
  EXPECT_EQ(search(kLogon, "a.example", true), "tests 13: yes");
  EXPECT_EQ(search(kLogon, "windows-security", true), "yes");
  EXPECT_EQ(search(kLogon, "TargetUserName", false), "tests 13: no");
  EXPECT_EQ(search(kLogon, "4624", false), "tests 13: no");
}

TEST(TextSearch, LooksIntoRenderedTexts) {
  constexpr std::string_view kRendered =
      "<Event><System><EventID>1</EventID></System><RenderingInfo Culture='en-US'><Message>Tom &amp; Jerry came.</Message>"
      "</RenderingInfo></Event>";
  EXPECT_EQ(search(kRendered, "tom & jerry", true), "tests 1: yes");
  EXPECT_EQ(search(kRendered, "en-US", false), "tests 1: no");
}

TEST(TextSearch, SearchesWhatCannotBeReadAsItIs) {
  EXPECT_TRUE(TextSearch::make("BROKEN", true)->matches(Event::from_wire("<Event>broken text")));
  EXPECT_FALSE(TextSearch::make("brok", true)->matches(Event::from_wire("<Event>broken text")));
}

TEST(TextSearch, RefusesNoTextAndTooMuch) {
  EXPECT_FALSE(TextSearch::make("", false).ok());
  EXPECT_TRUE(TextSearch::make(std::string(1024, 'x'), false).ok());
  EXPECT_THAT(TextSearch::make(std::string(1025, 'x'), false), test_support::IsError(base::Win32::InvalidParameter));
}

}  // namespace
}  // namespace events
