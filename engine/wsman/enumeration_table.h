// The open enumeration contexts of a dispatcher.
//
// Source: wsman-protocol, sections 7.1 to 7.3.

#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "engine/auth/principal.h"
#include "engine/base/clock.h"
#include "engine/wsman/resource.h"

namespace wsman {

/// One enumeration. Belongs to one request at a time.
struct EnumerationContext {
  std::string id;
  Resource* resource = nullptr;
  auth::Principal owner;
  EnumerationMode mode = EnumerationMode::Object;
  std::unique_ptr<Enumerator> source;
  std::deque<Item> kept;  ///< read from the source, not sent yet
  bool source_ended = false;
  std::shared_ptr<void> place;   ///< in a quota, while the enumeration is open
  std::size_t first_octets = 0;  ///< the room for items in the response to an optimised Enumerate
};

/// Thread-safe.
class EnumerationTable {
 public:
  EnumerationTable(std::size_t max_contexts, std::chrono::milliseconds idle_limit)
      : max_contexts_(max_contexts), idle_limit_(idle_limit) {}

  /// QuotaLimit where there are as many contexts as there may be, or `who` has a quarter of them.
  Result<void> check_room(const auth::Principal& who) const;
  /// Gives the context an id and keeps it for the first Pull. Errors: as check_room().
  Result<std::string> add(EnumerationContext context, base::SteadyTime now);

  /// The context for one Pull; put_back() it, or drop it to end the enumeration. Errors: PullInProgress,
  /// InvalidEnumerationContext for one that is unknown, has expired, or is another user's or resource's.
  Result<std::unique_ptr<EnumerationContext>> take(const std::string& id, const auth::Principal& who,
                                                   const Resource& resource, base::SteadyTime now);
  /// A context that was released meanwhile goes.
  void put_back(std::unique_ptr<EnumerationContext> context, base::SteadyTime now);
  /// Ends an enumeration that take() has lent.
  void drop(const std::string& id);

  /// Errors: InvalidEnumerationContext.
  Result<void> release(const std::string& id, const auth::Principal& who);

  void expire(base::SteadyTime now);
  /// Holds for the contexts that are open, too.
  void set_idle_limit(std::chrono::milliseconds limit);
  std::size_t size() const;
  std::size_t open_by(const auth::Principal& who) const;

 private:
  struct Entry {
    auth::Principal owner;
    std::unique_ptr<EnumerationContext> context;  ///< null while a Pull has it
    base::SteadyTime last_used;
  };

  std::size_t count_locked(const auth::Principal& who) const;
  Result<void> check_room_locked(const auth::Principal& who) const;

  const std::size_t max_contexts_;
  mutable std::mutex mutex_;
  std::chrono::milliseconds idle_limit_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace wsman
