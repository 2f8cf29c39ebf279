#include "storage/database.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EventStore : public StoreTest {};

TEST_F(EventStore, AppendedBatchIsRead) {
  const auto result = deliver(make_events(1, 3));
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->stored, 3u);
  EXPECT_EQ(result->duplicates, 0u);
  EXPECT_THAT(record_ids(), ElementsAre(1, 2, 3));
}

TEST_F(EventStore, AppendedBatchSurvivesReopen) {
  ASSERT_THAT(deliver(make_events(1, 3)), IsOk());
  reopen();
  EXPECT_THAT(record_ids(), ElementsAre(1, 2, 3));
}

TEST_F(EventStore, EventComesBackAsItWas) {
  const auto event = make_event({});
  ASSERT_THAT(deliver({event}), IsOk());
  const auto events = all_of();
  ASSERT_THAT(events, SizeIs(1));
  const auto& read = events[0].event;
  EXPECT_EQ(read.xml, event.xml);
  EXPECT_EQ(read.quality, events::Quality::Good);
  EXPECT_EQ(read.system.provider, "Lab-Provider");
  EXPECT_EQ(read.system.provider_guid, "{54849625-5478-4994-a5ba-3e3b0328c30d}");
  EXPECT_EQ(read.system.event_source_name, "lab");
  EXPECT_EQ(read.system.event_id, 4624);
  EXPECT_EQ(read.system.qualifiers, 16384);
  EXPECT_EQ(read.system.version, 2);
  EXPECT_EQ(read.system.level, 4);
  EXPECT_EQ(read.system.task, 12544);
  EXPECT_EQ(read.system.opcode, 1);
  EXPECT_EQ(read.system.keywords, 0x8020000000000000u);
  EXPECT_EQ(read.system.time, at(0));
  EXPECT_EQ(read.system.record_id, 1u);
  EXPECT_EQ(read.system.activity_id, "{0F4D2C9A-1111-4A5B-8C3D-000000000009}");
  EXPECT_EQ(read.system.related_activity_id, "");
  EXPECT_EQ(read.system.process_id, 632u);
  EXPECT_EQ(read.system.thread_id, 700u);
  EXPECT_EQ(read.system.channel, "Security");
  EXPECT_EQ(read.system.computer, "host1.lab.example");
  EXPECT_EQ(read.system.user_id, "S-1-5-18");
}

TEST_F(EventStore, AbsentSystemFieldsStayAbsent) {
  auto event = events::Event::parse("<Event><System><Provider Name='x'/><EventID>7</EventID></System></Event>").value();
  ASSERT_THAT(deliver({event}), IsOk());
  const auto events = all_of();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].event.system.record_id, std::nullopt);
  EXPECT_EQ(events[0].event.system.qualifiers, std::nullopt);
  EXPECT_EQ(events[0].event.system.process_id, std::nullopt);
  EXPECT_EQ(events[0].event.system.thread_id, std::nullopt);
}

TEST_F(EventStore, NumbersBeyondSignedRangeComeBack) {
  EventSpec spec;
  spec.record_id = 0xffff'ffff'ffff'fffe;
  ASSERT_THAT(deliver({make_event(spec)}), IsOk());
  EXPECT_THAT(record_ids(), ElementsAre(0xffff'ffff'ffff'fffe));
}

TEST_F(EventStore, RawTextComesBackByteForByte) {
  events::Event event;
  event.xml = std::string("<Event\x01\0\xff broken", 16);
  event.quality = events::Quality::Raw;
  ASSERT_THAT(deliver({event}), IsOk());
  const auto events = all_of();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].event.xml, event.xml);
  EXPECT_EQ(events[0].event.quality, events::Quality::Raw);
}

TEST_F(EventStore, StoredEventTellsItsWay) {
  ASSERT_THAT(deliver(make_events(40, 41)), IsOk());
  const auto events = all_of("forwardedevents");
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[1].log, "ForwardedEvents");
  EXPECT_EQ(events[1].record, 2u);
  EXPECT_EQ(events[1].received, at(3600));
  EXPECT_EQ(events[1].machine, "host1");
  EXPECT_EQ(events[1].subscription, "baseline");
}

