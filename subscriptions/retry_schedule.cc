#include "subscriptions/retry_schedule.h"

#include <algorithm>
#include <array>

namespace subscriptions {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<milliseconds, 3> kHurried{seconds(1), seconds(5), seconds(15)};
constexpr std::array<milliseconds, 4> kPauses{minutes(1), minutes(5), minutes(15), minutes(60)};

milliseconds jittered(milliseconds pause, double chance) {
  return milliseconds(static_cast<milliseconds::rep>(static_cast<double>(pause.count()) * (0.9 + 0.2 * chance)));
}

}  // namespace

milliseconds RetrySchedule::next(double chance, bool refused) {
  if (!refused && hurried_ < kHurried.size()) return jittered(kHurried.at(hurried_++), chance);
  const milliseconds pause = kPauses.at(std::min(failures_, kPauses.size() - 1));
  if (failures_ <= kRound) ++failures_;
  return jittered(pause, chance);
}

void RetrySchedule::accepted(base::SteadyTime now) {
  if (accepted_ && now - *accepted_ < minutes(10)) return;
  accepted_ = now;
  hurried_ = 0;
}

void RetrySchedule::worked() {
  hurried_ = 0;
  failures_ = 0;
}

void RetrySchedule::reset() {
  failures_ = 0;
}

}  // namespace subscriptions
