#include <atomic>

#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class Retention : public StoreTest {
 protected:
  Retention() {
    storage::EventStoreOptions options;
    options.seal_events = 4;
    options.segment_bytes = 1;  // each seal makes a file
    reopen(options);
  }

  void set(storage::LogProperties properties) {
    properties.name = "ForwardedEvents";
    ASSERT_THAT(wait(store().set_log(properties)), IsOk());
  }
  /// One file of four events received on that day.
  void deliver_file(std::uint64_t first, int day = 0, std::size_t bytes = 100) {
    auto batch = make_batch(make_random_events(first, first + 3, bytes));
    batch.received = at(day * 86'400);
    ASSERT_THAT(deliver(std::move(batch)), IsOk());
    wait_until_sealed();
    ASSERT_TRUE(test_support::eventually([this] { return ask("SELECT count(*) FROM files WHERE NOT finished") == 0; }));
  }
  bool files_are(std::size_t count) {
    return test_support::eventually([this, count] { return files_in().size() == count; });
  }
};

TEST_F(Retention, BySizeDropsWholeFilesFromTheOldest) {
  storage::LogProperties properties;
  properties.max_size = 2 << 20;
  set(properties);
  std::uint64_t first = 1;
  for (int file = 0; file < 12; ++file, first += 4) deliver_file(first, 0, 100'000);
  const auto status = log().status;
  EXPECT_LE(status.size, 2u << 20);
  EXPECT_GT(status.size, 1u << 20);
  EXPECT_EQ(status.records + status.overwritten, 48u);
  EXPECT_EQ(status.overwritten % 4, 0u);
  EXPECT_EQ(status.oldest_record, status.overwritten + 1);
  EXPECT_THAT(record_ids(), SizeIs(status.records));
  EXPECT_TRUE(files_are(status.records / 4));
}

TEST_F(Retention, SmallerSizeTakesEffectAtOnce) {
  for (std::uint64_t first = 1; first <= 37; first += 4) deliver_file(first, 0, 100'000);
  storage::LogProperties properties;
  properties.max_size = 1 << 20;
  set(properties);
  EXPECT_LE(log().status.size, 1u << 20);
  EXPECT_GT(log().status.overwritten, 0u);
  EXPECT_EQ(record_ids().back(), 40u);
  EXPECT_TRUE(files_are(log().status.records / 4));
}

TEST_F(Retention, ByAgeDropsFilesReceivedLongerAgo) {
  storage::LogProperties properties;
  properties.max_age = std::chrono::hours(48);
  set(properties);
  deliver_file(1, 0);
  deliver_file(5, 1);
  clock().advance(std::chrono::hours(36));
  deliver_file(9, 2);
  EXPECT_THAT(record_ids(), SizeIs(12));
  clock().advance(std::chrono::hours(13));
  ASSERT_TRUE(files_are(2));
  EXPECT_EQ(record_ids().front(), 5u);
  EXPECT_EQ(log().status.overwritten, 4u);
  // By itself, without a new event, and to the last.
  clock().advance(std::chrono::hours(24 * 10));
  ASSERT_TRUE(files_are(0));
  EXPECT_THAT(record_ids(), IsEmpty());
  EXPECT_EQ(log().status.overwritten, 12u);
  EXPECT_EQ(log().status.newest_record, 12u);
  EXPECT_EQ(log().status.oldest_record, 0u);
}

TEST_F(Retention, ByCountKeepsAtLeastSoMany) {
  storage::LogProperties properties;
  properties.max_records = 6;
  set(properties);
  deliver_file(1);
  deliver_file(5);
  EXPECT_THAT(record_ids(), SizeIs(8));
  deliver_file(9);
  EXPECT_THAT(record_ids(), ElementsAre(5, 6, 7, 8, 9, 10, 11, 12));
  EXPECT_TRUE(files_are(2));
}

TEST_F(Retention, FullLogMovesIntoTheArchiveWhereThatIsWanted) {
  storage::LogProperties properties;
  properties.max_size = 1 << 20;
  properties.retention = true;
  properties.auto_backup = true;
  set(properties);
  std::uint64_t id = 1;
  for (; files_in("archive").empty(); ++id) {
    ASSERT_LT(id, 200u);
    const auto result = deliver(make_random_events(id, id, 100'000));
    if (result.ok()) continue;
    // They come faster than they can be moved.
    EXPECT_THAT(result, IsError(Errc::Full));
    ASSERT_TRUE(test_support::eventually([this] { return !files_in("archive").empty(); }));
    break;
  }
  EXPECT_TRUE(test_support::eventually([this] { return log().status.size < (1u << 20); }));
  EXPECT_THAT(files_in("archive"), Each(StartsWith("Archive-ForwardedEvents-2024-05-01T10-00-00Z-")));
  EXPECT_EQ(log().status.overwritten, 0u);
  EXPECT_EQ(log().status.newest_record, id - 1);
  ASSERT_THAT(deliver(make_random_events(id, id, 1'000)), IsOk());
  EXPECT_EQ(record_ids().back(), id);
}

TEST_F(Retention, ClearedLogLeavesNoFile) {
  deliver_file(1);
  deliver_file(5);
  ASSERT_THAT(deliver(make_events(9, 10)), IsOk());
  ASSERT_THAT(wait(store().clear_log("ForwardedEvents")), IsOk());
  EXPECT_TRUE(files_are(0));
  EXPECT_THAT(record_ids(), IsEmpty());
  EXPECT_EQ(log().status.size, 0u);
  EXPECT_EQ(log().status.text_bytes, 0u);
  deliver_file(11);
  EXPECT_THAT(record_ids(), ElementsAre(11, 12, 13, 14));
}

TEST_F(Retention, ForgetsTheBatchesOfWhatHasGone) {
  storage::LogProperties properties;
  properties.max_records = 4;
  set(properties);
  for (std::uint64_t first = 1; first <= 30'001; first += 3'000) {
    ASSERT_THAT(deliver(make_events(first, first + 2'999)), IsOk());
    wait_until_sealed();
  }
  EXPECT_GT(ask("SELECT count(*) FROM batches"), 0);
  EXPECT_LT(ask("SELECT count(*) FROM batches"), 9);
}

class LowDisk : public StoreTest {
 protected:
  LowDisk() {
    storage::EventStoreOptions options;
    options.free_bytes = [this](const std::filesystem::path&) -> base::Result<std::uint64_t> { return left.load(); };
    options.min_free_bytes = 64u << 20;
    reopen(options);
  }
  std::atomic<std::uint64_t> left{std::uint64_t{1} << 30};
};

TEST_F(LowDisk, RefusesEventsAndGoesOnByItself) {
  ASSERT_THAT(deliver(make_events(1, 3)), IsOk());
  left = 1u << 20;
  clock().advance(std::chrono::seconds(1));
  EXPECT_THAT(deliver(make_events(4, 6)), IsError(Errc::Full));
  EXPECT_THAT(append_local(make_local("Local", {"x"})), IsError(Errc::Full));
  // What brings no event still works.
  EXPECT_THAT(deliver(std::vector<events::Event>()), IsOk());
  storage::DeliveryUpdate update;
  update.subscription = "baseline";
  update.machine = "host1";
  update.heartbeat = at(1);
  EXPECT_THAT(wait(store().update_delivery(update)), IsOk());
  EXPECT_THAT(wait(store().clear_log("ForwardedEvents")), IsOk());
  left = std::uint64_t{1} << 30;
  clock().advance(std::chrono::seconds(1));
  EXPECT_THAT(deliver(make_events(4, 6)), IsOk());
  EXPECT_THAT(record_ids(), ElementsAre(4, 5, 6));
}

}  // namespace
}  // namespace storage_test
