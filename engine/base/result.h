// A value or the reason why there is none: how every fallible function of Muster answers.

#pragma once

#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "engine/base/die.h"

namespace base {

/// What went wrong. `code` is there to branch on, `what` is there for a person and names the object concerned.
struct Error {
  std::error_code code;
  std::string what;

  /// The text for people: `what`, then the code's own message where it adds something.
  std::string message() const;
};

/// Builds an Error from an enumerator registered with std::is_error_code_enum, or from std::errc.
template <typename Code>
Error make_error(Code code, std::string what) {
  return Error{make_error_code(code), std::move(what)};
}
Error make_error(std::error_code code, std::string what);

/// The calling thread's errno as an Error; `what` says what was attempted and on which object.
Error errno_error(std::string what);

/// Puts `context` and a colon in front of the error's text; the code stays.
Error with_context(Error error, const std::string& context);

/// Holds a `T` or an `E` (by default base::Error). Asking for what it does not hold ends the process: that is a bug.
template <typename T, typename E = Error>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = E;

  /// Only so that co_spawn can name a result before there is one; holds an empty error.
  Result() : state_(std::in_place_index<1>) {}

  template <typename U = T>
  requires(std::is_constructible_v<T, U&&> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, E>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}        // NOLINT: implicit on purpose
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return checked_value(); }
  const T& value() const& { return const_cast<Result*>(this)->checked_value(); }
  T&& value() && { return std::move(checked_value()); }
  T& operator*() & { return checked_value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked_value()); }
  T* operator->() { return &checked_value(); }
  const T* operator->() const { return &value(); }

  const E& error() const& {
    if (ok()) die("Result::error() of a result that holds a value");
    return *std::get_if<1>(&state_);
  }
  E&& error() && {
    if (ok()) die("Result::error() of a result that holds a value");
    return std::move(*std::get_if<1>(&state_));
  }

  template <typename U>
  T value_or(U&& other) const& {
    return ok() ? *std::get_if<0>(&state_) : static_cast<T>(std::forward<U>(other));
  }

 private:
  T& checked_value() {
    if (!ok()) die("Result::value() of a result that holds an error");
    return *std::get_if<0>(&state_);
  }

  std::variant<T, E> state_;
};

/// Success without a value, or an error.
template <typename E>
class [[nodiscard]] Result<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  Result() = default;
  Result(E error) : error_(std::move(error)), failed_(true) {}  // NOLINT: implicit on purpose

  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  void value() const {
    if (failed_) die("Result::value() of a result that holds an error");
  }
  const E& error() const& {
    if (!failed_) die("Result::error() of a result that holds a value");
    return error_;
  }
  E&& error() && {
    if (!failed_) die("Result::error() of a result that holds a value");
    return std::move(error_);
  }

 private:
  E error_{};
  bool failed_ = false;
};

}  // namespace base

#define MUSTER_CONCAT_INNER(a, b) a##b
#define MUSTER_CONCAT(a, b) MUSTER_CONCAT_INNER(a, b)
#define MUSTER_ASSIGN_OR(temporary, declaration, expression, leave) \
  auto temporary = (expression);                                    \
  if (!temporary.ok()) leave std::move(temporary).error();          \
  declaration = std::move(temporary).value()

/// ASSIGN_OR_RETURN(auto row, find(key)); leaves the function with the error where there is one.
#define ASSIGN_OR_RETURN(declaration, expression) \
  MUSTER_ASSIGN_OR(MUSTER_CONCAT(result_, __COUNTER__), declaration, expression, return )
/// The same inside a coroutine.
#define ASSIGN_OR_CO_RETURN(declaration, expression) \
  MUSTER_ASSIGN_OR(MUSTER_CONCAT(result_, __COUNTER__), declaration, expression, co_return )

/// RETURN_IF_ERROR(commit()); leaves the function with the error where there is one.
#define RETURN_IF_ERROR(expression)                                                 \
  do {                                                                              \
    auto result_of_expression = (expression);                                       \
    if (!result_of_expression.ok()) return std::move(result_of_expression).error(); \
  } while (false)
/// The same inside a coroutine.
#define CO_RETURN_IF_ERROR(expression)                                                 \
  do {                                                                                 \
    auto result_of_expression = (expression);                                          \
    if (!result_of_expression.ok()) co_return std::move(result_of_expression).error(); \
  } while (false)
