// Where winrm connects, and as whom.
//
// Source: cli-winrm, sections 1.3 and 1.4; winrm-config, section 3.2.

#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/service_connection.h"
#include "engine/base/result.h"
#include "engine/http/client.h"
#include "engine/wsman/client.h"

namespace cli {

/// winrm/config/client: what an administrator has decided for the clients of this machine. The defaults are those of a
/// machine where nothing was decided.
struct ClientSettings {
  std::chrono::milliseconds network_delay{5'000};
  std::string url_prefix = "wsman";
  bool allow_unencrypted = false;
  bool basic = true;
  bool digest = true;
  bool kerberos = true;
  bool negotiate = true;
  bool certificate = true;
  bool credssp = false;
  std::uint16_t http_port = 5985;
  std::uint16_t https_port = 5986;
  std::string trusted_hosts;
};

/// Reads them from a C/client document; what is missing or unreadable keeps its default.
ClientSettings read_client_settings(xml::Element client);

/// Asks the service behind `socket` for them. The defaults where there is none, or it does not tell.
base::Task<ClientSettings> ask_client_settings(base::Result<ControlSocket> socket);

/// True where TrustedHosts names the host as the user has typed it: "*", "<local>", "prefix*", "*suffix", or a name.
bool is_trusted_host(std::string_view trusted_hosts, std::string_view host);

/// Understands what -remote says. Errors: the WS-Man codes of a connection string: 2150858969 (syntax), …970 (transport),
/// …971 (port), 2150859198 (-usessl with http://).
base::Result<http::Url> parse_remote(std::string_view remote, bool use_ssl, const ClientSettings& settings);

/// How a remote service is spoken to: everything that the switches and the settings come to.
struct RemoteConnection {
  http::Url url;
  std::string scheme;  ///< "None", "Basic", "Certificate"
  std::string username;
  std::string password;
  http::TlsClientOptions tls;
  wsman::Charset charset = wsman::Charset::Utf8;
};

/// Judges the switches. `ask_password` is asked where a user is named and no password.
///
/// Errors: Windows' codes for switches that do not go together, for schemes that the settings forbid, and for hosts that
/// they do not trust; Win32::NotSupported for schemes that this version does not have; those of find_client_certificate().
base::Result<RemoteConnection> plan_connection(const Arguments& switches, const ClientSettings& settings,
                                               const std::function<base::Result<std::string>()>& ask_password);

/// A client certificate and its key: `name` is the path of a PEM file, or a thumbprint that is looked for in the PEM files
/// of `folders`. The key is in the same file, or beside it in a file of the same name that ends in ".key".
///
/// Errors: 2150858882 where none has this thumbprint, 2150858935 for a name that is neither.
struct CertificateFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;
};
base::Result<CertificateFiles> find_client_certificate(const std::string& name,
                                                       const std::vector<std::filesystem::path>& folders);

/// The transport for a plan.
base::Result<std::unique_ptr<wsman::Transport>> connect_remote(RemoteConnection plan);

/// An error of the network under the number that Windows' client gives it: 2150858770 where nobody answers, 2150859193 for a
/// name that does not resolve, 2150859194 for a handshake that fails. `to` is who was asked, so that where nobody answers,
/// or nobody speaks TLS, it can be said what else to try.
base::Error told_as_windows(base::Error error, const http::Url& to);

}  // namespace cli
