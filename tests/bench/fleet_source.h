// One machine of a simulated fleet: it asks for its subscriptions, makes events, and delivers them as a Windows source does.
//
// Source of the messages' shapes: wef-wire, sections 7 and 8.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "engine/base/task_group.h"
#include "engine/http/client.h"
#include "engine/wsman/byte_budget.h"
#include "engine/wsman/client.h"
#include "engine/wsman/eventing.h"

namespace bench {

/// Trouble on request, as shares of the deliveries (0 to 1).
struct FleetFaults {
  double resend = 0;     ///< the Ack is taken for lost and the same batch sent again
  double reconnect = 0;  ///< the connection is closed behind the Ack
  double cut = 0;        ///< the connection is closed before the Ack could be read, and the batch sent again
  double garbage = 0;    ///< something that is no envelope is sent first
};

/// What all machines have in common. Outlives them.
struct FleetPlan {
  std::vector<std::string> channels;    ///< events of a machine go to them in turn
  std::vector<std::string> samples;     ///< event XML; channel, record id, computer and time are replaced
  std::atomic<double> rate{0};          ///< events a second of one machine
  std::atomic<bool> producing{true};    ///< false: deliver what there is, and nothing new
  std::chrono::milliseconds refresh{};  ///< between two Enumerates
  std::chrono::milliseconds notice{};   ///< how late a machine may see that `producing` has changed
  bool utf8 = false;
  bool sldc = false;
  FleetFaults faults;
  /// Connections that are being made: machines have a processor each, and the fleet one for all.
  wsman::ByteBudget connecting{256};
};

/// What a fleet has come to. Thread-safe.
class FleetTally {
 public:
  void acknowledged(std::size_t events, std::size_t octets, std::chrono::microseconds took);
  void failed(const std::string& why);

  std::uint64_t events() const { return events_; }
  std::uint64_t deliveries() const { return deliveries_; }
  std::uint64_t octets() const { return octets_; }
  std::uint64_t failures() const { return failures_; }
  /// Of the time from sending to Ack, since the last reset. Milliseconds.
  double quantile(double share) const;
  void reset_times();

  std::atomic<std::uint64_t> heartbeats{0};
  std::atomic<std::uint64_t> enumerations{0};

 private:
  // Of 1/8 of a power of two each: quantiles are right to a twelfth.
  static constexpr std::size_t kBuckets = 8 * 40;
  std::atomic<std::uint64_t> events_{0};
  std::atomic<std::uint64_t> deliveries_{0};
  std::atomic<std::uint64_t> octets_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> times_[kBuckets] = {};
};

struct FleetSourceOptions {
  std::string name;       ///< what its certificate says
  std::string collector;  ///< "https://HOST:PORT/wsman"
  std::shared_ptr<http::TlsClientContext> tls;
};

/// One strand.
class FleetSource {
 public:
  FleetSource(FleetSourceOptions options, FleetPlan& plan, FleetTally& tally, std::uint64_t seed);
  ~FleetSource();

  /// Spawns what enrols and delivers, on a group whose executor is a single thread. Trouble is tried again for ever, as a
  /// source does. The tasks end by themselves once the plan produces no more and everything is acknowledged.
  void start(base::TaskGroup& tasks);

  const std::string& name() const { return options_.name; }
  /// Events that the collector has acknowledged: it owes them to whoever asks.
  std::uint64_t acknowledged() const { return acknowledged_; }
  /// When the last delivery or heartbeat was acknowledged.
  base::SteadyTime last_contact() const { return base::SteadyTime(base::SteadyTime::duration(last_contact_.load())); }
  bool enrolled() const { return enrolled_; }

 private:
  struct Log;
  struct Subscription;

  base::AsyncResult<void> enrol();
  base::Task<void> enrol_until_offered();
  base::Task<void> run(base::TaskGroup& tasks);
  base::Task<void> serve(Subscription& subscription);
  base::Task<void> send(Subscription& subscription, std::string_view action, std::string body, std::size_t events);
  base::AsyncResult<void> attempt(Subscription& subscription, std::string_view action, const std::string& body,
                                  std::size_t events);
  base::Task<void> send_garbage(Subscription& subscription);
  base::Task<void> wait_until(base::SteadyTime due);
  void make_events();
  std::string event_text(std::uint64_t number, const Log& log) const;
  bool chance(double share) { return share > 0 && std::uniform_real_distribution<>(0, 1)(random_) < share; }

  const FleetSourceOptions options_;
  FleetPlan& plan_;
  FleetTally& tally_;
  std::minstd_rand random_;
  std::vector<Log> logs_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
  base::SteadyTime made_at_;
  double owed_ = 0;  ///< events that are due, as a fraction
  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<base::SteadyTime::duration::rep> last_contact_{0};
  std::atomic<bool> enrolled_{false};
};

}  // namespace bench
