// Which subscriptions there are, who is offered which, and how their deliveries fare.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/auth/principal.h"
#include "engine/base/blocking.h"
#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "engine/wsman/eventing.h"
#include "storage/event_store.h"
#include "storage/state_store.h"
#include "subscriptions/subscription.h"

namespace subscriptions {

/// What the collector's own configuration says about offers.
struct OfferOptions {
  /// The authority ("collector.example.org:5986") for NotifyTo and EndTo; empty: that of the request's a:To.
  std::string public_authority;
  std::string url_prefix = "wsman";
  /// The smaller of 512,000 and the collector's MaxEnvelopeSize, octets.
  std::uint64_t max_envelope_size = 150 * 1024;
  std::string content_encoding = "UTF-16";
  bool offer_sldc = false;
};

enum class RunTimeStatus { Disabled, Active, Inactive, Trying };
std::string_view name_of(RunTimeStatus status);

/// One source of a subscription, for `wecutil gr`. Source: wecutil, section 9.
struct SourceStatus {
  std::string address;
  RunTimeStatus status = RunTimeStatus::Inactive;
  storage::DeliveryState delivery;
  std::uint64_t lost = 0;  ///< events that are known to be missing
};
struct SubscriptionStatus {
  std::string id;
  RunTimeStatus status = RunTimeStatus::Active;
  std::vector<SourceStatus> sources;
};

/// Where a delivery goes.
struct Admitted {
  std::string subscription;  ///< its id
  std::string log;
  /// The logs that its query takes whole.
  std::shared_ptr<const std::vector<std::string>> whole_channels;
};

/// Holds the definitions in memory and in the state store. Thread-safe: definitions are immutable snapshots swapped under a
/// short lock.
class Manager {
 public:
  /// Reads the stored definitions; one that no longer parses is reported in the log and kept aside. Blocks.
  static base::Result<std::unique_ptr<Manager>> open(storage::StateStore& state, storage::EventStore& events,
                                                     base::BlockingPool& pool, OfferOptions options,
                                                     base::Clock& clock = base::system_clock());
  ~Manager();

  /// Ids, sorted without case.
  std::vector<std::string> ids() const;
  /// Ids compare without case.
  std::optional<Subscription> find(std::string_view id) const;
  /// Validates and stores. Errors: Win32::AlreadyExists; those of validate(); the store's.
  base::AsyncResult<void> create(Subscription subscription);
  /// Replaces the definition of the same id. Errors: Win32::FileNotFound; Win32::InvalidParameter where the type would
  /// change.
  base::AsyncResult<void> set(Subscription subscription);
  /// Errors: Win32::FileNotFound. Stored events stay; bookmarks go.
  base::AsyncResult<void> remove(std::string id);

  /// What this source may have, as the answer to its Enumerate: enabled, not expired, allowed by issuer and subject (denied
  /// wins, a source disabled by name gets nothing), with its stored bookmark. `requested_to` is the request's a:To.
  base::AsyncResult<std::vector<wsman::OfferedSubscription>> offered_to(auth::Principal machine,
                                                                        std::string requested_to) const;

  /// Whether this principal may deliver to the subscription with that e:Identifier (or, if it is empty, the one in the
  /// path's last segment). Faults: DestinationUnreachable for an unknown subscription, DeliveryRefused for a disabled or
  /// expired one, AccessDenied for a principal that it does not admit.
  wsman::Result<Admitted> admit(const auth::Principal& machine, std::string_view identifier, std::string_view path) const;

  /// Everyone heard from in the last 30 days, with states derived as wecutil section 9 says. Errors: Win32::FileNotFound.
  base::AsyncResult<SubscriptionStatus> status(std::string id) const;

 private:
  struct State;
  explicit Manager(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// True where the certificate identity is admitted by the subscription's lists. No issuer listed or no subject listed:
/// nobody (deny by default). Denied wins. Patterns are compared with each name of the certificate.
bool admits(const Subscription& subscription, const auth::Principal& machine);

}  // namespace subscriptions
