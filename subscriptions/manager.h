// Which subscriptions there are, who is offered which, and how their deliveries fare.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
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
#include "subscriptions/secret_store.h"
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

struct ManagerOptions {
  OfferOptions offers;
  SecretKeyFiles secret_key;
  /// The collector's own names and addresses, besides "localhost" and the loopback addresses.
  std::vector<std::string> own_names;
  std::uint64_t log_size = 1ull << 30;  ///< LogProperties::max_size of a LogFile that is new
};

enum class RunTimeStatus { Disabled, Active, Inactive, Trying };
std::string_view name_of(RunTimeStatus status);

/// One source of a subscription, for `wecutil gr`. Source: wecutil, section 9.
struct SourceStatus {
  std::string address;
  RunTimeStatus status = RunTimeStatus::Inactive;
  storage::DeliveryState delivery;
  std::uint64_t lost = 0;  ///< events that are known to be missing
  std::optional<base::WallTime> next_retry = {};
};
struct SubscriptionStatus {
  std::string id;
  RunTimeStatus status = RunTimeStatus::Active;
  std::uint32_t last_error = 0;  ///< why it cannot be active as a whole; a Win32 code, 0 is none
  std::string error_message;
  std::optional<base::WallTime> error_time;
  std::vector<SourceStatus> sources;
};

/// What a Connector tells of its work at one source of a collector-initiated subscription.
struct SourceAttempt {
  RunTimeStatus status = RunTimeStatus::Trying;  ///< not Disabled
  std::uint32_t error = 0;                       ///< of the last attempt; a Win32 or WS-Man code, 0 is none
  std::string message;
  std::optional<base::WallTime> error_time;
  std::optional<base::WallTime> next_retry;

  bool operator==(const SourceAttempt&) const = default;
};

/// How to log on at a source. Never logged, never told.
struct Credentials {
  std::string type;       ///< Default, Negotiate, Digest, Basic or LocalMachine
  std::string user_name;  ///< empty: the collector's own account
  std::string password;
};

/// What a source has pushed.
struct SourceNews {
  bool ended = false;  ///< it has ended the subscription
  std::uint32_t code = 0;
  std::string message;
};

/// Subscribes at the sources of collector-initiated subscriptions. It learns from Manager::find() and ids() what there is to
/// do, says how it fares with Manager::report(), and stores what it gets like any delivery, with the source's Address as the
/// machine. Thread-safe.
class Connector {
 public:
  virtual ~Connector() = default;
  /// A definition was made, changed or deleted. Does not block, and does not call the manager.
  virtual void definition_changed(const std::string& id) = 0;
  /// Forget the waiting time of these sources and try at once. Does not block, and does not call the manager.
  virtual void retry(const std::string& id, const std::vector<std::string>& addresses) = 0;
  /// Whether something may still come for this source to that path. What a collector that was killed has left at a source
  /// goes on there beside what was subscribed since, and is refused. Does not block, and does not call the manager.
  virtual bool expects(const std::string& id, const std::string& address, std::string_view path);
  /// Something came from this source, and is stored: a sign of life, or the end of the subscription. The same rules.
  virtual void heard(const std::string& id, const std::string& address, const SourceNews& news);
  /// The action of an Ack that this source takes; empty: the one of the specification. The same rules.
  virtual std::string_view ack_action(const std::string& id, const std::string& address) const;
};

/// What storing a definition would do.
enum class Change { None, Create, Change };

/// Where a delivery goes.
struct Admitted {
  std::string subscription;  ///< its id
  std::string log;
  /// Whom the events are stored as coming from: the principal's name, or the Address of a source that was subscribed at.
  std::string machine;
  bool initiated_here = false;  ///< by a collector-initiated subscription
  /// The logs that its query takes whole.
  std::shared_ptr<const std::vector<std::string>> whole_channels;
};

/// Holds the definitions in memory and in the state store. Thread-safe: definitions are immutable snapshots swapped under a
/// short lock.
class Manager {
 public:
  /// Reads the stored definitions; one that no longer parses is reported in the log and kept aside. Blocks.
  static base::Result<std::unique_ptr<Manager>> open(storage::StateStore& state, storage::EventStore& events,
                                                     base::BlockingPool& pool, ManagerOptions options,
                                                     base::Clock& clock = base::system_clock());
  ~Manager();

