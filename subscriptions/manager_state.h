// What a Manager holds: for its own files only.

#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/base/encoding.h"
#include "subscriptions/manager.h"
#include "subscriptions/offer.h"
#include "subscriptions/secret_store.h"

namespace subscriptions {

/// Attempts in the state store, by attempt_key().
inline constexpr const char* kAttemptKind = "subscription-attempt";

/// One state of a definition.
struct Entry {
  Subscription definition;
  OfferBasis basis;
  /// Of a collector-initiated one: the places in definition.sources by source_identifier_of().
  std::map<std::string, std::size_t> source_identifiers;
};
using EntryPointer = std::shared_ptr<const Entry>;

inline std::string key_of(std::string_view id) {
  return base::to_lower(id);
}

inline EntryPointer make_entry(Subscription definition) {
  auto entry = std::make_shared<Entry>();
  entry->basis = offer_basis(definition);
  if (definition.type == Type::CollectorInitiated) {
    for (std::size_t i = 0; i < definition.sources.size(); ++i) {
      entry->source_identifiers[source_identifier_of(definition.id, definition.sources[i].address)] = i;
    }
  }
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
  /// The subscription and the place of the source that an e:Identifier means.
  std::pair<EntryPointer, std::size_t> find_source(std::string_view identifier) const {
    const auto guid = base::parse_guid(identifier);
    for (auto at = by_key.begin(); guid && at != by_key.end(); ++at) {
      const auto found = at->second->source_identifiers.find(*guid);
      if (found != at->second->source_identifiers.end()) return {at->second, found->second};
    }
    return {nullptr, 0};
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

base::Error no_such_subscription(std::string_view id);
std::string attempt_key(std::string_view id, std::string_view address);

struct Manager::State {
  storage::StateStore& store;
  storage::EventStore& events;
  base::BlockingPool& pool;
  ManagerOptions options;
  base::Clock& clock;
  SecretStore secrets;

  /// Held by one change from its check to its end; taken on threads of the pool only.
  std::mutex changing;
  /// Guards `definitions`, the pointer.
  mutable std::mutex lock;
  std::shared_ptr<const Definitions> definitions = std::make_shared<Definitions>();
  /// Guards what follows; held for moments.
  mutable std::mutex work_lock;
  Connector* connector = nullptr;
  std::map<std::string, SourceAttempt> attempts;  ///< by attempt_key()

  State(storage::StateStore& store_, storage::EventStore& events_, base::BlockingPool& pool_, ManagerOptions options_,
        base::Clock& clock_)
      : store(store_),
        events(events_),
        pool(pool_),
        options(std::move(options_)),
        clock(clock_),
        secrets(store, options.secret_key) {}

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
  base::Result<void> load_attempts();
  base::Result<void> create(Subscription subscription);
  base::Result<void> set(Subscription subscription);
  base::Result<std::string> remove(const std::string& id);
  base::Result<Change> compare(Subscription subscription);
  base::Result<void> store_definition(Subscription subscription, Definitions next, const Subscription* old);
  base::Result<void> drop_leftovers(const Definitions& all);
  void tidy();
  base::Result<void> report(const std::string& id, const std::string& address, const SourceAttempt& attempt);
  base::AsyncResult<void> check_place(Subscription subscription);
  /// Makes the log where there is none, so that it can be asked and configured before the first event.
  base::Task<void> make_place(std::string name);
  void tell_connector(const std::string& id);
};

}  // namespace subscriptions
