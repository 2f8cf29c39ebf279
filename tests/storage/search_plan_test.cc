#include "storage/search_plan.h"

#include <gtest/gtest.h>

#include "engine/base/iso8601.h"
#include "storage/count_keys.h"
#include "storage/errc.h"
#include "storage/key_cache.h"
#include "storage/summary_cache.h"
#include "tests/support/matchers.h"

namespace storage_test {
namespace {

using events::Truth;
using storage::TimeSpan;
using test_support::IsError;
using test_support::IsOk;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'714'557'600 * kSecond;  // 2024-05-01T10:00:00Z

class OneTemplate final : public storage::TemplateSource {
 public:
  explicit OneTemplate(const std::string& system) {
    const std::string xml =
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='P'/>"
        "<EventID>4624</EventID><TimeCreated SystemTime='2024-05-01T10:00:00.0000000Z'/>" +
        system + "</System><EventData><Data Name='User'>a</Data></EventData></Event>";
    events::Splitter splitter;
    EXPECT_TRUE(splitter.split(xml, events::Grain::Fine));
    skeleton_ = events::Skeleton::parse(splitter.skeleton()).value();
  }
  base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t id) const override {
    if (id == 1) return skeleton_;
    return base::make_error(storage::Errc::Corrupt, "no such template");
  }

 private:
  std::shared_ptr<const events::Skeleton> skeleton_;
};

Truth decide(const std::string& xpath, TimeSpan times) {
  const auto query = events::Query::parse_xpath("Log", xpath);
  EXPECT_THAT(query, IsOk());
  const std::optional<events::TextSearch> no_text;
  const std::string path = "Log";
  storage::SearchPlan plan(*query, no_text, path, base::WallTime(std::chrono::nanoseconds(kNow)));
  const OneTemplate templates("");
  return plan.decide(plan.shape(1, templates), times);
}

std::string time(std::int64_t seconds) {
  return "'" + base::format_utc(base::WallTime(std::chrono::nanoseconds(kNow + seconds * kSecond)), 3) + "'";
}

TimeSpan span(std::int64_t from, std::int64_t to) {
  return {kNow + from * kSecond, kNow + to * kSecond};
}

TEST(SearchPlan, BoundsOfTimeDecideForWholeBlocks) {
  const std::string between = "*[System[TimeCreated[@SystemTime>=" + time(100) + " and @SystemTime<" + time(200) + "]]]";
  EXPECT_EQ(decide(between, span(0, 99)), Truth::False);
  EXPECT_EQ(decide(between, span(0, 100)), Truth::Unknown);
  EXPECT_EQ(decide(between, span(100, 199)), Truth::True);
  EXPECT_EQ(decide(between, span(100, 200)), Truth::Unknown);
  EXPECT_EQ(decide(between, span(200, 300)), Truth::False);
}

TEST(SearchPlan, DistanceToNowDecidesForWholeBlocks) {
  const std::string last_minute = "*[System[TimeCreated[timediff(@SystemTime) <= 60000]]]";
  EXPECT_EQ(decide(last_minute, span(-60, 0)), Truth::True);
  EXPECT_EQ(decide(last_minute, span(-61, 0)), Truth::Unknown);
  EXPECT_EQ(decide(last_minute, span(-100, -61)), Truth::False);
  const std::string older = "*[System[TimeCreated[timediff(@SystemTime) > 60000]]]";
  EXPECT_EQ(decide(older, span(-60, 0)), Truth::False);
  EXPECT_EQ(decide(older, span(-100, -61)), Truth::True);
}

TEST(SearchPlan, EqualTimeIsOnlyRuledOut) {
  const std::string equal = "*[System[TimeCreated[@SystemTime=" + time(100) + "]]]";
  EXPECT_EQ(decide(equal, span(0, 99)), Truth::False);
  EXPECT_EQ(decide(equal, span(0, 100)), Truth::Unknown);
}

TEST(SearchPlan, EventsWithoutAReadableTimeAreNotSelectedByOne) {
  // Such an event counts as of 1970, but satisfies no comparison.
  EXPECT_EQ(decide("*[System[TimeCreated[@SystemTime>='1960-01-01T00:00:00Z']]]", {0, 10}), Truth::Unknown);
  EXPECT_EQ(decide("*[System[TimeCreated[@SystemTime>='1960-01-01T00:00:00Z']]]", {1, 10}), Truth::True);
}

TEST(SearchPlan, TimesBeyondWhatNanosecondsTellAreLookedAt) {
  constexpr auto kLast = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(decide("*[System[TimeCreated[@SystemTime<'9999-01-01T00:00:00Z']]]", {kLast - 1, kLast}), Truth::Unknown);
}

TEST(SearchPlan, TemplatesOfOtherKindsAreRuledOut) {
  EXPECT_EQ(decide("*[System[EventID=1]]", {}), Truth::False);
  EXPECT_EQ(decide("*[System[EventID=4624]]", {}), Truth::True);
  EXPECT_EQ(decide("*[UserData]", {}), Truth::False);
}

TEST(SearchPlan, ValuesThatABlockLacksRuleItOut) {
  const auto query =
      events::Query::parse_xpath("Log", "*[EventData[Data[@Name='User']='a' or Data[@Name='User']='b']]").value();
  const std::optional<events::TextSearch> no_text;
  const std::string path = "Log";
  storage::SearchPlan plan(query, no_text, path, {});
  const OneTemplate templates("");
  const auto& shape = plan.shape(1, templates);
  ASSERT_EQ(plan.key_ranges().size(), 2u);
  EXPECT_EQ(plan.decide(shape, {}, [](std::uint32_t) { return false; }), Truth::False);
  EXPECT_EQ(plan.decide(shape, {}, [](std::uint32_t slot) { return slot == 1; }), Truth::Unknown);
}

TEST(SearchPlan, UnknownTemplateIsLookedAt) {
  const auto query = events::Query::parse_xpath("Log", "*[System[EventID=1]]").value();
  const std::optional<events::TextSearch> no_text;
  const std::string path = "Log";
  storage::SearchPlan plan(query, no_text, path, {});
  const OneTemplate templates("");
  EXPECT_EQ(plan.decide(plan.shape(2, templates), {}), Truth::Unknown);
  EXPECT_EQ(plan.decide(plan.shape(storage::kWholeTemplate, templates), {}), Truth::Unknown);
}

class SummaryCache : public ::testing::Test {
 protected:
  base::Result<std::shared_ptr<const storage::FileSummaries>> get(std::int64_t file, std::uint64_t last_record) {
    storage::FileRow row;
    row.id = file;
    row.last_record = last_record;
    return cache.get(row,
                     [this](std::uint64_t after, std::uint64_t last) -> base::Result<std::vector<storage::BlockSummary>> {
                       ++reads;
                       if (fails) return base::make_error(storage::Errc::Corrupt, "damaged");
                       std::vector<storage::BlockSummary> blocks;
                       for (auto first = after + 1; first <= last; first += 10) {
                         storage::BlockSummary block;
                         block.first_record = first;
                         block.events = 10;
                         block.counts.resize(20);
                         blocks.push_back(std::move(block));
                       }
                       return blocks;
                     });
  }

