#include <fstream>

#include "storage/database.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Sealing : public StoreTest {
 protected:
  Sealing() { reopen(small()); }

  static storage::EventStoreOptions small() {
    storage::EventStoreOptions options;
    options.seal_events = 10;
    return options;
  }
};

TEST_F(Sealing, MovesTheTailIntoAFileOnceItIsLargeEnough) {
  ASSERT_THAT(deliver(make_events(1, 9)), IsOk());
  EXPECT_THAT(files_in(), IsEmpty());
  ASSERT_THAT(deliver(make_events(10, 10)), IsOk());
  wait_until_sealed();
  EXPECT_THAT(files_in(), ElementsAre("ForwardedEvents-1.mlog"));
  EXPECT_EQ(ask("SELECT events FROM files"), 10);
  EXPECT_THAT(record_ids(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_EQ(log().status.records, 10u);
  EXPECT_EQ(log().status.oldest_record, 1u);
}

TEST_F(Sealing, GoesOnWithTheFile) {
  for (std::uint64_t first = 1; first <= 91; first += 10) {
    ASSERT_THAT(deliver(make_events(first, first + 9)), IsOk());
    wait_until_sealed();
  }
  EXPECT_THAT(files_in(), SizeIs(1));
  EXPECT_THAT(record_ids(), SizeIs(100));
  reopen(small());
  ASSERT_THAT(deliver(make_events(101, 120)), IsOk());
  wait_until_sealed();
  EXPECT_THAT(files_in(), SizeIs(1));
  EXPECT_THAT(record_ids(), SizeIs(120));
}

TEST_F(Sealing, BeginsANewFileWhereOneIsLargeEnough) {
  auto options = small();
  options.segment_bytes = 100'000;
  reopen(options);
  for (std::uint64_t first = 1; first <= 41; first += 10) {
    ASSERT_THAT(deliver(make_random_events(first, first + 9, 20'000)), IsOk());
    wait_until_sealed();
  }
  EXPECT_TRUE(test_support::eventually([this] { return ask("SELECT count(*) FROM files WHERE finished") == 5; }));
  EXPECT_THAT(files_in(), SizeIs(5));
  EXPECT_THAT(record_ids(), SizeIs(50));
}

TEST_F(Sealing, FinishesTheFileOfADayThatIsOver) {
  ASSERT_THAT(deliver(make_events(1, 10)), IsOk());
  wait_until_sealed();
  ASSERT_THAT(deliver(make_events(11, 13)), IsOk());
  EXPECT_EQ(ask("SELECT count(*) FROM files WHERE finished"), 0);
  clock().advance(std::chrono::hours(24));
  // The rest of its day goes with it.
  EXPECT_TRUE(test_support::eventually([this] { return ask("SELECT count(*) FROM files WHERE finished") == 1; }));
  EXPECT_EQ(ask("SELECT events FROM files"), 13);
  auto batch = make_batch(make_events(14, 30));
  batch.received = at(3600 + 86'400);
  ASSERT_THAT(deliver(std::move(batch)), IsOk());
  wait_until_sealed();
  EXPECT_THAT(files_in(), SizeIs(2));
  EXPECT_THAT(record_ids(), SizeIs(30));
}

TEST_F(Sealing, AClockThatGoesBackLosesNothing) {
  ASSERT_THAT(deliver(make_events(1, 10)), IsOk());
  wait_until_sealed();
  clock().set_wall(at(-10 * 86'400));
  auto batch = make_batch(make_events(11, 20));
  batch.received = at(-10 * 86'400);
  ASSERT_THAT(deliver(std::move(batch)), IsOk());
  wait_until_sealed();
  clock().set_wall(at(100));
  ASSERT_THAT(deliver(make_events(21, 30)), IsOk());
  wait_until_sealed();
  EXPECT_THAT(record_ids(), SizeIs(30));
}

TEST_F(Sealing, AClockThatWasAheadDoesNotStopIt) {
  auto batch = make_batch(make_events(1, 10));
  ASSERT_THAT(deliver(std::move(batch)), IsOk());
  wait_until_sealed();
  batch = make_batch(make_events(11, 20));
  batch.received = at(5 * 86'400);
  ASSERT_THAT(deliver(std::move(batch)), IsOk());
  wait_until_sealed();
  ASSERT_THAT(deliver(make_events(21, 30)), IsOk());
  wait_until_sealed();
  EXPECT_THAT(record_ids(), SizeIs(30));
}

TEST_F(Sealing, EventsOfAllAgesComeBack) {
  std::vector<events::Event> events;
  std::uint64_t id = 0;
  for (const char* time : {"1601-01-01T00:00:00.0000000Z", "1969-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z",
                           "2024-05-01T10:00:00Z", "nonsense"}) {
    events.push_back(
        events::Event::parse("<Event><System><Provider Name='x'/><EventID>7</EventID><TimeCreated SystemTime='" +
                             std::string(time) + "'/><EventRecordID>" + std::to_string(++id) +
                             "</EventRecordID></System></Event>")
            .value());
  }
  ASSERT_THAT(deliver(events), IsOk());
  ASSERT_THAT(deliver(make_events(100, 110)), IsOk());
  wait_until_sealed();
  const auto read = all_of();
  ASSERT_THAT(read, SizeIs(16));
  for (const auto& event : events) {
    const auto same = [&](const storage::StoredEvent& stored) { return stored.event.xml == event.xml; };
    EXPECT_TRUE(std::any_of(read.begin(), read.end(), same)) << event.xml;
  }
  EXPECT_THAT(deliver(events), IsOk());
  EXPECT_THAT(all_of(), SizeIs(16));
}

TEST_F(Sealing, LargeEventsComeBack) {
  std::vector<events::Event> events;
  for (std::uint64_t id = 1; id <= 10; ++id) {
    EventSpec spec;
    spec.record_id = id;
    spec.text = random_text(2u << 20, id);
    events.push_back(make_event(spec));
  }
  ASSERT_THAT(deliver(events), IsOk());
  wait_until_sealed();
  const auto read = all_of();
  ASSERT_THAT(read, SizeIs(10));
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(read[i].event.xml, events[i].xml);
}

TEST_F(Sealing, LogsOfAnyNameGetTheirFiles) {
  const std::string names[] = {"a/b\\c", "../../etc/passwd", std::string(255, '/'), "\xff\xfe", "Ünïcode %41",
                               "x",      "X-1.mlog"};
  for (const auto& name : names) {
    auto batch = make_batch(make_events(1, 10));
    batch.log = name;
    ASSERT_THAT(deliver(std::move(batch)), IsOk());
  }
  wait_until_sealed();
  EXPECT_THAT(files_in(), SizeIs(std::size(names)));
  for (const auto& name : names) EXPECT_THAT(all_of(name), SizeIs(10)) << name;
}

TEST_F(Sealing, DuplicatesAreFoundInFiles) {
  ASSERT_THAT(deliver(make_events(1, 40)), IsOk());
  wait_until_sealed();
  auto result = deliver(make_events(20, 45));
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->stored, 5u);
  EXPECT_EQ(result->duplicates, 21u);
  EventSpec spec;
  spec.record_id = std::nullopt;
  ASSERT_THAT(deliver({make_event(spec)}), IsOk());
  ASSERT_THAT(deliver(make_events(46, 60)), IsOk());
  wait_until_sealed();
  reopen(small());
  result = deliver({make_event(spec)});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->duplicates, 1u);
}

TEST_F(Sealing, SmallBlocksAreMergedInTheTail) {
  storage::EventStoreOptions options;
  reopen(options);
  for (std::uint64_t id = 1; id <= 40; ++id) ASSERT_THAT(deliver(make_events(id, id)), IsOk());
  EXPECT_TRUE(test_support::eventually([this] { return ask("SELECT count(*) FROM tail") < 20; }));
  EXPECT_EQ(ask("SELECT sum(last_record - first_record + 1) FROM tail"), 40);
  EXPECT_THAT(record_ids(), SizeIs(40));
  EXPECT_EQ(log().status.records, 40u);
}

TEST_F(Sealing, FilesKeepTheirWay) {
  auto batch = make_batch(make_events(1, 10));
  batch.address = "192.0.2.9:4711";
  ASSERT_THAT(deliver(std::move(batch)), IsOk());
  wait_until_sealed();
  const auto events = all_of();
  ASSERT_THAT(events, SizeIs(10));
  EXPECT_EQ(events[3].machine, "host1");
  EXPECT_EQ(events[3].subscription, "baseline");
  EXPECT_EQ(events[3].received, at(3600));
  auto file = storage::Database::open(directory() / "segments" / files_in().front(), {});
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT((*file)->ask("SELECT count(*) FROM senders WHERE address = '192.0.2.9'"), IsOkAndHolds(1));
}

TEST_F(Sealing, ThatFailsKeepsTheEventsInTheTailAndIsTriedAgain) {
  const auto folder = directory() / "segments";
  std::filesystem::remove_all(folder);
  std::ofstream(folder) << "in the way";
  ASSERT_THAT(deliver(make_events(1, 30)), IsOk());
  ASSERT_THAT(deliver(make_events(31, 60)), IsOk());
  EXPECT_THAT(record_ids(), SizeIs(60));
  EXPECT_GT(ask("SELECT count(*) FROM tail"), 0);
  std::filesystem::remove(folder);
  std::filesystem::create_directory(folder);
  wait_until_sealed();
  EXPECT_THAT(record_ids(), SizeIs(60));
}

TEST_F(Sealing, ManyProvidersAreKeptInBoundedMemory) {
  // Each its own kind of event.
  std::uint64_t id = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<events::Event> events;
    for (int i = 0; i < 1'000; ++i) {
      ++id;
      events.push_back(events::Event::parse("<Event><System><Provider Name='Provider-" + std::to_string(id) +
                                            "'/><EventID>7</EventID><TimeCreated SystemTime='2024-05-01T10:00:00Z'/>"
                                            "<EventRecordID>" +
                                            std::to_string(id) + "</EventRecordID></System></Event>")
                           .value());
    }
    ASSERT_THAT(deliver(std::move(events)), IsOk());
  }
  EXPECT_LE(ask("SELECT count(*) FROM templates"), 8'192 + 1'024);
  EXPECT_THAT(all_of(), SizeIs(20'000));
}

}  // namespace
}  // namespace storage_test
