// From a request envelope to its reply: checks, bounds, enumeration contexts, faults.
//
// Source: wsman-protocol, sections 4 to 10.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/task_group.h"
#include "engine/wsman/access.h"
#include "engine/wsman/admission.h"
#include "engine/wsman/delivery.h"
#include "engine/wsman/envelope.h"
#include "engine/wsman/resource.h"

namespace wsman {

/// The settings of winrm/config that the dispatcher obeys, with the defaults that we ship. They may change while it runs.
struct Limits {
  std::uint64_t max_envelope_size = 150 * 1024;           ///< MaxEnvelopeSizekb, octets
  std::chrono::milliseconds max_timeout{60'000};          ///< MaxTimeoutms
  std::size_t max_batch_items = 32'000;                   ///< MaxBatchItems
  std::chrono::milliseconds enumeration_timeout{60'000};  ///< EnumerationTimeoutms: idle time of a context
  std::size_t max_operations_per_user = 1500;             ///< MaxConcurrentOperationsPerUser
};

struct DispatcherOptions : Limits {
  std::size_t max_contexts = 1000;             ///< open enumeration contexts, all users
  std::size_t max_subscriptions = 1000;        ///< all users
  std::size_t max_pushed_subscriptions = 250;  ///< those among them that may hold a connection to their subscriber
  std::string machine;                         ///< for the Machine attribute of faults
  base::Clock* clock = &base::system_clock();
};

class DeliveryRoutes;

/// Who asks, and by which way.
struct Caller {
  auth::Principal who;
  std::string path;
  std::string address;
  /// The encoding in which the reply will be sent: its size counts against MaxEnvelopeSize.
  Charset charset = Charset::Utf8;
};

/// Thread-safe. Resources, the access control, the admission and the sink are added before the first dispatch and outlive
/// it.
class Dispatcher {
 public:
  explicit Dispatcher(DispatcherOptions options);
  ~Dispatcher();

  void add(Resource& resource);
  /// Those of the resources that were added, in no order.
  std::vector<std::string> resource_uris() const;
  /// Without one, administrators may use everything and nobody else anything. Of deliveries it is not asked.
  void set_access_control(AccessControl& access);
  /// Without one, everything is let in. Of deliveries it is not asked.
  void set_admission(Admission& admission);
  /// Without a sink, deliveries are answered with ActionNotSupported.
  void set_delivery_sink(DeliverySink& sink);

  /// The reply; a failure is a fault message. Nothing for a message that wants no reply (End): the transport then answers
  /// 204.
  ///
  /// An operation that is still at work when its OperationTimeout passes is cancelled and answered with TimedOut; a Pull
  /// gets half a second of grace, since an Enumerator that keeps to its budget answers by itself and loses nothing.
  base::Task<std::optional<Message>> dispatch(Envelope request, Caller caller);

  /// From now on events are pushed to subscribers where `routes`, which outlives the dispatcher, lets them go; until then
  /// they can only be pulled. Once, before the first dispatch.
  void serve_subscriptions(base::Executor executor, DeliveryRoutes& routes);
  /// Takes no more subscriptions, ends those that are there and tells the subscribers to whom events are pushed, all at the
  /// same time, within a second. Await it before destruction where serve_subscriptions() was called.
  base::Task<void> end_subscriptions();
  std::size_t open_subscriptions() const;

  /// Ends enumeration contexts that have been idle too long, and subscriptions that have expired; dispatch() does so too,
  /// now and then.
  void expire_contexts();
  std::size_t open_contexts() const;

  /// For requests that come from now on, and for the idle time of contexts that are open already.
  void set_limits(const Limits& limits);
  Limits limits() const;
  /// As given to the constructor.
  const DispatcherOptions& options() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The largest response that `request` allows: the smaller of its MaxEnvelopeSize and ours.
std::uint64_t response_limit(const Headers& request, const Limits& limits);

}  // namespace wsman
