// What lets operations in, beside access control: whether a resource is served, which of its operations, how many at one
// time.

#pragma once

#include <memory>
#include <string_view>

#include "engine/wsman/resource.h"

namespace wsman {

/// A place among the operations that may be at work at one time, given back when it goes.
using Place = std::shared_ptr<void>;

/// Thread-safe.
class Admission {
 public:
  virtual ~Admission() = default;
  /// Asked for each request to a resource, once the sender may use it. The dispatcher keeps the place as long as the
  /// operation is at work, and what it opens (an enumeration, a subscription) as long as that is open. An empty place where
  /// nothing is counted. Must not block.
  virtual Result<Place> admit(const Call& call) = 0;
};

}  // namespace wsman
