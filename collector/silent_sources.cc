#include "collector/silent_sources.h"

#include "engine/base/log.h"

namespace collector {
namespace {

constexpr std::chrono::hours kFoundSilentFor{24};
constexpr std::chrono::hours kBetweenPasses{1};

}  // namespace

SilentSources::SilentSources(subscriptions::Manager& manager, std::chrono::nanoseconds after, base::Clock& clock)
    : manager_(manager), after_(after), clock_(clock) {}

base::AsyncResult<std::size_t> SilentSources::pass() {
  std::map<Source, base::SteadyTime> still_silent;
  const base::SteadyTime now = clock_.steady();
  subscriptions::Manager::MayGo may_go = [&](const std::string& id, const std::string& machine) {
    const Source source{id, machine};
    const auto known = silent_since_.find(source);
    const base::SteadyTime since = known == silent_since_.end() ? now : known->second;
    if (now - since >= kFoundSilentFor) return true;
    still_silent.emplace(source, since);
    return false;
  };
  auto forgotten = co_await manager_.forget_silent(std::nullopt, after_, std::move(may_go));
  // Whoever is not found silent any more begins anew.
  if (forgotten.ok()) silent_since_ = std::move(still_silent);
  co_return forgotten;
}

base::Task<void> SilentSources::run() {
  for (;;) {
    const auto forgotten = co_await pass();
    if (!forgotten.ok()) base::log_warning("cannot forget silent sources: {}", forgotten.error().message());
    co_await clock_.sleep_for(kBetweenPasses);
  }
}

}  // namespace collector
