// Matchers for base::Result. There is no "is an error" on purpose: a test says which.

#pragma once

#include <gmock/gmock.h>

#include <ostream>
#include <type_traits>

#include "engine/base/result.h"

namespace base {

/// What a failing test prints.
template <typename T>
void PrintTo(const Result<T, Error>& result, std::ostream* out) {
  if (result.ok()) {
    *out << "a value";
  } else {
    *out << "the error " << result.error().code << " (" << result.error().message() << ")";
  }
}

}  // namespace base

namespace test_support {

MATCHER(IsOk, "is a success") {
  return arg.ok();
}

MATCHER_P(IsOkAndHolds, inner,
          "holds a value that " +
              ::testing::DescribeMatcher<typename std::remove_cvref_t<arg_type>::value_type>(inner, negation)) {
  if (!arg.ok()) return false;
  return ::testing::ExplainMatchResult(inner, *arg, result_listener);
}

/// IsError(storage::Errc::TooNew), IsError(std::errc::timed_out)
template <typename Code>
auto IsError(Code code) {
  return ::testing::Truly([code](const auto& result) { return !result.ok() && result.error().code == code; });
}

/// The code, and a part of the text for people.
template <typename Code>
auto IsError(Code code, std::string text) {
  return ::testing::Truly([code, text](const auto& result) {
    return !result.ok() && result.error().code == code && result.error().message().find(text) != std::string::npos;
  });
}

}  // namespace test_support
