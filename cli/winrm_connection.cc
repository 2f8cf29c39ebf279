#include "cli/winrm_connection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "cli/certificates.h"
#include "engine/auth/certificate.h"
#include "engine/base/encoding.h"
#include "engine/base/file_system.h"
#include "engine/base/win32.h"

namespace cli {
namespace {

// Source: wsman-error-codes.
constexpr std::uint32_t kCertNotFound = 2150858882;
constexpr std::uint32_t kCredentialsWithoutAuthentication = 2150858923;
constexpr std::uint32_t kSpnWrongAuthentication = 2150858926;
constexpr std::uint32_t kUserNeeded = 2150858928;
constexpr std::uint32_t kCertificateAndUser = 2150858929;
constexpr std::uint32_t kCertificateNeeded = 2150858932;
constexpr std::uint32_t kInvalidCertificate = 2150858935;
constexpr std::uint32_t kUnencryptedHttpOnly = 2150858967;
constexpr std::uint32_t kCertificateOverHttp = 2150858968;
constexpr std::uint32_t kConnectionString = 2150858969;
constexpr std::uint32_t kTransport = 2150858970;
constexpr std::uint32_t kPort = 2150858971;
constexpr std::uint32_t kUnencryptedDisabled = 2150858974;
constexpr std::uint32_t kBasicDisabled = 2150858975;
constexpr std::uint32_t kDigestDisabled = 2150858976;
constexpr std::uint32_t kNegotiateDisabled = 2150858977;
constexpr std::uint32_t kKerberosDisabled = 2150858978;
constexpr std::uint32_t kCertificateDisabled = 2150858979;
constexpr std::uint32_t kNotTrusted = 2150858980;
constexpr std::uint32_t kKerberosAddress = 2150859019;
constexpr std::uint32_t kCredSspCredentials = 2150859169;
constexpr std::uint32_t kCredSspDisabled = 2150859170;
constexpr std::uint32_t kImplicitCredentialsOverHttp = 2150859184;
constexpr std::uint32_t kProxyOverHttp = 2150859185;
constexpr std::uint32_t kUseSsl = 2150859198;

// Source: wsman-protocol, section 8.3.
constexpr std::uint32_t kUnreachable = 2150858770;
constexpr std::uint32_t kNameNotResolved = 2150859193;
constexpr std::uint32_t kTlsFailed = 2150859194;

constexpr std::string_view kClientSettings = "http://schemas.microsoft.com/wbem/wsman/1/config/client";
constexpr std::chrono::seconds kSettingsTimeout{5};
constexpr std::size_t kMaxPem = 1 << 20;
constexpr std::size_t kThumbprint = 40;

base::Error wsman_error(std::uint32_t number, std::string what) {
  return base::make_error(base::win32_code(number), std::move(what));
}

bool read_boolean(xml::Element element, bool otherwise) {
  const std::string text = base::to_lower(base::trimmed(element.text()));
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return otherwise;
}

template <typename Number>
void read_number(xml::Element element, Number& number) {
  const std::string text(base::trimmed(element.text()));
  Number value{};
  const auto [at, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc() && at == text.data() + text.size() && !text.empty()) number = value;
}

/// The parts of a connection string.
struct RemoteParts {
  std::string scheme;
  std::string host;
  std::string port;
  std::string path;
};

base::Result<RemoteParts> split_remote(std::string_view remote) {
  RemoteParts parts;
  std::string_view rest = base::trimmed(remote);
  const base::Error malformed = wsman_error(
      kConnectionString, "The connection string " + std::string(rest) + " is not [TRANSPORT://]HOST[:PORT][/PREFIX].");
  for (const char c : rest) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '@' || c == '?' || c == '#') return malformed;
  }
  if (const auto end = rest.find("://"); end != std::string_view::npos) {
    parts.scheme = base::to_lower(rest.substr(0, end));
    rest.remove_prefix(end + 3);
    if (parts.scheme != "http" && parts.scheme != "https") {
      return wsman_error(kTransport, "The transport " + parts.scheme + " is neither http nor https.");
    }
  }
  const auto slash = std::min(rest.find('/'), rest.size());
  parts.path = rest.substr(slash);
  std::string_view authority = rest.substr(0, slash);
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos || !is_ip_address(authority.substr(1, end - 1))) return malformed;
    parts.host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
    if (!authority.empty() && authority.front() != ':') return malformed;
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    parts.host = authority.substr(0, colon);
    authority.remove_prefix(colon);
    // An IPv6 address without its brackets.
    if (authority.find(':', 1) != std::string_view::npos) return malformed;
  }
  if (parts.host.empty()) return malformed;
  if (authority.starts_with(':')) {
    parts.port = authority.substr(1);
    if (parts.port.empty()) return wsman_error(kPort, "The port of the connection string is missing.");
  }
  return parts;
}

