// What the service makes of its configuration: the engine's limits, the schemes, the listeners.

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/auth/basic.h"
#include "engine/auth/certificate.h"
#include "engine/auth/local_peer.h"
#include "engine/config/configuration.h"
#include "engine/service/authorization.h"
#include "engine/service/certificate_store.h"
#include "engine/service/listener_set.h"
#include "engine/service/settings.h"
#include "engine/wsman/endpoint.h"

namespace service {

/// The network's side of the engine, as winrm/config wants it. Thread-safe.
class RemoteManagement final : public config::Effects {
 public:
  struct Options {
    std::string program;    ///< for ready lines
    std::string host_name;  ///< of HTTPS listeners without a name
    std::filesystem::path certificates;
    std::string admin_group;  ///< of users that certificates are mapped to
  };
  /// What it is given outlives it.
  RemoteManagement(base::Executor executor, Options options, wsman::Dispatcher& dispatcher,
                   auth::PasswordDirectory& passwords, Authorization& authorization);

  /// The listeners that files and policy describe, for their certificates. Before the first apply() and when they change.
  void set_file_listeners(std::vector<config::Listener> listeners);

  /// As apply(), for the start: what of the file or of policy cannot listen is an error.
  base::Result<void> start(const config::Current& current);
  base::Task<void> stop();

  void apply(const config::Current& current) override;
  std::vector<config::ServerCertificate> certificates() override;
  bool has_address(const std::string& address) override;
  config::Listening listening_on(const config::ListenerKey& key) override;
  std::string host_name() override;
  bool has_user(const std::string& name) override;
  std::vector<std::string> resources() override;

 private:
  std::vector<ListenerSet::Failure> make_listeners(const config::Current& current);
  std::vector<config::Listener> file_listeners() const;
  std::optional<auth::Principal> user_of(const auth::Principal& who, std::string_view resource_uri);

  const Options options_;
  const CertificateStore store_;
  wsman::Dispatcher& dispatcher_;
  Authorization& authorization_;
  auth::LocalUsers users_;
  auth::CertificateAuthenticator certificate_;
  auth::BasicAuthenticator basic_;
  wsman::Endpoint endpoint_;
  ListenerSet listeners_;
  mutable std::mutex mutex_;
  std::vector<config::Listener> file_listeners_;
  std::vector<config::CertMapping> mappings_;
};

/// The limits of the engine that `values` ask for.
wsman::Limits limits_of(const config::Values& values);

/// Loads the TLS files of the enabled listeners. Errors: what is wrong with which file.
base::Result<void> check_listener_files(const Settings& settings);

/// What files and policy say, with the thumbprints of certificates where they can be read.
config::Foundation foundation_of(const Settings& settings);

}  // namespace service
