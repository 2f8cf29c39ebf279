#include "engine/service/remote_management.h"

#include <algorithm>

#include "engine/base/log.h"

namespace service {
namespace {

wsman::EndpointOptions network_options() {
  wsman::EndpointOptions options;
  // The listeners look at the path: each has a prefix of its own.
  options.url_prefix.clear();
  return options;
}

auth::BasicOptions basic_options(const std::string& host_name) {
  auth::BasicOptions options;
  options.host_name = host_name;
  return options;
}

config::Listener listener_of(const ListenerSettings& settings) {
  config::Listener listener;
  auto key = config::make_listener_key(settings.address, settings.https ? "HTTPS" : "HTTP");
  listener.key = key.ok() ? *key : config::ListenerKey{settings.address, settings.https};
  listener.port = settings.port;
  listener.hostname = settings.hostname;
  listener.enabled = settings.enabled;
  listener.url_prefix = settings.url_prefix;
  listener.source = settings.from_policy ? config::Source::Policy : config::Source::File;
  listener.certificate = settings.certificate;
  listener.private_key = settings.private_key;
  listener.client_ca = settings.client_ca;
  if (settings.https) {
    auto certificate = http::read_certificate_file(settings.certificate);
    if (certificate.ok()) listener.file_thumbprint = certificate->thumbprint;
    listener.thumbprint = listener.file_thumbprint;
  }
  return listener;
}

}  // namespace

wsman::Limits limits_of(const config::Values& values) {
  const WinrmSettings winrm = winrm_settings(values);
  wsman::Limits limits;
  limits.max_envelope_size = std::uint64_t{winrm.max_envelope_size_kb} * 1024;
  limits.max_timeout = std::chrono::milliseconds(winrm.max_timeout_ms);
  limits.max_batch_items = winrm.max_batch_items;
  limits.enumeration_timeout = std::chrono::milliseconds(winrm.enumeration_timeout_ms);
  limits.max_operations_per_user = winrm.max_concurrent_operations_per_user;
  return limits;
}

base::Result<void> check_listener_files(const Settings& settings) {
  for (const ListenerSettings& listener : settings.listeners) {
    if (!listener.enabled || !listener.https) continue;
    const http::TlsServerOptions tls{listener.certificate, listener.private_key, listener.client_ca};
    auto loaded = http::TlsServerContext::load(tls);
    if (!loaded.ok()) return std::move(loaded).error();
  }
  return {};
}

config::Foundation foundation_of(const Settings& settings) {
  config::Foundation foundation;
  foundation.file = settings.winrm_said.file;
  foundation.policy = settings.winrm_said.policy;
  foundation.run_as_disabled = settings.run_as_disabled;
  for (const ListenerSettings& listener : settings.listeners) foundation.listeners.push_back(listener_of(listener));
  return foundation;
}

RemoteManagement::RemoteManagement(base::Executor executor, Options options, wsman::Dispatcher& dispatcher,
                                   auth::PasswordDirectory& passwords, Authorization& authorization)
    : options_(std::move(options)),
      store_(options_.certificates),
      dispatcher_(dispatcher),
      authorization_(authorization),
      users_(options_.admin_group),
      basic_(passwords, basic_options(options_.host_name)),
      endpoint_(network_options(), dispatcher, {}),
      listeners_(executor, options_.program, endpoint_) {
  endpoint_.set_mapper([this](const auth::Principal& who, std::string_view uri) { return user_of(who, uri); });
}

std::optional<auth::Principal> RemoteManagement::user_of(const auth::Principal& who, std::string_view resource_uri) {
  std::string name;
  {
    std::lock_guard lock(mutex_);
    const config::CertMapping* mapping = config::find_mapping(mappings_, who.names, who.issuers, resource_uri);
    if (mapping == nullptr) return std::nullopt;
    name = mapping->user;
  }
  auto user = users_.find(name);
  if (!user) {
    base::log_warning("{} is mapped to {}, who is no user of this host", who.name, name);
    return std::nullopt;
  }
  user->scheme = who.scheme;
  user->issuers = who.issuers;
  return user;
}

void RemoteManagement::set_file_listeners(std::vector<config::Listener> listeners) {
  std::lock_guard lock(mutex_);
  file_listeners_ = std::move(listeners);
}

std::vector<config::Listener> RemoteManagement::file_listeners() const {
  std::lock_guard lock(mutex_);
  return file_listeners_;
}

std::vector<ListenerSet::Failure> RemoteManagement::make_listeners(const config::Current& current) {
  const WinrmSettings winrm = winrm_settings(current.values);
  dispatcher_.set_limits(limits_of(current.values));
  authorization_.apply(current);
  std::vector<auth::Authenticator*> schemes;
  if (winrm.auth_basic) schemes.push_back(&basic_);
  if (winrm.auth_certificate) schemes.push_back(&certificate_);
  basic_.set_allow_unencrypted(winrm.allow_unencrypted);
  endpoint_.set_authenticators(std::move(schemes));
  endpoint_.set_max_requests(winrm.max_connections);
  {
    std::lock_guard lock(mutex_);
    mappings_ = current.mappings;
  }
  endpoint_.set_remote_access(current.values.flag(config::Id::AllowRemoteAccess));

  std::vector<ListenerSet::Failure> failures;
  std::vector<WantedListener> wanted;
  const auto of_file = file_listeners();
  for (const config::Listener& listener : current.listeners) {
    if (!listener.enabled) continue;
    WantedListener one{listener, nullptr};
    if (listener.key.https) {
      auto tls = store_.tls_of(listener, of_file);
      if (tls.ok() && !winrm.auth_certificate) tls->client_ca.clear();
      auto loaded = tls.ok() ? http::TlsServerContext::load(*tls) : std::move(tls).error();
      if (loaded.ok()) {
        one.tls = std::move(loaded).value();
      } else {
        failures.push_back({listener.key, loaded.error()});
      }
    }
    wanted.push_back(std::move(one));
  }
  const AddressFilters filters{current.values.text(config::Id::Ipv4Filter), current.values.text(config::Id::Ipv6Filter)};
  auto more = listeners_.apply(wanted, filters, std::chrono::seconds(winrm.max_packet_retrieval_time_seconds));
  std::ranges::move(more, std::back_inserter(failures));
  for (const ListenerSet::Failure& failure : failures) {
    base::log_error("the listener {} {} is not as it should be: {}", failure.key.address, failure.key.transport(),
                    failure.error.message());
  }
  return failures;
}

base::Result<void> RemoteManagement::start(const config::Current& current) {
  for (const ListenerSet::Failure& failure : make_listeners(current)) {
    const auto listener = std::ranges::find(current.listeners, failure.key, &config::Listener::key);
    const bool stored = listener == current.listeners.end() || listener->source == config::Source::Stored;
    // What a request has set must not keep the service from starting: it could not be set right again.
    if (!stored) return failure.error;
  }
  return {};
}

void RemoteManagement::apply(const config::Current& current) {
  make_listeners(current);
}

base::Task<void> RemoteManagement::stop() {
  return listeners_.stop();
}

std::vector<config::ServerCertificate> RemoteManagement::certificates() {
  return store_.certificates(file_listeners());
}

bool RemoteManagement::has_address(const std::string& address) {
  return address == "*" || !addresses_of(address, {}, host_addresses()).empty();
}

config::Listening RemoteManagement::listening_on(const config::ListenerKey& key) {
  return listeners_.listening_on(key);
}

std::string RemoteManagement::host_name() {
  return options_.host_name;
}

bool RemoteManagement::has_user(const std::string& name) {
  return auth::find_local_user(name, options_.admin_group).has_value();
}

std::vector<std::string> RemoteManagement::resources() {
  return dispatcher_.resource_uris();
}

}  // namespace service
