// What a collector and a forwarder have in common: the state directory, the stores, the WS-Man engine with its listeners and
// its control socket, the threads.

#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/blocking.h"
#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "engine/base/task_group.h"
#include "engine/config/configuration.h"
#include "engine/http/tls.h"
#include "engine/resources/subscription_memory.h"
#include "engine/service/settings.h"
#include "engine/wsman/dispatcher.h"
#include "engine/wsman/event_rate.h"
#include "storage/event_store.h"
#include "storage/state_store.h"
#include "subscriptions/loss_ledger.h"

namespace service {

struct HostOptions {
  std::string program;          ///< "muster-collector": for log lines and ready lines
  std::string control_name;     ///< "collector.sock": the socket's name below $RUNTIME_DIRECTORY
  std::filesystem::path state;  ///< --state
  std::string computer;         ///< this host's own name: Computer of its events, Machine of its faults
  std::uint64_t max_log_size = 1ull << 30;
  Settings settings;
  base::Clock* clock = &base::system_clock();
};

/// Owns the parts of a running service. Made and destroyed on the main thread; its accessors may be used from any.
class Host {
 public:
  /// Locks the state directory and opens the stores. Errors: std::errc::device_or_resource_busy where another process has
  /// it, the stores', those of TLS files. Blocks.
  static base::Result<std::unique_ptr<Host>> open(boost::asio::io_context& context, HostOptions options);
  ~Host();

  /// Makes the service's own log, so that it can be asked before its first event. Errors: the store's.
  base::AsyncResult<void> prepare();
  /// Starts the control socket and the enabled listeners, and says for each listener on standard error that it is ready.
  /// Resources and the delivery sink have been added to dispatcher() before. Errors: an address that cannot be bound.
  base::Result<void> start();
  /// Takes over what can change while running: the log level, max_events_per_second and all of winrm/config, listeners and
  /// TLS files among it. The rest waits for the next start. Errors, with nothing changed: those of TLS files that a listener
  /// names.
  base::AsyncResult<void> reload(Settings settings);
  /// Ends listeners, then the stores. Everything that uses them has been stopped before.
  base::Task<void> stop();

  base::Executor executor();
  base::BlockingPool& pool();
  storage::EventStore& events();
  storage::StateStore& state();
  /// Of what is sent to subscribers and collectors: max_events_per_second of [forwarder].
  wsman::EventRate& event_rate();
  /// What is remembered of subscriptions to this host's logs.
  resources::SubscriptionMemory& subscription_memory();
  wsman::Dispatcher& dispatcher();
  /// Lets subscribers have events pushed to them, with `tls` as this service's identity (null: never over TLS). Before
  /// start().
  void serve_subscriptions(std::shared_ptr<http::TlsClientContext> tls);
  const HostOptions& options() const;
  config::Configuration& configuration();
  /// What sources are known to have lost; empty on a service that takes no deliveries.
  subscriptions::LossLedger& losses();

 private:
  struct State;
  explicit Host(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// This machine's fully qualified name where the resolver knows it, else its host name.
std::string host_fqdn();

}  // namespace service
