#include "storage/state_store.h"
#include "tests/storage/faulty_disk.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

std::vector<std::uint64_t> ids_in(const std::filesystem::path& directory) {
  test_support::Loop loop;
  auto opened = storage::EventStore::open(directory, {});
  EXPECT_THAT(opened, IsOk());
  if (!opened.ok()) return {};
  storage::ReadRequest request;
  request.query = everything_in("ForwardedEvents");
  request.ignore_missing_logs = true;
  auto result = test_support::run_on(loop.executor(), (*opened)->read(std::move(request)));
  EXPECT_THAT(result, IsOk());
  test_support::run_on(loop.executor(), (*opened)->stop());
  std::vector<std::uint64_t> ids;
  if (result.ok()) {
    for (const auto& stored : result->events) ids.push_back(*stored.event.system.record_id);
  }
  return ids;
}

std::vector<std::uint64_t> up_to(std::uint64_t last) {
  std::vector<std::uint64_t> ids;
  for (std::uint64_t id = 1; id <= last; ++id) ids.push_back(id);
  return ids;
}

// Some rounds of appends, the disk failing from its nth change on, for n = 0, 1, … until a whole run passes; then the disk
// is well again, and the source sends again whatever was not acknowledged.
void sweep(FaultyDisk::Failure failure, Errc expected) {
  FaultyDisk disk;
  test_support::Loop loop;
  bool failed = true;
  for (std::size_t passing = 0; failed; ++passing) {
    ASSERT_LT(passing, 500u);
    SCOPED_TRACE(testing::Message() << "the disk fails after " << passing << " changes");
    const test_support::TemporaryDirectory directory;
    ASSERT_EQ(ids_in(directory.path()), up_to(0));
    auto opened = storage::EventStore::open(directory.path(), {});
    ASSERT_THAT(opened, IsOk());
    auto& store = **opened;
    disk.fail_after(passing, failure);
    std::uint64_t acknowledged = 0;
    for (; acknowledged < 30; acknowledged += 10) {
      const auto result =
          test_support::run_on(loop.executor(), store.append(make_batch(make_events(acknowledged + 1, acknowledged + 10))));
      if (result.ok()) continue;
      EXPECT_THAT(result, IsError(expected));
      break;
    }
    failed = disk.has_failed();
    ASSERT_TRUE(failed || acknowledged == 30);
    disk.heal();

    const auto states = test_support::run_on(loop.executor(), store.find_delivery_state("baseline", "host1"));
    ASSERT_THAT(states, IsOk());
    ASSERT_EQ(*states ? (*states)->events : 0, acknowledged);
    const auto again = test_support::run_on(loop.executor(), store.append(make_batch(make_events(1, 40))));
    ASSERT_THAT(again, IsOk());
    ASSERT_EQ(again->duplicates, acknowledged);
    test_support::run_on(loop.executor(), store.stop());
    opened->reset();
    ASSERT_EQ(ids_in(directory.path()), up_to(40));
  }
}

TEST(FailingDisk, LosesNothingThatWasAcknowledged) {
  sweep(FaultyDisk::Failure::Io, Errc::Io);
}

TEST(FailingDisk, WithoutSpaceLosesNothingThatWasAcknowledged) {
  sweep(FaultyDisk::Failure::NoSpace, Errc::Full);
}

TEST(FailingDisk, LeavesTheOldDocumentOrTheNew) {
  FaultyDisk disk;
  bool failed = true;
  for (std::size_t passing = 0; failed; ++passing) {
    ASSERT_LT(passing, 500u);
    const test_support::TemporaryDirectory directory;
    auto store = storage::StateStore::open(directory.path());
    ASSERT_THAT(store, IsOk());
    ASSERT_THAT((*store)->put("subscription", "baseline", "old"), IsOk());
    disk.fail_after(passing, FaultyDisk::Failure::NoSpace);
    const auto put = (*store)->put("subscription", "baseline", "new");
    if (!put.ok()) {
      EXPECT_THAT(put, IsError(Errc::Full));
    }
    failed = disk.has_failed();
    disk.heal();
    store->reset();
    store = storage::StateStore::open(directory.path());
    ASSERT_THAT(store, IsOk());
    const std::optional<std::string> expected(put.ok() ? "new" : "old");
    EXPECT_THAT((*store)->find("subscription", "baseline"), IsOkAndHolds(expected));
  }
}

TEST(LossOfPower, LosesNothingThatWasAcknowledged) {
  FaultyDisk disk;
  test_support::Loop loop;
  const test_support::TemporaryDirectory directory, copies;
  disk.keep_synced_copies(copies.path());
  auto opened = storage::EventStore::open(directory.path(), {});
  ASSERT_THAT(opened, IsOk());
  std::uint64_t acknowledged = 0;
  // 12 MB in all: the journal goes round more than once.
  for (int round = 0; round < 40; ++round) {
    std::vector<events::Event> events;
    for (int i = 0; i < 3; ++i) {
      EventSpec spec;
      spec.record_id = ++acknowledged;
      spec.time = at(static_cast<double>(acknowledged));
      spec.text = std::string(100'000, 'x');
      events.push_back(make_event(spec));
    }
    ASSERT_THAT(test_support::run_on(loop.executor(), (*opened)->append(make_batch(std::move(events)))), IsOk());
    if (round % 5 != 4) continue;
    const test_support::TemporaryDirectory rest;
    disk.copy_synced_to(rest.path());
    ASSERT_EQ(ids_in(rest.path()), up_to(acknowledged));
  }
  test_support::run_on(loop.executor(), (*opened)->stop());
}

TEST(LossOfPower, LosesNoDocument) {
  FaultyDisk disk;
  const test_support::TemporaryDirectory directory, copies;
  disk.keep_synced_copies(copies.path());
  auto store = storage::StateStore::open(directory.path());
  ASSERT_THAT(store, IsOk());
  ASSERT_THAT((*store)->put("subscription", "baseline", "<Subscription/>"), IsOk());
  const test_support::TemporaryDirectory rest;
  disk.copy_synced_to(rest.path());
  auto after = storage::StateStore::open(rest.path());
  ASSERT_THAT(after, IsOk());
  EXPECT_THAT((*after)->find("subscription", "baseline"), IsOkAndHolds(std::optional<std::string>("<Subscription/>")));
}

}  // namespace
}  // namespace storage_test
