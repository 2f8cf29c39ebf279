#include "storage/admission.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <optional>
#include <vector>

#include "tests/support/run.h"

namespace storage_test {
namespace {

class Admission : public ::testing::Test {
 protected:
  std::future<storage::Admission::Place> enter(std::size_t bytes) {
    return boost::asio::co_spawn(loop.executor(), admission->enter(bytes), boost::asio::use_future);
  }
  static bool waits(std::future<storage::Admission::Place>& place) {
    return place.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout;
  }

  test_support::Loop loop;
  std::shared_ptr<storage::Admission> admission = std::make_shared<storage::Admission>(100);
};

TEST_F(Admission, LetsInAsMuchAsTheLimitAndThenInOrder) {
  std::optional first = enter(60).get();
  std::optional second = enter(40).get();
  auto third = enter(30);
  auto fourth = enter(1);
  EXPECT_TRUE(waits(third));
  second.reset();
  auto third_inside = third.get();
  EXPECT_TRUE(third_inside);
  EXPECT_TRUE(fourth.get());
}

TEST_F(Admission, NobodyOvertakesWhoWaits) {
  std::optional first = enter(100).get();
  auto large = enter(90);
  auto small = enter(1);
  EXPECT_TRUE(waits(large));
  EXPECT_TRUE(waits(small));
  first.reset();
  EXPECT_TRUE(large.get());
  EXPECT_TRUE(small.get());
}

TEST_F(Admission, WhatIsLargerThanTheLimitGoesInAlone) {
  std::optional huge = enter(1000).get();
  EXPECT_TRUE(*huge);
  auto other = enter(1);
  EXPECT_TRUE(waits(other));
  huge.reset();
  EXPECT_TRUE(other.get());
}

TEST_F(Admission, HeldLetsNobodyIn) {
  admission->hold(true);
  auto place = enter(1);
  EXPECT_TRUE(waits(place));
  admission->hold(false);
  EXPECT_TRUE(place.get());
}

TEST_F(Admission, ClosedSendsEverybodyAway) {
  const auto inside = enter(100).get();
  auto waiting = enter(1);
  EXPECT_TRUE(waits(waiting));
  admission->close();
  EXPECT_FALSE(waiting.get());
  EXPECT_FALSE(enter(1).get());
}

TEST_F(Admission, PlaceMayOutliveItsOwner) {
  auto place = enter(1).get();
  admission.reset();
  EXPECT_TRUE(place);
}

}  // namespace
}  // namespace storage_test
