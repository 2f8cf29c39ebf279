#include "engine/service/host.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "engine/auth/local_peer.h"
#include "engine/base/file_system.h"
#include "engine/base/log.h"
#include "engine/config/plugin_gate.h"
#include "engine/config/resources.h"
#include "engine/http/listener.h"
#include "engine/resources/count.h"
#include "engine/resources/event_log.h"
#include "engine/resources/log.h"
#include "engine/resources/publisher.h"
#include "engine/resources/store.h"
#include "engine/service/audit_log.h"
#include "engine/service/authorization.h"
#include "engine/service/delivery_connector.h"
#include "engine/service/event_logs.h"
#include "engine/service/operational_log.h"
#include "engine/service/remote_management.h"
#include "engine/service/subscription_memory.h"
#include "engine/service/user_resource.h"
#include "engine/wsman/endpoint.h"

namespace service {
namespace {

/// The largest request on the control socket: one that imports the largest event.
constexpr std::size_t kMaxImportBytes = 20u << 20;

}  // namespace

struct Host::State {
  State(boost::asio::io_context& c, HostOptions o) : context(c), options(std::move(o)) {}

  boost::asio::io_context& context;
  HostOptions options;
  std::optional<base::DirectoryLock> lock;
  base::BlockingPool pool{4};
  std::unique_ptr<storage::StateStore> state;
  std::unique_ptr<subscriptions::LossLedger> losses;
  std::unique_ptr<storage::EventStore> events;
  std::unique_ptr<AuditLog> audits;
  std::unique_ptr<Authorization> authorization;
  std::unique_ptr<StorageEventLogs> logs;
  std::unique_ptr<StoredSubscriptionMemory> memory;
  std::unique_ptr<resources::EventLogResource> event_log;
  std::unique_ptr<resources::LogResource> log;
  std::unique_ptr<resources::CountResource> count;
  std::unique_ptr<resources::PublisherResource> publisher;
  std::unique_ptr<resources::StoreResource> store;
  std::unique_ptr<DeliveryConnector> connector;
  std::unique_ptr<wsman::EventRate> rate;
  std::unique_ptr<wsman::Dispatcher> dispatcher;
  std::unique_ptr<config::Configuration> configuration;
  std::vector<std::unique_ptr<wsman::Resource>> configuration_resources;
  std::unique_ptr<config::PluginGate> plugins;
  std::unique_ptr<Users> users;
  std::unique_ptr<UserResource> user_resource;
  std::unique_ptr<RemoteManagement> network;
  auth::LocalPeerAuthenticator local_peer;
  std::unique_ptr<wsman::Endpoint> control;
  std::vector<std::unique_ptr<http::Listener>> control_sockets;
  std::unique_ptr<OperationalLog> operational;
  std::unique_ptr<base::TaskGroup> tasks;

