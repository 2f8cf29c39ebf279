// One collector that this source asks for subscriptions, again and again.
//
// Source: wef-wire, sections 8.1 to 8.3, 13 and 16.

#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "engine/base/blocking.h"
#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "engine/base/task_group.h"
#include "engine/service/settings.h"
#include "forwarder/feed.h"

namespace forwarder {

struct EnrolmentOptions {
  service::SubscriptionManagerAddress manager;
  std::string computer;
  resources::SubscriptionMemory* memory = nullptr;                                         ///< for its feeds; outlives it
  DeliveryProgress* progress = nullptr;                                                    ///< of all feeds; outlives it
  wsman::EventRate* rate = nullptr;                                                        ///< of all feeds; outlives it
  std::function<wsman::DeliveryBounds()> bounds = [] { return wsman::DeliveryBounds(); };  ///< for its feeds
};

/// Enumerates the manager's offers each Refresh, starts a feed for a new one, leaves one with the same version alone,
/// replaces one with another version, and ends one that is gone. A feed that has ended by itself is started again, unless
/// what it was offered cannot be served. A manager that does not answer is asked again after a second, then ever later, up
/// to Refresh or five minutes; feeds go on meanwhile. One strand. What it is given outlives it.
class Enrolment {
 public:
  Enrolment(base::Executor executor, EnrolmentOptions options,
            std::function<std::unique_ptr<wsman::Transport>()> connect_manager, Connect connect, storage::EventStore& events,
            storage::StateStore& state, base::BlockingPool& pool, base::Clock& clock);
  ~Enrolment();

  /// Runs until it is cancelled.
  base::Task<void> run();
  /// Ends every feed, telling the collector, but not again one that does not answer. Await it after run() has ended.
  base::Task<void> stop();

  std::size_t feeds() const { return feeds_.size(); }

 private:
  struct Running;
  base::AsyncResult<std::vector<wsman::OfferedSubscription>> enumerate();
  base::Task<void> apply(std::vector<wsman::OfferedSubscription> offers);
  base::Task<bool> end_feed(std::string key, std::string status, std::uint32_t code, std::string reason, bool tell);
  void start_feed(std::string key, wsman::OfferedSubscription offer);

  base::Executor executor_;
  EnrolmentOptions options_;
  std::function<std::unique_ptr<wsman::Transport>()> connect_manager_;
  Connect connect_;
  storage::EventStore& events_;
  storage::StateStore& state_;
  base::BlockingPool& pool_;
  base::Clock& clock_;
  std::map<std::string, std::unique_ptr<Running>> feeds_;  ///< by key_of() the offer
};

}  // namespace forwarder
