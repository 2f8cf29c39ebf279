#include "subscriptions/manager.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "subscriptions/admission.h"
#include "subscriptions/offer.h"

namespace subscriptions {
namespace {

using base::Win32;

constexpr const char* kKind = "subscription";
/// Where a stored definition goes that cannot be read any more: nothing is lost, and its id is free again.
constexpr const char* kUnreadableKind = "subscription-unreadable";

/// Who has been silent for longer is no longer listed. Source: wecutil, section 1, row 13.
constexpr auto kListed = std::chrono::hours(30 * 24);

/// One state of a definition.
struct Entry {
  Subscription definition;
  OfferBasis basis;
};
using EntryPointer = std::shared_ptr<const Entry>;

std::string key_of(std::string_view id) {
  return base::to_lower(id);
}

EntryPointer make_entry(Subscription definition) {
  auto entry = std::make_shared<Entry>();
  entry->basis = offer_basis(definition);
  entry->definition = std::move(definition);
  return entry;
}

/// All definitions at one moment.
struct Definitions {
  std::map<std::string, EntryPointer> by_key;
  std::map<std::string, EntryPointer> by_identifier;

  EntryPointer find(std::string_view id) const {
    const auto found = by_key.find(key_of(id));
    return found == by_key.end() ? nullptr : found->second;
  }
  EntryPointer find_identifier(std::string_view identifier) const {
    const auto guid = base::parse_guid(identifier);
    if (!guid) return nullptr;
    const auto found = by_identifier.find(*guid);
    return found == by_identifier.end() ? nullptr : found->second;
  }
  void put(EntryPointer entry) {
    by_identifier[entry->basis.identifier] = entry;
    by_key[key_of(entry->definition.id)] = std::move(entry);
  }
  void erase(const EntryPointer& entry) {
    by_identifier.erase(entry->basis.identifier);
    by_key.erase(key_of(entry->definition.id));
  }
};

base::Error not_found(std::string_view id) {
  return base::make_error(Win32::FileNotFound, base::format_text("There is no subscription \"{}\".", id));
}

bool is_served(const Subscription& definition, base::WallTime now) {
  return definition.enabled && (!definition.expires || *definition.expires > now);
}

/// Source: wecutil, section 9.
RunTimeStatus source_status(const Subscription& definition, const SourceStatus& source, base::WallTime now) {
  for (const EventSource& listed : definition.sources) {
    if (!listed.enabled && is_address_of(listed.address, source.address)) return RunTimeStatus::Disabled;
  }
  if (!is_served(definition, now) || !source.delivery.last_heartbeat) return RunTimeStatus::Inactive;
  // A heartbeat that is due is on its way: a tenth of the interval is granted to it.
  const auto silence = now - *source.delivery.last_heartbeat;
  const auto interval = definition.resolved_heartbeat();
  return silence <= interval + interval / 10 ? RunTimeStatus::Active : RunTimeStatus::Inactive;
}

bool is_recent(const storage::DeliveryState& delivery, base::WallTime now) {
  const auto recent = [now](std::optional<base::WallTime> time) { return time && now - *time <= kListed; };
  return recent(delivery.last_heartbeat) || recent(delivery.error_time);
}

}  // namespace

struct Manager::State {
  storage::StateStore& store;
  storage::EventStore& events;
  base::BlockingPool& pool;
  OfferOptions options;
  base::Clock& clock;

  /// Held by one change from its check to its end; taken on threads of the pool only.
  std::mutex changing;
  /// Guards `definitions`, the pointer.
  mutable std::mutex lock;
  std::shared_ptr<const Definitions> definitions = std::make_shared<Definitions>();

  std::shared_ptr<const Definitions> snapshot() const {
    const std::lock_guard guard(lock);
    return definitions;
  }
  void swap(Definitions next) {
    auto shared = std::make_shared<const Definitions>(std::move(next));
    const std::lock_guard guard(lock);
    definitions.swap(shared);
  }

