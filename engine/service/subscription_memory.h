// What this host remembers of subscriptions to its logs, in its stores.

#pragma once

#include <mutex>
#include <string>

#include "engine/base/blocking.h"
#include "engine/base/clock.h"
#include "engine/resources/subscription_memory.h"
#include "storage/event_store.h"
#include "storage/state_store.h"

namespace service {

/// Documents of the state store; what is lost is told by an event in Muster/Operational. Thread-safe. What it is given
/// outlives it.
class StoredSubscriptionMemory final : public resources::SubscriptionMemory {
 public:
  /// `computer` is this host's name. At most `max_subscriptions` are remembered.
  StoredSubscriptionMemory(storage::StateStore& state, storage::EventStore& events, base::BlockingPool& pool,
                           base::Clock& clock, std::string computer, std::size_t max_subscriptions = 2000);

  base::AsyncResult<events::Bookmark> beginnings(std::string key) override;
  base::AsyncResult<void> keep_beginnings(std::string key, events::Bookmark beginnings) override;
  base::Task<void> lost(std::string key, std::string name, resources::LostRecords records) override;

 private:
  base::Result<events::Bookmark> read(const std::string& kind, const std::string& key);
  base::Result<void> write(const std::string& kind, const std::string& key, const events::Bookmark& what);
  base::Result<bool> note(const std::string& key, resources::LostRecords& records);

  storage::StateStore& state_;
  storage::EventStore& events_;
  base::BlockingPool& pool_;
  base::Clock& clock_;
  const std::string computer_;
  const std::size_t max_subscriptions_;
  std::mutex mutex_;  ///< held over reading and writing a document
};

}  // namespace service
