#include "engine/wsman/byte_budget.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <future>

#include "tests/support/run.h"

namespace wsman {
namespace {

using namespace std::chrono_literals;
using test_support::eventually;
using test_support::Loop;
using test_support::run_on;

using Share = std::shared_ptr<void>;

std::future<Share> wait_for(ByteBudget& budget, Loop& loop, std::size_t bytes) {
  return boost::asio::co_spawn(loop.executor(), budget.take(bytes, 60s), boost::asio::use_future);
}

TEST(ByteBudget, SharesComeBack) {
  Loop loop;
  ByteBudget budget(100);
  auto share = run_on(loop.executor(), budget.take(60, 1s));
  EXPECT_TRUE(share);
  EXPECT_EQ(budget.available(), 40u);
  share.reset();
  EXPECT_EQ(budget.available(), 100u);
}

TEST(ByteBudget, LateComersWaitInOrder) {
  Loop loop;
  ByteBudget budget(100);
  auto first = run_on(loop.executor(), budget.take(80, 1s));
  auto large = wait_for(budget, loop, 90);
  ASSERT_TRUE(eventually([&] { return budget.waiting() == 1; }));
  // It would fit, but it is not its turn.
  auto small = wait_for(budget, loop, 10);
  ASSERT_TRUE(eventually([&] { return budget.waiting() == 2; }));
  first.reset();
  EXPECT_TRUE(large.get());
  EXPECT_TRUE(small.get());
}

TEST(ByteBudget, WaitIsLimited) {
  Loop loop;
  ByteBudget budget(100);
  auto all = run_on(loop.executor(), budget.take(100, 1s));
  EXPECT_FALSE(run_on(loop.executor(), budget.take(1, 10ms)));
  EXPECT_EQ(budget.waiting(), 0u);
  all.reset();
  EXPECT_EQ(budget.available(), 100u);
}

TEST(ByteBudget, GrownServesWhoWaits) {
  Loop loop;
  ByteBudget budget(1);
  auto first = run_on(loop.executor(), budget.take(1, 1s));
  auto second = wait_for(budget, loop, 1);
  ASSERT_TRUE(eventually([&] { return budget.waiting() == 1; }));
  budget.resize(2);
  EXPECT_TRUE(second.get());
  EXPECT_EQ(budget.available(), 1u);
}

TEST(ByteBudget, ShrunkKeepsWhatComesBackUntilItsTotalIsRight) {
  Loop loop;
  ByteBudget budget(3);
  auto first = run_on(loop.executor(), budget.take(1, 1s));
  auto second = run_on(loop.executor(), budget.take(1, 1s));
  auto third = run_on(loop.executor(), budget.take(1, 1s));
  budget.resize(1);
  first.reset();
  second.reset();
  EXPECT_EQ(budget.available(), 0u);
  third.reset();
  EXPECT_EQ(budget.available(), 1u);
  budget.resize(5);
  EXPECT_EQ(budget.available(), 5u);
}

TEST(ByteBudget, WhoWaitsForMoreThanThereIsLeftGetsAll) {
  Loop loop;
  ByteBudget budget(10);
  auto first = run_on(loop.executor(), budget.take(10, 1s));
  auto second = wait_for(budget, loop, 8);
  ASSERT_TRUE(eventually([&] { return budget.waiting() == 1; }));
  budget.resize(4);
  first.reset();
  auto share = second.get();
  EXPECT_TRUE(share);
  EXPECT_EQ(budget.available(), 0u);
  share.reset();
  EXPECT_EQ(budget.available(), 4u);
}

TEST(ByteBudget, MoreThanAllIsAll) {
  Loop loop;
  ByteBudget budget(100);
  EXPECT_TRUE(run_on(loop.executor(), budget.take(1000, 1s)));
  EXPECT_EQ(budget.available(), 100u);
}

TEST(ByteBudget, CancelledWaiterLeavesTheQueue) {
  Loop loop;
  ByteBudget budget(100);
  auto all = run_on(loop.executor(), budget.take(100, 1s));
  boost::asio::cancellation_signal signal;
  std::promise<void> ended;
  boost::asio::co_spawn(
      loop.executor(), budget.take(50, 60s),
      boost::asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr, Share) { ended.set_value(); }));
  ASSERT_TRUE(eventually([&] { return budget.waiting() == 1; }));
  boost::asio::post(loop.executor(), [&] { signal.emit(boost::asio::cancellation_type::terminal); });
  ended.get_future().wait();
  EXPECT_EQ(budget.waiting(), 0u);
  all.reset();
  EXPECT_EQ(budget.available(), 100u);
}

TEST(ByteBudget, SharesOutliveIt) {
  Loop loop;
  auto budget = std::make_unique<ByteBudget>(100);
  auto share = run_on(loop.executor(), budget->take(10, 1s));
  budget.reset();
  share.reset();
}

}  // namespace
}  // namespace wsman