base::Result<std::uint16_t> read_port(const std::string& text) {
  std::uint32_t port = 0;
  const auto [at, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failure != std::errc() || at != text.data() + text.size() || port == 0 || port > 65'535) {
    return wsman_error(kPort, "The port " + text + " is not a number from 1 to 65535.");
  }
  return static_cast<std::uint16_t>(port);
}

/// The scheme that the switches ask for, by its name in the table.
base::Result<std::string> wanted_scheme(const Arguments& switches) {
  const bool certificate = switches.has("certificate");
  const bool user = switches.has("username");
  const auto named = switches.find("authentication");
  if (!named) return std::string(certificate ? "Certificate" : "Negotiate");
  if (*named == "None" && (certificate || user)) {
    return wsman_error(kCredentialsWithoutAuthentication, "Credentials make no sense with -authentication:None.");
  }
  if (*named == "Certificate" && !certificate) {
    return wsman_error(kCertificateNeeded, "-authentication:Certificate needs -certificate.");
  }
  if (*named != "Certificate" && certificate) {
    return wsman_error(kCertificateAndUser, "-certificate makes no sense with -authentication:" + *named + ".");
  }
  if ((*named == "Basic" || *named == "Digest") && !user) {
    return wsman_error(kUserNeeded, "-authentication:" + *named + " needs -username and -password.");
  }
  if (*named == "CredSSP" && !user) {
    return wsman_error(kCredSspCredentials, "-authentication:CredSSP needs -username and -password.");
  }
  return *named;
}

/// Whether the settings of this machine let its clients use the scheme.
base::Result<void> check_allowed(const std::string& scheme, const ClientSettings& settings) {
  struct Row {
    std::string_view scheme;
    bool allowed;
    std::uint32_t number;
  };
  const Row rows[] = {
      {"Basic", settings.basic, kBasicDisabled},
      {"Digest", settings.digest, kDigestDisabled},
      {"Kerberos", settings.kerberos, kKerberosDisabled},
      {"Negotiate", settings.negotiate, kNegotiateDisabled},
      {"Certificate", settings.certificate, kCertificateDisabled},
      {"CredSSP", settings.credssp, kCredSspDisabled},
  };
  for (const Row& row : rows) {
    if (row.scheme == scheme && !row.allowed) {
      return wsman_error(row.number, scheme + " authentication is disabled in winrm/config/client/auth of this machine.");
    }
  }
  return {};
}

base::Result<void> check_transport(const Arguments& switches, const http::Url& url, const std::string& scheme,
                                   const ClientSettings& settings) {
  if (url.tls) {
    if (switches.flag("unencrypted")) return wsman_error(kUnencryptedHttpOnly, "-unencrypted is for HTTP.");
    return {};
  }
  for (const std::string_view name : {"skipcacheck", "skipcncheck", "skiprevocationcheck", "ca"}) {
    if (switches.has(name)) return usage("The switch " + std::string(name) + " is for HTTPS.");
  }
  if (switches.has("proxyaccess")) return wsman_error(kProxyOverHttp, "A proxy can be used with HTTPS only.");
  if (scheme == "Certificate") return wsman_error(kCertificateOverHttp, "A client certificate can be used with HTTPS only.");
  if (switches.flag("defaultcreds")) {
    return wsman_error(kImplicitCredentialsOverHttp, "-defaultcreds is for HTTPS.");
  }
  const bool clear = switches.flag("unencrypted") || scheme == "Basic" || scheme == "Digest";
  if (clear && !settings.allow_unencrypted) {
    return wsman_error(kUnencryptedDisabled,
                       "Unencrypted traffic is disabled in winrm/config/client of this machine (AllowUnencrypted).");
  }
  if (scheme != "Kerberos" && scheme != "None" && !is_trusted_host(settings.trusted_hosts, url.host)) {
    return wsman_error(kNotTrusted, "Over HTTP, " + url.host + " must be named in TrustedHosts of winrm/config/client.");
  }
  return {};
}

base::Result<void> check_scheme(const Arguments& switches, const http::Url& url, const std::string& scheme) {
  if (switches.flag("spnport") && scheme != "Kerberos" && scheme != "Negotiate") {
    return wsman_error(kSpnWrongAuthentication, "-spnport is for Kerberos and Negotiate.");
  }
  if (scheme == "Kerberos" && is_ip_address(url.host)) {
    return wsman_error(kKerberosAddress, "Kerberos needs a host's name, not an address.");
  }
  if (switches.has("proxyaccess") && switches.value_or("proxyaccess", "") != "no_proxy") {
    return base::make_error(base::Win32::NotSupported, "This version connects without a proxy only.");
  }
  if (scheme == "Basic" || scheme == "None" || scheme == "Certificate") return {};
  return base::make_error(base::Win32::NotSupported,
                          scheme +
                              " authentication is not available in this version: use -authentication:Basic with -username, "
                              "-certificate, or -authentication:None.");
}

