// The tree evaluator against formulas that are answered on the columns of real blocks.

#include "storage/block_filter.h"

#include <array>
#include <map>
#include <random>

#include "engine/base/iso8601.h"
#include "engine/xml/document.h"
#include "events/query.h"
#include "events/text_search.h"
#include "tests/events/corpus.h"
#include "tests/events/query_generator.h"
#include "tests/support/matchers.h"

namespace storage {
namespace {

base::WallTime now() {
  return *base::parse_datetime("2024-05-01T12:00:00Z");
}

/// Templates by number.
class Templates final : public TemplateSource {
 public:
  Template of(const std::string& skeleton) {
    auto& known = by_text_[skeleton];
    if (known.id == 0) {
      known.id = static_cast<std::uint32_t>(by_text_.size());
      known.skeleton = *events::Skeleton::parse(skeleton);
      by_id_[known.id] = known.skeleton;
    }
    return known;
  }
  base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t id) const override {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return base::make_error(Errc::Corrupt, "no such template");
    return found->second;
  }

 private:
  std::map<std::string, Template> by_text_;
  std::map<std::uint32_t, std::shared_ptr<const events::Skeleton>> by_id_;
};

/// Events that have been put into a block and read from there, and their documents.
class Filled {
 public:
  explicit Filled(std::vector<std::string> texts) {
    BlockBuilder builder;
    builder.begin(1);
    for (std::string& text : texts) {
      auto event = events::Event::parse(std::move(text));
      if (!event.ok()) continue;
      events_.push_back(std::make_unique<events::Event>(std::move(*event)));
      documents_.push_back(*xml::Document::parse(events_.back()->xml));
      events::Splitter& splitter = *splitters_.emplace_back(std::make_unique<events::Splitter>());
      const base::WallTime time = events_.back()->system.time;
      if (splitter.split(events_.back()->xml, events::Grain::Fine)) {
        builder.add(templates_.of(splitter.skeleton()), splitter.values(), time, {}, events::Quality::Good);
      } else {
        builder.add_whole(events_.back()->xml, time, {}, events::Quality::Good);
      }
    }
    encoded_ = builder.encode(1);
    auto block = Block::open(encoded_.summary, frames_in_memory(encoded_.frames), templates_);
    EXPECT_TRUE(block.ok()) << block.error().message();
    block_ = std::move(*block);
  }

  Block& block() { return *block_; }
  xml::Element root(std::size_t row) const { return documents_[row].root(); }
  const events::Event& event(std::size_t row) const { return *events_[row]; }
  std::size_t size() const { return events_.size(); }

  /// Asks each template for a formula with `bind(skeleton, formula)`, and compares each row with `truth(row)`.
  template <typename Bind, typename Truth>
  void expect_rows(const std::string& question, const Bind& bind, const Truth& truth) {
    for (std::uint32_t index = 0; index < block_->templates().size(); ++index) {
      const auto& skeleton = block_->templates()[index].skeleton;
      if (!skeleton) continue;
      events::Formula formula;
      const std::optional<std::uint32_t> root = bind(*skeleton, formula);
      if (!root) continue;
      formula.finish(*root);
      const auto selected = select_rows(*block_, index, formula, now());
      ASSERT_TRUE(selected.ok()) << selected.error().message();
      const auto rows = block_->rows_of(index);
      ASSERT_EQ(selected->size(), rows.size());
      for (std::size_t place = 0; place < rows.size(); ++place) {
        ASSERT_EQ(selected->test(place), truth(rows[place])) << question << "\n" << events_[rows[place]]->xml;
        selected_ += selected->test(place) ? 1 : 0;
        ++asked_;
      }
    }
  }
  std::size_t asked() const { return asked_; }
  std::size_t selected() const { return selected_; }

