#include "engine/auth/failure_limit.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace auth {
namespace {

using namespace std::chrono_literals;

class FailureLimitTest : public ::testing::Test {
 protected:
  bool take(const std::string& key) { return limit_.take(key, clock_.steady()); }

  test_support::FakeClock clock_;
  FailureLimit limit_{3, 2, 10s};
};

TEST_F(FailureLimitTest, LetsSoManyThroughAtOnce) {
  EXPECT_TRUE(take("a"));
  EXPECT_TRUE(take("a"));
  EXPECT_FALSE(take("a"));
  EXPECT_TRUE(take("b"));
}

TEST_F(FailureLimitTest, LetsOneMoreThroughForEachPause) {
  take("a");
  take("a");
  clock_.advance(10s);
  EXPECT_TRUE(take("a"));
  EXPECT_FALSE(take("a"));
  clock_.advance(1h);
  EXPECT_TRUE(take("a"));
  EXPECT_TRUE(take("a"));
  EXPECT_FALSE(take("a"));
}

TEST_F(FailureLimitTest, ForgetsWhatIsGivenBack) {
  take("a");
  take("a");
  limit_.give_back("a");
  EXPECT_TRUE(limit_.has("a", clock_.steady()));
  EXPECT_TRUE(take("a"));
  EXPECT_FALSE(limit_.has("a", clock_.steady()));
}

TEST_F(FailureLimitTest, DropsWhoHasUsedLeastWhereItIsFull) {
  take("guesser");
  take("guesser");
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(take("host" + std::to_string(i)));
  EXPECT_EQ(limit_.size(), 3u);
  EXPECT_FALSE(take("guesser"));
}

}  // namespace
}  // namespace auth