  storage::SummaryCache cache{20'000};
  int reads = 0;
  bool fails = false;
};

TEST_F(SummaryCache, ReadsAFileOnceAndItsGrowthOnce) {
  EXPECT_EQ(get(1, 100).value()->blocks.size(), 10u);
  EXPECT_EQ(get(1, 100).value()->blocks.size(), 10u);
  EXPECT_EQ(reads, 1);
  const auto grown = get(1, 120).value();
  ASSERT_EQ(grown->blocks.size(), 12u);
  EXPECT_EQ(grown->blocks.back()->first_record, 111u);
  EXPECT_EQ(reads, 2);
  // An older view of the file is served as well.
  EXPECT_GE(get(1, 100).value()->last_record, 100u);
  EXPECT_EQ(reads, 2);
}

TEST_F(SummaryCache, ForgetsTheFileThatWasNotUsedForLongest) {
  for (std::int64_t file = 1; file <= 50; ++file) {
    EXPECT_THAT(get(file, 100), IsOk());
    EXPECT_THAT(get(1, 100), IsOk());
    EXPECT_LE(cache.bytes(), 20'000u);
  }
  EXPECT_EQ(reads, 50);
  EXPECT_THAT(get(2, 100), IsOk());
  EXPECT_EQ(reads, 51);
}

TEST_F(SummaryCache, KeepsNothingOfAFailure) {
  fails = true;
  EXPECT_THAT(get(1, 100), IsError(storage::Errc::Corrupt));
  fails = false;
  EXPECT_THAT(get(1, 100), IsOk());
}

TEST(KeyCache, ReadsTheKeysOfABlockOnceAndStaysSmall) {
  storage::KeyCache cache(50'000);
  int reads = 0;
  const auto get = [&](std::uint64_t first) {
    return cache.get(1, first, first + 9, [&]() -> base::Result<std::optional<std::vector<storage::ValueKey>>> {
      ++reads;
      return std::optional(std::vector<storage::ValueKey>(1000, static_cast<storage::ValueKey>(first)));
    });
  };
  EXPECT_EQ(get(10)->front(), 10u);
  EXPECT_EQ(get(10)->front(), 10u);
  EXPECT_EQ(reads, 1);
  for (std::uint64_t first = 20; first < 2000; first += 10) {
    EXPECT_EQ(get(first)->front(), first);
    EXPECT_LE(cache.bytes(), 50'000u);
  }
}

TEST(KeyCache, KeepsNothingOfBlocksWithoutKeys) {
  storage::KeyCache cache;
  int reads = 0;
  const auto fails = [&]() -> base::Result<std::optional<std::vector<storage::ValueKey>>> {
    ++reads;
    return base::make_error(storage::Errc::Corrupt, "damaged");
  };
  EXPECT_EQ(cache.get(1, 1, 9, fails), nullptr);
  EXPECT_EQ(cache.get(1, 1, 9, fails), nullptr);
  EXPECT_EQ(reads, 2);
}

TEST(CountGroups, LongKeysAreRefusedBeforeTheyFillTheMemory) {
  storage::CountGroups groups;
  for (int i = 0; i < 100; ++i) groups.add(0, {groups.id_of(std::to_string(i) + std::string(1 << 20, 'x'))}, 1);
  EXPECT_FALSE(groups.complete());
  EXPECT_EQ(groups.events(), 100u);
  EXPECT_EQ(groups.counts(false).size(), 23u);
  // What is known already goes on being counted.
  groups.add(0, {groups.id_of("0" + std::string(1 << 20, 'x'))}, 1);
  EXPECT_EQ(groups.counts(false)[0].events, 2u);
}

}  // namespace
}  // namespace storage_test