  base::Result<void> start_control(const std::filesystem::path& path) {
    http::ListenerOptions control_options;
    control_options.unix_path = path;
    // Everybody may connect where the folder lets him: the kernel says who he is, and security descriptors what he may do.
    control_options.unix_mode = 0666;
    auto listener = std::make_unique<http::Listener>(context.get_executor(), control_options, *control);
    RETURN_IF_ERROR(listener->start());
    control_sockets.push_back(std::move(listener));
    return {};
  }
};

Host::Host(std::unique_ptr<State> state) : state_(std::move(state)) {}
Host::~Host() = default;

base::Result<std::unique_ptr<Host>> Host::open(boost::asio::io_context& context, HostOptions options) {
  auto state = std::make_unique<State>(context, std::move(options));
  const HostOptions& chosen = state->options;
  RETURN_IF_ERROR(base::make_directories(chosen.state));
  ASSIGN_OR_RETURN(state->lock, base::DirectoryLock::acquire(chosen.state));
  ASSIGN_OR_RETURN(state->state, storage::StateStore::open(chosen.state));
  ASSIGN_OR_RETURN(state->losses, subscriptions::LossLedger::open(*state->state));
  storage::EventStoreOptions store_options;
  store_options.default_max_size = chosen.max_log_size;
  store_options.clock = chosen.clock;
  ASSIGN_OR_RETURN(state->events, storage::EventStore::open(chosen.state, store_options));

  config::Foundation foundation = foundation_of(chosen.settings);
  const auto file_listeners = foundation.listeners;
  ASSIGN_OR_RETURN(state->configuration, config::Configuration::open(*state->state, state->pool, std::move(foundation)));

  wsman::DispatcherOptions dispatcher{limits_of(state->configuration->current()->values)};
  dispatcher.machine = chosen.computer;
  dispatcher.clock = chosen.clock;
  state->rate = std::make_unique<wsman::EventRate>(*chosen.clock);
  state->rate->set(chosen.settings.forwarder.max_events_per_second);
  state->dispatcher = std::make_unique<wsman::Dispatcher>(dispatcher);

  state->audits = std::make_unique<AuditLog>(chosen.computer, *chosen.clock);
  state->authorization = std::make_unique<Authorization>(*state->audits);
  state->authorization->set_members(chosen.settings.access.sids);
  state->authorization->apply(*state->configuration->current());
  state->dispatcher->set_access_control(*state->authorization);

  state->tasks = std::make_unique<base::TaskGroup>(context.get_executor());
  state->logs = std::make_unique<StorageEventLogs>(*state->events, chosen.computer, state->losses.get());
  resources::LogAccess* const access = state->authorization.get();
  state->memory =
      std::make_unique<StoredSubscriptionMemory>(*state->state, *state->events, state->pool, *chosen.clock, chosen.computer);
  state->event_log = std::make_unique<resources::EventLogResource>(*state->logs, access, *chosen.clock, state->memory.get());
  state->log = std::make_unique<resources::LogResource>(*state->logs, access);
  state->dispatcher->add(*state->event_log);
  state->count = std::make_unique<resources::CountResource>(*state->logs, access);
  state->publisher = std::make_unique<resources::PublisherResource>(*state->logs);
  state->store = std::make_unique<resources::StoreResource>(*state->logs, *state->tasks);
  state->dispatcher->add(*state->log);
  state->dispatcher->add(*state->count);
  state->dispatcher->add(*state->publisher);
  state->dispatcher->add(*state->store);

  state->configuration_resources = config::make_resources(*state->configuration);
  for (const auto& resource : state->configuration_resources) state->dispatcher->add(*resource);
  state->plugins = std::make_unique<config::PluginGate>(*state->configuration);
  state->dispatcher->set_admission(*state->plugins);

  ASSIGN_OR_RETURN(state->users, Users::open(*state->state, state->pool));
  state->user_resource = std::make_unique<UserResource>(*state->users);
  state->dispatcher->add(*state->user_resource);

  RemoteManagement::Options remote{chosen.program, chosen.computer, chosen.state / "certificates",
                                   chosen.settings.admin_group};
  state->network = std::make_unique<RemoteManagement>(context.get_executor(), std::move(remote), *state->dispatcher,
                                                      *state->users, *state->authorization);
  state->network->set_file_listeners(file_listeners);
  state->configuration->attach(*state->network);
  state->local_peer = auth::LocalPeerAuthenticator(chosen.settings.admin_group);
  wsman::EndpointOptions control;
  // Administrators on this machine bring events along in large pieces.
  control.wrapping_bytes = kMaxImportBytes;
  state->control =
      std::make_unique<wsman::Endpoint>(control, *state->dispatcher, std::vector<auth::Authenticator*>{&state->local_peer});
  state->operational = std::make_unique<OperationalLog>(*state->events, chosen.computer, *chosen.clock, state->audits.get());
  return std::unique_ptr<Host>(new Host(std::move(state)));
}

base::AsyncResult<void> Host::prepare() {
  const std::string name(kOperationalLog);
  ASSIGN_OR_CO_RETURN(const auto known, co_await state_->events->find_log(name));
  if (known) co_return base::Result<void>();
  storage::LogProperties properties;
  properties.name = name;
  properties.max_size = state_->options.max_log_size;
  properties.owning_publisher = kProvider;
  co_return co_await state_->events->set_log(std::move(properties));
}

base::Result<void> Host::start() {
  state_->tasks->spawn("operational log", state_->operational->run());
  RETURN_IF_ERROR(state_->start_control(state_->options.state / "control.sock"));
  if (const char* runtime = std::getenv("RUNTIME_DIRECTORY"); runtime != nullptr && *runtime != '\0') {
    RETURN_IF_ERROR(state_->start_control(std::filesystem::path(runtime) / state_->options.control_name));
  }
  // The control socket takes changes already: none may be overtaken by what was in force before it.
  const auto hold = state_->configuration->hold();
  return state_->network->start(*state_->configuration->current());
}

base::AsyncResult<void> Host::reload(Settings settings) {
  CO_RETURN_IF_ERROR(check_listener_files(settings));
  base::set_log_level(settings.log_level);
  state_->rate->set(settings.forwarder.max_events_per_second);
  config::Foundation foundation = foundation_of(settings);
  state_->authorization->set_members(settings.access.sids);
  state_->network->set_file_listeners(foundation.listeners);
  CO_RETURN_IF_ERROR(co_await state_->configuration->reload(std::move(foundation)));
  base::log_notice(
      "configuration read again: log level, max_events_per_second, certificates, [access] and [winrm] are in use, the rest "
      "waits for the next start");
  co_return base::Result<void>();
}

base::Task<void> Host::stop() {
  State& state = *state_;
  // Subscribers are told while the way to them is open.
  co_await state.dispatcher->end_subscriptions();
  co_await state.network->stop();
  for (auto& listener : state.control_sockets) co_await listener->stop();
  co_await state.operational->store_rest();
  state.operational.reset();
  co_await state.tasks->stop();
  co_await state.events->stop();
}

base::Executor Host::executor() {
  return state_->context.get_executor();
}
base::BlockingPool& Host::pool() {
  return state_->pool;
}
storage::EventStore& Host::events() {
  return *state_->events;
}
storage::StateStore& Host::state() {
  return *state_->state;
}
wsman::EventRate& Host::event_rate() {
  return *state_->rate;
}
resources::SubscriptionMemory& Host::subscription_memory() {
  return *state_->memory;
}
wsman::Dispatcher& Host::dispatcher() {
  return *state_->dispatcher;
}
void Host::serve_subscriptions(std::shared_ptr<http::TlsClientContext> tls) {
  auto silence_timeout = [&configuration = *state_->configuration] {
    return 2 * std::chrono::milliseconds(configuration.current()->values.number(config::Id::ClientNetworkDelayms));
  };
  state_->connector = std::make_unique<DeliveryConnector>(std::move(tls), std::move(silence_timeout));
  state_->connector->set_rate(*state_->rate);
  state_->dispatcher->serve_subscriptions(state_->context.get_executor(), *state_->connector);
}

const HostOptions& Host::options() const {
  return state_->options;
}

config::Configuration& Host::configuration() {
  return *state_->configuration;
}

subscriptions::LossLedger& Host::losses() {
  return *state_->losses;
}

std::string host_fqdn() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::string fqdn = name;
  if (::getaddrinfo(name, nullptr, &hints, &found) == 0 && found != nullptr) {
    // A resolver that only knows loopback answers "localhost", which names nobody.
    const std::string canonical = found->ai_canonname != nullptr ? found->ai_canonname : "";
    if (canonical.find('.') != std::string::npos && !canonical.starts_with("localhost")) fqdn = canonical;
    ::freeaddrinfo(found);
  }
  return fqdn;
}

}  // namespace service
