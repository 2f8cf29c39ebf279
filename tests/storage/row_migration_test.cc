#include <gtest/gtest.h>

#include "engine/base/log.h"
#include "storage/database.h"
#include "storage/migrations.h"
#include "tests/storage/faulty_disk.h"
#include "tests/storage/old_store.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kEvents = 12'000;

class RowMigration : public StoreTest {
 protected:
  RowMigration() {
    close();
    std::filesystem::remove_all(directory().path());
    std::filesystem::create_directory(directory().path());
  }
};

TEST_F(RowMigration, MovesEveryEventIntoFiles) {
  make_old_store(directory().path(), kEvents);
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
