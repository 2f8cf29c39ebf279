// The straightforward tree evaluator against every other way in which we answer a query.

#include <map>

#include "engine/base/iso8601.h"
#include "engine/xml/document.h"
#include "events/query.h"
#include "events/skeleton.h"
#include "events/text_search.h"
#include "tests/events/corpus.h"
#include "tests/events/query_generator.h"
#include "tests/support/matchers.h"

namespace events {
namespace {

base::WallTime now() {
  return *base::parse_datetime("2019-03-09T12:00:00Z");
}

/// An event in all the forms in which it can be asked.
struct Subject {
  Event event;
  xml::Document document;
  struct Cut {
    std::shared_ptr<const Skeleton> skeleton;
    std::vector<std::string_view> values;
  };
  std::vector<Cut> cuts;  ///< fine, coarse; none where it cannot be cut

  static std::unique_ptr<Subject> make(std::string xml, std::map<std::string, std::shared_ptr<const Skeleton>>& skeletons) {
    auto event = Event::parse(std::move(xml));
    if (!event.ok()) return nullptr;
    auto subject = std::make_unique<Subject>();
    subject->event = std::move(*event);
    subject->document = *xml::Document::parse(subject->event.xml);
    for (const Grain grain : {Grain::Fine, Grain::Coarse}) {
      Splitter splitter;
      if (!splitter.split(subject->event.xml, grain)) continue;
      auto& skeleton = skeletons[splitter.skeleton()];
      if (!skeleton) {
        auto parsed = Skeleton::parse(splitter.skeleton());
        // A reference that stands for a hole's byte: the event is kept whole.
        if (!parsed.ok()) continue;
        skeleton = *parsed;
      }
      subject->cuts.push_back({skeleton, {splitter.values().begin(), splitter.values().end()}});
    }
    return subject;
  }
};

using Subjects = std::vector<std::unique_ptr<Subject>>;

/// The real events, the unusual ones, and changes of both.
const Subjects& subjects() {
  static const Subjects all = [] {
    std::map<std::string, std::shared_ptr<const Skeleton>> skeletons;
    std::vector<std::string> texts = corpus::unusual_events();
    for (auto& event : corpus::events()) texts.push_back(std::move(event.xml));
    std::mt19937 random(1);
    const std::size_t unchanged = texts.size();
    for (std::size_t i = 0; i < unchanged; ++i) texts.push_back(corpus::changed_event(texts[i], random));
    for (std::size_t i = 0; i < 400; ++i) texts.push_back(corpus::changed_event(texts[i % 24], random));
    Subjects made;
    for (auto& text : texts) {
      if (auto subject = Subject::make(std::move(text), skeletons)) made.push_back(std::move(subject));
    }
    return made;
  }();
  return all;
}

/// Counts, so that a test can say that it has tested something.
struct Tally {
  std::size_t asked = 0;
  std::size_t selected = 0;
  std::size_t bound = 0;
  std::size_t open = 0;
};

/// Query::matches() from the System fields, and the bound formula of each cut.
void expect_one_answer(const Query& query, const Subject& subject, Tally& tally) {
  for (const std::string_view path : {"log", "other"}) {
    const bool truth = query.matches(subject.document.root(), path, now());
    ++tally.asked;
    tally.selected += truth ? 1 : 0;
    ASSERT_EQ(query.matches(subject.event, path, now()), truth) << query.text() << "\n" << subject.event.xml;
    for (const auto& cut : subject.cuts) {
      Formula formula;
      const auto root = query.bind(*cut.skeleton, path, formula);
      if (!root) {
        ++tally.open;
        EXPECT_EQ(formula.nodes().size(), 2u) << query.text();
        continue;
      }
      ++tally.bound;
      formula.finish(*root);
      ASSERT_EQ(formula.holds(*cut.skeleton, cut.values, now()), truth) << query.text() << "\n" << subject.event.xml;
      if (formula.constant() != Truth::Unknown) {
        ASSERT_EQ(formula.constant() == Truth::True, truth);
        EXPECT_TRUE(formula.tests().empty()) << query.text();
      }
    }
    if (query.paths().size() == 1) break;
  }
}

TEST(QueryOracle, MostEventsCanBeCut) {
  std::size_t cut = 0;
  for (const auto& subject : subjects()) cut += subject->cuts.size() == 2 ? 1 : 0;
  EXPECT_GT(subjects().size(), 800u);
  EXPECT_GT(cut, subjects().size() * 3 / 4);
}

TEST(QueryOracle, EveryPublishedQueryHasOneAnswer) {
  Tally tally;
  for (const auto& published : corpus::queries()) {
    const auto query = Query::parse_xpath("log", published.xpath);
    ASSERT_TRUE(query.ok());
    for (const auto& subject : subjects()) expect_one_answer(*query, *subject, tally);
  }
  EXPECT_GT(tally.selected, 1000u);
  // Only where a change has put elements into a Data.
  EXPECT_LT(tally.open, tally.bound / 500);
}

TEST(QueryOracle, EveryPublishedQueryCanBeBoundToEveryRealEvent) {
  const auto events = corpus::events();
  for (const auto& published : corpus::queries()) {
    const auto query = Query::parse_xpath("log", published.xpath);
    ASSERT_TRUE(query.ok());
    for (const Event& event : events) {
      Splitter splitter;
      ASSERT_TRUE(splitter.split(event.xml, Grain::Fine));
      const auto skeleton = Skeleton::parse(splitter.skeleton());
      ASSERT_TRUE(skeleton.ok());
      Formula formula;
      EXPECT_TRUE(query->bind(**skeleton, "log", formula).has_value()) << published.xpath << "\n" << event.xml;
    }
  }
}

TEST(QueryOracle, GeneratedExpressionsHaveOneAnswer) {
  corpus::QueryGenerator generator(20);
  Tally tally;
  std::size_t queries = 0;
  for (std::size_t i = 0; i < 4000; ++i) {
    const Subject& about = *subjects()[generator.below(subjects().size())];
    const std::string text = generator.expression(about.document.root());
    const auto query = Query::parse_xpath("log", text);
    // The generator writes comparisons that have no sense, but rarely.
    if (!query.ok()) continue;
    ++queries;
    expect_one_answer(*query, about, tally);
    for (int more = 0; more < 8; ++more) {
      expect_one_answer(*query, *subjects()[generator.below(subjects().size())], tally);
    }
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(queries, 3600u);
  EXPECT_GT(tally.selected, tally.asked / 20);
  EXPECT_LT(tally.selected, tally.asked * 3 / 4);
  EXPECT_LT(tally.open, tally.bound / 10);
}

TEST(QueryOracle, GeneratedQueryListsHaveOneAnswer) {
  corpus::QueryGenerator generator(21);
  Tally tally;
  for (std::size_t i = 0; i < 2000; ++i) {
    const Subject& about = *subjects()[generator.below(subjects().size())];
    const std::string text = generator.query_list(about.document.root());
    const auto query = Query::parse_list(text);
    if (!query.ok()) continue;
    expect_one_answer(*query, about, tally);
    for (int more = 0; more < 6; ++more) {
      expect_one_answer(*query, *subjects()[generator.below(subjects().size())], tally);
    }
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(tally.selected, 2000u);
  EXPECT_LT(tally.open, tally.bound / 10);
}

TEST(QueryOracle, TextSearchesHaveOneAnswer) {
  corpus::QueryGenerator generator(22);
  std::size_t found = 0;
  for (std::size_t i = 0; i < 2000; ++i) {
    const Subject& about = *subjects()[generator.below(subjects().size())];
    const auto search = TextSearch::make(generator.words(about.document.root()), i % 3 == 0);
    ASSERT_TRUE(search.ok());
    for (int more = 0; more < 10; ++more) {
      const Subject& subject = more == 0 ? about : *subjects()[generator.below(subjects().size())];
      const bool truth = search->matches(subject.event);
      found += truth ? 1 : 0;
      for (const auto& cut : subject.cuts) {
        Formula formula;
        const auto root = search->bind(*cut.skeleton, formula);
        ASSERT_TRUE(root.has_value());
        formula.finish(*root);
        ASSERT_EQ(formula.holds(*cut.skeleton, cut.values, now()), truth) << search->text() << "\n" << subject.event.xml;
      }
    }
  }
  EXPECT_GT(found, 1500u);
}

}  // namespace
}  // namespace events
