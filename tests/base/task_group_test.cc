// How tasks end that do not make it easy, and calls that carry what can only be moved.

#include "engine/base/task_group.h"

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "engine/base/blocking.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"

namespace base {
namespace {

using namespace std::chrono_literals;
using test_support::eventually;
using test_support::Loop;
using test_support::run;
using test_support::run_on;

/// Shared with tasks that may outlive a statement of the test.
struct Traces {
  std::atomic<int> started = 0;
  std::atomic<int> ended = 0;
};

/// Counts its end however it comes.
struct EndTrace {
  std::atomic<int>& ended;
  ~EndTrace() { ++ended; }
};

Task<void> wait_a_day(Traces& traces) {
  const EndTrace trace{traces.ended};
  ++traces.started;
  asio::steady_timer timer(co_await asio::this_coro::executor, 24h);
  co_await timer.async_wait(asio::use_awaitable);
}

/// Hears only the terminal form of cancellation.
Task<void> wait_stubbornly(Traces& traces) {
  const EndTrace trace{traces.ended};
  co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
  ++traces.started;
  asio::steady_timer timer(co_await asio::this_coro::executor, 24h);
  co_await timer.async_wait(asio::use_awaitable);
}

/// Ends a wait that makes nothing of cancellation and only then asks.
Task<void> sleep_again_and_again(Traces& traces) {
  const EndTrace trace{traces.ended};
  ++traces.started;
  for (;;) {
    co_await system_clock().sleep_for(24h);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
  }
}

TEST(TaskGroup, StopEndsTasksThatHaveNotBegun) {
  Loop loop;
  Traces traces;
  TaskGroup group(loop.executor());
  for (int i = 0; i < 100; ++i) group.spawn("waiting", wait_a_day(traces));
  run_on(loop.executor(), group.stop());
  EXPECT_EQ(group.size(), 0u);
  EXPECT_EQ(traces.started, traces.ended);
}

TEST(TaskGroup, StopForcesThoseThatDoNotHearThePoliteForm) {
  Loop loop;
  Traces traces;
  TaskGroup group(loop.executor());
  group.spawn("stubborn", wait_stubbornly(traces));
  ASSERT_TRUE(eventually([&] { return traces.started == 1; }));
  const auto before = std::chrono::steady_clock::now();
  run_on(loop.executor(), group.stop(50ms));
  EXPECT_GE(std::chrono::steady_clock::now() - before, 50ms);
  EXPECT_EQ(traces.ended, 1);
}

TEST(TaskGroup, StopReachesATaskThatSleepsAndAsksAfterwards) {
  Loop loop;
  Traces traces;
  TaskGroup group(loop.executor());
  group.spawn("sleeper", sleep_again_and_again(traces));
  ASSERT_TRUE(eventually([&] { return traces.started == 1; }));
  run_on(loop.executor(), group.stop());
  EXPECT_EQ(traces.ended, 1);
}

TEST(TaskGroup, StopTwiceIsHarmless) {
  Loop loop;
  Traces traces;
  TaskGroup group(loop.executor());
  group.spawn("waiting", wait_a_day(traces));
  run_on(loop.executor(), group.stop());
  run_on(loop.executor(), group.stop());
  EXPECT_EQ(group.size(), 0u);
}

Task<void> stop_children_then_wait(TaskGroup& children, Traces& traces) {
  co_await children.stop();
  co_await wait_a_day(traces);
}

TEST(TaskGroup, ACallerOfStopCanStillBeCancelled) {
  Loop loop;
  Traces traces;
  TaskGroup children(loop.executor());
  TaskGroup parents(loop.executor());
  children.spawn("waiting", wait_a_day(traces));
  parents.spawn("parent", stop_children_then_wait(children, traces));
  ASSERT_TRUE(eventually([&] { return traces.ended == 1 && traces.started >= 1 && children.size() == 0; }));
  run_on(loop.executor(), parents.stop());
  EXPECT_EQ(parents.size(), 0u);
}

TEST(TaskGroup, StopSeesItsChildrenEndWhileItsCallerIsCancelled) {
  Loop loop;
  Traces children_traces;
  Traces traces;
  TaskGroup children(loop.executor());
  TaskGroup parents(loop.executor());
  children.spawn("stubborn", wait_stubbornly(children_traces));
  ASSERT_TRUE(eventually([&] { return children_traces.started == 1; }));
  parents.spawn("parent", stop_children_then_wait(children, traces));
  run_on(loop.executor(), parents.stop(1ms));
  EXPECT_EQ(children_traces.ended, 1);
  EXPECT_EQ(traces.started, traces.ended);
}

TEST(TaskGroup, CancellationIsNoErrorInTheLog) {
  Loop loop;
  std::atomic<int> lines = 0;
  set_log_sink([&](LogLevel, std::string_view) { ++lines; });
  Traces traces;
  TaskGroup group(loop.executor());
  group.spawn("waiting", wait_a_day(traces));
  ASSERT_TRUE(eventually([&] { return traces.started == 1; }));
  run_on(loop.executor(), group.stop());
  set_log_sink(nullptr);
  EXPECT_EQ(lines, 0);
}

Task<std::string> carry_what_only_moves(BlockingPool& pool) {
  auto number = std::make_unique<int>(7);
  std::string text(100, 'x');
  auto call = [number = std::move(number), text]() mutable { return std::pair(std::move(number), text + "!"); };
  const auto back = co_await pool.run(call);
  co_return std::to_string(*back.first) + back.second;
}

TEST(BlockingPool, ANamedCallMayOwnThings) {
  BlockingPool pool(1);
  EXPECT_EQ(run(carry_what_only_moves(pool)), "7" + std::string(100, 'x') + "!");
}

template <typename Function>
constexpr bool takes_temporary = requires(BlockingPool& pool, Function function) {
  pool.run(std::move(function));
};

TEST(BlockingPool, ATemporaryThatOwnsThingsDoesNotCompile) {
  auto plain = [] { return 1; };
  auto owner = [text = std::string()] { return text; };
  EXPECT_TRUE(takes_temporary<decltype(plain)>);
  EXPECT_FALSE(takes_temporary<decltype(owner)>);
}

Task<void> count_in_pool(BlockingPool& pool, std::atomic<int>& count) {
  co_await pool.run([&count] { ++count; });
}

TEST(BlockingPool, ManyCallsAllComeBack) {
  Loop loop;
  BlockingPool pool(3);
  std::atomic<int> count = 0;
  TaskGroup group(loop.executor());
  for (int i = 0; i < 200; ++i) group.spawn("call", count_in_pool(pool, count));
  EXPECT_TRUE(eventually([&] { return group.size() == 0; }));
  EXPECT_EQ(count, 200);
}

}  // namespace
}  // namespace base
