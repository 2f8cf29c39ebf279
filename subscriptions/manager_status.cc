// How subscriptions fare, and what is done about sources that are not there.

#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "subscriptions/admission.h"
#include "subscriptions/manager_state.h"
#include "subscriptions/passwords.h"
#include "subscriptions/run_time_status.h"

namespace subscriptions {
namespace {

using base::Win32;

base::Error cannot_activate(std::string why) {
  return base::make_error(Win32::EcSubscriptionCannotActivate, std::move(why));
}

/// The enabled sources that are meant; an address that is not listed is an error.
base::Result<std::vector<std::string>> sources_to_retry(const Subscription& definition,
                                                        const std::vector<std::string>& addresses) {
  std::vector<std::string> chosen;
  if (addresses.empty()) {
    for (const EventSource& source : definition.sources) {
      if (source.enabled) chosen.push_back(source.address);
    }
    return chosen;
  }
  for (const std::string& address : addresses) {
    const auto found = std::find_if(definition.sources.begin(), definition.sources.end(), [&](const EventSource& source) {
      return base::equal_ignoring_case(source.address, address) ||
             base::equal_ignoring_case(source.address, "[" + address + "]");
    });
    if (found == definition.sources.end()) {
      return base::make_error(Win32::NotFound, "The subscription has no event source " + address + ".");
    }
    if (found->enabled) chosen.push_back(found->address);
  }
  return chosen;
}

}  // namespace

base::AsyncResult<SubscriptionStatus> Manager::status(std::string id) const {
  const EntryPointer entry = state_->snapshot()->find(id);
  if (!entry) co_return no_such_subscription(id);
  const Subscription& definition = entry->definition;
  StatusInputs inputs{definition, {}, {}, false, false, state_->clock.wall()};
  ASSIGN_OR_CO_RETURN(inputs.deliveries, co_await state_->events.delivery_states(definition.id));
  ASSIGN_OR_CO_RETURN(const auto log, co_await state_->events.find_log(definition.log_file));
  inputs.log_disabled = log && !log->properties.enabled;
  {
    const std::lock_guard guard(state_->work_lock);
    inputs.has_connector = state_->connector != nullptr;
    const std::string prefix = attempt_key(definition.id, "");
    for (auto at = state_->attempts.lower_bound(prefix); at != state_->attempts.end(); ++at) {
      if (!at->first.starts_with(prefix)) break;
      inputs.attempts[at->first.substr(prefix.size())] = at->second;
    }
  }
  co_return derive_status(std::move(inputs));
}

void Manager::set_connector(Connector* connector) {
  const std::lock_guard guard(state_->work_lock);
  state_->connector = connector;
}

base::AsyncResult<void> Manager::report(std::string id, std::string address, SourceAttempt attempt) {
  {
    // After a restart thousands of sources say what is known of them.
    const std::lock_guard guard(state_->work_lock);
    const auto known = state_->attempts.find(attempt_key(id, address));
    if (known != state_->attempts.end() && known->second == attempt) co_return base::Result<void>();
  }
  co_return co_await state_->pool.run([&] { return state_->report(id, address, attempt); });
}

base::AsyncResult<Credentials> Manager::credentials(std::string id, std::string address) const {
  const EntryPointer entry = state_->snapshot()->find(id);
  if (!entry) co_return no_such_subscription(id);
  const Subscription& definition = entry->definition;
  const auto source = std::find_if(definition.sources.begin(), definition.sources.end(), [&](const EventSource& each) {
    return base::equal_ignoring_case(each.address, address);
  });
  if (source == definition.sources.end()) {
    co_return base::make_error(Win32::FileNotFound, "The subscription has no event source " + address + ".");
  }
  Credentials credentials;
  credentials.type = definition.credentials_type.empty() ? "Default" : definition.credentials_type;
  const bool own = !source->user_name.empty();
  credentials.user_name = own ? source->user_name : definition.common_user_name;
  if (credentials.user_name.empty()) co_return credentials;
  const std::string name = own ? password_name(source->address) : common_password_name();
  const std::string group = key_of(definition.id);
  auto password = co_await state_->pool.run([&] { return state_->secrets.read(group, name); });
  if (!password.ok()) co_return base::with_context(std::move(password).error(), "user " + credentials.user_name);
  credentials.password = std::move(*password);
  co_return credentials;
}

base::AsyncResult<void> Manager::retry(std::string id, std::vector<std::string> addresses) {
  const EntryPointer entry = state_->snapshot()->find(id);
  if (!entry) co_return no_such_subscription(id);
  const Subscription& definition = entry->definition;
  const bool source_initiated = definition.type == Type::SourceInitiated;
  // Source: wecutil, section 4.
  if (source_initiated && !addresses.empty()) {
    co_return base::make_error(Win32::InvalidParameter,
                               "Sources of a source-initiated subscription cannot be named: they come by themselves.");
  }
  if (!definition.enabled) co_return cannot_activate("The subscription is disabled.");
  if (!is_served(definition, state_->clock.wall())) co_return cannot_activate("The subscription has expired.");
  if (source_initiated) co_return base::Result<void>();
  ASSIGN_OR_CO_RETURN(const auto chosen, sources_to_retry(definition, addresses));
  if (chosen.empty()) co_return cannot_activate("No event source is enabled.");
  const std::lock_guard guard(state_->work_lock);
  if (state_->connector == nullptr) co_return cannot_activate("This collector does not subscribe at event sources.");
  state_->connector->retry(definition.id, chosen);
  co_return base::Result<void>();
}

base::AsyncResult<std::size_t> Manager::forget_silent(std::optional<std::string> id, std::chrono::nanoseconds silence,
                                                      MayGo may_go) {
  const auto definitions = state_->snapshot();
  if (id && !definitions->find(*id)) co_return no_such_subscription(*id);
  const base::WallTime before = state_->clock.wall() - silence;
  std::size_t forgotten = 0;
  for (const auto& [key, entry] : definitions->by_key) {
    const Subscription& definition = entry->definition;
    if (id && !base::equal_ignoring_case(*id, definition.id)) continue;
    ASSIGN_OR_CO_RETURN(const auto deliveries, co_await state_->events.delivery_states(definition.id));
    std::vector<std::string> machines;
    for (const storage::DeliveryState& delivery : deliveries) {
      if (last_heard(delivery) >= before || is_listed(definition, delivery.machine)) continue;
      if (may_go && !may_go(definition.id, delivery.machine)) continue;
      machines.push_back(delivery.machine);
    }
    if (machines.empty()) continue;
    forgotten += machines.size();
    base::log_notice("subscription {} forgets {} sources that were not heard of for long: {}{}", definition.id,
                     machines.size(), machines.front(), machines.size() > 1 ? ", ..." : "");
    CO_RETURN_IF_ERROR(co_await state_->events.forget_machines(definition.id, machines, before));
  }
  co_return forgotten;
}

}  // namespace subscriptions
