#include "engine/base/result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/matchers.h"

namespace {

using base::Result;
using test_support::IsError;
using test_support::IsOkAndHolds;

Result<int> half(int number) {
  if (number % 2 != 0) return base::make_error(std::errc::invalid_argument, std::to_string(number) + " is odd");
  return number / 2;
}

Result<int> quarter(int number) {
  ASSIGN_OR_RETURN(const int halved, half(number));
  return half(halved);
}

Result<void> check(int number) {
  RETURN_IF_ERROR(half(number));
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_THAT(half(4), IsOkAndHolds(2));
  EXPECT_THAT(half(3), IsError(std::errc::invalid_argument, "3 is odd"));
  EXPECT_EQ(half(3).value_or(7), 7);
}

TEST(Result, MacrosLeaveTheFunctionWithTheError) {
  EXPECT_THAT(quarter(8), IsOkAndHolds(2));
  EXPECT_THAT(quarter(6), IsError(std::errc::invalid_argument, "3 is odd"));
  EXPECT_TRUE(check(2).ok());
  EXPECT_THAT(check(1), IsError(std::errc::invalid_argument));
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 5);
}

TEST(ResultDeathTest, AskingForWhatIsNotThereEndsTheProcess) {
  EXPECT_DEATH(half(3).value(), "holds an error");
  EXPECT_DEATH(static_cast<void>(half(4).error()), "holds a value");
  EXPECT_DEATH(check(1).value(), "holds an error");
}

TEST(Error, MessageAddsTheSystemsTextWhereItSaysSomething) {
  EXPECT_EQ(base::make_error(std::errc::no_such_file_or_directory, "cannot open x").message(),
            "cannot open x: No such file or directory");
  EXPECT_EQ(base::make_error(std::errc::invalid_argument, "x is odd").message(), "x is odd");
  EXPECT_EQ(base::make_error(std::errc::timed_out, "").message(), "Connection timed out");
}

TEST(Error, ContextGoesInFrontAndTheCodeStays) {
  const base::Error error = base::with_context(base::make_error(std::errc::timed_out, "no answer"), "collector");
  EXPECT_EQ(error.what, "collector: no answer");
  EXPECT_EQ(error.code, std::errc::timed_out);
}

}  // namespace
