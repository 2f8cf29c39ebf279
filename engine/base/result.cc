#include "engine/base/result.h"

#include <cerrno>

namespace base {

std::string Error::message() const {
  if (!code) return what;
  const std::string text = code.message();
  if (what.empty()) return text;
  // "Invalid argument" tells nobody anything that `what` does not.
  if (code == std::errc::invalid_argument) return what;
  if (what.find(text) != std::string::npos) return what;
  return what + (what.ends_with('.') ? " " : ": ") + text;
}

Error make_error(std::error_code code, std::string what) {
  return Error{code, std::move(what)};
}

Error errno_error(std::string what) {
  return Error{std::error_code(errno, std::generic_category()), std::move(what)};
}

Error with_context(Error error, const std::string& context) {
  error.what = error.what.empty() ? context : context + ": " + error.what;
  return error;
}

}  // namespace base
