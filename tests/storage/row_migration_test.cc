#include <gtest/gtest.h>

#include "engine/base/log.h"
#include "storage/database.h"
#include "storage/migrations.h"
#include "tests/storage/faulty_disk.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kEvents = 12'000;

// A store as version 1 has left it: ForwardedEvents from another machine, Local of this host, Empty without events.
void make_old_store(const std::filesystem::path& directory, int events = kEvents) {
  auto opened = storage::Database::open(directory / "events.db", {});
  ASSERT_THAT(opened, IsOk());
  auto& database = **opened;
  ASSERT_THAT(database.begin(), IsOk());
  ASSERT_THAT(database.execute(std::string(storage::event_schema().steps[0])), IsOk());
  ASSERT_THAT(database.execute("PRAGMA application_id=" + std::to_string(storage::event_schema().application_id) +
                               "; PRAGMA user_version=1"),
              IsOk());
  for (int log = 1; log <= 3; ++log) {
    ASSERT_THAT(
        database.execute("CREATE TABLE events_" + std::to_string(log) +
                         " (record INTEGER PRIMARY KEY, time INTEGER NOT NULL, received INTEGER NOT NULL, sender INTEGER, "
                         "origin INTEGER NOT NULL, publisher INTEGER NOT NULL, size INTEGER NOT NULL, quality INTEGER NOT "
                         "NULL, event_id INTEGER NOT NULL, qualifiers INTEGER, version INTEGER NOT NULL, level INTEGER NOT "
                         "NULL, task INTEGER NOT NULL, opcode INTEGER NOT NULL, keywords INTEGER NOT NULL, event_record_id "
                         "INTEGER, activity_id TEXT, related_activity_id TEXT, process_id INTEGER, thread_id INTEGER, "
                         "user_id TEXT, xml TEXT NOT NULL)"),
        IsOk());
  }
  ASSERT_THAT(database.execute("INSERT INTO origins VALUES (1, 'host1', 'host1.lab.example', 'Security');"
                               "INSERT INTO senders VALUES (1, 'baseline', 'host1', '192.0.2.7');"
                               "INSERT INTO publishers VALUES (1, 'Lab-Provider', '', '')"),
              IsOk());
  const auto insert = [&](int log, int record, const events::Event& event, int sender) {
    auto row = database.prepare(
        "INSERT INTO events_" + std::to_string(log) +
        " (record, time, received, sender, origin, publisher, size, quality, event_id, version, level, task, opcode, "
        "keywords, xml) VALUES (?1, ?2, ?3, ?4, 1, 1, ?5, ?6, 0, 0, 0, 0, 0, 0, ?7)");
    ASSERT_THAT(row, IsOk());
    row->bind(1, record).bind(2, event.system.time).bind(3, at(record < events / 2 ? 3600 : 3600 + 86'400));
    if (sender == 0) {
      row->bind_null(4);
    } else {
      row->bind(4, sender);
    }
    row->bind(5, event.xml.size()).bind(6, static_cast<int>(event.quality)).bind(7, event.xml);
    ASSERT_THAT(row->run(), IsOk());
  };
  std::size_t bytes = 0;
  // 4 were overwritten.
  for (int record = 5; record <= events; ++record) {
    EventSpec spec;
    spec.record_id = static_cast<std::uint64_t>(record);
    spec.time = at(record);
    auto event = make_event(spec);
    if (record == 100) {
      event = {};
      event.xml = std::string("raw\0\x01", 5);
      event.quality = events::Quality::Raw;
    }
    bytes += event.xml.size();
    insert(1, record, event, 1);
  }
  insert(2, 1, make_event({}), 0);
  const auto log = [&](int id, const std::string& name, int records, std::size_t size, int oldest, int next, int lost) {
    ASSERT_THAT(database.execute("INSERT INTO logs VALUES (" + std::to_string(id) + ", '" + name +
                                 "', 1, 0, 0, NULL, 'Operational', '', 1, 2, 3, " + std::to_string(size) + ", " +
                                 std::to_string(records) + ", " + std::to_string(oldest) + ", " + std::to_string(next) +
                                 ", " + std::to_string(lost) + ")"),
                IsOk());
  };
  log(1, "ForwardedEvents", events - 4, bytes, 5, events + 1, 4);
  log(2, "Local", 1, 700, 1, 2, 0);
  log(3, "Empty", 0, 0, 0, 9, 0);
  // As batches of 100 have left them.
  for (int first = 1; first <= events; first += 100) {
    ASSERT_THAT(
        database.execute("INSERT INTO runs VALUES (1, 1, 0, " + std::to_string(first) + ", " + std::to_string(first + 99) +
                         ", " + std::to_string(first) + ", " + std::to_string(first + 99) + ")"),
        IsOk());
  }
  ASSERT_THAT(database.execute("INSERT INTO marks VALUES (1, 1, " + std::to_string(events) + ", " +
                               std::to_string(at(events).time_since_epoch().count()) + ")"),
              IsOk());
  ASSERT_THAT(database.commit(), IsOk());
}

class RowMigration : public StoreTest {
 protected:
  RowMigration() {
    close();
    std::filesystem::remove_all(directory().path());
    std::filesystem::create_directory(directory().path());
  }
};

TEST_F(RowMigration, MovesEveryEventIntoFiles) {
  make_old_store(directory().path());
  open();
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_schema WHERE name GLOB 'events_[0-9]*'"), 0);
  EXPECT_EQ(ask("SELECT count(*) FROM tail"), 0);
  EXPECT_EQ(ask("SELECT count(*) FROM files WHERE log = 1 AND finished"), 2);  // one for each day of reception
  const auto events = all_of();
  ASSERT_THAT(events, SizeIs(kEvents - 4));
  for (std::size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].record, i + 5);
    if (i + 5 != 100) {
      ASSERT_EQ(events[i].event.system.record_id, i + 5);
      ASSERT_EQ(events[i].event.system.computer, "host1.lab.example");
    }
    ASSERT_EQ(events[i].machine, "host1");
    ASSERT_EQ(events[i].subscription, "baseline");
  }
  EXPECT_EQ(events[95].event.xml, std::string("raw\0\x01", 5));
  EXPECT_EQ(events[95].event.quality, events::Quality::Raw);
  const auto status = log().status;
  EXPECT_EQ(status.records, kEvents - 4u);
  EXPECT_EQ(status.oldest_record, 5u);
  EXPECT_EQ(status.newest_record, static_cast<std::uint64_t>(kEvents));
  EXPECT_EQ(status.overwritten, 4u);
  EXPECT_GT(status.text_bytes, 5'000'000u);
  EXPECT_GT(status.size, 0u);
  EXPECT_LT(status.size, status.text_bytes / 4);
  EXPECT_THAT(all_of("Local"), SizeIs(1));
  EXPECT_EQ(all_of("Local")[0].machine, "");
  EXPECT_THAT(all_of("Empty"), IsEmpty());
  EXPECT_EQ(log("Empty").status.newest_record, 8u);
}

