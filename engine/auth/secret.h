// A password on its way through memory.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace auth {

/// Overwrites the bytes of `text` in a way that no compiler leaves out, and empties it.
void wipe(std::string& text);

/// Bytes that are overwritten when it goes. Moved, never copied.
class Secret {
 public:
  Secret() = default;
  /// Copies `text`, which is the caller's to wipe.
  explicit Secret(std::string_view text) : bytes_(text.begin(), text.end()) {}
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }
  bool empty() const { return bytes_.empty(); }

 private:
  void wipe();

  std::vector<char> bytes_;  // not a string: a short one would leave a copy behind when it is moved
};

}  // namespace auth
