// Subscribe, Renew, GetStatus, Unsubscribe and the Pull of events: the publisher's side of WS-Eventing.
//
// Source: wsman-protocol, section 9; wef-wire, section 11.

#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "engine/base/task_group.h"
#include "engine/wsman/dispatcher.h"
#include "engine/wsman/notifier.h"
#include "engine/wsman/subscription_table.h"

namespace wsman {

/// Who wants events, and how they asked for them. Lives as long as the call.
struct Subscriber {
  const auth::Principal& who;
  const std::string& address;  ///< the peer's network address
};

/// Decides where events may be sent, and sends them there: a subscriber must not make this host attack others.
/// Thread-safe.
class DeliveryRoutes {
 public:
  virtual ~DeliveryRoutes() = default;
  /// How to connect to NotifyTo and EndTo of `how`. Errors: UnusableAddress, UnsupportedInsecureAddress,
  /// EventDeliverToUnusable, PolicyTooComplex.
  virtual AsyncResult<Connect> find(Subscriber subscriber, const SubscribeRequest& how) = 0;
  /// Of what all subscribers get, also those that pull; null is no limit.
  virtual EventRate* rate() { return nullptr; }
};

/// What the operations of one dispatcher share. Thread-safe.
class Subscriptions {
 public:
  /// Whether `who` at `address` may (still) subscribe to the resource.
  using Permits = std::function<bool(const Resource&, const auth::Principal& who, const std::string& address)>;

  /// `limits` answers those that are in force, from any thread.
  Subscriptions(const DispatcherOptions& options, Permits permits, std::function<Limits()> limits);
  ~Subscriptions();

  /// From now on events are pushed, too; until then they can be pulled only. Once. `routes` outlives the subscriptions.
  void serve(base::Executor executor, DeliveryRoutes& routes);
  /// Takes no more subscriptions and ends those that are there; subscribers to whom events are pushed are told
  /// (SourceShuttingDown), all at the same time, within a second. Await it before destruction where serve() was called.
  base::Task<void> stop();

  AsyncResult<Message> subscribe(const Envelope& request, const Caller& caller, Resource& resource, const Call& call);
  Result<Message> renew(const Envelope& request, const Caller& caller, Resource& resource);
  Result<Message> get_status(const Envelope& request, const Caller& caller, Resource& resource);
  AsyncResult<Message> unsubscribe(const Envelope& request, const Caller& caller, Resource& resource);
  AsyncResult<Message> pull(const Envelope& request, const Caller& caller, Resource& resource, const Call& call,
                            Limits limits);
  Result<Message> release(const Envelope& request, const Caller& caller, Resource& resource);

  /// Whether the context of a Pull or a Release is a subscription's.
  bool holds(const std::string& context) const { return table_.holds(context); }
  void expire();
  std::size_t size() const { return table_.size(); }
  std::size_t open_by(const auth::Principal& who) const { return table_.open_by(who); }

 private:
  friend class Pusher;
  using Pointer = SubscriptionTable::Pointer;

  Result<Pointer> find(const Envelope& request, const Caller& caller, const Resource& resource, FaultCode unknown) const;
  AsyncResult<Message> pull_from(Subscription& subscription, const Envelope& request, const Caller& caller, const Call& call,
                                 Limits limits);
  Result<void> start(const Pointer& subscription, std::optional<base::SteadyTime> expires);
  base::Task<void> push(Subscription& subscription);
  /// Takes a subscription out of the table, if it is there, and lets go of it.
  void retire(const std::string& id);
  base::Task<void> reap(std::string id);

  const DispatcherOptions& options_;
  const Permits permits_;
  const std::function<Limits()> limits_;
  SubscriptionTable table_;

  std::mutex mutex_;
  DeliveryRoutes* routes_ = nullptr;
  std::unique_ptr<base::TaskGroup> tasks_;
  std::unordered_map<std::string, Pointer> ended_;  ///< whose tasks have yet to end
  bool stopped_ = false;
};

}  // namespace wsman