std::vector<std::filesystem::path> certificate_folders() {
  std::vector<std::filesystem::path> folders;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    folders.push_back(std::filesystem::path(home) / ".config/muster/tls");
  }
  folders.emplace_back("/etc/muster/tls");
  return folders;
}

/// The key beside a certificate file, or the file itself.
std::filesystem::path key_of(const std::filesystem::path& certificate) {
  std::filesystem::path beside = certificate;
  beside.replace_extension(".key");
  std::error_code ignored;
  return std::filesystem::exists(beside, ignored) ? beside : certificate;
}

/// What to try where nobody answers at this address.
std::string hint_for(const http::Url& to) {
  const std::string asked = " Asked was port " + std::to_string(to.port);
  const std::string https = "https://" + to.host + ":";
  if (to.tls) return asked + " over HTTPS; another one is named as in " + https + "PORT.";
  return asked + " over HTTP; a service with an HTTPS listener is reached as " + https + "5986 (winrm: -usessl).";
}

}  // namespace

ClientSettings read_client_settings(xml::Element client) {
  ClientSettings settings;
  std::int64_t delay = settings.network_delay.count();
  read_number(client.child("NetworkDelayms"), delay);
  settings.network_delay = std::chrono::milliseconds(std::clamp<std::int64_t>(delay, 0, 4'294'967'295));
  if (const std::string prefix(base::trimmed(client.child("URLPrefix").text())); !prefix.empty())
    settings.url_prefix = prefix;
  settings.allow_unencrypted = read_boolean(client.child("AllowUnencrypted"), settings.allow_unencrypted);
  const xml::Element schemes = client.child("Auth");
  settings.basic = read_boolean(schemes.child("Basic"), settings.basic);
  settings.digest = read_boolean(schemes.child("Digest"), settings.digest);
  settings.kerberos = read_boolean(schemes.child("Kerberos"), settings.kerberos);
  settings.negotiate = read_boolean(schemes.child("Negotiate"), settings.negotiate);
  settings.certificate = read_boolean(schemes.child("Certificate"), settings.certificate);
  settings.credssp = read_boolean(schemes.child("CredSSP"), settings.credssp);
  read_number(client.child("DefaultPorts").child("HTTP"), settings.http_port);
  read_number(client.child("DefaultPorts").child("HTTPS"), settings.https_port);
  settings.trusted_hosts = base::trimmed(client.child("TrustedHosts").text());
  return settings;
}

base::Task<ClientSettings> ask_client_settings(base::Result<ControlSocket> socket) {
  // Where no service runs nobody has decided anything.
  if (!socket.ok()) co_return ClientSettings{};
  wsman::ClientOptions options;
  options.to = kControlAddress;
  options.operation_timeout = kSettingsTimeout;
  wsman::Client client(std::move(socket->transport), std::move(options));
  wsman::Client::Target target;
  target.resource_uri = kClientSettings;
  const auto answer = co_await client.get(std::move(target));
  if (!answer.ok()) co_return ClientSettings{};
  co_return read_client_settings(answer->body());
}

bool is_trusted_host(std::string_view trusted_hosts, std::string_view host) {
  while (!trusted_hosts.empty()) {
    const auto comma = std::min(trusted_hosts.find(','), trusted_hosts.size());
    std::string_view pattern = base::trimmed(trusted_hosts.substr(0, comma));
    trusted_hosts.remove_prefix(std::min(comma + 1, trusted_hosts.size()));
    if (pattern.size() > 2 && pattern.starts_with('[') && pattern.ends_with(']')) {
      pattern = pattern.substr(1, pattern.size() - 2);
    }
    if (pattern.empty()) continue;
    if (base::equal_ignoring_case(pattern, "<local>")) {
      if (host.find_first_of(".:") == std::string_view::npos) return true;
      continue;
    }
    if (pattern.find('?') == std::string_view::npos && base::matches_wildcard(pattern, host)) return true;
  }
  return false;
}

base::Result<http::Url> parse_remote(std::string_view remote, bool use_ssl, const ClientSettings& settings) {
  ASSIGN_OR_RETURN(const RemoteParts parts, split_remote(remote));
  if (use_ssl && parts.scheme == "http") return wsman_error(kUseSsl, "-usessl does not go together with http://.");
  http::Url url;
  url.tls = use_ssl || parts.scheme == "https";
  url.host = parts.host;
  if (!parts.port.empty()) {
    ASSIGN_OR_RETURN(url.port, read_port(parts.port));
  } else if (parts.scheme.empty()) {
    url.port = url.tls ? settings.https_port : settings.http_port;
  } else {
    // With a transport it is a URL, and has a URL's ports.
    url.port = url.tls ? 443 : 80;
  }
  url.target = parts.path.size() > 1 ? parts.path : "/" + settings.url_prefix;
  return url;
}

base::Result<RemoteConnection> plan_connection(const Arguments& switches, const ClientSettings& settings,
                                               const std::function<base::Result<std::string>()>& ask_password) {
  RemoteConnection plan;
  ASSIGN_OR_RETURN(plan.url, parse_remote(switches.value_or("remote", ""), switches.flag("usessl"), settings));
  ASSIGN_OR_RETURN(plan.scheme, wanted_scheme(switches));
  RETURN_IF_ERROR(check_allowed(plan.scheme, settings));
  RETURN_IF_ERROR(check_transport(switches, plan.url, plan.scheme, settings));
  RETURN_IF_ERROR(check_scheme(switches, plan.url, plan.scheme));
  if (plan.scheme == "Basic") {
    plan.username = switches.value_or("username", "");
    if (plan.username.find(':') != std::string::npos)
      return usage("A user's name holds no colon with Basic authentication.");
    if (const auto password = switches.find("password"); password && *password != "*") {
      plan.password = *password;
    } else {
      ASSIGN_OR_RETURN(plan.password, ask_password());
    }
  }
  if (plan.scheme == "Certificate") {
    ASSIGN_OR_RETURN(const CertificateFiles files,
                     find_client_certificate(*switches.find("certificate"), certificate_folders()));
    plan.tls.certificate = files.certificate;
    plan.tls.private_key = files.key;
  }
  plan.tls.ca = switches.value_or("ca", "");
  plan.tls.skip_authority_check = switches.flag("skipcacheck");
  plan.tls.skip_name_check = switches.flag("skipcncheck");
  if (switches.value_or("encoding", "utf-8") == "utf-16") plan.charset = wsman::Charset::Utf16;
  return plan;
}

base::Error told_as_windows(base::Error error, const http::Url& to) {
  const std::string_view category = error.code.category().name();
  std::uint32_t number = 0;
  if (error.code == std::errc::connection_refused || error.code == std::errc::host_unreachable ||
      error.code == std::errc::network_unreachable) {
    number = kUnreachable;
  } else if (category.find("netdb") != std::string_view::npos || category.find("addrinfo") != std::string_view::npos) {
    number = kNameNotResolved;
  } else if (error.code == std::errc::protocol_error) {
    number = kTlsFailed;
  }
  if (number == 0) {
    if (error.code == std::errc::timed_out) error.what += hint_for(to);
    return error;
  }
  std::string what = error.message();
  if (number == kUnreachable) what += "." + hint_for(to);
  return base::make_error(base::win32_code(number), std::move(what));
}

base::Result<CertificateFiles> find_client_certificate(const std::string& name,
                                                       const std::vector<std::filesystem::path>& folders) {
  std::string digits = base::to_upper(name);
  std::erase(digits, ' ');
  if (digits.size() != kThumbprint || !base::parse_hex(digits)) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(name, ignored)) return CertificateFiles{name, key_of(name)};
    return wsman_error(kInvalidCertificate,
                       name + " is neither a thumbprint (40 hexadecimal digits) nor the path of a PEM file.");
  }
  std::string looked;
  for (const std::filesystem::path& folder : folders) {
    looked += (looked.empty() ? "" : " or ") + folder.string();
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
      if (entry.path().extension() != ".pem" && entry.path().extension() != ".crt") continue;
      const auto text = base::read_file(entry.path(), kMaxPem);
      if (!text.ok()) continue;
      const auto description = describe_certificate(*text, {});
      if (description.ok() && description->thumbprint == digits) return CertificateFiles{entry.path(), key_of(entry.path())};
    }
  }
  return wsman_error(kCertNotFound, "No certificate in " + looked + " has the thumbprint " + digits + ".");
}

base::Result<std::unique_ptr<wsman::Transport>> connect_remote(RemoteConnection plan) {
  http::ClientOptions http;
  if (plan.url.tls) {
    ASSIGN_OR_RETURN(http.tls, http::TlsClientContext::load(plan.tls));
  }
  wsman::HttpTransportOptions options;
  options.charset = plan.charset;
  if (plan.scheme == "Basic") options.authorization = "Basic " + base::to_base64(plan.username + ":" + plan.password);
  if (plan.scheme == "Certificate") options.authorization = auth::kMutualProfile;
  // What lets a stranger ask a service who it is.
  if (plan.scheme == "None") options.fields.add("WSMANIDENTIFY", "unauthenticated");
  return wsman::http_transport(std::move(plan.url), std::move(http), std::move(options));
}

}  // namespace cli
