// What a source of events remembers of the subscriptions to its logs, over restarts.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/task.h"
#include "events/bookmark.h"

namespace resources {

/// Records of a log that a subscription was to have, and that are not there any more.
struct LostRecords {
  std::string log;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

/// Thread-safe. A subscription is named by a key that stays the same over its versions and restarts.
class SubscriptionMemory {
 public:
  virtual ~SubscriptionMemory() = default;
  /// Where each channel of the subscription began when it was first asked for; empty where nothing is known of it.
  virtual base::AsyncResult<events::Bookmark> beginnings(std::string key) = 0;
  /// Durable on return. Errors: std::errc::no_space_on_device for one subscription too many; the store's.
  virtual base::AsyncResult<void> keep_beginnings(std::string key, events::Bookmark beginnings) = 0;
  /// Tells this host's administrators, each record once, also over restarts. `name` is the subscription's name for people.
  virtual base::Task<void> lost(std::string key, std::string name, LostRecords records) = 0;
};

}  // namespace resources
