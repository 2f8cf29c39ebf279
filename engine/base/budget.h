// How much one step of work may produce.

#pragma once

#include <cstddef>
#include <limits>

#include "engine/base/clock.h"

namespace base {

/// The bounds of one batch: MaxElements, MaxEnvelopeSize and MaxTime in one value.
struct Budget {
  std::size_t items = std::numeric_limits<std::size_t>::max();
  /// Octets of XML text, UTF-8.
  std::size_t bytes = std::numeric_limits<std::size_t>::max();
  SteadyTime until = SteadyTime::max();
};

}  // namespace base
