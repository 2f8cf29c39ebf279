#include "subscriptions/manager.h"

#include <algorithm>
#include <set>

#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "events/query.h"
#include "subscriptions/admission.h"
#include "subscriptions/manager_state.h"
#include "subscriptions/passwords.h"
#include "subscriptions/run_time_status.h"

namespace subscriptions {
namespace {

using base::Win32;

constexpr const char* kKind = "subscription";
/// Where a stored definition goes that cannot be read any more: nothing is lost, and its id is free again.
constexpr const char* kUnreadableKind = "subscription-unreadable";

/// Names by which a definition may mean this machine.
bool is_own_address(const std::vector<std::string>& own_names, const std::string& address) {
  const std::string name = base::to_lower(address);
  if (name == "localhost" || name == "[::1]" || name.starts_with("127.")) return true;
  return std::any_of(own_names.begin(), own_names.end(),
                     [&](const std::string& own) { return is_address_of(address, own) || is_address_of(own, address); });
}

/// An event of this machine that the subscription stores would be selected again. Source: wecutil, section 7.1.
base::Result<void> check_circle(const Subscription& subscription, const std::vector<std::string>& own_names) {
  if (subscription.type != Type::CollectorInitiated) return {};
  const auto own = std::find_if(subscription.sources.begin(), subscription.sources.end(),
                                [&](const EventSource& source) { return is_own_address(own_names, source.address); });
  if (own == subscription.sources.end()) return {};
  const auto query = events::Query::parse_list(base::trimmed(subscription.query));
  if (!query.ok()) return {};  // another language: nothing is known of its logs
  for (const std::string& path : query->paths()) {
    if (!base::equal_ignoring_case(path, subscription.log_file)) continue;
    return base::make_error(Win32::EcCircularForwarding,
                            base::format_text("EventSource {} is this machine, and the query selects its own LogFile {}",
                                              own->address, subscription.log_file));
  }
  return {};
}

base::Result<void> check_type(const Subscription& old, const Subscription& wanted) {
  if (old.type == wanted.type) return {};
  return base::make_error(Win32::InvalidParameter, "SubscriptionType: cannot be changed");
}

}  // namespace

base::Error no_such_subscription(std::string_view id) {
  return base::make_error(Win32::FileNotFound, base::format_text("There is no subscription \"{}\".", id));
}

std::string attempt_key(std::string_view id, std::string_view address) {
  return key_of(id) + "\n" + base::to_lower(address);
}

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
  RETURN_IF_ERROR(drop_leftovers(all));
  swap(std::move(all));
  return load_attempts();
}

base::Result<void> Manager::State::load_attempts() {
  ASSIGN_OR_RETURN(const auto stored, store.list(kAttemptKind));
  for (const auto& [key, text] : stored) {
    if (auto attempt = read_attempt(text)) attempts[key] = std::move(*attempt);
  }
  return {};
}

/// What a crash between two transactions, or a change of the definition, left of passwords and attempts.
base::Result<void> Manager::State::drop_leftovers(const Definitions& all) {
  const auto find = [&all](const std::string& key) -> const Subscription* {
    const auto found = all.by_key.find(key);
    return found == all.by_key.end() ? nullptr : &found->second->definition;
  };
  std::map<std::string, std::set<std::string>> needed;
  for (const auto& [key, entry] : all.by_key) {
    const auto names = kept_password_names(entry->definition);
    needed[key].insert(names.begin(), names.end());
  }
  RETURN_IF_ERROR(secrets.retain([&needed](const std::string& group, const std::string& name) {
    const auto found = needed.find(group);
    return found != needed.end() && found->second.contains(name);
  }));
  ASSIGN_OR_RETURN(const auto stored, store.list(kAttemptKind));
  for (const auto& [key, text] : stored) {
    const auto line = std::min(key.find('\n'), key.size());
    const Subscription* definition = find(key.substr(0, line));
    const std::string address = key.substr(std::min(line + 1, key.size()));
    const bool there = definition != nullptr && definition->enabled &&
                       std::any_of(definition->sources.begin(), definition->sources.end(), [&](const EventSource& source) {
                         return source.enabled && base::equal_ignoring_case(source.address, address);
                       });
    if (there) continue;
    RETURN_IF_ERROR(store.remove(kAttemptKind, key));
    const std::lock_guard guard(work_lock);
    attempts.erase(key);
  }
  return {};
}

