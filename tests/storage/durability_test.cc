#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "storage/maintenance.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr std::uint64_t kBatchSize = 7;

events::Event large_event(std::uint64_t id, std::size_t bytes = 100'000) {
  EventSpec spec;
  spec.record_id = id;
  spec.time = at(static_cast<double>(id));
  spec.text = random_text(bytes, id);
  return make_event(spec);
}

class Durability : public StoreTest {
 protected:
  /// What a machine would find after losing power now.
  std::vector<std::uint64_t> after_power_loss() {
    const test_support::TemporaryDirectory copy;
    for (const char* file : {"events.db", "events.db-wal"}) {
      if (std::filesystem::exists(directory() / file)) std::filesystem::copy_file(directory() / file, copy / file);
    }
    auto opened = storage::EventStore::open(copy.path(), {});
    EXPECT_THAT(opened, IsOk());
    if (!opened.ok()) return {};
    storage::ReadRequest request;
    request.query = everything_in("ForwardedEvents");
    auto result = wait((*opened)->read(std::move(request)));
    EXPECT_THAT(result, IsOk());
    wait((*opened)->stop());
    std::vector<std::uint64_t> ids;
    for (const auto& stored : result->events) ids.push_back(*stored.event.system.record_id);
    return ids;
  }
};

TEST_F(Durability, AcknowledgedEventsSurviveALossOfPower) {
  std::vector<std::uint64_t> expected;
  for (std::uint64_t id = 1; id <= 40; ++id) {
    ASSERT_THAT(deliver({large_event(id)}), IsOk());  // 4 MB in all, so that a checkpoint falls in between
    expected.push_back(id);
    if (id % 4 != 0) continue;
    ASSERT_EQ(after_power_loss(), expected);
  }
}

TEST_F(Durability, RepetitionAfterALossOfPowerIsRecognised) {
  ASSERT_THAT(deliver(make_events(1, 10)), IsOk());
  const test_support::TemporaryDirectory copy;
  for (const char* file : {"events.db", "events.db-wal"}) std::filesystem::copy_file(directory() / file, copy / file);
  auto opened = storage::EventStore::open(copy.path(), {});
  ASSERT_THAT(opened, IsOk());
  const auto result = wait((*opened)->append(make_batch(make_events(5, 15))));
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->stored, 5u);
  wait((*opened)->stop());
}

// So that a store that is killed was sealing, or finishing a file, as often as not.
storage::EventStoreOptions sealing_often() {
  storage::EventStoreOptions options;
  options.seal_events = 20;
  options.segment_bytes = 100'000;
  return options;
}

// Appends batches until it is killed, four at a time, each one again and again until it is acknowledged; writes the number
// of each acknowledged batch into the pipe.
[[noreturn]] void append_for_ever(const std::filesystem::path& directory, std::uint64_t first_batch, int pipe) {
  test_support::Loop loop;
  auto opened = storage::EventStore::open(directory, sealing_often());
  if (!opened.ok()) ::_exit(1);
  for (std::uint64_t batch = first_batch;; batch += 4) {
    std::vector<std::future<base::Result<storage::AppendResult>>> answers;
    for (std::uint64_t i = 0; i < 4; ++i) {
      const auto first = (batch + i) * kBatchSize;
      auto events = make_batch(make_events(first, first + kBatchSize - 1));
      answers.push_back(
          boost::asio::co_spawn(loop.executor(), (*opened)->append(std::move(events)), boost::asio::use_future));
    }
    for (std::uint64_t i = 0; i < 4; ++i) {
      if (!answers[i].get().ok()) ::_exit(2);
      const std::uint64_t number = batch + i;
      if (::write(pipe, &number, sizeof number) != sizeof number) ::_exit(3);
    }
  }
}

TEST(StoreUnderSigkill, KeepsEveryAcknowledgedBatchWholeAndOnce) {
  const test_support::TemporaryDirectory directory;
  std::mt19937 random(20240501);
  std::uint64_t acknowledged = 0;  // batches 0 … acknowledged - 1
  std::uint64_t files = 0;
  const int rounds = std::getenv("MUSTER_LONG") != nullptr ? 200 : 10;
  for (int round = 0; round < rounds; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    // Begins below what is acknowledged, as a source does that has not seen the answer.
    const std::uint64_t first = acknowledged > 8 ? acknowledged - 8 : 0;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) append_for_ever(directory.path(), first, pipe[1]);
    ::close(pipe[1]);
    const auto enough = std::uniform_int_distribution<std::uint64_t>(1, 60)(random);
    std::uint64_t number = 0;
    std::uint64_t heard = 0;
    while (heard < enough && ::read(pipe[0], &number, sizeof number) == sizeof number) ++heard;
    ::usleep(std::uniform_int_distribution<useconds_t>(0, 3000)(random));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << WEXITSTATUS(status);
    while (::read(pipe[0], &number, sizeof number) == sizeof number) ++heard;
    ::close(pipe[0]);
    acknowledged = std::max(acknowledged, first + heard);

    test_support::Loop loop;
    auto opened = storage::EventStore::open(directory.path(), sealing_often());
    ASSERT_THAT(opened, IsOk());
    storage::ReadRequest request;
    request.query = everything_in("ForwardedEvents");
    auto result = test_support::run_on(loop.executor(), (*opened)->read(std::move(request)));
    ASSERT_THAT(result, IsOk());
    test_support::run_on(loop.executor(), (*opened)->stop());
    ASSERT_GE(result->events.size(), acknowledged * kBatchSize);
    ASSERT_EQ(result->events.size() % kBatchSize, 0u);
    for (std::uint64_t id = 0; id < result->events.size(); ++id) ASSERT_EQ(result->events[id].event.system.record_id, id);
    acknowledged = result->events.size() / kBatchSize;
    opened->reset();
    const auto report = storage::check_store(directory.path(), {});
    ASSERT_THAT(report, IsOk());
    ASSERT_THAT(report->problems, ::testing::IsEmpty());
    files = report->files;
  }
  EXPECT_GT(files, 0u);
}

