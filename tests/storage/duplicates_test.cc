#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::SizeIs;

class EventStoreDuplicates : public StoreTest {
 protected:
  void expect(base::Result<storage::AppendResult> result, std::size_t stored, std::size_t duplicates) {
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->stored, stored);
    EXPECT_EQ(result->duplicates, duplicates);
  }
};

TEST_F(EventStoreDuplicates, RepeatedBatchIsStoredOnce) {
  expect(deliver(make_events(1, 100)), 100, 0);
  expect(deliver(make_events(1, 100)), 0, 100);
  EXPECT_THAT(all_of(), SizeIs(100));
}

TEST_F(EventStoreDuplicates, RepeatedBatchIsStoredOnceAcrossReopen) {
  expect(deliver(make_events(1, 100)), 100, 0);
  reopen();
  expect(deliver(make_events(1, 100)), 0, 100);
}

TEST_F(EventStoreDuplicates, OverlappingBatchBringsOnlyTheNewOnes) {
  expect(deliver(make_events(1, 60)), 60, 0);
  reopen();
  expect(deliver(make_events(40, 100)), 40, 21);
  expect(deliver(make_events(1, 120)), 20, 100);
}

TEST_F(EventStoreDuplicates, LateEventsBetweenStoredOnesAreStored) {
  EventSpec spec;
  for (const std::uint64_t id : {10, 20, 30}) {
    spec.record_id = id;
    expect(deliver({make_event(spec)}), 1, 0);
  }
  spec.record_id = 25;
  expect(deliver({make_event(spec)}), 1, 0);
  expect(deliver({make_event(spec)}), 0, 1);
}

TEST_F(EventStoreDuplicates, SameEventTwiceInOneBatchIsStoredOnce) {
  auto events = make_events(1, 3);
  events.push_back(events[1]);
  expect(deliver(std::move(events)), 3, 1);
}

TEST_F(EventStoreDuplicates, SameBatchTwiceAtTheSameTimeIsStoredOnce) {
  std::vector<std::future<base::Result<storage::AppendResult>>> answers;
  for (int i = 0; i < 20; ++i) {
    answers.push_back(
        boost::asio::co_spawn(executor(), store().append(make_batch(make_events(1, 50))), boost::asio::use_future));
  }
  std::size_t stored = 0, duplicates = 0;
  for (auto& answer : answers) {
    const auto result = answer.get();
    ASSERT_THAT(result, IsOk());
    stored += result->stored;
    duplicates += result->duplicates;
  }
  EXPECT_EQ(stored, 50u);
  EXPECT_EQ(duplicates, 950u);
}

