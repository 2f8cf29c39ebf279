#include "engine/base/task_group.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using storage::Direction;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

base::Task<void> append_and_forget(storage::EventStore& store, storage::DeliveredBatch batch) {
  (void)co_await store.append(std::move(batch));
}

class EventStoreReading : public StoreTest {
 protected:
  storage::ReadRequest request(const std::string& log = "ForwardedEvents", const std::string& xpath = "*") {
    storage::ReadRequest request;
    request.query = events::Query::parse_xpath(log, xpath).value();
    return request;
  }
  storage::ReadRequest request_of_both() {
    storage::ReadRequest request;
    request.query =
        events::Query::parse_list(
            "<QueryList><Query Id='0'><Select Path='One'>*</Select><Select Path='Two'>*</Select></Query></QueryList>")
            .value();
    return request;
  }
  /// One event in `log` for each second given; its record id is the second.
  void fill(const std::string& log, const std::vector<int>& seconds) {
    for (const int second : seconds) {
      EventSpec spec;
      spec.record_id = static_cast<std::uint64_t>(second);
      spec.time = at(second);
      spec.channel = log;
      auto batch = make_batch({make_event(spec)});
      batch.log = log;
      ASSERT_THAT(deliver(std::move(batch)), IsOk());
    }
  }
  static std::vector<std::uint64_t> ids(const base::Result<storage::ReadResult>& result) {
    std::vector<std::uint64_t> ids;
    if (result.ok()) {
      for (const auto& stored : result->events) ids.push_back(stored.event.system.record_id.value_or(0));
    }
    return ids;
  }
};

TEST_F(EventStoreReading, OldestFirstIsTheOrderOfArrival) {
  fill("ForwardedEvents", {5, 3, 4});
  const auto result = read(request());
  EXPECT_THAT(ids(result), ElementsAre(5, 3, 4));
  EXPECT_TRUE(result->at_end);
  EXPECT_EQ(result->position.find("ForwardedEvents"), 3u);
  EXPECT_EQ(result->position.current, "ForwardedEvents");
}

TEST_F(EventStoreReading, NewestFirstIsTheReverse) {
  fill("ForwardedEvents", {5, 3, 4});
  auto backwards = request();
  backwards.direction = Direction::NewestFirst;
  const auto result = read(backwards);
  EXPECT_THAT(ids(result), ElementsAre(4, 3, 5));
  EXPECT_TRUE(result->at_end);
  EXPECT_EQ(result->position.find("ForwardedEvents"), 1u);
}

TEST_F(EventStoreReading, NumberOfEventsIsBounded) {
  fill("ForwardedEvents", {1, 2, 3, 4, 5});
  auto three = request();
  three.budget.items = 3;
  const auto first = read(three);
  EXPECT_THAT(ids(first), ElementsAre(1, 2, 3));
  EXPECT_FALSE(first->at_end);
  three.after = first->position;
  const auto second = read(three);
  EXPECT_THAT(ids(second), ElementsAre(4, 5));
  EXPECT_TRUE(second->at_end);
}

TEST_F(EventStoreReading, ExactlyTheLastEventIsTheEnd) {
  fill("ForwardedEvents", {1, 2});
  auto two = request();
  two.budget.items = 2;
  EXPECT_TRUE(read(two)->at_end);
}

TEST_F(EventStoreReading, NewestFirstResumesBehindItsPosition) {
  fill("ForwardedEvents", {1, 2, 3});
  auto one = request();
  one.direction = Direction::NewestFirst;
  one.budget.items = 1;
  const auto first = read(one);
  EXPECT_THAT(ids(first), ElementsAre(3));
  fill("ForwardedEvents", {4});
  one.after = first->position;
  one.budget.items = 10;
  EXPECT_THAT(ids(read(one)), ElementsAre(2, 1));
}

TEST_F(EventStoreReading, PollingBringsOnlyWhatIsNew) {
  fill("ForwardedEvents", {1, 2});
  auto poll = request();
  poll.after = read(poll)->position;
  auto nothing = read(poll);
  EXPECT_THAT(ids(nothing), IsEmpty());
  EXPECT_TRUE(nothing->at_end);
  EXPECT_EQ(nothing->position.find("ForwardedEvents"), 2u);
  poll.after = nothing->position;
  fill("ForwardedEvents", {3});
  EXPECT_THAT(ids(read(poll)), ElementsAre(3));
}

TEST_F(EventStoreReading, EmptyLogIsAtItsEnd) {
  configure("ForwardedEvents", 1 << 20);
  const auto result = read(request());
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->at_end);
  EXPECT_EQ(result->position.find("ForwardedEvents"), 0u);
}

TEST_F(EventStoreReading, EventsAfterAnEmptyLogAreFoundFromItsPosition) {
  configure("ForwardedEvents", 1 << 20);
  auto poll = request();
  poll.after = read(poll)->position;
  fill("ForwardedEvents", {1});
  EXPECT_THAT(ids(read(poll)), ElementsAre(1));
}

