// A subscription at work: reads what its query selects, batches it as the subscription asks, and delivers it until told to
// stop.
//
// Source: wef-wire, sections 8.5 to 8.8, 9 and 16.

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/blocking.h"
#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "engine/wsman/client.h"
#include "engine/wsman/eventing.h"
#include "events/bookmark.h"
#include "events/query.h"
#include "forwarder/delivery_batch.h"
#include "storage/event_store.h"
#include "storage/state_store.h"

namespace forwarder {

/// Makes the transport to a delivery address, or none where nothing may be sent there; a test puts a collector in memory
/// behind it.
using Connect =
    std::function<std::unique_ptr<wsman::Transport>(const wsman::NotifyAddress& to, const wsman::SubscribeRequest& how)>;

struct FeedOptions {
  wsman::OfferedSubscription offer;
  std::string computer;   ///< the MachineID
  std::string state_key;  ///< names this feed in the state store: manager and identifier
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
class Feed {
 public:
  Feed(FeedOptions options, storage::EventStore& events, storage::StateStore& state, base::BlockingPool& pool,
       Connect connect, base::Clock& clock);

  /// Serves the subscription until it is cancelled or ends by itself (see end()). Begins with a Heartbeat. A batch goes out
  /// once MaxElements, MaxEnvelopeSize or MaxTime is reached, or once a Heartbeat would be due. Events are told by the
  /// collector's Ack; a batch without one is sent again, so nothing is lost and the collector may see it twice.
  ///
  /// ConnectionRetry: attempts follow each other ever more slowly until the interval is reached, so that a collector that
  /// was restarted is found at once; from then on they count, and Total of them end the feed.
  base::Task<void> run();

  /// Tells the collector that the source ends the subscription; waits half a second at most. `status` is the last part of
  /// the eventing URI ("SourceShuttingDown"), `code` a Win32 number. False where no answer came.
  base::Task<bool> say_end(std::string status, std::uint32_t code, std::string reason);

  /// Writes down how far the collector has acknowledged; run() does so now and then.
  base::Task<void> save_position();

  FeedEnd end() const { return end_.load(); }
  const wsman::OfferedSubscription& offer() const { return options_.offer; }

 private:
  enum class Sent { Yes, Stop };

  base::Result<void> check();
  base::AsyncResult<void> prepare();
  base::Task<void> give_up(FeedEnd end, base::Error why);
  base::Task<void> serve();
  base::Task<Sent> send_batch(const DeliveryBatch& batch);
  base::AsyncResult<DeliveryBatch> next_batch();
  base::Task<Sent> send(wsman::Message message);
  wsman::Message delivery_message(std::string_view action) const;
  std::chrono::milliseconds heartbeat_interval() const;

  FeedOptions options_;
  storage::EventStore& events_;
  storage::StateStore& state_;
  base::BlockingPool& pool_;
  Connect connect_;
  base::Clock& clock_;

  events::Query query_;
  std::unique_ptr<wsman::Client> client_;
  std::string session_id_;
  std::size_t fixed_octets_ = 0;   ///< of each delivery
  events::Bookmark position_;      ///< behind what the collector has acknowledged
  base::SteadyTime last_contact_;  ///< of the last Ack
  base::SteadyTime last_saved_;
  std::string saved_;
  std::atomic<FeedEnd> end_{FeedEnd::Running};
};

}  // namespace forwarder
