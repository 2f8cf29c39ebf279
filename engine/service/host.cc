#include "engine/service/host.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "engine/auth/certificate.h"
#include "engine/auth/local_peer.h"
#include "engine/base/file_system.h"
#include "engine/base/log.h"
#include "engine/http/listener.h"
#include "engine/resources/event_log.h"
#include "engine/resources/log.h"
#include "engine/service/event_logs.h"
#include "engine/service/operational_log.h"
#include "engine/wsman/endpoint.h"

namespace service {
namespace {

/// The options of one listener, but for its address.
base::Result<http::ListenerOptions> listener_options(const ListenerSettings& settings, const WinrmSettings& winrm) {
  http::ListenerOptions options;
  options.port = settings.port;
  options.retrieval_timeout = std::chrono::seconds(winrm.max_packet_retrieval_time_seconds);
  if (settings.https) {
    http::TlsServerOptions tls;
    tls.certificate = settings.certificate;
    tls.private_key = settings.private_key;
    if (winrm.auth_certificate) tls.client_ca = settings.client_ca;
    ASSIGN_OR_RETURN(options.tls, http::TlsServerContext::load(tls));
  }
  return options;
}

/// The addresses to try, the best first: "*" is every address of both families where the system has IPv6.
std::vector<std::string> bind_addresses(const std::string& address) {
  if (address == "*") return {"::", "0.0.0.0"};
  std::string literal = address.starts_with("IP:") ? address.substr(3) : address;
  if (literal.starts_with('[') && literal.ends_with(']')) literal = literal.substr(1, literal.size() - 2);
  return {literal};
}

std::string shown_address(const std::string& address) {
  if (address == "*") return "0.0.0.0";
  return address.starts_with("IP:") ? address.substr(3) : address;
}

}  // namespace

struct Host::State {
  State(boost::asio::io_context& c, HostOptions o) : context(c), options(std::move(o)) {}

  boost::asio::io_context& context;
  HostOptions options;
  std::optional<base::DirectoryLock> lock;
  base::BlockingPool pool{4};
  std::unique_ptr<storage::StateStore> state;
  std::unique_ptr<storage::EventStore> events;
  std::unique_ptr<StorageEventLogs> logs;
  std::unique_ptr<resources::EventLogResource> event_log;
  std::unique_ptr<resources::LogResource> log;
  std::unique_ptr<wsman::Dispatcher> dispatcher;
  auth::CertificateAuthenticator certificate;
  auth::LocalPeerAuthenticator local_peer;
  std::unique_ptr<wsman::Endpoint> network;
  std::unique_ptr<wsman::Endpoint> control;
  std::vector<std::unique_ptr<http::Listener>> listeners;
  std::vector<std::unique_ptr<http::Listener>> control_sockets;
  std::unique_ptr<OperationalLog> operational;
  std::unique_ptr<base::TaskGroup> tasks;

  base::Result<void> start_control(const std::filesystem::path& path) {
    http::ListenerOptions control_options;
    control_options.unix_path = path;
    auto listener = std::make_unique<http::Listener>(context.get_executor(), control_options, *control);
    RETURN_IF_ERROR(listener->start());
    control_sockets.push_back(std::move(listener));
    return {};
  }