TEST_F(EventStoreReading, ClearedLogGoesOnBehindThePosition) {
  fill("ForwardedEvents", {1, 2, 3});
  auto poll = request();
  poll.after = read(poll)->position;
  ASSERT_THAT(wait(store().clear_log("ForwardedEvents")), IsOk());
  fill("ForwardedEvents", {4});
  EXPECT_THAT(ids(read(poll)), ElementsAre(4));
}

TEST_F(EventStoreReading, BytesAreBounded) {
  fill("ForwardedEvents", {1, 2, 3, 4});
  auto bounded = request();
  bounded.budget.bytes = all_of()[0].event.xml.size() * 2;
  const auto result = read(bounded);
  EXPECT_THAT(ids(result), ElementsAre(1, 2));
  EXPECT_FALSE(result->at_end);
  EXPECT_EQ(result->position.find("ForwardedEvents"), 2u);
}

TEST_F(EventStoreReading, OneEventIsReadHoweverSmallTheBudget) {
  fill("ForwardedEvents", {1, 2});
  auto bounded = request();
  bounded.budget.bytes = 1;
  EXPECT_THAT(ids(read(bounded)), ElementsAre(1));
  bounded.budget.bytes = 0;
  bounded.budget.items = 0;
  bounded.budget.until = clock().steady() - std::chrono::seconds(1);
  EXPECT_THAT(ids(read(bounded)), ElementsAre(1));
}

TEST_F(EventStoreReading, TimeIsBounded) {
  ASSERT_THAT(deliver(make_events(1, 500)), IsOk());
  auto bounded = request();
  bounded.budget.until = clock().steady();
  const auto result = read(bounded);
  ASSERT_THAT(result, IsOk());
  EXPECT_FALSE(result->at_end);
  EXPECT_GE(result->events.size(), 1u);
  EXPECT_LT(result->events.size(), 500u);
}

TEST_F(EventStoreReading, QuerySelects) {
  std::vector<events::Event> events;
  for (int i = 1; i <= 10; ++i) {
    EventSpec spec;
    spec.record_id = static_cast<std::uint64_t>(i);
    spec.event_id = i % 5;
    events.push_back(make_event(spec));
  }
  ASSERT_THAT(deliver(std::move(events)), IsOk());
  const auto result = read(request("ForwardedEvents", "*[System[EventID=2]]"));
  EXPECT_THAT(ids(result), ElementsAre(2, 7));
  EXPECT_EQ(result->position.find("ForwardedEvents"), 10u);
}

TEST_F(EventStoreReading, LogsAreMergedByTime) {
  fill("One", {1, 4, 6});
  fill("Two", {2, 3, 7});
  const auto result = read(request_of_both());
  EXPECT_THAT(ids(result), ElementsAre(1, 2, 3, 4, 6, 7));
  EXPECT_EQ(result->events[1].log, "Two");
  EXPECT_EQ(result->position.find("One"), 3u);
  EXPECT_EQ(result->position.find("Two"), 3u);
  EXPECT_EQ(result->position.current, "Two");
}

TEST_F(EventStoreReading, LogsAreMergedByTimeBackwards) {
  fill("One", {1, 4, 6});
  fill("Two", {2, 3, 7});
  auto backwards = request_of_both();
  backwards.direction = Direction::NewestFirst;
  EXPECT_THAT(ids(read(backwards)), ElementsAre(7, 6, 4, 3, 2, 1));
}

TEST_F(EventStoreReading, MergeGoesOnWhereItWasLeft) {
  fill("One", {1, 4, 6});
  fill("Two", {2, 3, 7});
  for (const auto direction : {Direction::OldestFirst, Direction::NewestFirst}) {
    auto step = request_of_both();
    step.direction = direction;
    step.budget.items = 1;
    std::vector<std::uint64_t> seen;
    bool at_end = false;
    for (int i = 0; i < 20 && !at_end; ++i) {
      const auto result = read(step);
      ASSERT_THAT(result, IsOk());
      EXPECT_THAT(result->position.entries, SizeIs(2));
      for (const auto id : ids(result)) seen.push_back(id);
      step.after = result->position;
      at_end = result->at_end;
    }
    if (direction == Direction::NewestFirst) std::reverse(seen.begin(), seen.end());
    EXPECT_THAT(seen, ElementsAre(1, 2, 3, 4, 6, 7));
  }
}

TEST_F(EventStoreReading, UnknownLogIsNamed) {
  EXPECT_THAT(read(request("Nowhere")), IsError(Errc::NotFound, "Nowhere"));
}

TEST_F(EventStoreReading, UnknownLogIsPassedOverWhereThatIsAsked) {
  fill("Two", {1});
  auto both = request_of_both();
  EXPECT_THAT(read(both), IsError(Errc::NotFound, "One"));
  both.ignore_missing_logs = true;
  const auto result = read(both);
  EXPECT_THAT(ids(result), ElementsAre(1));
  EXPECT_EQ(result->position.find("One"), std::nullopt);
}

