// The subscriptions that a dispatcher serves.
//
// Source: wsman-protocol, sections 9.1 and 9.2.

#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/auth/principal.h"
#include "engine/base/clock.h"
#include "engine/wsman/event_rate.h"
#include "engine/wsman/resource.h"

namespace wsman {

/// Delivers the events of one subscription; subscriptions.cc has it.
class Pusher;

/// One subscription. What it was made with does not change; the rest belongs to one Pull at a time, or to the pusher.
struct Subscription {
  Subscription();
  ~Subscription();

  std::string id;  ///< "uuid:" and a GUID: e:Identifier, and the n:EnumerationContext where it is pulled
  Resource* resource = nullptr;
  auth::Principal owner;
  std::string address;  ///< the subscriber's, when it subscribed
  SubscribeRequest how;
  std::shared_ptr<void> place;  ///< in a quota, while the subscription is open

  std::unique_ptr<Enumerator> source;
  std::deque<Item> kept;   ///< read from the source, not sent yet
  std::string passed;      ///< the position behind `kept`, where it is further
  std::uint64_t lost = 0;  ///< events that the source could not keep, told by nothing in `kept`
  std::string bookmark;    ///< behind what was sent
  bool source_ended = false;
  EventRate::Share share{nullptr};  ///< of what is pulled

  std::unique_ptr<Pusher> pusher;  ///< null where it is pulled

  bool is_pulled() const { return pusher == nullptr; }
};

struct SubscriptionLimits {
  std::size_t all = 1000;
  std::size_t pushed = 250;                   ///< each of them may hold a connection to its subscriber
  std::chrono::milliseconds idle{3'600'000};  ///< a subscription without an expiry goes that is not pulled for so long
};

/// Bounded. Thread-safe. A subscription that has expired is not found any more, though it may be there until expire().
class SubscriptionTable {
 public:
  using Pointer = std::shared_ptr<Subscription>;

  explicit SubscriptionTable(SubscriptionLimits limits) : limits_(limits) {}

  /// QuotaLimit where there are as many subscriptions as there may be, of all or of those that push, or `who` has a quarter
  /// of them.
  Result<void> check_room(const auth::Principal& who, bool pushes) const;
  /// Errors: as check_room().
  Result<void> add(Pointer subscription, std::optional<base::SteadyTime> expires, base::SteadyTime now);

  /// Null for one that is unknown, has expired, or is another user's or resource's.
  Pointer find(const std::string& id, const auth::Principal& who, const Resource& resource, base::SteadyTime now) const;
  /// Whether there is one, whosever it is.
  bool holds(const std::string& id) const;
  /// Whether it is there and has not expired.
  bool lives(const std::string& id, base::SteadyTime now) const;

  /// For one Pull; give_back() it, or remove() it to end the subscription. Errors: PullInProgress;
  /// InvalidEnumerationContext where find() has none, or it is pushed.
  Result<Pointer> borrow(const std::string& id, const auth::Principal& who, const Resource& resource, base::SteadyTime now);
  void give_back(const std::string& id, base::SteadyTime now);

  /// False where it is gone.
  bool renew(const std::string& id, std::optional<base::SteadyTime> expires);
  std::optional<base::SteadyTime> expiry(const std::string& id) const;

  /// The ids of those that have expired and are not being pulled.
  std::vector<std::string> expired(base::SteadyTime now) const;
  /// What was there; null if nothing.
  Pointer remove(const std::string& id);
  std::vector<Pointer> remove_all();

  std::size_t size() const;
  std::size_t open_by(const auth::Principal& who) const;

 private:
  struct Entry {
    Pointer subscription;
    std::optional<base::SteadyTime> expires;
    base::SteadyTime last_used;
    bool lent = false;
  };

  bool has_expired(const Entry& entry, base::SteadyTime now) const;
  const Entry* find_locked(const std::string& id, const auth::Principal& who, const Resource& resource,
                           base::SteadyTime now) const;
  Result<void> check_room_locked(const auth::Principal& who, bool pushes) const;
  std::size_t count_locked(const auth::Principal& who) const;

  const SubscriptionLimits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace wsman