TEST_F(EventStore, AddressIsKeptBesideEachEventWithoutThePort) {
  std::uint64_t id = 0;
  for (const char* address : {"192.0.2.7:49210", "192.0.2.7:50001", "[2001:db8::7]:49210", "2001:db8::8", "unix", ""}) {
    ++id;
    auto batch = make_batch(make_events(id, id));
    batch.address = address;
    ASSERT_THAT(deliver(std::move(batch)), IsOk());
  }
  close();
  auto database = storage::Database::open(directory() / "events.db", {});
  ASSERT_THAT(database, IsOk());
  auto rows = (*database)->prepare("SELECT address FROM senders ORDER BY id");
  ASSERT_THAT(rows, IsOk());
  std::vector<std::string> addresses;
  while (rows->step().value()) addresses.emplace_back(rows->text(0));
  EXPECT_THAT(addresses, ElementsAre("192.0.2.7", "2001:db8::7", "2001:db8::8", "unix", ""));
}

TEST_F(EventStore, BookmarkCarrierIsNotStored) {
  const std::string carrier =
      "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
      "<Provider Name='Microsoft-Windows-EventForwarder'/><EventID>111</EventID>"
      "<TimeCreated SystemTime='2024-05-01T10:15:30.123Z'/><Computer>a.example.org</Computer></System>"
      "<SubscriptionBookmarkEvent><SubscriptionId></SubscriptionId></SubscriptionBookmarkEvent></Event>";
  auto batch = make_batch({events::Event::parse(carrier).value()});
  batch.bookmark = "<BookmarkList Direction=\"backward\"/>";
  const auto result = deliver(std::move(batch));
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->stored, 0u);
  EXPECT_EQ(result->duplicates, 0u);
  EXPECT_THAT(all_of(), IsEmpty());
  const auto state = wait(store().find_delivery_state("baseline", "host1"));
  ASSERT_TRUE(state.ok() && state->has_value());
  EXPECT_EQ((*state)->bookmark, "<BookmarkList Direction=\"backward\"/>");
}

TEST_F(EventStore, AppendToDisabledLogStoresNothing) {
  configure("ForwardedEvents", 1 << 20, false, false);
  auto batch = make_batch(make_events(1, 1));
  batch.bookmark = "<BookmarkList/>";
  EXPECT_THAT(deliver(std::move(batch)), IsError(Errc::LogDisabled, "ForwardedEvents"));
  EXPECT_THAT(all_of(), IsEmpty());
  EXPECT_THAT(wait(store().find_delivery_state("baseline", "host1")), IsOkAndHolds(Eq(std::nullopt)));
}

TEST_F(EventStore, AppendToLogWithoutNameIsRefused) {
  auto batch = make_batch(make_events(1, 1));
  batch.log = "";
  EXPECT_THAT(deliver(std::move(batch)), IsError(std::errc::invalid_argument));
}

TEST_F(EventStore, AppendToLogWithEndlessNameIsRefused) {
  auto batch = make_batch(make_events(1, 1));
  batch.log = std::string(256, 'x');
  EXPECT_THAT(deliver(std::move(batch)), IsError(std::errc::invalid_argument));
}

TEST_F(EventStore, AppendAfterStopIsRefused) {
  wait(store().stop());
  EXPECT_THAT(deliver(make_events(1, 1)), IsError(Errc::Stopped));
}

TEST_F(EventStore, ReadAfterStopIsRefused) {
  wait(store().stop());
  EXPECT_THAT(read({}), IsError(Errc::Stopped));
}

TEST_F(EventStore, StopFinishesWhatWaits) {
  std::vector<std::future<base::Result<storage::AppendResult>>> answers;
  for (std::uint64_t id = 1; id <= 50; ++id) {
    auto batch = make_batch(make_events(id, id));
    answers.push_back(boost::asio::co_spawn(executor(), store().append(std::move(batch)), boost::asio::use_future));
  }
  wait(store().stop());
  std::size_t stored = 0;
  for (auto& answer : answers) {
    auto result = answer.get();
    if (result.ok()) stored += result->stored;
  }
  reopen();
  EXPECT_EQ(all_of().size(), stored);
  EXPECT_EQ(stored, 50u);
}

