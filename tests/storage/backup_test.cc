#include <atomic>
#include <fstream>
#include <thread>

#include "storage/maintenance.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::IsEmpty;

class Backup : public StoreTest {
 protected:
  Backup() {
    storage::EventStoreOptions options;
    options.seal_events = 50;
    options.segment_bytes = 200'000;
    reopen(options);
  }
  base::Result<void> back_up(const std::filesystem::path& to) { return wait(store().backup(to)); }
  /// What a copy holds; it is opened as a store is, after a check.
  static std::vector<std::uint64_t> ids_in(const std::filesystem::path& copy, std::string* bookmark = nullptr) {
    const auto report = storage::check_store(copy, {});
    EXPECT_THAT(report, IsOk());
    EXPECT_THAT(report->problems, IsEmpty());
    test_support::Loop loop;
    auto opened = storage::EventStore::open(copy, {});
    EXPECT_THAT(opened, IsOk());
    if (!opened.ok()) return {};
    storage::ReadRequest request;
    request.query = everything_in("ForwardedEvents");
    request.ignore_missing_logs = true;
    std::vector<std::uint64_t> ids;
    const auto result = test_support::run_on(loop.executor(), (*opened)->read(std::move(request)));
    EXPECT_THAT(result, IsOk());
    for (const auto& stored : result->events) ids.push_back(*stored.event.system.record_id);
    const auto state = test_support::run_on(loop.executor(), (*opened)->find_delivery_state("baseline", "host1"));
    if (bookmark != nullptr && state.ok() && *state) *bookmark = (*state)->bookmark.value_or("");
    test_support::run_on(loop.executor(), (*opened)->stop());
    return ids;
  }
};

TEST_F(Backup, HoldsWhatTheStoreHolds) {
  for (std::uint64_t first = 1; first < 2000; first += 100) {
    auto batch = make_batch(make_random_events(first, first + 99, 500));
    batch.bookmark = std::to_string(first + 99);
    ASSERT_THAT(deliver(std::move(batch)), IsOk());
  }
  const test_support::TemporaryDirectory folder;
  ASSERT_THAT(back_up(folder / "copy"), IsOk());
  std::string bookmark;
  EXPECT_EQ(ids_in(folder / "copy", &bookmark), record_ids());
  EXPECT_EQ(bookmark, "2000");
}

TEST_F(Backup, OfAnEmptyStoreIsAStore) {
  const test_support::TemporaryDirectory folder;
  ASSERT_THAT(back_up(folder.path()), IsOk());
  EXPECT_THAT(ids_in(folder.path()), IsEmpty());
}

TEST_F(Backup, IsOfOneMomentWhileEventsComeIn) {
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> stored{0};
  std::thread source([&] {
    for (std::uint64_t first = 1; !stop; first += 50) {
      auto batch = make_batch(make_random_events(first, first + 49, 300));
      batch.bookmark = std::to_string(first + 49);
      EXPECT_THAT(deliver(std::move(batch)), IsOk());
      stored = first + 49;
    }
  });
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(test_support::eventually([&, seen = stored.load()] { return stored > seen + 500; }));
    const auto before = stored.load();
    const test_support::TemporaryDirectory folder;
    EXPECT_THAT(back_up(folder.path()), IsOk());
    std::string bookmark;
    const auto ids = ids_in(folder.path(), &bookmark);
    EXPECT_GE(ids.size(), before);
    EXPECT_EQ(std::to_string(ids.size()), bookmark);
    for (std::size_t k = 0; k < ids.size(); ++k) ASSERT_EQ(ids[k], k + 1);
  }
  stop = true;
  source.join();
}

TEST_F(Backup, DoesWithoutFilesThatGoMeanwhile) {
  configure("ForwardedEvents", 1'100'000);
  std::atomic<bool> stop{false};
  std::thread source([&] {
    for (std::uint64_t first = 1; !stop; first += 50) {
      EXPECT_THAT(deliver(make_batch(make_random_events(first, first + 49, 1000))), IsOk());
    }
  });
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(test_support::eventually([&, seen = log().status.overwritten] { return log().status.overwritten > seen; }));
    const test_support::TemporaryDirectory folder;
    EXPECT_THAT(back_up(folder.path()), IsOk());
    const auto ids = ids_in(folder.path());
    ASSERT_FALSE(ids.empty());
    for (std::size_t k = 0; k < ids.size(); ++k) ASSERT_EQ(ids[k], ids[0] + k);
  }
  stop = true;
  source.join();
}

TEST_F(Backup, IntoAFolderWithSomethingInItIsRefused) {
  const test_support::TemporaryDirectory folder;
  std::ofstream(folder / "precious") << "x";
  EXPECT_THAT(back_up(folder.path()), IsError(std::errc::file_exists));
}

TEST_F(Backup, WhereNothingCanBeMadeIsAnError) {
  const test_support::TemporaryDirectory folder;
  std::ofstream(folder / "file") << "x";
  EXPECT_FALSE(back_up(folder / "file" / "copy").ok());
}

}  // namespace
}  // namespace storage_test
