#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "events/query.h"
#include "tests/support/matchers.h"

namespace events {
namespace {

using base::Win32;
using test_support::IsError;
using testing::ElementsAre;

Event event(int id, int level = 4) {
  return Event::from_wire("<Event><System><EventID>" + std::to_string(id) + "</EventID><Level>" + std::to_string(level) +
                          "</Level></System></Event>");
}

bool selects(const Query& query, int id, std::string_view path) {
  return query.matches(event(id), path, base::WallTime{});
}

Query list(std::string_view queries) {
  auto query = Query::parse_list("<QueryList>" + std::string(queries) + "</QueryList>");
  EXPECT_TRUE(query.ok()) << (query.ok() ? "" : query.error().message());
  return query.ok() ? *query : Query();
}

TEST(QueryList, SelectsFromEachLogByItsOwnExpression) {
  const Query query = list(
      "<Query Id='0' Path='Security'><Select Path='Security'>*[System[(EventID=1)]]</Select>"
      "<Select Path='System'>*[System[(EventID=2)]]</Select></Query>");
  EXPECT_THAT(query.paths(), ElementsAre("Security", "System"));
  EXPECT_TRUE(selects(query, 1, "Security"));
  EXPECT_TRUE(selects(query, 1, "SECURITY"));
  EXPECT_FALSE(selects(query, 1, "System"));
  EXPECT_TRUE(selects(query, 2, "System"));
  EXPECT_FALSE(selects(query, 2, "Application"));
}

TEST(QueryList, ASelectWithoutPathTakesThatOfItsQuery) {
  const Query query = list("<Query Id='0' Path='A'><Select>*</Select><Select Path='B'>*</Select></Query>");
  EXPECT_THAT(query.paths(), ElementsAre("A", "B"));
}

TEST(QueryList, PathsAreNamedOnceInTheOrderOfMention) {
  const Query query = list(
      "<Query Id='0'><Select Path='B'>*</Select><Select Path='A'>*</Select></Query>"
      "<Query Id='1'><Select Path='b'>*</Select></Query>");
  EXPECT_THAT(query.paths(), ElementsAre("B", "A"));
}

TEST(QueryList, SuppressWinsWithinItsQuery) {
  const Query query = list(
      "<Query Id='0' Path='A'><Suppress>*[System[EventID=2]]</Suppress><Select>*[System[EventID&lt;=3]]</Select></Query>");
  EXPECT_TRUE(selects(query, 1, "A"));
  EXPECT_FALSE(selects(query, 2, "A"));
  EXPECT_TRUE(selects(query, 3, "A"));
  EXPECT_FALSE(selects(query, 4, "A"));
}

TEST(QueryList, WhatOneQuerySuppressesAnotherMayStillSelect) {
  const Query query = list(
      "<Query Id='0' Path='A'><Select>*</Select><Suppress>*[System[EventID=2 or EventID=3]]</Suppress></Query>"
      "<Query Id='0' Path='A'><Select>*[System[EventID=2]]</Select></Query>");
  EXPECT_TRUE(selects(query, 1, "A"));
  EXPECT_TRUE(selects(query, 2, "A"));
  EXPECT_FALSE(selects(query, 3, "A"));
}

TEST(QueryList, ASuppressIsForItsOwnLogOnly) {
  const Query query = list(
      "<Query><Select Path='A'>*</Select><Select Path='B'>*</Select><Suppress "
      "Path='b'>*[System[EventID=1]]</Suppress></Query>");
  EXPECT_TRUE(selects(query, 1, "A"));
  EXPECT_FALSE(selects(query, 1, "B"));
}

TEST(QueryList, ASuppressWithoutPathTakesThatOfItsQuery) {
  const Query query =
      list("<Query Id='0' Path='A'><Select Path='A'>*</Select><Suppress>*[(System/EventID=1)]</Suppress></Query>");
  EXPECT_FALSE(selects(query, 1, "A"));
  EXPECT_TRUE(selects(query, 2, "A"));
}

TEST(QueryList, ASuppressOfEverythingAlsoDropsRawEvents) {
  const Event raw = Event::from_wire("raw");
  EXPECT_TRUE(list("<Query><Select Path='A'>*</Select></Query>").matches(raw, "A", {}));
  EXPECT_TRUE(list("<Query Path='A'><Select>*</Select><Suppress>*[System]</Suppress></Query>").matches(raw, "A", {}));
  EXPECT_FALSE(list("<Query Path='A'><Select>*</Select><Suppress>*</Suppress></Query>").matches(raw, "A", {}));
}

TEST(QueryList, CommentsCdataEntitiesAndDeclarationAreXml) {
  const auto query = Query::parse_list(
      "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- ours -->\n<QueryList>\n  <!-- one -->\n"
      "  <Query Id=\"0\" Path=\"A\">\n    <!-- two -->\n    <Select Path=\"A\">\n      *[System[EventID <!-- three -->&gt;= "
      "2\n"
      "        and <![CDATA[EventID<4]]>]]\n    </Select>\n  </Query>\n</QueryList>\n");
  ASSERT_TRUE(query.ok()) << query.error().message();
  EXPECT_FALSE(selects(*query, 1, "A"));
  EXPECT_TRUE(selects(*query, 3, "A"));
  EXPECT_FALSE(selects(*query, 4, "A"));
}

TEST(QueryList, WithOrWithoutNamespace) {
  EXPECT_TRUE(Query::parse_list("<QueryList xmlns='http://schemas.microsoft.com/win/2004/08/events/eventquery'><Query "
                                "Id='0'><Select Path='A'>*</Select></Query></QueryList>")
                  .ok());
  EXPECT_TRUE(
      Query::parse_list("<q:QueryList xmlns:q='urn:q'><q:Query><q:Select Path='A'>*</q:Select></q:Query></q:QueryList>")
          .ok());
}

TEST(QueryList, IdsNeedNotBeUniqueOrThere) {
  EXPECT_TRUE(Query::parse_list("<QueryList><Query Id='0'><Select Path='A'>*</Select></Query><Query Id='0'><Select "
                                "Path='A'>*</Select></Query><Query><Select Path='B'>*</Select></Query></QueryList>")
                  .ok());
  EXPECT_THAT(Query::parse_list("<QueryList><Query Id='x'><Select Path='A'>*</Select></Query></QueryList>"),
              IsError(Win32::EvtInvalidQuery, "Id 'x'"));
}

TEST(QueryList, TextThatIsNotWellFormedIsMalformed) {
  for (const char* text :
       {"", "*", "<QueryList>", "<QueryList><Query></QueryList>", "<QueryList/><QueryList/>", "<!DOCTYPE x><QueryList/>"}) {
    EXPECT_THAT(Query::parse_list(text), IsError(Win32::EvtMalformedXml)) << text;
  }
}

TEST(QueryList, RefusesWhatIsNotItsShape) {
  const std::vector<std::pair<std::string, std::string>> refusals{
      {"<Other/>", "not QueryList"},
      {"<QueryList/>", "has no Query"},
      {"<QueryList><Select Path='A'>*</Select></QueryList>", "has no Select"},
      {"<QueryList><Query Path='A'/></QueryList>", "selects nothing"},
      {"<QueryList><Query Path='A'><Suppress>*</Suppress></Query></QueryList>", "selects nothing"},
      {"<QueryList><Query Path='A'><Select>*</Select><Choose>*</Choose></Query></QueryList>", "has no Choose"},
      {"<QueryList><Query Path='A'><Select><b/>*</Select></Query></QueryList>", "something else than text"},
      {"<QueryList><Query><Select>*</Select></Query></QueryList>", "names no log"},
      {"<QueryList><Query><Select Path=''>*</Select></Query></QueryList>", "names no log"},
      {"<QueryList><Query Path='A'><Select>*</Select><Suppress Path='B'>*</Suppress></Query></QueryList>",
       "no Select of that log"},
      {"<QueryList><Query Path='A'><Select></Select></Query></QueryList>", "A syntax error occurred at position 0"},
      {"<QueryList><Query Path='A'><Select>*[System[</Select></Query></QueryList>",
       "A syntax error occurred at position 9 of the Select for A"},
      {"<QueryList><Query Path='A'><Select>*</Select><Suppress>*[</Suppress></Query></QueryList>",
       "A syntax error occurred at position 2 of the Suppress for A"},
      {"<QueryList><Query><Select Path='A'>*</Select><Select Path='file:///a.evtx'>*</Select></Query></QueryList>",
       "log files and logs at once"},
  };
  for (const auto& [text, reason] : refusals) {
    EXPECT_THAT(Query::parse_list(text), IsError(Win32::EvtInvalidQuery, reason)) << text;
  }
}

TEST(QueryList, AFileIsKeptAsThePathThatItIs) {
  EXPECT_THAT(list("<Query><Select Path='file:///var/a.evtx'>*</Select></Query>").paths(),
              ElementsAre("file:///var/a.evtx"));
}

TEST(QueryList, NamesAtMost256Logs) {
  const auto with_logs = [](int count) {
    std::string text = "<QueryList><Query>";
    for (int i = 0; i < count; ++i) text += "<Select Path='log" + std::to_string(i) + "'>*</Select>";
    return Query::parse_list(text + "</Query></QueryList>");
  };
  EXPECT_TRUE(with_logs(256).ok());
  EXPECT_THAT(with_logs(257), IsError(Win32::EvtInvalidQuery, "more than 256 logs"));
}

TEST(QueryList, ParseTellsTheTwoFormsApart) {
  const auto xpath = Query::parse("*[System[EventID=1]]", "A");
  ASSERT_TRUE(xpath.ok());
  EXPECT_THAT(xpath->paths(), ElementsAre("A"));
  const auto pathless = Query::parse(" <QueryList><Query><Select>*</Select></Query></QueryList>", "A");
  ASSERT_TRUE(pathless.ok());
  EXPECT_THAT(pathless->paths(), ElementsAre("A"));
  const auto own = Query::parse("<QueryList><Query Path='B'><Select>*</Select></Query></QueryList>", "A");
  ASSERT_TRUE(own.ok());
  EXPECT_THAT(own->paths(), ElementsAre("B"));
  EXPECT_EQ(own->text(), "<QueryList><Query Path='B'><Select>*</Select></Query></QueryList>");
  EXPECT_THAT(Query::parse("", "A"), IsError(Win32::EvtInvalidQuery, "position 0"));
}

TEST(QueryList, SelectsEverythingByAStarThatNothingSuppresses) {
  const auto everything = [](std::string_view list) {
    const auto query = Query::parse_list(list);
    EXPECT_TRUE(query.ok()) << list;
    return query.ok() && query->selects_everything("system");
  };
  EXPECT_TRUE(everything("<QueryList><Query><Select Path='System'>*</Select></Query></QueryList>"));
  EXPECT_FALSE(everything("<QueryList><Query><Select Path='System'>*[System[Level=2]]</Select></Query></QueryList>"));
  EXPECT_FALSE(everything("<QueryList><Query><Select Path='Security'>*</Select></Query></QueryList>"));
  EXPECT_FALSE(
      everything("<QueryList><Query><Select Path='System'>*</Select><Suppress Path='System'>*[System[Level=5]]"
                 "</Suppress></Query></QueryList>"));
  // What one Query suppresses, another one gives.
  EXPECT_TRUE(
      everything("<QueryList><Query><Select Path='System'>*</Select><Suppress Path='System'>*[System[Level=5]]"
                 "</Suppress></Query><Query><Select Path='System'>*</Select></Query></QueryList>"));
}

TEST(QueryList, AMegabyteOfOrInASelectIsTooComplex) {
  std::string text = "<QueryList><Query Path='A'><Select>*";
  for (int i = 0; i < 200'000; ++i) text += " or *";
  EXPECT_THAT(Query::parse_list(text + "</Select></Query></QueryList>"),
              IsError(Win32::EvtInvalidQuery, "The query is too complex."));
}

}  // namespace
}  // namespace events
