// What starts, waits for and ends coroutines: TaskGroup, BlockingPool, within(), and the clock that tests own.

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>

#include "engine/base/blocking.h"
#include "engine/base/deadline.h"
#include "engine/base/task_group.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"

namespace {

using namespace std::chrono_literals;
using base::Task;
using base::TaskGroup;
using test_support::eventually;
using test_support::IsError;
using test_support::IsOkAndHolds;
using test_support::Loop;
using test_support::run;
using test_support::run_on;

struct Ends {
  explicit Ends(std::atomic<int>& c) : count(c) {}
  ~Ends() { ++count; }
  std::atomic<int>& count;
};

Task<void> sleep_then_count(base::Clock& clock, std::atomic<int>& begun, std::atomic<int>& ended) {
  const Ends at_end(ended);
  ++begun;
  co_await clock.sleep_for(24h);
}

Task<void> count_until_cancelled(std::atomic<int>& begun, std::atomic<int>& ended) {
  const Ends at_end(ended);
  ++begun;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, 24h);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

TEST(TaskGroup, StopCancelsEveryTaskAndWaitsForIt) {
  Loop loop;
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  TaskGroup tasks(loop.executor());
  for (int i = 0; i < 10; ++i) tasks.spawn("waiting", count_until_cancelled(begun, ended));
  ASSERT_TRUE(eventually([&] { return begun == 10; }));
  EXPECT_EQ(tasks.size(), 10u);
  run_on(loop.executor(), tasks.stop());
  EXPECT_EQ(ended, 10);
  EXPECT_EQ(tasks.size(), 0u);
}

TEST(TaskGroup, ATaskThatEndsByItselfLeavesTheGroup) {
  Loop loop;
  TaskGroup tasks(loop.executor());
  tasks.spawn("short", [](int) -> Task<void> { co_return; }(1));
  EXPECT_TRUE(eventually([&] { return tasks.size() == 0; }));
  run_on(loop.executor(), tasks.stop());
}

TEST(TaskGroup, ATaskSpawnedAfterStopIsDropped) {
  Loop loop;
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  TaskGroup tasks(loop.executor());
  run_on(loop.executor(), tasks.stop());
  tasks.spawn("late", count_until_cancelled(begun, ended));
  EXPECT_EQ(tasks.size(), 0u);
  EXPECT_EQ(begun, 0);
}

TEST(TaskGroup, AnExceptionEndsItsTaskAndNoOther) {
  Loop loop;
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  TaskGroup tasks(loop.executor());
  tasks.spawn("other", count_until_cancelled(begun, ended));
  tasks.spawn("throws", [](int) -> Task<void> {
    co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    throw std::runtime_error("a bug");
  }(1));
  EXPECT_TRUE(eventually([&] { return tasks.size() == 1 && begun == 1; }));
  EXPECT_EQ(ended, 0);
  run_on(loop.executor(), tasks.stop());
}

TEST(TaskGroupDeathTest, DestroyedWithTasksItEndsTheProcess) {
  EXPECT_DEATH(
      {
        Loop loop;
        std::atomic<int> begun = 0;
        std::atomic<int> ended = 0;
        TaskGroup tasks(loop.executor());
        tasks.spawn("waiting", count_until_cancelled(begun, ended));
      },
      "stop\\(\\) was not awaited");
}

TEST(BlockingPool, RunsElsewhereAndResumesOnTheCallersExecutor) {
  base::BlockingPool pool(1);
  const auto ids = run([](base::BlockingPool& to) -> Task<std::array<std::thread::id, 3>> {
    const auto before = std::this_thread::get_id();
    const auto inside = co_await to.run([] { return std::this_thread::get_id(); });
    co_return std::array{before, inside, std::this_thread::get_id()};
  }(pool));
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_EQ(ids[0], ids[2]);
}

TEST(BlockingPool, ACallIsWaitedForEvenWhenItsCoroutineIsCancelled) {
  base::BlockingPool pool(1);
  Loop loop;
  std::atomic<bool> in_call = false;
  std::atomic<bool> release = false;
  std::atomic<bool> done = false;
  TaskGroup tasks(loop.executor());
  tasks.spawn(
      "blocking",
      [](base::BlockingPool& to, std::atomic<bool>& in, std::atomic<bool>& go, std::atomic<bool>& end) -> Task<void> {
        co_await to.run([&] {
          in = true;
          while (!go) std::this_thread::yield();
          end = true;
        });
      }(pool, in_call, release, done));
  ASSERT_TRUE(eventually([&] { return in_call.load(); }));
  std::thread later([&] { release = true; });
  run_on(loop.executor(), tasks.stop());
  EXPECT_TRUE(done);
  later.join();
}

TEST(Within, GivesTheTasksOwnAnswerWhereItComesInTime) {
  EXPECT_THAT(run(base::within(24h, "late", [](int value) -> base::AsyncResult<int> { co_return value; }(5))),
              IsOkAndHolds(5));
}

TEST(Within, CancelsATaskThatTakesTooLong) {
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  const auto outcome = run(
      base::within(1ms, "the peer does not answer", [](std::atomic<int>& b, std::atomic<int>& e) -> base::AsyncResult<void> {
        co_await count_until_cancelled(b, e);
        co_return base::Result<void>();
      }(begun, ended)));
  EXPECT_THAT(outcome, IsError(std::errc::timed_out, "the peer does not answer"));
  EXPECT_EQ(ended, 1);
}

TEST(Within, PassesOnThePoliteCancellationOfItsGroup) {
  Loop loop;
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  TaskGroup tasks(loop.executor());
  tasks.spawn("limited", [](std::atomic<int>& b, std::atomic<int>& e) -> Task<void> {
    (void)co_await base::within(24h, "late", [](std::atomic<int>& b2, std::atomic<int>& e2) -> base::AsyncResult<void> {
      co_await count_until_cancelled(b2, e2);
      co_return base::Result<void>();
    }(b, e));
  }(begun, ended));
  ASSERT_TRUE(eventually([&] { return begun == 1; }));
  run_on(loop.executor(), tasks.stop(1h));  // so that only the polite form can end it in time
  EXPECT_EQ(ended, 1);
}

TEST(FakeClock, WakesWhoseTimeHasComeAndLetsTheOthersSleep) {
  Loop loop;
  test_support::FakeClock clock;
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  TaskGroup tasks(loop.executor());
  tasks.spawn("sleeping", sleep_then_count(clock, begun, ended));
  ASSERT_TRUE(eventually([&] { return clock.sleepers() == 1; }));
  clock.advance(23h);
  EXPECT_EQ(clock.sleepers(), 1u);
  clock.advance(1h);
  EXPECT_TRUE(eventually([&] { return ended == 1; }));
  run_on(loop.executor(), tasks.stop());
}

TEST(Clock, ASleeperEndsWhenItIsCancelled) {
  Loop loop;
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  TaskGroup tasks(loop.executor());
  tasks.spawn("sleeping", sleep_then_count(base::system_clock(), begun, ended));
  ASSERT_TRUE(eventually([&] { return begun == 1; }));
  run_on(loop.executor(), tasks.stop());
  EXPECT_EQ(ended, 1);
}

}  // namespace
