#include "storage/free_space.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"

namespace storage_test {
namespace {

using storage::Errc;
using test_support::IsError;
using test_support::IsOk;

class FreeSpace : public ::testing::Test {
 protected:
  storage::FreeSpace make(std::uint64_t minimum) {
    return storage::FreeSpace("/", minimum, clock, [this](const std::filesystem::path&) -> base::Result<std::uint64_t> {
      ++asked;
      if (fails) return base::make_error(std::errc::io_error, "statvfs");
      return left;
    });
  }

  test_support::FakeClock clock;
  std::uint64_t left = 1000u << 20;
  bool fails = false;
  int asked = 0;
};

TEST_F(FreeSpace, RefusesBelowTheMinimumAndTakesUpAgainAboveIt) {
  auto space = make(100u << 20);
  EXPECT_THAT(space.check(), IsOk());
  left = 99u << 20;
  clock.advance(std::chrono::milliseconds(100));
  EXPECT_THAT(space.check(), IsError(Errc::Full));
  left = 200u << 20;
  clock.advance(std::chrono::milliseconds(100));
  EXPECT_THAT(space.check(), IsOk());
}

TEST_F(FreeSpace, WantsALittleMoreThanTheMinimumToGoOn) {
  auto space = make(100u << 20);
  left = 99u << 20;
  EXPECT_THAT(space.check(), IsError(Errc::Full));
  left = 101u << 20;
  clock.advance(std::chrono::milliseconds(100));
  EXPECT_THAT(space.check(), IsError(Errc::Full));
}

TEST_F(FreeSpace, AsksAgainOnlyAfterATimeOrAmount) {
  auto space = make(1);
  for (int i = 0; i < 10; ++i) EXPECT_THAT(space.check(), IsOk());
  EXPECT_EQ(asked, 1);
  space.note(16u << 20);
  EXPECT_THAT(space.check(), IsOk());
  EXPECT_EQ(asked, 2);
}

TEST_F(FreeSpace, WithoutAnAnswerThereIsRoom) {
  auto space = make(100u << 20);
  fails = true;
  EXPECT_THAT(space.check(), IsOk());
}

TEST_F(FreeSpace, WithoutAMinimumNobodyIsAsked) {
  auto space = make(0);
  EXPECT_THAT(space.check(), IsOk());
  EXPECT_EQ(asked, 0);
}

TEST(FreeSpaceOfTheSystem, IsAsked) {
  test_support::FakeClock clock;
  storage::FreeSpace space("/", 1, clock, {});
  EXPECT_THAT(space.check(), IsOk());
  storage::FreeSpace nowhere("/nowhere", 1, clock, {});
  EXPECT_THAT(nowhere.check(), IsOk());
}

}  // namespace
}  // namespace storage_test