TEST_F(EventStoreDuplicates, ClearedSourceIsStoredAgain) {
  expect(deliver(make_events(1, 100)), 100, 0);
  // Its record ids begin again; its clock does not.
  std::vector<events::Event> later;
  for (std::uint64_t id = 1; id <= 50; ++id) {
    EventSpec spec;
    spec.record_id = id;
    spec.time = at(10'000 + static_cast<double>(id));
    later.push_back(make_event(spec));
  }
  expect(deliver(later), 50, 0);
  expect(deliver(later), 0, 50);
  reopen();
  expect(deliver(later), 0, 50);
  expect(deliver(make_events(1, 100)), 0, 100);
}

TEST_F(EventStoreDuplicates, SameRecordIdAtAnEarlierTimeIsAnotherEvent) {
  EventSpec spec;
  spec.time = at(10);
  expect(deliver({make_event(spec)}), 1, 0);
  spec.time = at(5);
  expect(deliver({make_event(spec)}), 1, 0);
  expect(deliver({make_event(spec)}), 0, 1);
}

TEST_F(EventStoreDuplicates, TimesOneNanosecondApartAreOtherEvents) {
  EventSpec spec;
  spec.time = at(10);
  expect(deliver({make_event(spec)}), 1, 0);
  spec.time -= std::chrono::nanoseconds(1);
  expect(deliver({make_event(spec)}), 1, 0);
}

TEST_F(EventStoreDuplicates, AnotherComputerIsAnotherEvent) {
  expect(deliver(make_events(1, 10, "a.lab.example")), 10, 0);
  expect(deliver(make_events(1, 10, "b.lab.example")), 10, 0);
}

TEST_F(EventStoreDuplicates, AnotherChannelIsAnotherEvent) {
  EventSpec spec;
  expect(deliver({make_event(spec)}), 1, 0);
  spec.channel = "System";
  expect(deliver({make_event(spec)}), 1, 0);
}

TEST_F(EventStoreDuplicates, AnotherMachineIsAnotherEvent) {
  expect(deliver(make_events(1, 10)), 10, 0);
  auto batch = make_batch(make_events(1, 10));
  batch.machine = "relay";
  expect(deliver(std::move(batch)), 10, 0);
}

TEST_F(EventStoreDuplicates, AnotherSubscriptionOfTheSameLogIsNot) {
  expect(deliver(make_events(1, 10)), 10, 0);
  auto batch = make_batch(make_events(1, 10));
  batch.subscription = "second";
  expect(deliver(std::move(batch)), 0, 10);
}

TEST_F(EventStoreDuplicates, AnotherLogHoldsItsOwnCopy) {
  expect(deliver(make_events(1, 10)), 10, 0);
  auto batch = make_batch(make_events(1, 10));
  batch.log = "Copies";
  expect(deliver(std::move(batch)), 10, 0);
}

TEST_F(EventStoreDuplicates, InterleavedSourcesAreToldApart) {
  std::vector<events::Event> mixed;
  for (std::uint64_t id = 1; id <= 20; ++id) {
    for (const char* channel : {"Security", "System", "Application"}) {
      EventSpec spec;
      spec.record_id = id;
      spec.channel = channel;
      mixed.push_back(make_event(spec));
    }
  }
  expect(deliver(mixed), 60, 0);
  expect(deliver(mixed), 0, 60);
}

TEST_F(EventStoreDuplicates, WildRecordIdsAreFoundAgain) {
  std::vector<events::Event> events;
  for (const std::uint64_t id :
       {std::uint64_t(5), std::uint64_t(1) << 62, std::uint64_t(0), ~std::uint64_t(0), std::uint64_t(1) << 63,
        (std::uint64_t(1) << 63) - 1, std::uint64_t(4100), std::uint64_t(6)}) {
    EventSpec spec;
    spec.record_id = id;
    events.push_back(make_event(spec));
  }
  expect(deliver(events), 8, 0);
  expect(deliver(events), 0, 8);
  reopen();
  std::reverse(events.begin(), events.end());
  expect(deliver(events), 0, 8);
}

TEST_F(EventStoreDuplicates, SparseRecordIdsAreFoundAgain) {
  std::vector<events::Event> events;
  for (std::uint64_t i = 0; i < 300; ++i) {
    EventSpec spec;
    spec.record_id = i * 999;
    events.push_back(make_event(spec));
  }
  expect(deliver(events), 300, 0);
  reopen();
  expect(deliver(events), 0, 300);
}

TEST_F(EventStoreDuplicates, EventWithoutRecordIdIsKnownByItsText) {
  EventSpec spec;
  spec.record_id = std::nullopt;
  spec.text = "one";
  expect(deliver({make_event(spec)}), 1, 0);
  spec.text = "two";
  expect(deliver({make_event(spec)}), 1, 0);
  expect(deliver({make_event(spec), make_event(spec)}), 0, 2);
  spec.text = "one";
  reopen();
  expect(deliver({make_event(spec)}), 0, 1);
}

TEST_F(EventStoreDuplicates, RawTextIsKnownByItsText) {
  events::Event raw;
  raw.xml = "not an event";
  raw.quality = events::Quality::Raw;
  expect(deliver({raw, raw}), 1, 1);
  expect(deliver({raw}), 0, 1);
  raw.xml += "!";
  expect(deliver({raw}), 1, 0);
}

TEST_F(EventStoreDuplicates, EventThatRetentionRemovedIsNotHeld) {
  configure("ForwardedEvents", 1 << 20);
  const auto events = make_random_events(1, 6, 400'000);
  for (const auto& event : events) expect(deliver({event}), 1, 0);
  ASSERT_GT(record_ids().front(), 1u);
  expect(deliver({events[0]}), 1, 0);
  expect(deliver({events[5]}), 0, 1);
}

TEST_F(EventStoreDuplicates, EventOfClearedLogIsNotHeld) {
  expect(deliver(make_events(1, 10)), 10, 0);
  ASSERT_THAT(wait(store().clear_log("ForwardedEvents")), IsOk());
  expect(deliver(make_events(1, 10)), 10, 0);
}

TEST_F(EventStoreDuplicates, RefusedBatchIsNotHeld) {
  configure("ForwardedEvents", 1 << 20, true);
  EventSpec spec;
  spec.text = std::string(6 << 20, 'x');
  EXPECT_THAT(deliver({make_event(spec)}), IsError(Errc::Full));
  configure("ForwardedEvents", 4 << 20, true);
  expect(deliver({make_event(spec)}), 1, 0);
}

}  // namespace
}  // namespace storage_test
