// Delivery of events to a subscriber's address: batches, acknowledgements, repeats, heartbeats, the end.
//
// Source: wsman-protocol, section 9.3; wef-wire, sections 8.5 to 8.8 and 16.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "engine/wsman/client.h"
#include "engine/wsman/dispatcher.h"
#include "engine/wsman/event_batch.h"
#include "engine/wsman/event_rate.h"
#include "engine/wsman/eventing.h"
#include "engine/wsman/resource.h"

namespace wsman {

/// Makes the transport to a delivery address, or none where nothing may be sent there; a test puts a subscriber in memory
/// behind it.
using Connect = std::function<std::unique_ptr<Transport>(const NotifyAddress& to, const SubscribeRequest& how)>;

struct NotifierOptions {
  SubscribeRequest how;       ///< its mode is one that pushes
  std::string machine;        ///< the MachineID
  std::string bookmark;       ///< XML of where the events begin
  std::string manager;        ///< XML inside e:SubscriptionManager of a SubscriptionEnd
  EventRate* rate = nullptr;  ///< of all deliveries together; outlives the notifier
};

/// What this host's own settings allow of a delivery, besides what the subscriber has asked for.
struct DeliveryBounds {
  std::uint64_t max_envelope_size = std::numeric_limits<std::uint64_t>::max();  ///< MaxEnvelopeSizekb, octets
  std::chrono::milliseconds max_timeout{60'000};                                ///< MaxTimeoutms
};

DeliveryBounds delivery_bounds(const Limits& limits);

/// Why a notifier has ended by itself.
enum class NotifierEnd {
  Running,
  Refused,      ///< the subscriber does not want it, or does not know it
  Unreachable,  ///< ConnectionRetry is used up
  TooLarge,     ///< an event exceeds MaxEnvelopeSize, and the policy is to cancel
  Finished,     ///< the source has no more
  Stopped,      ///< the guide said so
  Denied,       ///< the source lets the subscriber read no more
};

/// What the owner of a notifier has a say in. Called on the notifier's strand.
class NotifierGuide {
 public:
  virtual ~NotifierGuide() = default;
  /// False ends it. Asked before each message.
  virtual bool may_go_on() { return true; }
  /// A moment at which it is to ask again, though nothing happens.
  virtual base::SteadyTime ask_again() { return base::SteadyTime::max(); }
  /// Asked before each batch: settings may change.
  virtual DeliveryBounds bounds() { return {}; }
  /// Everything up to `bookmark` has been acknowledged, or needs no delivery.
  virtual base::Task<void> passed(const std::string& bookmark);
};

/// One strand: run() and say_end() are awaited on the same one, one after the other. What it is given outlives it.
class Notifier {
 public:
  Notifier(NotifierOptions options, Connect connect, base::Clock& clock, NotifierGuide& guide);
  ~Notifier();

  /// What later attempts will not change. Errors: Win32::InvalidUrl where nothing may be sent to NotifyTo,
  /// Win32::InvalidParameter for a MaxEnvelopeSize that leaves no room for an event.
  base::Result<void> prepare();

  /// After prepare(): delivers what `source` gives until it is cancelled or ends by itself (see end()). Begins with a
  /// Heartbeat, which shows that the way is open before any event is taken. A batch goes out once MaxElements,
  /// MaxEnvelopeSize or MaxTime is reached, or once a Heartbeat would be due. Events are told by the subscriber's Ack (in
  /// mode Push, by its answer); a batch without one is sent again, so nothing is lost and the subscriber may see it twice.
  /// One that the subscriber finds too large (HTTP status 413) is sent in smaller pieces, and so are those behind it; a
  /// single event that is too large for it is treated by the policy of MaxEnvelopeSize. What the source could not keep is
  /// told in w:DroppedEvents, whatever the policy.
  ///
  /// ConnectionRetry: attempts follow each other ever more slowly until the interval is reached, so that a subscriber that
  /// was restarted is found at once; from then on they count, and Total of them are the end. A source that fails is asked
  /// again after a second.
  base::Task<void> run(Enumerator& source);

  /// Tells the subscriber, at EndTo, that the source ends the subscription; waits half a second at most. `status` is the
  /// last part of the eventing URI ("SourceShuttingDown"), `code` a Win32 number. False where no answer came.
  base::Task<bool> say_end(std::string status, std::uint32_t code, std::string reason);

  /// Thread-safe.
  NotifierEnd end() const { return end_.load(); }
  /// What was wrong when it ended.
  const base::Error& trouble() const { return trouble_; }

 private:
  enum class Sent { Yes, Stop, TooLarge };
  /// An event, from when it was read until it is delivered.
  struct Kept {
    Item event;
    bool refused = false;  ///< by the subscriber: alone, it was too large
    bool sent = false;     ///< it is in the batch
  };

  base::AsyncResult<EventBatch> next_batch(Enumerator& source);
  /// False where the policy is to end at an event that is too large.
  bool leave_out(EventBatch& batch, const Item& event);
  base::Task<Sent> wait_for_turn(std::size_t events);
  base::Task<Sent> send_batch(const EventBatch& batch);
  void take_back(const EventBatch& batch);
  /// TooLarge only for what may be sent in another way.
  base::Task<Sent> send(Message message, bool replaceable = false);
  Message message_for(std::string_view action) const;
  BatchLimits limits() const;
  std::size_t octets_without_events() const;
  std::chrono::milliseconds heartbeat_interval() const;
  bool acknowledged() const;
  void finish(NotifierEnd end, base::Error trouble);

  const NotifierOptions options_;
  const Connect connect_;
  base::Clock& clock_;
  NotifierGuide& guide_;

  EventRate::Share share_;
  std::unique_ptr<Client> client_;
  std::string session_id_;
  std::size_t fixed_octets_ = 0;  ///< of each delivery
  std::deque<Kept> kept_;         ///< read, in no batch yet
  std::string passed_;            ///< the position behind kept_, where it is further
  std::uint64_t lost_ = 0;        ///< events that the source could not keep, told by nothing in kept_
  std::deque<Kept> taken_;        ///< into the batch that is being delivered
  std::string taken_passed_;      ///< the same of passed_
  std::uint64_t taken_lost_ = 0;  ///< the same of lost_
  bool dropped_told_ = false;     ///< the subscriber knows what the batch leaves out
  bool hurry_ = false;            ///< kept_ has waited already
  /// What the subscriber takes of several events, as far as it is known.
  std::size_t octets_together_ = std::numeric_limits<std::size_t>::max();
  std::string bookmark_;  ///< behind what the subscriber has acknowledged
  base::SteadyTime last_contact_;
  bool finished_ = false;  ///< the source has no more
  bool told_too_large_ = false;
  base::Error trouble_;
  std::atomic<NotifierEnd> end_{NotifierEnd::Running};
};

}  // namespace wsman
