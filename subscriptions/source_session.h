// One source of a collector-initiated subscription at work: subscribed, delivering, tried again.
//
// Source: wef-wire, section 11; wecutil, section 9.

#pragma once

#include <atomic>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "engine/wsman/byte_budget.h"
#include "engine/wsman/client.h"
#include "storage/event_store.h"
#include "subscriptions/manager.h"
#include "subscriptions/retry_schedule.h"
#include "subscriptions/source_environment.h"
#include "subscriptions/source_kind.h"
#include "subscriptions/source_request.h"

namespace subscriptions {

/// What all sessions share; it outlives them.
struct SessionParts {
  Manager& manager;
  storage::EventStore& events;
  SourceRoutes& routes;
  EventIntake& intake;
  base::Clock& clock;
  /// How many may connect and subscribe at the same time, a unit each.
  wsman::ByteBudget& connecting;
  SubscribeLimits limits;
};

/// A subscription begins at the bookmark that is stored, and nothing but what is stored moves that: whatever goes wrong, a
/// new subscription goes on there, and what comes twice is dropped by the store.
///
/// Pull: each Pull waits at the source for events, as long as the definition's heartbeat, but 20 seconds at least and a
/// minute at most. A source that answers at once that it has none is asked again after the heartbeat's interval, a minute at
/// most. Push: a source that is silent for a heartbeat's interval and a tenth, five seconds at least, is subscribed at anew.
///
/// What can be called besides run() is thread-safe and does not block.
class SourceSession {
 public:
  SourceSession(const SessionParts& parts, const base::Executor& executor, std::shared_ptr<const Subscription> definition,
                std::string address);

  /// Until stop(); then tells the source, for which it has a few seconds. While the subscription has expired it rests. On a
  /// strand.
  static base::Task<void> run(std::shared_ptr<SourceSession> self, std::chrono::milliseconds delay);

  void stop();
  /// Tries now, where it waits for its next attempt; where a source pushes, subscribes at it anew: a source that has
  /// forgotten the subscription looks like one that has nothing to say.
  void retry();
  /// A definition that asks the same of the source.
  void set_definition(std::shared_ptr<const Subscription> definition);
  /// See Connector.
  bool expects(std::string_view path) const;
  void heard(const SourceNews& news);
  std::string_view ack_action() const;

 private:
  using Signal = boost::asio::experimental::concurrent_channel<void(boost::system::error_code)>;

  base::Task<void> work();
  base::AsyncResult<void> subscribe();
  base::AsyncResult<void> open();
  base::AsyncResult<void> identify();
  base::AsyncResult<void> subscribe_in(std::string_view mode, bool at_bookmark);
  base::AsyncResult<void> pull_events();
  base::AsyncResult<void> store(wsman::Client::Pulled pulled);
  base::AsyncResult<void> watch();
  base::AsyncResult<void> renew();
  base::Task<void> drop_subscription();
  base::Task<void> tell_active();
  base::Task<void> wait_after(base::Error why);
  base::Task<void> report(SourceAttempt attempt);

  std::shared_ptr<const Subscription> definition() const;
  bool goes_on() const;
  void plan_renewal();
  std::optional<SourceNews> take_news();
  base::Task<void> wait_stop();
  base::Task<void> wait_wake();
  base::Task<void> pause(std::chrono::nanoseconds duration);
  template <typename T>
  base::AsyncResult<T> unless_stopped(base::AsyncResult<T> task);

  const SessionParts& parts_;
  const std::string id_;
  const std::string address_;
  const std::string identifier_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> retry_{false};  ///< end the pause
  std::atomic<bool> again_{false};  ///< somebody asks for a new subscription, whatever there is
  std::atomic<SourceKind> kind_{SourceKind::Unknown};
  mutable std::mutex mutex_;  ///< guards the next four
  std::shared_ptr<const Subscription> definition_;
  std::string current_path_;  ///< where the subscription that was made last delivers; empty before the first
  std::optional<SourceNews> end_;
  base::SteadyTime heard_at_;
  Signal stop_;  ///< closed by stop()
  Signal wake_;  ///< something has changed

  // Of run() only.
  std::unique_ptr<wsman::Client> client_;
  std::string host_;
  std::optional<wsman::Client::Subscribed> subscribed_;  ///< as far as is known, there is this subscription at the source
  base::SteadyTime renew_at_ = base::SteadyTime::max();
  std::size_t mode_ = 0;  ///< among delivery_modes()
  bool lasting_ = false;  ///< the last failure stays as long as the definition does
  bool refused_ = false;  ///< the source has said no
  bool warned_ = false;
  RetrySchedule schedule_;
  std::minstd_rand random_;
};

}  // namespace subscriptions
