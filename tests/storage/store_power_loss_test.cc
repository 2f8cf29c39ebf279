// A store in which things happen, and the power that goes at any moment of it.

#include "storage/maintenance.h"
#include "tests/storage/old_store.h"
#include "tests/storage/power_loss_fixture.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::IsEmpty;

constexpr const char* kLogs[] = {"ForwardedEvents", "Second"};

/// What was acknowledged so far.
struct Acknowledged {
  std::uint64_t last[2] = {};     ///< record id delivered into each of kLogs
  std::uint64_t cleared[2] = {};  ///< those up to it were removed
  std::uint64_t local = 0;        ///< events of this host
};

class StorePowerLoss : public PowerLossOf<Acknowledged> {
 protected:
  void open() {
    storage::EventStoreOptions options;
    options.vfs = this->options().vfs;
    options.seal_events = 12;
    options.segment_bytes = 60'000;
    options.clock = &clock_;
    auto opened = storage::EventStore::open(directory(), options);
    ASSERT_THAT(opened, IsOk());
    store_ = std::move(opened).value();
  }
  void close() {
    wait(store_->stop());
    store_.reset();
  }
  template <typename T>
  T wait(base::Task<T> task) {
    return test_support::run_on(loop_.executor(), std::move(task));
  }

  static storage::DeliveredBatch batch_of(int log, std::uint64_t first, std::uint64_t last) {
    auto batch = make_batch(make_random_events(first, last, 400));
    batch.log = kLogs[log];
    batch.machine = log == 0 ? "host1" : "host2";
    batch.bookmark = std::to_string(last);
    return batch;
  }
  void deliver(int log, std::uint64_t events) {
    const auto first = state_.last[log] + 1;
    auto batch = batch_of(log, first, first + events - 1);
    batch.received = clock_.wall();
    ASSERT_THAT(wait(store_->append(std::move(batch))), IsOk());
    state_.last[log] += events;
    acknowledge(state_);
  }
  void append_local() {
    const auto position = std::to_string(state_.local + 2);
    ASSERT_THAT(wait(store_->append_local(make_local("Local", {"one", "two"}, position))), IsOk());
    state_.local += 2;
    acknowledge(state_);
  }
  void clear(int log) {
    ASSERT_THAT(wait(store_->clear_log(kLogs[log])), IsOk());
    state_.cleared[log] = state_.last[log];
    acknowledge(state_);
  }
  void limit(int log, std::uint64_t max_size) {
    storage::LogProperties properties;
    properties.name = kLogs[log];
    properties.max_size = max_size;
    ASSERT_THAT(wait(store_->set_log(properties)), IsOk());
  }
  test_support::FakeClock& clock() { return clock_; }
  const Acknowledged& state() const { return state_; }

  /// Opens what is left as a store and looks at everything in it; then goes on with it.
  void expect_whole(const std::filesystem::path& left, const Acknowledged& acknowledged, bool may_be_retained) {
    storage::EventStoreOptions options;
    options.vfs = unrecorded().vfs;
    auto opened = storage::EventStore::open(left, options);
    ASSERT_THAT(opened, IsOk());
    auto& store = **opened;
    for (int log = 0; log < 2; ++log) {
      const auto found = events_of(store, kLogs[log]);
      const auto state = wait(store.find_delivery_state("baseline", log == 0 ? "host1" : "host2"));
      ASSERT_THAT(state, IsOk());
      const std::string bookmark = *state ? (*state)->bookmark.value_or("0") : "0";
      const auto last = std::stoull(bookmark);
      ASSERT_GE(last, acknowledged.last[log]) << kLogs[log];
      // Each once, in order, without a gap, up to the bookmark; unless they were removed they begin with the first.
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i].event.system.record_id, *found[0].event.system.record_id + i);
        ASSERT_EQ(found[i].record, found[0].record + i);
      }
      if (found.empty()) {
        ASSERT_TRUE(last == 0 || state_.cleared[log] >= last) << kLogs[log] << " is empty";
      } else {
        const auto first = *found.front().event.system.record_id;
        ASSERT_EQ(found.back().event.system.record_id, last) << kLogs[log];
        ASSERT_GT(first, acknowledged.cleared[log]);
        if (!may_be_retained) {
          ASSERT_TRUE(first == 1 || first == state_.cleared[log] + 1) << first;
        }
      }
      const auto status = wait(store.find_log(kLogs[log]));
      ASSERT_THAT(status, IsOk());
      if (*status) {
        ASSERT_EQ((*status)->status.records, found.size());
      }

      // What comes again is recognised, and what is new is taken.
      if (last >= 3 && !found.empty()) {
        const auto again = wait(store.append(batch_of(log, last - 2, last + 2)));
        ASSERT_THAT(again, IsOk());
        ASSERT_EQ(again->duplicates, std::min<std::size_t>(3, found.size()));
      }
    }
    const auto local = events_of(store, "Local");
    const auto position = wait(store.find_position("file:/var/log/syslog"));
    ASSERT_THAT(position, IsOk());
    ASSERT_EQ(std::to_string(local.size()), position->value_or("0"));
    ASSERT_GE(local.size(), acknowledged.local);
    wait(store.stop());
    opened->reset();
    const auto report = storage::check_store(left, {});
    ASSERT_THAT(report, IsOk());
    ASSERT_THAT(report->problems, IsEmpty());
  }

 private:
  std::vector<storage::StoredEvent> events_of(storage::EventStore& store, const std::string& log) {
    storage::ReadRequest request;
    request.query = everything_in(log);
    request.ignore_missing_logs = true;
    auto result = wait(store.read(std::move(request)));
    EXPECT_THAT(result, IsOk());
    return result.ok() ? std::move(result->events) : std::vector<storage::StoredEvent>();
  }

  test_support::FakeClock clock_;
  test_support::Loop loop_;
  std::unique_ptr<storage::EventStore> store_;
  Acknowledged state_;
};