TEST_F(RowMigration, KnowsDuplicatesAsBefore) {
  make_old_store(directory().path(), 3'000);
  open();
  const auto result = deliver(make_events(2'000, 3'100));
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->stored, 100u);
  EXPECT_EQ(result->duplicates, 1'001u);
}

TEST_F(RowMigration, GivesTheSpaceBack) {
  make_old_store(directory().path(), 60'000);
  ASSERT_GT(std::filesystem::file_size(directory() / "events.db"), 30u << 20);
  open();
  ASSERT_THAT(deliver(make_events(100'000, 100'000)), IsOk());
  EXPECT_TRUE(
      test_support::eventually([this] { return std::filesystem::file_size(directory() / "events.db") < (12u << 20); }));
}

TEST_F(RowMigration, GoesOnWhereItWasInterrupted) {
  FaultyDisk disk;
  base::set_log_level(base::LogLevel::Error);
  bool failed = true;
  int rounds = 0;
  for (std::size_t passing = 0; failed; passing += 1 + passing / 8) {
    SCOPED_TRACE(testing::Message() << "the disk fails after " << passing << " changes");
    const test_support::TemporaryDirectory old;
    make_old_store(old.path(), 900);
    disk.fail_after(passing, FaultyDisk::Failure::Io);
    auto opened = storage::EventStore::open(old.path(), {});
    failed = disk.has_failed();
    disk.heal();
    if (opened.ok()) wait((*opened)->stop());
    opened = storage::EventStore::open(old.path(), {});
    ASSERT_THAT(opened, IsOk());
    storage::ReadRequest request;
    request.query = everything_in("ForwardedEvents");
    const auto result = wait((*opened)->read(std::move(request)));
    wait((*opened)->stop());
    ASSERT_THAT(result, IsOk());
    ASSERT_THAT(result->events, SizeIs(896));
    for (std::size_t i = 0; i < result->events.size(); ++i) ASSERT_EQ(result->events[i].record, i + 5);
    ASSERT_LT(++rounds, 300);
  }
  base::set_log_level(base::LogLevel::Info);
}

}  // namespace
}  // namespace storage_test