 private:
  Templates templates_;
  std::vector<std::unique_ptr<events::Event>> events_;
  std::vector<xml::Document> documents_;
  std::vector<std::unique_ptr<events::Splitter>> splitters_;
  EncodedBlock encoded_;
  std::unique_ptr<Block> block_;
  std::size_t asked_ = 0;
  std::size_t selected_ = 0;
};

/// A value of a kind that columns keep in a form of their own, or nearly of it.
std::string value_of_kind(std::uint32_t kind, std::mt19937& random) {
  static constexpr std::string_view kFew[] = {"alpha", "beta", "a&amp;b", "", " ", "S-1-5-18", "true"};
  switch (kind) {
    case 0:
      return std::to_string(random() % 100);
    case 1:
      return std::to_string((std::uint64_t{random()} << 32) | random());
    case 2: {
      char text[32];
      std::snprintf(text, sizeof(text), "0x%llx",
                    static_cast<unsigned long long>(random() % 4 == 0 ? random() : random() % 64));
      return text;
    }
    case 3:
      return base::format_utc(now() - std::chrono::milliseconds(random() % 1'000'000'000), 7);
    case 4:
      return std::string(kFew[random() % std::size(kFew)]);
    case 5:
      return "text number " + std::to_string(random()) + (random() % 3 == 0 ? " &lt;tag&gt;" : "");
    case 6:
      // Nearly a number.
      return random() % 20 == 0 ? "-" : std::to_string(random() % 1000);
    case 7:
      return random() % 20 == 0 ? "2024-05-01" : base::format_utc(now() - std::chrono::seconds(random() % 1'000'000), 9);
    default:
      return "{0000000" + std::to_string(random() % 10) + "-5478-4994-A5BA-3E3B0328C30D}";
  }
}

/// `count` events of one kind, whose values vary hole by hole.
void append_variants(const std::string& xml, std::size_t count, std::mt19937& random, std::vector<std::string>& texts) {
  events::Splitter splitter;
  if (!splitter.split(xml, events::Grain::Fine)) return;
  const auto skeleton = *events::Skeleton::parse(splitter.skeleton());
  std::vector<std::uint32_t> kinds;
  for (std::size_t i = 0; i < skeleton->holes().size(); ++i) kinds.push_back(random() % 10);
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> values;
    for (std::size_t hole = 0; hole < kinds.size(); ++hole) {
      values.push_back(kinds[hole] == 9 ? std::string(splitter.values()[hole]) : value_of_kind(kinds[hole], random));
    }
    const std::vector<std::string_view> views(values.begin(), values.end());
    skeleton->join(views, texts.emplace_back());
  }
}

TEST(BlockFilter, SelectsTheRowsThatTheTreeEvaluatorSelects) {
  const auto real = events::corpus::events();
  const auto published = events::corpus::queries();
  std::mt19937 random(5);
  events::corpus::QueryGenerator generator(6);
  std::array<std::size_t, 5> kinds{};
  std::size_t asked = 0;
  std::size_t selected = 0;
  for (std::size_t group = 0; group < 30; ++group) {
    std::vector<std::string> texts;
    for (int base = 0; base < 3; ++base) append_variants(real[random() % real.size()].xml, 70, random, texts);
    append_variants(events::corpus::unusual_events()[random() % 4], 70, random, texts);
    texts.push_back(events::corpus::changed_event(real[group].xml, random));
    std::shuffle(texts.begin(), texts.end(), random);
    Filled filled(std::move(texts));
    for (std::size_t i = 0; i < 80; ++i) {
      const std::string text = i < 10 ? published[(group * 10 + i) % published.size()].xpath
                                      : generator.expression(filled.root(generator.below(filled.size())));
      const auto query = events::Query::parse_xpath("log", text);
      if (!query.ok()) continue;
      filled.expect_rows(
          text,
          [&](const events::Skeleton& skeleton, events::Formula& formula) { return query->bind(skeleton, "log", formula); },
          [&](std::size_t row) { return query->matches(filled.root(row), "log", now()); });
      if (HasFatalFailure()) return;
    }
    for (std::size_t i = 0; i < 8; ++i) {
      const auto search = events::TextSearch::make(generator.words(filled.root(generator.below(filled.size()))), i % 2 == 0);
      ASSERT_TRUE(search.ok());
      filled.expect_rows(
          search->text(),
          [&](const events::Skeleton& skeleton, events::Formula& formula) { return search->bind(skeleton, formula); },
          [&](std::size_t row) { return search->matches(filled.event(row)); });
      if (HasFatalFailure()) return;
    }
    for (std::uint32_t index = 0; index < filled.block().templates().size(); ++index) {
      const auto& skeleton = filled.block().templates()[index].skeleton;
      for (std::uint32_t hole = 0; skeleton && hole < skeleton->holes().size(); ++hole) {
        const auto column = filled.block().column(index, hole);
        ASSERT_TRUE(column.ok());
        ++kinds[static_cast<std::size_t>((*column)->kind())];
      }
    }
    asked += filled.asked();
    selected += filled.selected();
  }
  // All forms of columns have been asked, and both answers been given.
  for (const std::size_t kind : kinds) EXPECT_GT(kind, 20u);
  EXPECT_GT(selected, asked / 20);
  EXPECT_LT(selected, asked / 2);
}

/// Every comparison with every type of constant, on a column of every form.
TEST(BlockFilter, ComparesEachFormOfColumnAsItsText) {
  std::mt19937 random(9);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 500; ++i) {
    std::string text = "<Event><System><EventID>1</EventID></System><EventData>";
    for (std::uint32_t kind = 0; kind < 9; ++kind) {
      text += "<Data Name='K" + std::to_string(kind) + "'>" + value_of_kind(kind, random) + "</Data>";
    }
    texts.push_back(text + "</EventData></Event>");
  }
  Filled filled(std::move(texts));
  for (std::uint32_t kind = 0; kind < 9; ++kind) {
    const std::string data = "Data[@Name='K" + std::to_string(kind) + "']";
    std::vector<std::string> tests = {"band(" + data + ",1)",
                                      "band(" + data + ",0x8000000000000000)",
                                      "timediff(" + data + ")<=500000000",
                                      "timediff(" + data + ",'2024-04-30T00:00:00Z')>0",
                                      "band(" + data + ",Data[@Name='K0'])",
                                      "band(Data[@Name='K2']," + data + ")"};
    for (const std::string_view sign : {"=", "!=", "<", "<=", ">", ">="}) {
      for (const std::string_view constant : {"0",
                                              "1",
                                              "50",
                                              "-1",
                                              "-0",
                                              "50.5",
                                              "1e2",
                                              "0x20",
                                              "18446744073709551615",
                                              "18446744073709551616",
                                              "true",
                                              "false",
                                              "2024-04-25T00:00:00Z",
                                              "{00000003-5478-4994-A5BA-3E3B0328C30D}",
                                              "S-1-5-18",
                                              "alpha",
                                              "a&b",
                                              "",
                                              "5",
                                              "text",
                                              "2024",
                                              "99"}) {
        tests.push_back(data + std::string(sign) + "'" + std::string(constant) + "'");
      }
      for (int i = 0; i < 3; ++i) {
        // Constants that are there.
        std::string value = value_of_kind(kind, random);
        if (value.find_first_of("&'") == std::string::npos) tests.push_back(data + std::string(sign) + "'" + value + "'");
      }
    }
    for (const std::string& test : tests) {
      const auto query = events::Query::parse_xpath("log", "*[EventData[" + test + "]]");
      ASSERT_TRUE(query.ok()) << test;
      filled.expect_rows(
          test,
          [&](const events::Skeleton& skeleton, events::Formula& formula) { return query->bind(skeleton, "log", formula); },
          [&](std::size_t row) { return query->matches(filled.root(row), "log", now()); });
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(filled.selected(), filled.asked() / 10);
}

TEST(BlockFilter, LooksLongListsOfTextsUp) {
  std::mt19937 random(10);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 300; ++i) {
    texts.push_back("<Event><System><EventID>1</EventID></System><EventData><Data Name='A'>" + value_of_kind(4, random) +
                    "</Data><Data Name='B'>" + value_of_kind(5, random) + "</Data><Data Name='C'>" +
                    value_of_kind(0, random) + "</Data></EventData></Event>");
  }
  Filled filled(std::move(texts));
  for (const std::string_view name : {"A", "B", "C"}) {
    std::string test;
    for (int i = 0; i < 60; ++i) {
      // Some are there, some are not, some are no texts.
      const auto row = random() % filled.size();
      const auto value = filled.root(row).child("EventData").children().begin();
      std::string constant = i % 3 == 0 ? "absent " + std::to_string(i) : i % 3 == 1 ? std::to_string(i) : value->text();
      if (name == "B" && i % 3 == 2) constant = value->next_sibling().text();
      test += (i == 0 ? "" : " or ") + ("Data[@Name='" + std::string(name) + "']='" + constant + "'");
    }
    const auto query = events::Query::parse_xpath("log", "*[EventData[" + test + "]]");
    ASSERT_TRUE(query.ok()) << test;
    filled.expect_rows(
        test,
        [&](const events::Skeleton& skeleton, events::Formula& formula) { return query->bind(skeleton, "log", formula); },
        [&](std::size_t row) { return query->matches(filled.root(row), "log", now()); });
  }
  EXPECT_GT(filled.selected(), 50u);
  EXPECT_LT(filled.selected(), filled.asked());
}

TEST(BlockFilter, DecodesNoColumnOnceNothingIsLeft) {
  std::mt19937 random(3);
  std::vector<std::string> texts;
  for (int i = 0; i < 10; ++i) {
    texts.push_back(
        "<Event><System><EventID>1</EventID></System><EventData><Data Name='A'>1</Data><Data "
        "Name='B'>2</Data></EventData></Event>");
  }
  Filled filled(std::move(texts));
  const auto& skeleton = *filled.block().templates()[0].skeleton;
  events::Formula formula;
  events::ValueTest absent;
  absent.constant = events::Constant::of("9");
  events::ValueTest impossible;
  impossible.hole = static_cast<std::uint32_t>(skeleton.holes().size());
  formula.finish(formula.add_and({formula.add_test(absent), formula.add_test(impossible)}));
  EXPECT_TRUE(select_rows(filled.block(), 0, formula, now()).ok());
  formula.finish(formula.add_or({formula.add_test(absent), formula.add_test(impossible)}));
  EXPECT_THAT(select_rows(filled.block(), 0, formula, now()), test_support::IsError(Errc::Corrupt));
}

}  // namespace
}  // namespace storage