TEST_F(EventStoreReading, NameInOtherCaseIsFound) {
  fill("ForwardedEvents", {1});
  auto poll = request("FORWARDEDevents");
  const auto result = read(poll);
  EXPECT_THAT(ids(result), ElementsAre(1));
  ASSERT_THAT(result->position.entries, SizeIs(1));
  EXPECT_EQ(result->position.entries[0].channel, "ForwardedEvents");
  poll.after.set("forwardedEVENTS", 1);
  EXPECT_THAT(ids(read(poll)), IsEmpty());
}

TEST_F(EventStoreReading, EmptyQueryIsAtItsEnd) {
  const auto result = read({});
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->at_end);
  EXPECT_THAT(result->events, IsEmpty());
}

TEST_F(EventStoreReading, PositionBeyondEverythingIsTheEnd) {
  fill("ForwardedEvents", {1});
  auto poll = request();
  poll.after.set("ForwardedEvents", ~std::uint64_t(0));
  const auto result = read(poll);
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->at_end);
  EXPECT_THAT(result->events, IsEmpty());
}

TEST_F(EventStoreReading, GenerationRisesWithEachStoredEvent) {
  const auto before = store().generation();
  fill("ForwardedEvents", {1});
  const auto after = store().generation();
  EXPECT_GT(after, before);
  ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {"a"})), IsOk());
  EXPECT_GT(store().generation(), after);
}

TEST_F(EventStoreReading, GenerationStaysWhereNothingIsStored) {
  ASSERT_THAT(deliver(make_events(1, 3)), IsOk());
  const auto before = store().generation();
  ASSERT_THAT(deliver(make_events(1, 3)), IsOk());
  ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {})), IsOk());
  ASSERT_THAT(wait(store().update_delivery({})), IsOk());
  EXPECT_EQ(store().generation(), before);
}

TEST_F(EventStoreReading, WaitEndsWhenAnEventIsStored) {
  const auto seen = store().generation();
  auto waiting =
      boost::asio::co_spawn(executor(), store().wait_past(seen, base::SteadyTime::max()), boost::asio::use_future);
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  fill("ForwardedEvents", {1});
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(EventStoreReading, WaitForSomethingSeenBeforeEndsAtOnce) {
  const auto seen = store().generation();
  fill("ForwardedEvents", {1});
  wait(store().wait_past(seen, base::SteadyTime::max()));
}

TEST_F(EventStoreReading, WaitEndsAtItsTime) {
  const auto until = clock().steady() + std::chrono::seconds(30);
  auto waiting = boost::asio::co_spawn(executor(), store().wait_past(store().generation(), until), boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return clock().sleepers() == 1; }));
  clock().advance(std::chrono::seconds(29));
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  clock().advance(std::chrono::seconds(1));
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(EventStoreReading, WaitWithATimeEndsWhenAnEventIsStored) {
  const auto until = clock().steady() + std::chrono::seconds(30);
  auto waiting = boost::asio::co_spawn(executor(), store().wait_past(store().generation(), until), boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return clock().sleepers() == 1; }));
  fill("ForwardedEvents", {1});
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(EventStoreReading, WaitIsCancelled) {
  base::TaskGroup tasks(executor());
  tasks.spawn("without a time", store().wait_past(store().generation(), base::SteadyTime::max()));
  tasks.spawn("with a time", store().wait_past(store().generation(), clock().steady() + std::chrono::hours(1)));
  ASSERT_TRUE(test_support::eventually([&] { return clock().sleepers() == 1; }));
  wait(tasks.stop());
  EXPECT_EQ(tasks.size(), 0u);
}

TEST_F(EventStoreReading, CancelledAppendIsStoredAllTheSame) {
  base::TaskGroup tasks(executor());
  tasks.spawn("append", append_and_forget(store(), make_batch(make_events(1, 3))));
  wait(tasks.stop());
  EXPECT_EQ(tasks.size(), 0u);
  // Whether it was too late for the append to begin is the only question.
  wait(store().stop());
  reopen();
  const auto found = wait(store().find_log("ForwardedEvents"));
  ASSERT_THAT(found, IsOk());
  EXPECT_TRUE(!*found || (*found)->status.records == 3);
}

TEST_F(EventStoreReading, WaitEndsWithTheStore) {
  auto waiting = boost::asio::co_spawn(executor(), store().wait_past(store().generation(), base::SteadyTime::max()),
                                       boost::asio::use_future);
  wait(store().stop());
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(EventStoreReading, ReadsSeeWholeBatchesWhileOthersWrite) {
  std::vector<std::future<base::Result<storage::AppendResult>>> answers;
  for (std::uint64_t batch = 0; batch < 40; ++batch) {
    auto events = make_batch(make_events(batch * 10 + 1, batch * 10 + 10));
    answers.push_back(boost::asio::co_spawn(executor(), store().append(std::move(events)), boost::asio::use_future));
  }
  for (int i = 0; i < 10; ++i) {
    const auto found = wait(store().find_log("ForwardedEvents"));
    if (!found.ok() || !*found) continue;
    const auto result = read(request());
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->events.size() % 10, 0u);
  }
  for (auto& answer : answers) EXPECT_THAT(answer.get(), IsOk());
}

}  // namespace
}  // namespace storage_test
