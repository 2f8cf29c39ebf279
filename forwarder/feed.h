// A subscription that a collector offers, at work: it begins where it left off, and is delivered until told to stop.
//
// Source: wef-wire, sections 8.5 to 8.8, 9 and 16.

#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "engine/base/blocking.h"
#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "engine/resources/subscription_memory.h"
#include "engine/service/event_logs.h"
#include "engine/wsman/eventing.h"
#include "engine/wsman/notifier.h"
#include "events/bookmark.h"
#include "events/query.h"
#include "forwarder/delivery_progress.h"
#include "storage/event_store.h"
#include "storage/state_store.h"

namespace forwarder {

using wsman::Connect;

struct FeedOptions {
  wsman::OfferedSubscription offer;
  std::string computer;                             ///< the MachineID
  std::string state_key;                            ///< names this feed in the state store: manager and identifier
  resources::SubscriptionMemory* memory = nullptr;  ///< outlives the feed
  DeliveryProgress* progress = nullptr;             ///< hears how far it has come; outlives the feed
  wsman::EventRate* rate = nullptr;                 ///< of all feeds; outlives them
  std::function<wsman::DeliveryBounds()> bounds = [] { return wsman::DeliveryBounds(); };  ///< those in force
};

/// Why a feed has ended by itself.
enum class FeedEnd {
  Running,
  Refused,      ///< the collector does not want it, or does not know it
  Unreachable,  ///< ConnectionRetry is used up
  Unready,      ///< a channel is missing or the store failed; the collector was told. Later it may be served
  Unusable,     ///< what it asks for cannot be served; the collector was told
};

/// One strand: run() and say_end() are awaited on the same one. What it is given outlives it.
class Feed final : private wsman::NotifierGuide {
 public:
  Feed(FeedOptions options, storage::EventStore& events, storage::StateStore& state, base::BlockingPool& pool,
       Connect connect, base::Clock& clock);
  ~Feed() override;

  /// Serves the subscription until it is cancelled or ends by itself (see end()): finds where to begin, and lets a
  /// wsman::Notifier deliver.
  base::Task<void> run();

  /// See wsman::Notifier::say_end().
  base::Task<bool> say_end(std::string status, std::uint32_t code, std::string reason);

  /// Writes down how far the collector has acknowledged; run() does so now and then.
  base::Task<void> save_position();

  FeedEnd end() const { return end_.load(); }
  const wsman::OfferedSubscription& offer() const { return options_.offer; }

 private:
  base::Result<void> check();
  base::AsyncResult<events::Bookmark> find_beginning();
  base::Task<void> give_up(FeedEnd end, base::Error why);
  base::Task<void> passed(const std::string& bookmark) override;
  wsman::DeliveryBounds bounds() override { return options_.bounds(); }

  FeedOptions options_;
  service::StorageEventLogs events_;
  storage::StateStore& state_;
  base::BlockingPool& pool_;
  base::Clock& clock_;

  events::Query query_;
  wsman::Notifier notifier_;
  std::string position_;  ///< behind what the collector has acknowledged, as XML
  base::SteadyTime last_saved_;
  std::string saved_;
  std::atomic<FeedEnd> end_{FeedEnd::Running};
};

}  // namespace forwarder
