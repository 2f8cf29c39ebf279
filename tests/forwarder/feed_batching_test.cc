// When a batch goes out, and what becomes of one that is too large.

#include "tests/forwarder/feed_fixture.h"

namespace forwarder_test {
namespace {

namespace action = wsman::action;
using forwarder::FeedEnd;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using wsman::OversizePolicy;

/// What the batching rules are, what there is, and what the first batch is to be.
struct BatchRule {
  const char* name;
  std::uint64_t max_items = 1000;
  milliseconds max_time{60'000};
  milliseconds heartbeats{900'000};
  std::uint64_t collectors_size = 512'000;  ///< MaxEnvelopeSize of the offer
  std::uint64_t own_size = 512'000;         ///< MaxEnvelopeSizekb of the forwarder
  int events = 10;
  std::size_t event_size = 100;
  /// Events in the first batch: exactly, or where it is filled by size, fewer than all.
  std::optional<std::size_t> expected;
  milliseconds after{0};  ///< how long it waits
};

class FirstMet : public FeedTest, public ::testing::WithParamInterface<BatchRule> {};

TEST_P(FirstMet, SendsTheBatch) {
  const BatchRule& rule = GetParam();
  how_.max_elements = rule.max_items;
  how_.max_time = rule.max_time;
  how_.heartbeats = rule.heartbeats;
  how_.max_envelope_size = rule.collectors_size;
  bounds_.max_envelope_size = rule.own_size;
  log(std::vector<std::string>(static_cast<std::size_t>(rule.events), std::string(rule.event_size, 'x')));
  start();
  const auto begun = clock_.steady();
  advance_until([&] { return !collector_.received(action::kEvents).empty(); });
  const ReceivedMessage batch = collector_.received(action::kEvents).at(0);
  if (rule.expected) {
    EXPECT_EQ(batch.events.size(), *rule.expected);
  } else {
    EXPECT_LT(batch.events.size(), static_cast<std::size_t>(rule.events));
    EXPECT_GE(batch.events.size(), 2u);
  }
  const std::size_t octets = wsman::encode_text(batch.text, wsman::Charset::Utf16).size();
  EXPECT_LE(octets, std::min(rule.collectors_size, rule.own_size));
  EXPECT_EQ(batch.dropped, 0u);
  EXPECT_GE(batch.at - begun, rule.after);
  EXPECT_LT(batch.at - begun, rule.after + seconds(3));
}

std::vector<BatchRule> rules() {
  BatchRule items{"MaxItems"};
  items.max_items = 4;
  items.expected = 4;
  BatchRule time{"MaxLatencyTime"};
  time.max_time = seconds(30);
  time.expected = 10;
  time.after = seconds(30);
  BatchRule heartbeat{"Heartbeats"};
  heartbeat.heartbeats = seconds(20);
  heartbeat.expected = 10;
  heartbeat.after = seconds(20);
  BatchRule collectors{"MaxEnvelopeSizeOfTheCollector"};
  collectors.collectors_size = 40'000;
  collectors.events = 50;
  collectors.event_size = 1000;
  BatchRule own{"MaxEnvelopeSizekbOfTheForwarder"};
  own.own_size = 40'000;
  own.events = 50;
  own.event_size = 1000;
  BatchRule items_of_large{"MaxItemsBeforeTheSize"};
  items_of_large.max_items = 3;
  items_of_large.own_size = 40'000;
  items_of_large.events = 50;
  items_of_large.event_size = 1000;
  items_of_large.expected = 3;
  BatchRule early_heartbeat{"HeartbeatsBeforeMaxLatencyTime"};
  early_heartbeat.heartbeats = seconds(5);
  early_heartbeat.max_time = seconds(15);
  early_heartbeat.expected = 10;
  early_heartbeat.after = seconds(5);
  return {items, time, heartbeat, collectors, own, items_of_large, early_heartbeat};
}

INSTANTIATE_TEST_SUITE_P(Rules, FirstMet, ::testing::ValuesIn(rules()),
                         [](const auto& rule) { return std::string(rule.param.name); });

class FeedBatching : public FeedTest {
 protected:
  FeedBatching() { how_.content_encoding = "UTF-8"; }
  static std::vector<std::string> numbered(int count, std::size_t padding) {
    std::vector<std::string> texts;
    for (int i = 1; i <= count; ++i) texts.push_back(std::to_string(i) + std::string(padding, '.'));
    return texts;
  }
  static std::vector<int> up_to(int last) {
    std::vector<int> numbers;
    for (int i = 1; i <= last; ++i) numbers.push_back(i);
    return numbers;
  }
  std::size_t refused(std::size_t limit) const {
    std::size_t count = 0;
    for (const auto& message : collector_.received(action::kEvents)) count += message.text.size() > limit ? 1 : 0;
    return count;
  }
  std::uint64_t dropped() const {
    std::uint64_t count = 0;
    for (const auto& message : collector_.received(action::kEvents)) count += message.dropped;
    return count;
  }
  std::string last_bookmark() const { return collector_.received(action::kEvents).back().headers.bookmark.value_or(""); }
};

TEST_F(FeedBatching, TreatsWhatExceedsItsOwnLimitByThePolicy) {
  bounds_.max_envelope_size = 40'000;
  log({"one", std::string(60'000, 'x'), "three"});
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_EQ(dropped(), 1u);
  EXPECT_EQ(delivered(), (std::vector<int>{1, 3}));
}

TEST_F(FeedBatching, TellsOfALargeEventThatIsTheLastOne) {
  how_.max_envelope_size = 40'000;
  log({"one", "two", std::string(60'000, 'x')});
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_EQ(dropped(), 1u);
  EXPECT_EQ(delivered(), (std::vector<int>{1, 2}));
  EXPECT_THAT(last_bookmark(), HasSubstr("RecordId='3'"));
}

TEST_F(FeedBatching, GoesOnBehindALargeEventThatItSkips) {
  how_.max_envelope_size = 40'000;
  how_.oversize = OversizePolicy::Skip;
  log({std::string(60'000, 'x')});
  start();
  log({"two"});
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_EQ(dropped(), 0u);
  EXPECT_EQ(delivered(), (std::vector<int>{2}));
}

TEST_F(FeedBatching, CancelsForALargeEventThatIsAlone) {
  how_.max_envelope_size = 40'000;
  how_.oversize = OversizePolicy::CancelSubscription;
  log({std::string(60'000, 'x'), "two"});
  start();
  ASSERT_TRUE(ends(FeedEnd::Unusable));
  EXPECT_THAT(delivered(), IsEmpty());
  EXPECT_EQ(collector_.received(action::kSubscriptionEnd).size(), 1u);
}

TEST_F(FeedBatching, SendsSmallerBatchesWhereTheCollectorTakesNoLargeOnes) {
  collector_.take_at_most(30'000);
  log(numbered(100, 800));
  start();
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 100; }));
  EXPECT_EQ(delivered(), up_to(100));
  EXPECT_EQ(dropped(), 0u);
  // 100 kB, then half of it, then a quarter.
  EXPECT_LE(refused(30'000), 3u);
}

TEST_F(FeedBatching, RemembersWhatTheCollectorTakes) {
  collector_.take_at_most(30'000);
  log(numbered(100, 800));
  start();
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 100; }));
  const std::size_t before = refused(30'000);
  log(numbered(100, 800));
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 200; }));
  EXPECT_EQ(delivered(), up_to(200));
  EXPECT_EQ(refused(30'000), before);
}

TEST_F(FeedBatching, DoesNotWaitOnceMoreWithTheRestOfABatch) {
  how_.max_time = seconds(600);
  collector_.take_at_most(30'000);
  log(numbered(50, 800));
  start();
  advance_until([&] { return !collector_.received(action::kEvents).empty(); }, seconds(1));
  const auto begun = clock_.steady();
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 50; }));
  EXPECT_EQ(clock_.steady(), begun);
  EXPECT_EQ(delivered(), up_to(50));
}

TEST_F(FeedBatching, TellsOfASingleEventThatTheCollectorFindsTooLarge) {
  collector_.take_at_most(30'000);
  log({"one", std::string(60'000, 'x'), "three"});
  start();
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 2; }));
  EXPECT_EQ(delivered(), (std::vector<int>{1, 3}));
  EXPECT_EQ(dropped(), 1u);
  // Together, then alone, and not again.
  EXPECT_LE(refused(30'000), 3u);
}

TEST_F(FeedBatching, SkipsASingleEventThatTheCollectorFindsTooLarge) {
  how_.oversize = OversizePolicy::Skip;
  collector_.take_at_most(30'000);
  log({std::string(60'000, 'x'), "two"});
  start();
  ASSERT_TRUE(eventually([&] { return !delivered().empty(); }));
  EXPECT_EQ(delivered(), (std::vector<int>{2}));
  EXPECT_EQ(dropped(), 0u);
}

TEST_F(FeedBatching, CancelsForASingleEventThatTheCollectorFindsTooLarge) {
  how_.oversize = OversizePolicy::CancelSubscription;
  collector_.take_at_most(30'000);
  log({"one", std::string(60'000, 'x'), "three"});
  start();
  ASSERT_TRUE(ends(FeedEnd::Unusable));
  EXPECT_EQ(delivered(), (std::vector<int>{1}));
  EXPECT_EQ(collector_.received(action::kSubscriptionEnd).size(), 1u);
}

TEST_F(FeedBatching, CountsOnceWhatIsLeftOutOfABatchThatIsSentInPieces) {
  how_.max_envelope_size = 100'000;
  collector_.take_at_most(30'000);
  std::vector<std::string> texts = numbered(40, 800);
  texts.insert(texts.begin() + 20, std::string(150'000, 'x'));
  log(texts);
  start();
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 40; }));
  std::uint64_t told = 0;
  for (const auto& message : collector_.received(action::kEvents)) {
    if (message.text.size() <= 30'000) told += message.dropped;
  }
  EXPECT_EQ(told, 1u);
}

TEST_F(FeedBatching, GivesTheCollectorNoMoreTimeThanMaxTimeoutms) {
  bounds_.max_timeout = milliseconds(2500);
  log({"one"});
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_EQ(collector_.received(action::kEvents).at(0).headers.operation_timeout, milliseconds(2500));
  EXPECT_EQ(collector_.received(action::kHeartbeat).at(0).headers.operation_timeout, milliseconds(2500));
}

}  // namespace
}  // namespace forwarder_test
