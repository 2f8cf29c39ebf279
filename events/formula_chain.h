// Parts of a formula that are joined as they are found.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "events/formula.h"

namespace events {

/// An `or` (where `decisive` is true) or `and` in the making. A part that is open makes the whole open, unless another part
/// decides it. Leaves nothing in the formula where the whole is open or a constant.
class FormulaChain {
 public:
  FormulaChain(Formula& formula, bool decisive) : formula_(formula), decisive_(decisive), mark_(formula.mark()) {}

  /// Nothing is an open part. True where the whole is decided: no further part matters.
  bool add(std::optional<std::uint32_t> part) {
    if (!part) {
      open_ = true;
    } else if (*part == Formula::kTrue || *part == Formula::kFalse) {
      decided_ = decided_ || (*part == Formula::kTrue) == decisive_;
    } else {
      parts_.push_back(*part);
    }
    return decided_;
  }

  std::optional<std::uint32_t> finish() {
    if (decided_ || open_ || parts_.empty()) formula_.rewind(mark_);
    if (decided_) return formula_.add_constant(decisive_);
    if (open_) return std::nullopt;
    if (parts_.empty()) return formula_.add_constant(!decisive_);
    return decisive_ ? formula_.add_or(parts_) : formula_.add_and(parts_);
  }

 private:
  Formula& formula_;
  const bool decisive_;
  const Formula::Mark mark_;
  std::vector<std::uint32_t> parts_;
  bool open_ = false;
  bool decided_ = false;
};

}  // namespace events
