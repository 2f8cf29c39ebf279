#include "engine/wsman/wql.h"

#include <gtest/gtest.h>

#include "engine/xml/document.h"
#include "tests/support/matchers.h"
#include "tests/wsman/messages.h"

namespace wsman {
namespace {

using test_support::IsFault;
using test_support::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kProcess =
    "<p:Win32_Process xmlns:p='urn:p' xmlns:cim='http://schemas.dmtf.org/wbem/wscim/1/common' "
    "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><p:Handle>812</p:Handle><p:Name>sshd_[1]</p:Name>"
    "<p:Size>18446744073709551615</p:Size><p:Running>true</p:Running><p:Owner xsi:nil='true'/><p:Note/>"
    "<p:CreationDate><cim:Datetime>2024-05-01T10:15:30Z</cim:Datetime></p:CreationDate>"
    "<p:Group>a</p:Group><p:Group>b</p:Group><p:Inner><p:Depth>3</p:Depth></p:Inner></p:Win32_Process>";

bool selects(const std::string& condition, const std::string& from = "Win32_Process") {
  const auto document = xml::Document::parse(kProcess);
  const auto query = WqlQuery::parse("select * from " + from + (condition.empty() ? "" : " where " + condition));
  EXPECT_THAT(query, IsOk()) << condition;
  return query.ok() && query->selects(document->root());
}

TEST(Wql, TheClassIsTheNameOfTheElement) {
  EXPECT_TRUE(selects(""));
  EXPECT_TRUE(selects("", "win32_process"));
  EXPECT_FALSE(selects("", "Win32_Service"));
}

TEST(Wql, ComparesNumbersAsNumbers) {
  EXPECT_TRUE(selects("Handle = 812"));
  EXPECT_TRUE(selects("Handle = '812'"));
  EXPECT_TRUE(selects("handle = 0x32C"));
  EXPECT_TRUE(selects("Handle > 90"));
  EXPECT_TRUE(selects("Handle > '90'"));
  EXPECT_FALSE(selects("Handle < 90"));
  EXPECT_TRUE(selects("Handle >= 812 AND Handle <= 812.0"));
  EXPECT_TRUE(selects("Handle <> 813"));
  EXPECT_TRUE(selects("Handle != -1"));
  EXPECT_TRUE(selects("900 > Handle"));
  EXPECT_FALSE(selects("900 < Handle"));
  EXPECT_TRUE(selects("Size > 18446744073709551614"));
  EXPECT_FALSE(selects("Size = 18446744073709551614"));
}

TEST(Wql, ComparesTextsWithoutCase) {
  EXPECT_TRUE(selects("Name = 'SSHD_[1]'"));
  EXPECT_TRUE(selects("Name > 'SSH'"));
  EXPECT_FALSE(selects("Name < 'a'"));
  EXPECT_TRUE(selects("Note = ''"));
  EXPECT_TRUE(selects("'sshd_[1]' = Name"));
  EXPECT_FALSE(selects("Name = 'a\\'b'"));
}

TEST(Wql, ComparesBooleans) {
  EXPECT_TRUE(selects("Running = TRUE"));
  EXPECT_TRUE(selects("Running = 1"));
  EXPECT_TRUE(selects("Running = 'True'"));
  EXPECT_TRUE(selects("Running <> false"));
  EXPECT_FALSE(selects("Running = false"));
}

TEST(Wql, ComparesPointsInTime) {
  EXPECT_TRUE(selects("CreationDate = '20240501121530.000000+120'"));
  EXPECT_TRUE(selects("CreationDate > '20240501101529.999999+000'"));
  EXPECT_FALSE(selects("CreationDate > '20240501101530.000000+000'"));
  EXPECT_TRUE(selects("CreationDate < '2024-05-01T10:15:31Z'"));
}

TEST(Wql, NullComparesWithNothing) {
  for (const char* name : {"Owner", "Nothing"}) {
    const std::string property = name;
    EXPECT_TRUE(selects(property + " IS NULL"));
    EXPECT_TRUE(selects(property + " = NULL"));
    EXPECT_FALSE(selects(property + " is not null"));
    EXPECT_FALSE(selects(property + " = 'x'"));
    EXPECT_FALSE(selects(property + " <> 'x'"));
    EXPECT_FALSE(selects(property + " LIKE '%'"));
  }
  EXPECT_FALSE(selects("Note IS NULL"));
  EXPECT_TRUE(selects("Name <> NULL"));
}

TEST(Wql, NotBindsBeforeAndBeforeOr) {
  EXPECT_TRUE(selects("Handle = 1 AND Handle = 2 OR Handle = 812"));
  EXPECT_FALSE(selects("Handle = 1 AND (Handle = 2 OR Handle = 812)"));
  EXPECT_TRUE(selects("NOT Handle = 1 AND Running = true"));
  EXPECT_FALSE(selects("NOT (Handle = 1 OR Running = true)"));
  EXPECT_TRUE(selects("NOT NOT Handle = 812"));
}

TEST(Wql, LikeHasRunsCharactersAndSets) {
  EXPECT_TRUE(selects("Name LIKE 'SSH%'"));
  EXPECT_TRUE(selects("Name LIKE '%d[_][[]1]'"));
  EXPECT_TRUE(selects("Name LIKE 's_h%'"));
  EXPECT_FALSE(selects("Name LIKE 'ssh'"));
  EXPECT_TRUE(selects("Name NOT LIKE 'x%'"));
  EXPECT_TRUE(selects("Handle LIKE '8[0-9]2'"));
  EXPECT_TRUE(matches_like("[a=f]x", "Cx"));
  EXPECT_TRUE(matches_like("[^a-f]x", "gx"));
  EXPECT_FALSE(matches_like("[^a-f]x", "cx"));
  EXPECT_TRUE(matches_like("%a%b", "xxaxxbxab"));
  EXPECT_FALSE(matches_like("%a%b", "xxaxxbxa"));
  EXPECT_TRUE(matches_like("_", "\xC3\xA4"));
  EXPECT_TRUE(matches_like("%", ""));
  EXPECT_FALSE(matches_like("", "a"));
  EXPECT_FALSE(matches_like("[a", "a"));
}

TEST(Wql, APatternOfManyRunsTakesNoLongTime) {
  std::string pattern;
  for (int i = 0; i < 400; ++i) pattern += "%a";
  EXPECT_FALSE(matches_like(pattern + "b", std::string(20'000, 'a')));
}

TEST(Wql, AnArrayComparesByEachOfItsElements) {
  EXPECT_TRUE(selects("Group = 'b'"));
  EXPECT_FALSE(selects("Group = 'c'"));
}

TEST(Wql, ReachesIntoEmbeddedInstances) {
  EXPECT_TRUE(selects("Inner.Depth = 3"));
  EXPECT_FALSE(selects("Inner.Depth = 4"));
}

TEST(Wql, KnowsTheClassOfAnInstance) {
  EXPECT_TRUE(selects("__CLASS = 'win32_process'"));
  EXPECT_TRUE(selects("__THIS ISA 'Win32_Process'"));
  EXPECT_FALSE(selects("__THIS ISA 'Win32_Service'"));
}

TEST(Wql, TellsWhichPropertiesAreAskedFor) {
  EXPECT_THAT(WqlQuery::parse("SELECT * FROM a")->properties(), IsEmpty());
  EXPECT_THAT(WqlQuery::parse("SELECT Name , Handle FROM a")->properties(), ElementsAre("Name", "Handle"));
  EXPECT_EQ(WqlQuery::parse("select x from Win32_Thing")->class_name(), "Win32_Thing");
}

TEST(Wql, WhatIsNoQueryIsRefused) {
  for (const char* bad : {"",
                          "select",
                          "select * from",
                          "select from a",
                          "select a b from c",
                          "select *, a from b",
                          "select a, from b",
                          "select * from a where",
                          "select * from a where b",
                          "select * from a where b =",
                          "select * from a where = 1",
                          "select * from a where b = 'x",
                          "select * from a where b = c",
                          "select * from a where (b = 1",
                          "select * from a where b = 1)",
                          "select * from a where b == 1",
                          "select * from a where b LIKE 1",
                          "select * from a where b IS 1",
                          "select * from a where b = 1 c",
                          "select * from a where b < NULL",
                          "select * from a where 1 = 1",
                          "select * from a, b",
                          "select * from a where b = 12x",
                          "select count(*) from a",
                          "select * from a where b ; c",
                          "update a",
                          "select * from a order by b",
                          "select * from a where b isa 1",
                          "select * from a where b NOT = 1",
                          "select 1 from a",
                          "ASSOCIATORS OF {a.b=1}",
                          "REFERENCES OF {a.b=1}",
                          "select * from meta_class"}) {
    EXPECT_THAT(WqlQuery::parse(bad), IsFault(FaultCode::CannotProcessFilter)) << bad;
  }
}

TEST(Wql, QueriesOfEventsAreForSubscribe) {
  EXPECT_THAT(WqlQuery::parse("select * from __InstanceCreationEvent within 5 where TargetInstance isa 'a'"),
              IsFault(FaultCode::CannotProcessFilter, "Subscribe"));
  EXPECT_THAT(WqlQuery::parse("select * from a within 5"), IsFault(FaultCode::CannotProcessFilter, "Subscribe"));
  EXPECT_THAT(WqlQuery::parse("select * from a group within 5"), IsFault(FaultCode::CannotProcessFilter, "Subscribe"));
  EXPECT_THAT(WqlQuery::parse("select * from a where b = 1 having c > 1"),
              IsFault(FaultCode::CannotProcessFilter, "Subscribe"));
}

TEST(Wql, IsBounded) {
  std::string many = "select * from a where b = 1";
  for (int i = 1; i < 500; ++i) many += " or b = 1";
  EXPECT_THAT(WqlQuery::parse(many), IsOk());
  EXPECT_THAT(WqlQuery::parse(many + " or b = 1"), IsFault(FaultCode::CannotProcessFilter, "too many conditions"));
  const auto nested = [](int depth) {
    return "select * from a where " + std::string(depth, '(') + "b = 1" + std::string(depth, ')');
  };
  EXPECT_THAT(WqlQuery::parse(nested(32)), IsOk());
  EXPECT_THAT(WqlQuery::parse(nested(33)), IsFault(FaultCode::CannotProcessFilter, "too many parentheses"));
  EXPECT_THAT(WqlQuery::parse("select * from a where b = '" + std::string(64 << 10, 'x') + "'"),
              IsFault(FaultCode::CannotProcessFilter, "too long"));
  EXPECT_THAT(WqlQuery::parse("select * from a where b like '" + std::string(1001, '%') + "'"),
              IsFault(FaultCode::CannotProcessFilter, "pattern"));
  std::string nots = "select * from a where ";
  for (int i = 0; i < 10'000; ++i) nots += "not ";
  EXPECT_THAT(WqlQuery::parse(nots + "b = 1"), IsOk());
}

TEST(Wql, TellsThePositionOfAnError) {
  EXPECT_THAT(WqlQuery::parse("select * from a where b ~ 1"), IsFault(FaultCode::CannotProcessFilter, "position 25"));
  EXPECT_EQ(windows_code_of(WqlQuery::parse("x").error()), 2150858778u);
}

}  // namespace
}  // namespace wsman