TEST_F(EventStore, AppendsThatWaitTogetherAreAllStored) {
  storage::EventStoreOptions options;
  options.max_queued_bytes = 20'000;
  reopen(options);
  std::vector<std::future<base::Result<storage::AppendResult>>> answers;
  for (std::uint64_t id = 0; id < 200; ++id) {
    auto batch = make_batch(make_events(id * 10 + 1, id * 10 + 10));
    answers.push_back(boost::asio::co_spawn(executor(), store().append(std::move(batch)), boost::asio::use_future));
  }
  for (auto& answer : answers) EXPECT_THAT(answer.get(), IsOk());
  EXPECT_THAT(all_of(), SizeIs(2000));
}

TEST_F(EventStore, RefusedAppendDoesNotTakeOthersDown) {
  configure("closed", 1 << 20, false, false);
  std::vector<std::future<base::Result<storage::AppendResult>>> answers;
  for (std::uint64_t id = 1; id <= 100; ++id) {
    auto batch = make_batch(make_events(id, id));
    if (id % 2 == 0) batch.log = "closed";
    answers.push_back(boost::asio::co_spawn(executor(), store().append(std::move(batch)), boost::asio::use_future));
  }
  std::size_t refused = 0;
  for (auto& answer : answers) {
    const auto result = answer.get();
    if (result.ok()) continue;
    EXPECT_THAT(result, IsError(Errc::LogDisabled));
    ++refused;
  }
  EXPECT_EQ(refused, 50u);
  EXPECT_THAT(all_of(), SizeIs(50));
}

TEST_F(EventStore, LocalEventsGetTheLogsRecordNumbers) {
  ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {"a", "b"})), IsOk());
  ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {"c"})), IsOk());
  const auto events = all_of("Linux-Syslog/Operational");
  ASSERT_THAT(events, SizeIs(3));
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(events[i].record, i + 1);
    EXPECT_EQ(events[i].event.system.record_id, i + 1);
    EXPECT_EQ(events[i].machine, "");
    EXPECT_EQ(events[i].subscription, "");
    EXPECT_EQ(events[i].received, clock().wall());
    EXPECT_NE(events[i].event.xml.find("<EventRecordID>" + std::to_string(i + 1)), std::string::npos);
  }
}

TEST_F(EventStore, LocalRecordNumbersGoOnAfterReopen) {
  ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {"a", "b"})), IsOk());
  reopen();
  ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {"c"})), IsOk());
  EXPECT_THAT(record_ids("Linux-Syslog/Operational"), ElementsAre(1, 2, 3));
}

TEST_F(EventStore, EqualLocalEventsAreAllKept) {
  ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {"same", "same"})), IsOk());
  ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {"same"})), IsOk());
  EXPECT_THAT(all_of("Linux-Syslog/Operational"), SizeIs(3));
}

TEST_F(EventStore, PositionOfSourceIsStoredWithItsEvents) {
  EXPECT_THAT(wait(store().find_position("file:/var/log/syslog")), IsOkAndHolds(Eq(std::nullopt)));
  ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {"a"}, "17")), IsOk());
  ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {"b"}, "42")), IsOk());
  reopen();
  EXPECT_THAT(wait(store().find_position("file:/var/log/syslog")), IsOkAndHolds(std::optional<std::string>("42")));
}

TEST_F(EventStore, PositionMovesWithoutEvents) {
  ASSERT_THAT(append_local(make_local("Linux-Syslog/Operational", {}, "9")), IsOk());
  EXPECT_THAT(wait(store().find_position("file:/var/log/syslog")), IsOkAndHolds(std::optional<std::string>("9")));
}

TEST_F(EventStore, LocalAppendToDisabledLogLeavesThePosition) {
  configure("Linux-Syslog/Operational", 1 << 20, false, false);
  EXPECT_THAT(append_local(make_local("Linux-Syslog/Operational", {"a"})), IsError(Errc::LogDisabled));
  EXPECT_THAT(wait(store().find_position("file:/var/log/syslog")), IsOkAndHolds(Eq(std::nullopt)));
}

}  // namespace
}  // namespace storage_test