  base::Result<void> load();
  base::Result<void> create(Subscription subscription);
  base::Result<void> set(Subscription subscription);
  base::Result<std::string> remove(const std::string& id);
  base::AsyncResult<void> check_log(std::string log_file);
};

base::Result<void> Manager::State::load() {
  ASSIGN_OR_RETURN(const auto stored, store.list(kKind));
  Definitions all;
  for (const auto& [key, text] : stored) {
    auto definition = parse_subscription(text);
    if (definition.ok()) {
      if (auto valid = validate(*definition); !valid.ok()) definition = std::move(valid).error();
    }
    if (definition.ok() && key_of(definition->id) != key) {
      definition = base::make_error(Win32::InvalidData, "it is stored under another name");
    }
    if (!definition.ok()) {
      base::log_error("subscription {} cannot be read and is put aside: {}", key, definition.error().message());
      RETURN_IF_ERROR(store.put(kUnreadableKind, key, text));
      RETURN_IF_ERROR(store.remove(kKind, key));
      continue;
    }
    all.put(make_entry(std::move(*definition)));
  }
  swap(std::move(all));
  return {};
}

base::Result<void> Manager::State::create(Subscription subscription) {
  const std::lock_guard guard(changing);
  Definitions next = *snapshot();
  if (next.find(subscription.id)) {
    return base::make_error(Win32::AlreadyExists,
                            base::format_text("There is a subscription \"{}\" already.", subscription.id));
  }
  RETURN_IF_ERROR(store.put(kKind, key_of(subscription.id), to_xml(subscription)));
  next.put(make_entry(std::move(subscription)));
  swap(std::move(next));
  return {};
}

base::Result<void> Manager::State::set(Subscription subscription) {
  const std::lock_guard guard(changing);
  Definitions next = *snapshot();
  const EntryPointer old = next.find(subscription.id);
  if (!old) return not_found(subscription.id);
  if (old->definition.type != subscription.type) {
    return base::make_error(Win32::InvalidParameter, "SubscriptionType: cannot be changed");
  }
  // Everything that was stored about it is stored under the id as it was first written.
  subscription.id = old->definition.id;
  RETURN_IF_ERROR(store.put(kKind, key_of(subscription.id), to_xml(subscription)));
  next.put(make_entry(std::move(subscription)));
  swap(std::move(next));
  return {};
}

base::Result<std::string> Manager::State::remove(const std::string& id) {
  const std::lock_guard guard(changing);
  Definitions next = *snapshot();
  const EntryPointer entry = next.find(id);
  if (!entry) return not_found(id);
  RETURN_IF_ERROR(store.remove(kKind, key_of(id)));
  next.erase(entry);
  swap(std::move(next));
  return entry->definition.id;
}

base::AsyncResult<void> Manager::State::check_log(std::string log_file) {
  ASSIGN_OR_CO_RETURN(const auto log, co_await events.find_log(log_file));
  if (log && !log->properties.enabled) {
    co_return base::make_error(Win32::EcLogDisabled, base::format_text("LogFile: the log \"{}\" is disabled", log_file));
  }
  co_return base::Result<void>();
}

std::string_view name_of(RunTimeStatus status) {
  switch (status) {
    case RunTimeStatus::Disabled:
      return "Disabled";
    case RunTimeStatus::Active:
      return "Active";
    case RunTimeStatus::Inactive:
      return "Inactive";
    case RunTimeStatus::Trying:
      return "Trying";
  }
  return {};
}

Manager::Manager(std::unique_ptr<State> state) : state_(std::move(state)) {}
Manager::~Manager() = default;

base::Result<std::unique_ptr<Manager>> Manager::open(storage::StateStore& state, storage::EventStore& events,
                                                     base::BlockingPool& pool, OfferOptions options, base::Clock& clock) {
  auto inner = std::unique_ptr<State>(new State{state, events, pool, std::move(options), clock, {}, {}});
  RETURN_IF_ERROR(inner->load());
  return std::unique_ptr<Manager>(new Manager(std::move(inner)));
}

std::vector<std::string> Manager::ids() const {
  std::vector<std::string> ids;
  for (const auto& [key, entry] : state_->snapshot()->by_key) ids.push_back(entry->definition.id);
  return ids;
}

std::optional<Subscription> Manager::find(std::string_view id) const {
  const EntryPointer entry = state_->snapshot()->find(id);
  return entry ? std::optional(entry->definition) : std::nullopt;
}

base::AsyncResult<void> Manager::create(Subscription subscription) {
  CO_RETURN_IF_ERROR(validate(subscription));
  CO_RETURN_IF_ERROR(co_await state_->check_log(subscription.log_file));
  auto change = [state = state_.get(), subscription = std::move(subscription)]() mutable {
    return state->create(std::move(subscription));
  };
  co_return co_await state_->pool.run(change);
}

base::AsyncResult<void> Manager::set(Subscription subscription) {
  if (!state_->snapshot()->find(subscription.id)) co_return not_found(subscription.id);
  CO_RETURN_IF_ERROR(validate(subscription));
  CO_RETURN_IF_ERROR(co_await state_->check_log(subscription.log_file));
  auto change = [state = state_.get(), subscription = std::move(subscription)]() mutable {
    return state->set(std::move(subscription));
  };
  co_return co_await state_->pool.run(change);
}

base::AsyncResult<void> Manager::remove(std::string id) {
  auto change = [state = state_.get(), id = std::move(id)]() { return state->remove(id); };
  auto removed = co_await state_->pool.run(change);
  if (!removed.ok()) co_return std::move(removed).error();
  co_return co_await state_->events.forget_subscription(std::move(*removed));
}

base::AsyncResult<std::vector<wsman::OfferedSubscription>> Manager::offered_to(auth::Principal machine,
                                                                               std::string requested_to) const {
  const auto definitions = state_->snapshot();
  const base::WallTime now = state_->clock.wall();
  std::vector<wsman::OfferedSubscription> offers;
  for (const auto& [key, entry] : definitions->by_key) {
    const Subscription& definition = entry->definition;
    if (!is_served(definition, now) || !admits(definition, machine) || is_disabled_by_name(definition, machine)) continue;
    ASSIGN_OR_CO_RETURN(const auto delivery, co_await state_->events.find_delivery_state(definition.id, machine.name));
    auto offer = make_offer(definition, entry->basis, machine, state_->options, requested_to,
                            delivery ? delivery->bookmark : std::nullopt);
    if (!offer.ok()) co_return std::move(offer).error();
    offers.push_back(std::move(*offer));
  }
  co_return offers;
}

wsman::Result<Admitted> Manager::admit(const auth::Principal& machine, std::string_view identifier,
                                       std::string_view path) const {
  if (identifier.empty()) identifier = path.substr(path.rfind('/') + 1);
  const EntryPointer entry = state_->snapshot()->find_identifier(identifier);
  if (!entry) {
    return wsman::make_fault(wsman::FaultCode::DestinationUnreachable, "There is no subscription of that identifier.");
  }
  const Subscription& definition = entry->definition;
  if (!admits(definition, machine)) {
    return wsman::make_fault(wsman::FaultCode::AccessDenied, "This machine is not admitted to the subscription.");
  }
  if (!is_served(definition, state_->clock.wall()) || is_disabled_by_name(definition, machine)) {
    return wsman::make_fault(wsman::FaultCode::DeliveryRefused, "The subscription is disabled or has expired.");
  }
  return Admitted{definition.id, definition.log_file, entry->basis.whole_channels};
}

base::AsyncResult<SubscriptionStatus> Manager::status(std::string id) const {
  const EntryPointer entry = state_->snapshot()->find(id);
  if (!entry) co_return not_found(id);
  const Subscription& definition = entry->definition;
  const base::WallTime now = state_->clock.wall();
  ASSIGN_OR_CO_RETURN(auto deliveries, co_await state_->events.delivery_states(definition.id));

  SubscriptionStatus status;
  status.id = definition.id;
  if (!definition.enabled) {
    status.status = RunTimeStatus::Disabled;
  } else if (!is_served(definition, now) || definition.type == Type::CollectorInitiated) {
    status.status = RunTimeStatus::Inactive;
  }
  std::map<std::string, SourceStatus> sources;
  for (storage::DeliveryState& delivery : deliveries) {
    if (!is_recent(delivery, now)) continue;
    SourceStatus& source = sources[base::to_lower(delivery.machine)];
    source.address = delivery.machine;
    source.delivery = std::move(delivery);
  }
  for (const EventSource& listed : definition.sources) {
    const bool heard = std::any_of(sources.begin(), sources.end(),
                                   [&](const auto& source) { return is_address_of(listed.address, source.second.address); });
    if (!heard) sources[base::to_lower(listed.address)].address = listed.address;
  }
  for (auto& [name, source] : sources) {
    source.status = source_status(definition, source, now);
    status.sources.push_back(std::move(source));
  }
  co_return status;
}

}  // namespace subscriptions
