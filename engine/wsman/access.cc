#include "engine/wsman/access.h"

#include <algorithm>
#include <array>

#include "engine/wsman/names.h"

namespace wsman {

Right right_of(std::string_view action, bool shell) {
  if (shell) return Right::Execute;
  static constexpr std::array kReading{action::kGet,       action::kEnumerate, action::kPull,      action::kRelease,
                                       action::kSubscribe, action::kRenew,     action::kGetStatus, action::kUnsubscribe};
  static constexpr std::array kWriting{action::kPut, action::kCreate, action::kDelete};
  if (std::ranges::find(kReading, action) != kReading.end()) return Right::Read;
  if (std::ranges::find(kWriting, action) != kWriting.end()) return Right::Write;
  return Right::Execute;
}

}  // namespace wsman
