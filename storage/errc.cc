#include "storage/errc.h"

namespace storage {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "storage"; }
  std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::Locked:
        return "the state directory is in use by another process";
      case Errc::TooNew:
        return "written by a later version of Muster";
      case Errc::Full:
        return "no space left";
      case Errc::Corrupt:
        return "damaged, or not a file of Muster";
      case Errc::Io:
        return "reading or writing failed";
      case Errc::NotFound:
        return "no such log";
      case Errc::LogDisabled:
        return "the log is disabled";
      case Errc::Stopped:
        return "the store is being closed";
      case Errc::ReadOnly:
        return "opened to be read";
    }
    return "storage error " + std::to_string(value);
  }
  std::error_condition default_error_condition(int value) const noexcept override {
    // For those who must not know this category.
    if (static_cast<Errc>(value) == Errc::Full) return std::errc::no_space_on_device;
    return {value, *this};
  }
};

}  // namespace

std::error_code make_error_code(Errc code) {
  static const Category category;
  return {static_cast<int>(code), category};
}

}  // namespace storage