void Manager::State::tidy() {
  // The definition is stored; what could not be dropped now is dropped at the next change or start.
  if (auto dropped = drop_leftovers(*snapshot()); !dropped.ok()) {
    base::log_error("what is not needed of passwords and attempts could not be removed: {}", dropped.error().message());
  }
}

/// The definition and its passwords in one transaction; what is not needed any more goes after it.
base::Result<void> Manager::State::store_definition(Subscription subscription, Definitions next, const Subscription* old) {
  const std::string key = key_of(subscription.id);
  ASSIGN_OR_RETURN(const auto fresh, settle_passwords(subscription, old));
  std::vector<storage::DocumentChange> changes;
  for (const NewPassword& each : fresh) {
    ASSIGN_OR_RETURN(auto sealed, secrets.sealed(key, each.name, each.password));
    changes.push_back(std::move(sealed));
  }
  const bool initiated_here = subscription.type == Type::CollectorInitiated;
  changes.push_back(storage::DocumentChange{kKind, key, to_xml(subscription, Passwords::Marked)});
  RETURN_IF_ERROR(store.write(changes));
  next.put(make_entry(std::move(subscription)));
  swap(std::move(next));
  if (initiated_here) tidy();
  return {};
}

base::Result<void> Manager::State::create(Subscription subscription) {
  const std::lock_guard guard(changing);
  Definitions next = *snapshot();
  if (next.find(subscription.id)) {
    return base::make_error(Win32::AlreadyExists,
                            base::format_text("There is a subscription \"{}\" already.", subscription.id));
  }
  return store_definition(std::move(subscription), std::move(next), nullptr);
}

base::Result<void> Manager::State::set(Subscription subscription) {
  const std::lock_guard guard(changing);
  Definitions next = *snapshot();
  const EntryPointer old = next.find(subscription.id);
  if (!old) return no_such_subscription(subscription.id);
  RETURN_IF_ERROR(check_type(old->definition, subscription));
  // Everything that was stored about it is stored under the id as it was first written.
  subscription.id = old->definition.id;
  return store_definition(std::move(subscription), std::move(next), &old->definition);
}

base::Result<Change> Manager::State::compare(Subscription subscription) {
  const std::lock_guard guard(changing);
  const EntryPointer old = snapshot()->find(subscription.id);
  if (old) RETURN_IF_ERROR(check_type(old->definition, subscription));
  ASSIGN_OR_RETURN(const auto fresh, settle_passwords(subscription, old ? &old->definition : nullptr));
  if (!old) return Change::Create;
  subscription.id = old->definition.id;
  if (to_xml(subscription, Passwords::Marked) != to_xml(old->definition, Passwords::Marked)) return Change::Change;
  for (const NewPassword& each : fresh) {
    const auto kept = secrets.read(key_of(subscription.id), each.name);
    if (!kept.ok() || !base::equal_secret(*kept, each.password)) return Change::Change;
  }
  return Change::None;
}

base::Result<void> Manager::State::report(const std::string& id, const std::string& address, const SourceAttempt& attempt) {
  // Not while a definition changes: what it drops stays dropped.
  const std::lock_guard guard(changing);
  const EntryPointer entry = snapshot()->find(id);
  if (!entry || !entry->definition.enabled) return {};
  const auto& sources = entry->definition.sources;
  const bool wanted = std::any_of(sources.begin(), sources.end(), [&](const EventSource& source) {
    return source.enabled && base::equal_ignoring_case(source.address, address);
  });
  if (!wanted) return {};
  RETURN_IF_ERROR(store.put(kAttemptKind, attempt_key(id, address), write_attempt(attempt)));
  const std::lock_guard work_guard(work_lock);
  attempts[attempt_key(id, address)] = attempt;
  return {};
}

