// What a whole store selects and counts, through its tail and its files, against the tree evaluator.

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "engine/xml/document.h"
#include "tests/events/corpus.h"
#include "tests/events/query_generator.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using Records = std::set<std::uint64_t>;

class StoreOracle : public StoreTest {
 protected:
  StoreOracle() {
    storage::EventStoreOptions options;
    // Some files, and a tail.
    options.seal_events = 300;
    options.segment_bytes = 128u << 10;
    reopen(options);
    fill();
  }

  void fill() {
    std::mt19937 random(11);
    std::vector<std::string> texts = events::corpus::unusual_events();
    for (auto& event : events::corpus::events()) texts.push_back(std::move(event.xml));
    const std::size_t unchanged = texts.size();
    for (int round = 0; round < 4; ++round) {
      for (std::size_t i = 0; i < unchanged; ++i) {
        texts.push_back(random() % 3 == 0 ? events::corpus::changed_event(texts[i], random) : renumbered(texts[i], random));
      }
    }
    texts.push_back("no event at all");
    texts.push_back("<Event><System><EventID>1</EventID></System><EventData>broken");
    std::shuffle(texts.begin(), texts.end(), random);
    std::vector<events::Event> batch;
    for (std::string& text : texts) {
      batch.push_back(events::Event::from_wire(std::move(text)));
      if (batch.size() < 60 && &text != &texts.back()) continue;
      const auto result = deliver(std::exchange(batch, {}));
      ASSERT_THAT(result, IsOk());
      stored_count_ += result->stored;
    }
    stored_ = all_of();
    for (const auto& stored : stored_) {
      auto document = xml::Document::parse(stored.event.xml);
      // What cannot be read has a document of its own that no query selects but *.
      documents_.push_back(stored.event.quality != events::Quality::Raw && document.ok() ? std::move(*document)
                                                                                         : xml::Document());
    }
  }

  /// The same kind of event with another record id, process and value.
  static std::string renumbered(std::string xml, std::mt19937& random) {
    for (const std::string_view mark : {"<EventRecordID>", "ProcessID=\"", "\">"}) {
      const auto at = xml.rfind(mark);
      if (at == std::string::npos || (mark == "\">" && xml.find("<Data") == std::string::npos)) continue;
      const auto from = at + mark.size();
      const auto end = xml.find_first_of("<\"", from);
      if (end != std::string::npos) xml.replace(from, end - from, std::to_string(random() % 1'000'000));
    }
    return xml;
  }

  bool truth(std::size_t i, const events::Query& query) const {
    if (!documents_[i].root()) return query.selects_raw("ForwardedEvents");
    return query.matches(documents_[i].root(), "ForwardedEvents", now_);
  }

  /// In both directions, in steps of `items`.
  Records read_all(const events::Query& query, storage::Direction direction, std::size_t items,
                   const std::optional<events::TextSearch>& text = std::nullopt) {
    Records records;
    std::vector<std::uint64_t> order;
    events::Bookmark after;
    for (std::size_t step = 0; step < 10'000; ++step) {
      storage::ReadRequest request;
      request.query = query;
      request.direction = direction;
      request.after = after;
      request.text = text;
      request.budget.items = items;
      auto result = read(std::move(request));
      EXPECT_THAT(result, IsOk());
      if (!result.ok()) break;
      EXPECT_EQ(result->unreadable, 0u);
      for (const auto& stored : result->events) order.push_back(stored.record);
      after = result->position;
      if (result->at_end) break;
    }
    if (direction == storage::Direction::NewestFirst) std::reverse(order.begin(), order.end());
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    records.insert(order.begin(), order.end());
    EXPECT_EQ(records.size(), order.size());
    return records;
  }

  void expect_selected(const events::Query& query, const std::optional<events::TextSearch>& text, std::size_t number) {
    Records expected;
    std::map<std::string, std::uint64_t> by_provider;
    for (std::size_t i = 0; i < stored_.size(); ++i) {
      if (!truth(i, query) || (text && !text->matches(stored_[i].event))) continue;
      expected.insert(stored_[i].record);
      ++by_provider[stored_[i].event.system.provider];
    }
    selected_ += expected.size();
    const std::size_t items = number % 3 == 0 ? 90 : 1'000'000;
    const auto direction = number % 2 == 0 ? storage::Direction::OldestFirst : storage::Direction::NewestFirst;
    ASSERT_EQ(read_all(query, direction, items, text), expected) << query.text() << "\n" << (text ? text->text() : "");
    storage::CountRequest request;
    request.query = query;
    request.text = text;
    request.by = {storage::CountBy::Provider};
    const auto counted = wait(store().count(std::move(request)));
    ASSERT_THAT(counted, IsOk());
    EXPECT_EQ(counted->events, expected.size()) << query.text();
    std::map<std::string, std::uint64_t> counts;
    for (const auto& count : counted->counts) counts[count.keys.at(0)] += count.events;
    EXPECT_EQ(counts, by_provider) << query.text();
  }

  std::vector<storage::StoredEvent> stored_;
  std::vector<xml::Document> documents_;
  std::size_t stored_count_ = 0;
  std::size_t selected_ = 0;
  base::WallTime now_ = clock().wall();
};

TEST_F(StoreOracle, HoldsWhatItSaysItHasStored) {
  EXPECT_EQ(stored_.size(), stored_count_);
  EXPECT_GT(stored_.size(), 1000u);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(directory().path() / "segments")) ++files;
  EXPECT_GE(files, 1u);
}

TEST_F(StoreOracle, PublishedQueriesSelectWhatTheTreeEvaluatorSelects) {
  std::size_t number = 0;
  for (const auto& published : events::corpus::queries()) {
    const auto query = events::Query::parse_xpath("ForwardedEvents", published.xpath);
    ASSERT_THAT(query, IsOk());
    expect_selected(*query, std::nullopt, number++);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(selected_, 2000u);
}

TEST_F(StoreOracle, GeneratedQueriesSelectWhatTheTreeEvaluatorSelects) {
  events::corpus::QueryGenerator generator(12);
  for (std::size_t number = 0; number < 70; ++number) {
    const auto& about = documents_[generator.below(documents_.size())];
    if (!about.root()) continue;
    const auto query = events::Query::parse_xpath("forwardedevents", generator.expression(about.root()));
    if (!query.ok()) continue;
    expect_selected(*query, std::nullopt, number);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(selected_, 2000u);
}

TEST_F(StoreOracle, TextSearchesFindWhatTheTreeHas) {
  events::corpus::QueryGenerator generator(13);
  for (std::size_t number = 0; number < 40; ++number) {
    const auto& about = documents_[generator.below(documents_.size())];
    if (!about.root()) continue;
    const auto text = events::TextSearch::make(generator.words(about.root()), number % 2 == 0);
    ASSERT_THAT(text, IsOk());
    const std::string xpath = number % 3 == 0 ? generator.expression(about.root()) : "*";
    const auto query = events::Query::parse_xpath("ForwardedEvents", xpath);
    if (!query.ok()) continue;
    expect_selected(*query, *text, number);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(selected_, 300u);
}

}  // namespace
}  // namespace storage_test