TEST_F(StorePowerLoss, LosesNothingWhileEventsComeInAndAreSealed) {
  open();
  for (int round = 0; round < 30; ++round) {
    deliver(0, 5);
    if (round % 2 == 0) deliver(1, 3);
    if (round % 3 == 0) append_local();
    // Another day, another file.
    if (round % 10 == 9) clock().advance(std::chrono::hours(24));
  }
  close();
  lose_power_everywhere([this](const auto& left, const auto& acknowledged) { expect_whole(left, acknowledged, false); }, 60,
                        false, 2);
}

TEST_F(StorePowerLoss, LosesNothingBesideALogThatIsCleared) {
  open();
  for (int round = 0; round < 12; ++round) {
    deliver(0, 5);
    deliver(1, 4);
    if (round == 7) clear(1);
  }
  close();
  lose_power_everywhere([this](const auto& left, const auto& acknowledged) { expect_whole(left, acknowledged, false); }, 50,
                        false, 2);
}

TEST_F(StorePowerLoss, RemovesWholeFilesForRetention) {
  open();
  limit(0, 1'048'576);
  // More than fits.
  while (state().last[0] < 4'200) deliver(0, 150);
  close();
  lose_power_everywhere([this](const auto& left, const auto& acknowledged) { expect_whole(left, acknowledged, true); }, 30,
                        false, 2);
}

// The rows of a store of version 1 move when it is opened; its file is there before anything is recorded.
class OldStore {
 protected:
  OldStore() { make_old_store(directory_.path(), kEvents); }
  static constexpr int kEvents = 300;
  test_support::TemporaryDirectory directory_;
};

class MigrationPowerLoss : public OldStore, public ::testing::Test {};

TEST_F(MigrationPowerLoss, MovesEveryRowOnce) {
  PowerLossVfs vfs(directory_.path());
  test_support::Loop loop;
  {
    storage::EventStoreOptions options;
    options.vfs = vfs.name();
    auto opened = storage::EventStore::open(directory_.path(), options);
    ASSERT_THAT(opened, IsOk());
    test_support::run_on(loop.executor(), (*opened)->stop());
  }
  const test_support::TemporaryDirectory empty;
  PowerLossVfs unrecorded(empty.path());
  const auto changes = vfs.changes();
  DiskReplay replay(changes);
  const std::size_t stride = std::getenv("MUSTER_LONG") != nullptr ? 1 : changes.size() / 60 + 1;
  for (std::size_t point = 1; point <= changes.size(); point += stride) {
    replay.go_to(point);
    for (unsigned seed = 0; seed < 2; ++seed) {
      SCOPED_TRACE(testing::Message() << "power is lost after change " << point << ", seed " << seed);
      const test_support::TemporaryDirectory left;
      replay.write_to(left.path(), seed == 0 ? std::nullopt : std::optional(static_cast<unsigned>(point)));
      storage::EventStoreOptions options;
      options.vfs = unrecorded.name();
      auto opened = storage::EventStore::open(left.path(), options);
      ASSERT_THAT(opened, IsOk());
      storage::ReadRequest request;
      request.query = everything_in("ForwardedEvents");
      const auto result = test_support::run_on(loop.executor(), (*opened)->read(std::move(request)));
      ASSERT_THAT(result, IsOk());
      ASSERT_EQ(result->events.size(), kEvents - 4u);
      for (std::size_t i = 0; i < result->events.size(); ++i) ASSERT_EQ(result->events[i].record, i + 5);
      test_support::run_on(loop.executor(), (*opened)->stop());
      opened->reset();
      const auto report = storage::check_store(left.path(), {});
      ASSERT_THAT(report, IsOk());
      ASSERT_THAT(report->problems, IsEmpty());
    }
  }
}

}  // namespace
}  // namespace storage_test