void Manager::State::tell_connector(const std::string& id) {
  const std::lock_guard guard(work_lock);
  if (connector != nullptr) connector->definition_changed(id);
}

base::Result<std::string> Manager::State::remove(const std::string& id) {
  const std::lock_guard guard(changing);
  Definitions next = *snapshot();
  const EntryPointer entry = next.find(id);
  if (!entry) return no_such_subscription(id);
  RETURN_IF_ERROR(store.remove(kKind, key_of(id)));
  next.erase(entry);
  swap(std::move(next));
  tidy();
  return entry->definition.id;
}

base::AsyncResult<void> Manager::State::check_place(Subscription subscription) {
  CO_RETURN_IF_ERROR(check_circle(subscription, options.own_names));
  ASSIGN_OR_CO_RETURN(const auto log, co_await events.find_log(subscription.log_file));
  if (!log) co_return base::Result<void>();
  if (!log->properties.enabled) {
    co_return base::make_error(Win32::EcLogDisabled,
                               base::format_text("LogFile: the log \"{}\" is disabled", subscription.log_file));
  }
  const std::string& owner = log->properties.owning_publisher;
  if (!owner.empty() && !base::equal_ignoring_case(owner, subscription.publisher_name)) {
    co_return base::make_error(Win32::InvalidParameter, base::format_text("PublisherName: the log \"{}\" belongs to {}",
                                                                          subscription.log_file, owner));
  }
  co_return base::Result<void>();
}

base::Task<void> Manager::State::make_place(std::string name) {
  auto known = co_await events.find_log(name);
  if (known.ok() && *known) co_return;
  storage::LogProperties properties;
  properties.name = name;
  properties.max_size = options.log_size;
  auto made = co_await events.set_log(std::move(properties));
  // The first event would make it, too.
  if (!made.ok()) base::log_warning("log {}: {}", name, made.error().message());
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
                                                     base::BlockingPool& pool, ManagerOptions options, base::Clock& clock) {
  auto inner = std::make_unique<State>(state, events, pool, std::move(options), clock);
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
  CO_RETURN_IF_ERROR(co_await state_->check_place(subscription));
  const std::string id = subscription.id;
  std::string log = subscription.log_file;
  CO_RETURN_IF_ERROR(co_await state_->pool.run([&] { return state_->create(std::move(subscription)); }));
  co_await state_->make_place(std::move(log));
  state_->tell_connector(id);
  co_return base::Result<void>();
}

base::AsyncResult<void> Manager::set(Subscription subscription) {
  if (!state_->snapshot()->find(subscription.id)) co_return no_such_subscription(subscription.id);
  CO_RETURN_IF_ERROR(validate(subscription));
  CO_RETURN_IF_ERROR(co_await state_->check_place(subscription));
  const std::string id = subscription.id;
  std::string log = subscription.log_file;
  CO_RETURN_IF_ERROR(co_await state_->pool.run([&] { return state_->set(std::move(subscription)); }));
  co_await state_->make_place(std::move(log));
  state_->tell_connector(id);
  co_return base::Result<void>();
}

base::AsyncResult<Change> Manager::check(Subscription subscription) const {
  CO_RETURN_IF_ERROR(validate(subscription));
  CO_RETURN_IF_ERROR(co_await state_->check_place(subscription));
  co_return co_await state_->pool.run([&] { return state_->compare(std::move(subscription)); });
}

base::AsyncResult<void> Manager::remove(std::string id) {
  auto removed = co_await state_->pool.run([&] { return state_->remove(id); });
  if (!removed.ok()) co_return std::move(removed).error();
  state_->tell_connector(*removed);
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
    ASSIGN_OR_CO_RETURN(const auto bookmark, co_await state_->events.find_bookmark(definition.id, machine.name));
    auto offer = make_offer(definition, entry->basis, machine, state_->options.offers, requested_to, bookmark);
    if (!offer.ok()) co_return std::move(offer).error();
    offers.push_back(std::move(*offer));
  }
  co_return offers;
}

}  // namespace subscriptions
