#include "engine/base/iso8601.h"
#include "engine/xml/document.h"
#include "events/query.h"
#include "tests/events/corpus.h"
#include "tests/support/matchers.h"

namespace events {
namespace {

base::WallTime noon() {
  return *base::parse_datetime("2024-05-01T12:00:00Z");
}

TEST(QueryCorpus, EveryPublishedQueryParses) {
  const auto queries = corpus::queries();
  EXPECT_EQ(queries.size(), 146u);
  for (const auto& query : queries) {
    const auto compiled = Query::parse_xpath(query.channel, query.xpath);
    EXPECT_TRUE(compiled.ok()) << query.id << ": " << (compiled.ok() ? "" : compiled.error().message());
  }
}

TEST(QueryCorpus, EveryPublishedQueryParsesInsideAQueryList) {
  for (const auto& query : corpus::queries()) {
    const std::string select = query.kind == "Suppress"
                                   ? "<Select>*</Select><Suppress><![CDATA[" + query.xpath + "]]></Suppress>"
                                   : "<Select><![CDATA[" + query.xpath + "]]></Select>";
    EXPECT_TRUE(
        Query::parse_list("<QueryList><Query Id='0' Path='" + query.channel + "'>" + select + "</Query></QueryList>").ok())
        << query.id;
  }
}

TEST(QueryCorpus, PublishedMistakesMatchNothing) {
  const auto events = corpus::events();
  std::size_t mistakes = 0;
  for (const auto& published : corpus::queries()) {
    if (published.meaning.find("published mistake") == std::string::npos) continue;
    ++mistakes;
    const auto query = Query::parse_xpath("", published.xpath);
    ASSERT_TRUE(query.ok());
    for (const Event& event : events) EXPECT_FALSE(query->matches(event, "", noon())) << published.id;
    EXPECT_FALSE(query->unknown_system_names().empty()) << published.id;
  }
  EXPECT_EQ(mistakes, 1u);
}

TEST(QueryCorpus, OnlyTheMistakeNamesSomethingUnknown) {
  for (const auto& published : corpus::queries()) {
    const auto query = Query::parse_xpath("", published.xpath);
    ASSERT_TRUE(query.ok());
    EXPECT_EQ(query->unknown_system_names().empty(), published.id != "Q072") << published.id;
  }
}

TEST(QueryCorpus, EveryRealEventIsReadAsItCame) {
  const auto events = corpus::events();
  EXPECT_GT(events.size(), 200u);
  for (const Event& event : events) {
    EXPECT_EQ(event.quality, Quality::Good);
    EXPECT_TRUE(event.system.knows(Field::EventId)) << event.xml;
    EXPECT_TRUE(event.system.knows(Field::Provider)) << event.xml;
    EXPECT_TRUE(event.system.knows(Field::Time)) << event.xml;
    EXPECT_TRUE(event.system.knows(Field::Keywords)) << event.xml;
    EXPECT_TRUE(event.system.knows(Field::Computer)) << event.xml;
  }
}

/// Questions about each event's own values, so that many answers are yes.
std::vector<std::string> questions_about(const System& system) {
  const std::string id = std::to_string(system.event_id);
  const std::string time = base::format_utc(system.time, 9);
  std::vector<std::string> questions{
      "*[System[EventID=" + id + "]]",
      "*[System[EventID!=" + id + "]]",
      "*[System[EventID='" + id + "' and Level<=" + std::to_string(system.level) + "]]",
      "*[System/Provider[@Name='" + system.provider + "']]",
      "*[System[Provider[@Name!='" + system.provider + "']]]",
      "*[System[Channel='" + system.channel + "' and Computer='" + system.computer + "']]",
      "*[System[TimeCreated[@SystemTime>='" + time + "' and @SystemTime<='" + time + "']]]",
      "*[System[TimeCreated/@SystemTime<'" + time + "']]",
      "*[System[band(Keywords," + std::to_string(system.keywords) + ")]]",
      "*[System[Keywords=" + std::to_string(system.keywords) + "]]",
      "*[System[Correlation[@ActivityID]]]",
      "*[System[Execution[@ProcessID=" + std::to_string(system.process_id.value_or(0)) + "]]]",
      "*[System[EventRecordID=" + std::to_string(system.record_id.value_or(0)) + "]]",
      "*[System[EventID[@Qualifiers]=" + id + "]]",
      "*[System[Version and Opcode=" + std::to_string(system.opcode) + " and Task!=0]]",
  };
  if (!system.user_id.empty()) questions.push_back("*[System[Security[@UserID='" + system.user_id + "']]]");
  return questions;
}

TEST(QueryCorpus, TheAnswerFromSystemFieldsIsTheAnswerFromTheXml) {
  const auto events = corpus::events();
  std::vector<std::string> expressions;
  for (const auto& published : corpus::queries()) expressions.push_back(published.xpath);
  for (std::size_t i = 0; i < events.size(); i += 5) {
    for (auto& question : questions_about(events[i].system)) expressions.push_back(std::move(question));
  }
  std::vector<Query> queries;
  for (const auto& expression : expressions) {
    auto query = Query::parse_xpath("log", expression);
    ASSERT_TRUE(query.ok()) << expression << query.error().message();
    queries.push_back(std::move(*query));
  }
  std::size_t matches = 0;
  for (const Event& event : events) {
    const auto document = xml::Document::parse(event.xml);
    ASSERT_TRUE(document.ok());
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const bool from_tree = queries[i].matches(document->root(), "log", noon());
      EXPECT_EQ(queries[i].matches(event, "log", noon()), from_tree) << expressions[i] << "\n" << event.xml;
      matches += from_tree ? 1 : 0;
    }
  }
  EXPECT_GT(matches, 10'000u);
}

TEST(QueryCorpus, PublishedQueriesFindTheRealEventsThatTheyAreFor) {
  const auto events = corpus::events();
  const auto count = [&](std::string_view xpath) {
    const auto query = Query::parse_xpath("", xpath);
    std::size_t found = 0;
    for (const Event& event : events) found += query->matches(event, "", noon()) ? 1 : 0;
    return found;
  };
  EXPECT_EQ(count("*"), events.size());
  EXPECT_EQ(count("*[System[(EventID=4624)]]"), 1u);
  EXPECT_EQ(count("*[System[Level<=3]]") + count("*[System[Level>3]]"), events.size());
}

}  // namespace
}  // namespace events
