// How often somebody may be wrong.

#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>

#include "engine/base/clock.h"

namespace auth {

/// For each of a bounded number of keys: so many attempts at once, and one more for each pause. Where there is no room for
/// another key, the one that has used least gives way. One thread.
class FailureLimit {
 public:
  FailureLimit(std::size_t keys, unsigned at_once, std::chrono::nanoseconds pause)
      : keys_(keys), most_(pause * at_once), pause_(pause) {}

  /// Takes one attempt; false where none is left.
  bool take(const std::string& key, base::SteadyTime now);
  /// Whether one could be taken.
  bool has(const std::string& key, base::SteadyTime now) const;
  /// The attempt was none that counts.
  void give_back(const std::string& key);

  std::size_t size() const { return used_until_.size(); }

 private:
  void make_room(base::SteadyTime now);

  const std::size_t keys_;
  const std::chrono::nanoseconds most_;
  const std::chrono::nanoseconds pause_;
  /// When everything that the key has used will have come back.
  std::unordered_map<std::string, base::SteadyTime> used_until_;
};

}  // namespace auth
