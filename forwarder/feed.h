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
#include "storage/event_store.h"
#include "storage/state_store.h"

namespace forwarder {

/// Makes the transport to a delivery address; a test puts a collector in memory behind it.
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
  Unusable,     ///< the query or a channel cannot be served; the collector was told
};

/// One strand: run() and say_end() are awaited on the same one. What it is given outlives it.
class Feed {
 public:
  Feed(FeedOptions options, storage::EventStore& events, storage::StateStore& state, base::BlockingPool& pool,
       Connect connect, base::Clock& clock);

  /// Serves the subscription until it is cancelled or ends by itself (see end()). Events are told by the collector's Ack; a
  /// batch without one is sent again, so nothing is lost and the collector may see it twice.
  base::Task<void> run();

  /// Tells the collector that the source ends the subscription; waits half a second at most. `status` is the last part of
  /// the eventing URI ("SourceShuttingDown"), `code` a Win32 number.
  base::Task<void> say_end(std::string status, std::uint32_t code, std::string reason);

  FeedEnd end() const { return end_.load(); }
  const wsman::OfferedSubscription& offer() const { return options_.offer; }

 private:
  struct Batch {
    std::vector<std::string> events;
    events::Bookmark bookmark;
    std::uint64_t dropped = 0;
  };
  enum class Sent { Yes, Stop };

  base::AsyncResult<void> prepare();
  base::AsyncResult<events::Bookmark> start_position();
  base::Task<void> serve();
  base::AsyncResult<Batch> next_batch();
  base::Task<Sent> send(wsman::Message message);
  wsman::Message delivery_message(std::string_view action) const;
  wsman::Message events_message(const Batch& batch) const;
  base::Task<void> remember(bool now);
  std::size_t size_of(std::string_view event) const;
  void finish(FeedEnd end) { end_ = end; }

  FeedOptions options_;
  storage::EventStore& events_;
  storage::StateStore& state_;
  base::BlockingPool& pool_;
  Connect connect_;
  base::Clock& clock_;

  events::Query query_;
  std::unique_ptr<wsman::Client> client_;
  std::string session_id_;
  events::Bookmark position_;      ///< behind what the collector has acknowledged
  base::SteadyTime last_contact_;  ///< of the last Ack
  base::SteadyTime last_remembered_;
  std::string remembered_;
  std::atomic<FeedEnd> end_{FeedEnd::Running};
};

}  // namespace forwarder