  /// Ids, sorted without case.
  std::vector<std::string> ids() const;
  /// Ids compare without case. Passwords are kKeptPassword.
  std::optional<Subscription> find(std::string_view id) const;
  /// Validates and stores; passwords are sealed; a LogFile that is not there is made. Errors: Win32::AlreadyExists; those of
  /// validate(); EcLogDisabled for a LogFile that is disabled, InvalidParameter for one that another publisher owns,
  /// EcCircularForwarding where this machine is a source and the query selects the LogFile; EcCredentialNotFound for a
  /// kKeptPassword that is not kept; those of SecretStore::put(); the store's.
  base::AsyncResult<void> create(Subscription subscription);
  /// Replaces the definition of the same id. A user without a password keeps the one that is stored for that user. Errors:
  /// as create(), but Win32::FileNotFound; Win32::InvalidParameter where the type would change.
  base::AsyncResult<void> set(Subscription subscription);
  /// What create() or set() of it would do, or the error that they would give; changes nothing.
  base::AsyncResult<Change> check(Subscription subscription) const;
  /// Errors: Win32::FileNotFound. Stored events stay; bookmarks go.
  base::AsyncResult<void> remove(std::string id);

  /// What this source may have, as the answer to its Enumerate: enabled, not expired, allowed by issuer and subject (denied
  /// wins, a source disabled by name gets nothing), with its stored bookmark. `requested_to` is the request's a:To.
  base::AsyncResult<std::vector<wsman::OfferedSubscription>> offered_to(auth::Principal machine,
                                                                        std::string requested_to) const;

  /// Whether this principal may deliver to the subscription with that e:Identifier (or, if it is empty, the one in the
  /// path). Of a collector-initiated subscription each source has an identifier of its own (source_identifier_of()), and
  /// only that source may use it: with a certificate that has the Address among its names, or as a user whose name is the
  /// Address. Faults: DestinationUnreachable for an unknown subscription, DeliveryRefused for a disabled or expired one and
  /// for what the connector does not expect, AccessDenied for a principal that it does not admit.
  wsman::Result<Admitted> admit(const auth::Principal& machine, std::string_view identifier, std::string_view path) const;
  /// The same for what was asked of an enabled source of a collector-initiated subscription.
  wsman::Result<Admitted> admit_source(std::string_view id, std::string_view address) const;
  /// Tells the connector that something of a delivery of a collector-initiated subscription is stored.
  void tell_heard(const Admitted& admitted, const SourceNews& news) const;
  /// See wsman::DeliverySink.
  std::string_view ack_action(std::string_view identifier, std::string_view path) const;

  /// Everyone heard from in the last 30 days, with states derived as wecutil section 9 says. Errors: Win32::FileNotFound.
  base::AsyncResult<SubscriptionStatus> status(std::string id) const;

  /// Who subscribes at sources; null, and it is asked no more. Without one collector-initiated subscriptions stay inactive,
  /// and their status says so. It outlives its being set.
  void set_connector(Connector* connector);
  /// Keeps `attempt`, over restarts too, until the source or the subscription is gone or disabled; what names neither is
  /// dropped. Errors: the store's.
  base::AsyncResult<void> report(std::string id, std::string address, SourceAttempt attempt);
  /// Errors: Win32::FileNotFound for what is not there, EcCredentialNotFound for a user without a password that opens.
  base::AsyncResult<Credentials> credentials(std::string id, std::string address) const;
  /// Tries inactive sources again, all that are enabled or those of these addresses. Source-initiated ones come by
  /// themselves: for those it does nothing. Errors: Win32::FileNotFound; NotFound for an address that the definition does
  /// not list; InvalidParameter for addresses of a source-initiated subscription; EcSubscriptionCannotActivate where it, or
  /// each source, is disabled, or nobody can subscribe.
  base::AsyncResult<void> retry(std::string id, std::vector<std::string> addresses);

  /// Forgets sources of one subscription (or all) that were not heard of for `silence`, with their bookmarks: one that comes
  /// back begins anew. Sources that the definition lists stay, and those that `may_go` refuses, which is asked about each
  /// silent one where it is given. Returns how many went. Errors: Win32::FileNotFound; the store's.
  using MayGo = std::function<bool(const std::string& id, const std::string& machine)>;
  base::AsyncResult<std::size_t> forget_silent(std::optional<std::string> id, std::chrono::nanoseconds silence,
                                               MayGo may_go = {});

 private:
  struct State;
  explicit Manager(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// True where the certificate identity is admitted by the subscription's lists. No issuer listed or no subject listed:
/// nobody (deny by default). Denied wins. Patterns are compared with each name of the certificate.
bool admits(const Subscription& subscription, const auth::Principal& machine);

}  // namespace subscriptions
