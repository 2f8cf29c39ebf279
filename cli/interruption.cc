#include "cli/interruption.h"

#include <atomic>

#include "engine/base/win32.h"

namespace cli {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM};
std::atomic<bool> came = false;
static_assert(std::atomic<bool>::is_always_lock_free);
int nested = 0;

void remember(int) {
  came = true;
}

}  // namespace

Interruption::Interruption() {
  if (nested++ == 0) came = false;
  struct sigaction action {};
  action.sa_handler = remember;
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &before_[i]);
}

Interruption::~Interruption() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
  --nested;
}

bool Interruption::requested() const {
  return came;
}

base::Error Interruption::error() {
  return base::make_error(base::Win32::Cancelled, "");
}

}  // namespace cli
