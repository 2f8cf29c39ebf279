#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EventLog : public StoreTest {
 protected:
  /// Large ones, each by itself. On disk they take 300 KB each: three of them fill a log of 1 MiB.
  void deliver_large(std::uint64_t first, std::uint64_t last) {
    for (auto id = first; id <= last; ++id) ASSERT_THAT(deliver(make_random_events(id, id, 400'000)), IsOk());
  }
  /// Delivers large ones until the log takes no more; the last one that it has taken.
  std::uint64_t fill() {
    for (std::uint64_t id = 1; id < 20; ++id) {
      if (!deliver(make_random_events(id, id, 400'000)).ok()) return id - 1;
    }
    ADD_FAILURE() << "the log takes everything";
    return 0;
  }
};

TEST_F(EventLog, IsMadeByTheFirstAppend) {
  ASSERT_THAT(deliver(make_events(1, 3)), IsOk());
  const auto made = log();
  EXPECT_EQ(made.properties.name, "ForwardedEvents");
  EXPECT_TRUE(made.properties.enabled);
  EXPECT_FALSE(made.properties.retention);
  EXPECT_FALSE(made.properties.auto_backup);
  EXPECT_EQ(made.properties.max_size, 1u << 30);
  EXPECT_EQ(made.properties.type, "Operational");
  EXPECT_EQ(made.status.created, clock().wall());
}

TEST_F(EventLog, StatusCountsWhatIsHeld) {
  const auto events = make_events(1, 3);
  ASSERT_THAT(deliver(events), IsOk());
  const auto status = log().status;
  EXPECT_EQ(status.records, 3u);
  EXPECT_EQ(status.oldest_record, 1u);
  EXPECT_EQ(status.newest_record, 3u);
  EXPECT_EQ(status.text_bytes, events[0].xml.size() + events[1].xml.size() + events[2].xml.size());
  EXPECT_GT(status.size, 0u);
  EXPECT_EQ(status.overwritten, 0u);
  EXPECT_EQ(status.last_write, at(3600));
  reopen();
  EXPECT_EQ(log().status.records, 3u);
  EXPECT_EQ(log().status.size, status.size);
}

TEST_F(EventLog, LastAccessIsTheLastReadEvenAfterReopen) {
  ASSERT_THAT(deliver(make_events(1, 1)), IsOk());
  clock().advance(std::chrono::minutes(5));
  all_of();
  EXPECT_EQ(log().status.last_access, at(300));
  reopen();
  EXPECT_EQ(log().status.last_access, at(300));
}

TEST_F(EventLog, DefaultSizeFollowsTheOptionsUntilItIsConfigured) {
  ASSERT_THAT(deliver(make_events(1, 1)), IsOk());
  storage::EventStoreOptions options;
  options.default_max_size = 5 << 20;
  reopen(options);
  EXPECT_EQ(log().properties.max_size, 5u << 20);
  configure("ForwardedEvents", 7 << 20);
  reopen(options);
  EXPECT_EQ(log().properties.max_size, 7u << 20);
}

TEST_F(EventLog, OldestEventsMakeRoom) {
  configure("ForwardedEvents", 1 << 20);
  deliver_large(1, 3);
  deliver_large(4, 6);
  const auto status = log().status;
  EXPECT_GE(status.overwritten, 2u);
  EXPECT_EQ(status.records, 6 - status.overwritten);
  EXPECT_EQ(status.oldest_record, status.overwritten + 1);
  EXPECT_EQ(status.newest_record, 6u);
  EXPECT_LE(status.size, 1u << 20);
  EXPECT_THAT(record_ids(), SizeIs(status.records));
  EXPECT_EQ(record_ids().back(), 6u);
}

TEST_F(EventLog, NewestEventStaysHoweverLargeItIs) {
  configure("ForwardedEvents", 1 << 20);
  EventSpec spec;
  spec.record_id = 9;
  spec.text = random_text(2 << 20, 9);
  ASSERT_THAT(deliver(make_events(1, 3)), IsOk());
  ASSERT_THAT(deliver({make_event(spec)}), IsOk());
  EXPECT_THAT(record_ids(), ElementsAre(9));
}

TEST_F(EventLog, SmallerSizeTakesEffectAtOnce) {
  configure("ForwardedEvents", 8 << 20);
  deliver_large(1, 10);
  configure("ForwardedEvents", 1 << 20);
  const auto status = log().status;
  EXPECT_LE(status.size, 1u << 20);
  EXPECT_GT(status.records, 0u);
  EXPECT_EQ(status.records + status.overwritten, 10u);
  EXPECT_EQ(record_ids().back(), 10u);
}

TEST_F(EventLog, LocalLogOverwritesItsOldestToo) {
  configure("Linux-Syslog/Operational", 1 << 20);
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {random_text(400'000, seed)})), IsOk());
  }
  const auto status = log("Linux-Syslog/Operational").status;
  EXPECT_GE(status.overwritten, 1u);
  EXPECT_EQ(status.records, 4 - status.overwritten);
  EXPECT_EQ(record_ids("Linux-Syslog/Operational").back(), 4u);
}

TEST_F(EventLog, RetentionKeepsTheOldAndRefusesTheNew) {
  configure("ForwardedEvents", 1 << 20, true);
  const auto last = fill();
  EXPECT_GE(last, 3u);
  EXPECT_LE(log().status.size, (1u << 20) + 400'000);
  auto batch = make_batch(make_random_events(last + 1, last + 1, 400'000));
  batch.bookmark = "<BookmarkList/>";
  EXPECT_THAT(deliver(std::move(batch)), IsError(Errc::Full, "ForwardedEvents"));
  EXPECT_THAT(record_ids(), SizeIs(last));
  EXPECT_EQ(log().status.overwritten, 0u);
  const auto state = wait(store().find_delivery_state("baseline", "host1"));
  ASSERT_TRUE(state.ok() && state->has_value());
  EXPECT_EQ((*state)->bookmark, std::nullopt);
}

TEST_F(EventLog, FullLogTakesARepetition) {
  configure("ForwardedEvents", 1 << 20, true);
  const auto last = fill();
  const auto result = deliver(make_random_events(1, last, 400'000));
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->duplicates, last);
}

TEST_F(EventLog, FullLocalLogRefusesAndLeavesThePosition) {
  const std::string name = "Linux-Syslog/Operational";
  configure(name, 1 << 20, true);
  ASSERT_THAT(append_local(make_local(name, {random_text(800'000, 1)}, "1")), IsOk());
  ASSERT_THAT(append_local(make_local(name, {random_text(800'000, 2)}, "2")), IsOk());
  EXPECT_THAT(append_local(make_local(name, {random_text(800'000, 3)}, "3")), IsError(Errc::Full));
  EXPECT_THAT(wait(store().find_position("file:/var/log/syslog")), IsOkAndHolds(std::optional<std::string>("2")));
  EXPECT_THAT(record_ids(name), ElementsAre(1, 2));
}

TEST_F(EventLog, NamesCompareWithoutCase) {
  ASSERT_THAT(deliver(make_events(1, 1)), IsOk());
  auto batch = make_batch(make_events(2, 2));
  batch.log = "FORWARDEDEVENTS";
  ASSERT_THAT(deliver(std::move(batch)), IsOk());
  EXPECT_THAT(record_ids("forwardedEvents"), ElementsAre(1, 2));
  EXPECT_EQ(log("fOrwardedevents").properties.name, "ForwardedEvents");
  EXPECT_THAT(wait(store().logs()), IsOkAndHolds(SizeIs(1)));
}

TEST_F(EventLog, LogsAreSortedByNameWithoutCase) {
  for (const char* name : {"b", "C", "a", "D"}) configure(name, 1 << 20);
  const auto logs = wait(store().logs());
  ASSERT_THAT(logs, IsOk());
  std::vector<std::string> names;
  for (const auto& log : *logs) names.push_back(log.properties.name);
  EXPECT_THAT(names, ElementsAre("a", "b", "C", "D"));
}

TEST_F(EventLog, PropertiesComeBackAsTheyWereSet) {
  storage::LogProperties properties;
  properties.name = "Lab/Operational";
  properties.enabled = false;
  properties.retention = true;
  properties.auto_backup = true;
  properties.max_size = 1'052'672;
  properties.type = "Admin";
  properties.owning_publisher = "Lab-Provider";
  properties.max_age = std::chrono::hours(7);
  properties.max_records = 99;
  properties.isolation = "System";
  properties.channel_access = "O:BAG:SYD:(A;;0x1;;;BA)";
  ASSERT_THAT(wait(store().set_log(properties)), IsOk());
  reopen();
  const auto read = log("Lab/Operational").properties;
  EXPECT_EQ(read.name, "Lab/Operational");
  EXPECT_FALSE(read.enabled);
  EXPECT_TRUE(read.retention);
  EXPECT_TRUE(read.auto_backup);
  EXPECT_EQ(read.max_size, 1'052'672u);
  EXPECT_EQ(read.type, "Admin");
  EXPECT_EQ(read.owning_publisher, "Lab-Provider");
  EXPECT_EQ(read.max_age, std::chrono::hours(7));
  EXPECT_EQ(read.max_records, 99u);
  EXPECT_EQ(read.isolation, "System");
  EXPECT_EQ(read.channel_access, "O:BAG:SYD:(A;;0x1;;;BA)");
}

TEST_F(EventLog, ConfiguringKeepsTheEvents) {
  ASSERT_THAT(deliver(make_events(1, 3)), IsOk());
  configure("forwardedevents", 2 << 20);
  EXPECT_EQ(log().properties.max_size, 2u << 20);
  EXPECT_THAT(record_ids(), ElementsAre(1, 2, 3));
}

TEST_F(EventLog, TooSmallSizeIsRefused) {
  storage::LogProperties properties;
  properties.name = "Small";
  properties.max_size = 1'048'575;
  EXPECT_THAT(wait(store().set_log(properties)), IsError(std::errc::invalid_argument));
  EXPECT_THAT(wait(store().find_log("Small")), IsOkAndHolds(Eq(std::nullopt)));
}

TEST_F(EventLog, UnknownLogIsNothing) {
  EXPECT_THAT(wait(store().find_log("nowhere")), IsOkAndHolds(Eq(std::nullopt)));
}

TEST_F(EventLog, ClearingRemovesTheEventsAndGoesOnCounting) {
  ASSERT_THAT(deliver(make_events(1, 5)), IsOk());
  clock().advance(std::chrono::hours(2));
  ASSERT_THAT(wait(store().clear_log("FORWARDEDEVENTS")), IsOk());
  EXPECT_THAT(all_of(), IsEmpty());
  const auto status = log().status;
  EXPECT_EQ(status.records, 0u);
  EXPECT_EQ(status.size, 0u);
  EXPECT_EQ(status.oldest_record, 0u);
  EXPECT_EQ(status.newest_record, 5u);
  EXPECT_EQ(status.overwritten, 0u);
  EXPECT_EQ(status.last_write, at(7200));
  reopen();
  ASSERT_THAT(deliver(make_events(6, 7)), IsOk());
  const auto events = all_of();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].record, 6u);
}

TEST_F(EventLog, ClearingAnUnknownLogIsRefused) {
  EXPECT_THAT(wait(store().clear_log("nowhere")), IsError(Errc::NotFound, "nowhere"));
}

TEST_F(EventLog, ClearingUpToARecordLeavesALogAloneThatHasGrownSince) {
  ASSERT_THAT(deliver(make_events(1, 5)), IsOk());
  EXPECT_THAT(wait(store().clear_log("ForwardedEvents", 4)), IsError(std::errc::resource_unavailable_try_again));
  EXPECT_EQ(log().status.records, 5u);
  EXPECT_THAT(wait(store().clear_log("ForwardedEvents", 5)), IsOk());
  EXPECT_EQ(log().status.records, 0u);
}

TEST_F(EventLog, ClearedRoomIsUsedAgain) {
  configure("ForwardedEvents", 64 << 20);
  const auto file = directory() / "events.db";
  for (std::uint64_t round = 0; round < 6; ++round) {
    deliver_large(round * 40 + 1, round * 40 + 40);
    ASSERT_THAT(wait(store().clear_log("ForwardedEvents")), IsOk());
  }
  close();
  EXPECT_LT(std::filesystem::file_size(file), 24u << 20);
  open();
}

TEST_F(EventLog, UnusedRoomIsGivenBack) {
  configure("ForwardedEvents", 64 << 20);
  deliver_large(1, 100);
  ASSERT_THAT(wait(store().clear_log("ForwardedEvents")), IsOk());
  const auto file = directory() / "events.db";
  EXPECT_TRUE(test_support::eventually([&] { return std::filesystem::file_size(file) < (16u << 20); }));
}

}  // namespace
}  // namespace storage_test