class FullDisk : public Durability {
 protected:
  void limit(std::uint64_t bytes) {
    storage::EventStoreOptions options;
    options.max_file_size = bytes;
    reopen(options);
  }
};

TEST_F(FullDisk, RefusesTheBatchAndKeepsNothingOfIt) {
  limit(1 << 20);
  std::uint64_t stored = 0;
  base::Result<storage::AppendResult> result;
  for (;;) {
    auto batch = make_batch({large_event(2 * stored + 1), large_event(2 * stored + 2)});
    batch.bookmark = std::to_string(stored + 1);
    result = deliver(std::move(batch));
    if (!result.ok()) break;
    ++stored;
    ASSERT_LT(stored, 10u);
  }
  EXPECT_THAT(result, IsError(Errc::Full, "events.db"));
  EXPECT_THAT(record_ids(), SizeIs(stored * 2));
  const auto state = wait(store().find_delivery_state("baseline", "host1"));
  ASSERT_TRUE(state.ok() && state->has_value());
  EXPECT_EQ((*state)->bookmark, std::to_string(stored));
  EXPECT_EQ((*state)->events, stored * 2);
  EXPECT_EQ(log().status.records, stored * 2);
  EXPECT_EQ(after_power_loss().size(), stored * 2);
}

TEST_F(FullDisk, TakesTheBatchOnceThereIsRoom) {
  limit(1 << 20);
  std::uint64_t id = 1;
  while (deliver({large_event(id)}).ok()) ++id;
  ASSERT_THAT(deliver({large_event(id)}), IsError(Errc::Full));
  ASSERT_THAT(wait(store().clear_log("ForwardedEvents")), IsOk());
  ASSERT_THAT(deliver({large_event(id)}), IsOk());
  EXPECT_THAT(record_ids(), ElementsAre(id));
  EXPECT_EQ(log().status.records, 1u);
}

TEST_F(FullDisk, TakesSmallBatchesWhileLargeOnesFail) {
  limit(1 << 20);
  std::vector<std::future<base::Result<storage::AppendResult>>> answers;
  for (std::uint64_t id = 1; id <= 20; ++id) {
    auto batch = make_batch({id % 2 == 0 ? large_event(id, 2'000'000) : large_event(id, 100)});
    answers.push_back(boost::asio::co_spawn(executor(), store().append(std::move(batch)), boost::asio::use_future));
  }
  for (std::uint64_t id = 1; id <= 20; ++id) {
    const auto result = answers[id - 1].get();
    if (id % 2 == 0) {
      EXPECT_THAT(result, IsError(Errc::Full));
    } else {
      EXPECT_THAT(result, IsOk());
    }
  }
  EXPECT_THAT(record_ids(), ElementsAre(1, 3, 5, 7, 9, 11, 13, 15, 17, 19));
}

TEST_F(FullDisk, RepeatsLogsMadeInARefusedTransaction) {
  limit(1 << 20);
  auto batch = make_batch({large_event(1, 2'000'000)});
  batch.log = "New";
  ASSERT_THAT(deliver(batch), IsError(Errc::Full));
  batch.events = make_events(1, 2);
  ASSERT_THAT(deliver(batch), IsOk());
  EXPECT_THAT(record_ids("New"), ElementsAre(1, 2));
}

TEST_F(FullDisk, GivesTheNumbersOfARefusedTransactionToOthers) {
  limit(1 << 20);
  ASSERT_THAT(deliver({large_event(1, 2'000'000)}), IsError(Errc::Full));
  // Another kind of event, with fewer values.
  const auto other =
      events::Event::parse("<Event><System><Provider Name='x'/><EventID>7</EventID></System></Event>").value();
  ASSERT_THAT(deliver({other}), IsOk());
  ASSERT_THAT(deliver({large_event(1, 100)}), IsOk());
  const auto read = all_of();
  ASSERT_THAT(read, SizeIs(2));
  EXPECT_EQ(read[0].event.xml, other.xml);
  EXPECT_EQ(read[1].event.xml, large_event(1, 100).xml);
}

// The system's own refusal, in a process that may not write more than so much into a file.
TEST(StoreAtTheFileSizeLimit, SaysFullAndGoesOnWhenThereIsRoom) {
  const test_support::TemporaryDirectory directory;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    test_support::Loop loop;
    auto opened = storage::EventStore::open(directory.path(), {});
    if (!opened.ok()) ::_exit(1);
    const auto append = [&](std::uint64_t id, std::size_t bytes) {
      return test_support::run_on(loop.executor(), (*opened)->append(make_batch({large_event(id, bytes)})));
    };
    if (!append(1, 1000).ok()) ::_exit(2);
    const rlimit narrow{1 << 20, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &narrow);
    const auto refused = append(2, 3'000'000);
    if (refused.ok() || refused.error().code != Errc::Full) ::_exit(3);
    const rlimit wide{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &wide);
    const auto again = append(2, 3'000'000);
    if (!again.ok() || again->stored != 1) ::_exit(4);
    test_support::run_on(loop.executor(), (*opened)->stop());
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace storage_test
