// Requests as text, and matchers for the faults that answer them.

#pragma once

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/wsman/fault.h"

namespace wsman {

/// What a failing test prints.
template <typename T>
void PrintTo(const Result<T>& result, std::ostream* out) {
  if (result.ok()) {
    *out << "a value";
  } else {
    *out << "the fault " << row_of(result.error().code).subcode << " " << windows_code_of(result.error()) << " ("
         << result.error().reason << ")";
  }
}

}  // namespace wsman

namespace test_support {

/// A failed wsman::Result with this fault code.
inline auto IsFault(wsman::FaultCode code) {
  return ::testing::Truly([code](const auto& result) { return !result.ok() && result.error().code == code; });
}
/// The code, and a part of the reason.
inline auto IsFault(wsman::FaultCode code, std::string text) {
  return ::testing::Truly([code, text](const auto& result) {
    return !result.ok() && result.error().code == code && result.error().reason.find(text) != std::string::npos;
  });
}

/// The text of a request, block by block: what a test changes is a block that it replaces or leaves out.
class RequestText {
 public:
  /// With the blocks that every request needs.
  explicit RequestText(std::string_view action);

  /// Puts `xml` in the place of the block named `name` ("a:To"); an empty one leaves the block out. New blocks are appended.
  RequestText& block(std::string_view name, std::string_view xml);
  RequestText& resource(std::string_view uri);
  RequestText& body(std::string_view xml);
  std::string text() const;

  static constexpr std::string_view kMessageId = "uuid:0F4D2C9A-1111-4A5B-8C3D-000000000001";

 private:
  struct Block {
    std::string name;
    std::string xml;
  };
  std::vector<Block> blocks_;
  std::string body_;
};

}  // namespace test_support