  base::Result<void> start_listener(const ListenerSettings& settings) {
    ASSIGN_OR_RETURN(auto listener_settings, listener_options(settings, options.settings.winrm));
    base::Result<void> outcome;
    for (const std::string& address : bind_addresses(settings.address)) {
      listener_settings.address = address;
      auto listener = std::make_unique<http::Listener>(context.get_executor(), listener_settings, *network);
      outcome = listener->start();
      if (!outcome.ok()) continue;
      const std::string line =
          base::format_text("{}: ready on {}://{}:{}/{}\n", options.program, settings.https ? "https" : "http",
                            shown_address(settings.address), listener->port(), settings.url_prefix);
      std::fputs(line.c_str(), stderr);
      listeners.push_back(std::move(listener));
      return {};
    }
    return outcome;
  }
};

Host::Host(std::unique_ptr<State> state) : state_(std::move(state)) {}
Host::~Host() = default;

base::Result<std::unique_ptr<Host>> Host::open(boost::asio::io_context& context, HostOptions options) {
  auto state = std::make_unique<State>(context, std::move(options));
  const HostOptions& chosen = state->options;
  const WinrmSettings& winrm = chosen.settings.winrm;
  RETURN_IF_ERROR(base::make_directories(chosen.state));
  ASSIGN_OR_RETURN(state->lock, base::DirectoryLock::acquire(chosen.state));
  ASSIGN_OR_RETURN(state->state, storage::StateStore::open(chosen.state));
  storage::EventStoreOptions store_options;
  store_options.default_max_size = chosen.max_log_size;
  store_options.clock = chosen.clock;
  ASSIGN_OR_RETURN(state->events, storage::EventStore::open(chosen.state, store_options));

  wsman::DispatcherOptions dispatcher;
  dispatcher.max_envelope_size = std::uint64_t{winrm.max_envelope_size_kb} * 1024;
  dispatcher.max_timeout = std::chrono::milliseconds(winrm.max_timeout_ms);
  dispatcher.max_batch_items = winrm.max_batch_items;
  dispatcher.enumeration_timeout = std::chrono::milliseconds(winrm.enumeration_timeout_ms);
  dispatcher.max_operations_per_user = winrm.max_concurrent_operations_per_user;
  dispatcher.machine = chosen.computer;
  dispatcher.clock = chosen.clock;
  state->dispatcher = std::make_unique<wsman::Dispatcher>(dispatcher);

  state->logs = std::make_unique<StorageEventLogs>(*state->events);
  state->event_log = std::make_unique<resources::EventLogResource>(*state->logs);
  state->log = std::make_unique<resources::LogResource>(*state->logs);
  state->dispatcher->add(*state->event_log);
  state->dispatcher->add(*state->log);

  std::vector<auth::Authenticator*> schemes;
  if (winrm.auth_certificate) schemes.push_back(&state->certificate);
  state->network = std::make_unique<wsman::Endpoint>(wsman::EndpointOptions{}, *state->dispatcher, schemes);
  state->local_peer = auth::LocalPeerAuthenticator(chosen.settings.admin_group);
  state->control = std::make_unique<wsman::Endpoint>(wsman::EndpointOptions{}, *state->dispatcher,
                                                     std::vector<auth::Authenticator*>{&state->local_peer});
  state->operational = std::make_unique<OperationalLog>(*state->events, chosen.computer, *chosen.clock);
  state->tasks = std::make_unique<base::TaskGroup>(context.get_executor());
  return std::unique_ptr<Host>(new Host(std::move(state)));
}

base::Result<void> Host::start() {
  state_->tasks->spawn("operational log", state_->operational->run());
  RETURN_IF_ERROR(state_->start_control(state_->options.state / "control.sock"));
  if (const char* runtime = std::getenv("RUNTIME_DIRECTORY"); runtime != nullptr && *runtime != '\0') {
    RETURN_IF_ERROR(state_->start_control(std::filesystem::path(runtime) / state_->options.control_name));
  }
  for (const ListenerSettings& listener : state_->options.settings.listeners) {
    if (listener.enabled) RETURN_IF_ERROR(state_->start_listener(listener));
  }
  return {};
}

base::Result<void> Host::reload(const Settings& settings) {
  base::set_log_level(settings.log_level);
  std::size_t at = 0;
  bool same_shape = settings.listeners.size() == state_->options.settings.listeners.size();
  for (const ListenerSettings& listener : settings.listeners) {
    if (!listener.enabled) continue;
    if (at >= state_->listeners.size()) {
      same_shape = false;
      break;
    }
    ASSIGN_OR_RETURN(auto options, listener_options(listener, settings.winrm));
    if (options.tls) state_->listeners[at]->replace_tls(options.tls);
    ++at;
  }
  if (!same_shape)
    base::log_warning("listeners were added or removed in the configuration: that takes effect at the next start");
  base::log_notice("configuration read again: log level and certificates are in use, other changes wait for the next start");
  return {};
}

base::Task<void> Host::stop() {
  State& state = *state_;
  for (auto& listener : state.listeners) co_await listener->stop();
  for (auto& listener : state.control_sockets) co_await listener->stop();
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
wsman::Dispatcher& Host::dispatcher() {
  return *state_->dispatcher;
}
const HostOptions& Host::options() const {
  return state_->options;
}

std::vector<std::uint16_t> Host::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& listener : state_->listeners) ports.push_back(listener->port());
  return ports;
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
