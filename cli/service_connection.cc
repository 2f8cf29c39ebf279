#include "cli/service_connection.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/password.h"
#include "cli/winrm_connection.h"
#include "engine/base/win32.h"

namespace cli {
namespace {

constexpr std::string_view kCollectorSocket = "/run/muster/collector.sock";
constexpr std::string_view kForwarderSocket = "/run/muster/forwarder.sock";

// Source: wsman-protocol, section 8.3.
constexpr std::uint32_t kUnreachable = 2150858770;
constexpr std::uint32_t kNameNotResolved = 2150859193;

base::Error nobody_listens(const std::string& where) {
  return base::make_error(base::Win32::ServerUnavailable, "No service listens on " + where + ".");
}

/// 0 where somebody accepts connections there, else errno.
int try_socket(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = path.native();
  if (name.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, name.data(), name.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  const int failure = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  ::close(descriptor);
  return failure;
}

base::Result<std::filesystem::path> find_socket(const Arguments& arguments) {
  std::vector<std::filesystem::path> candidates;
  const char* variable = std::getenv("MUSTER_STATE");
  if (const auto state = arguments.find("state")) {
    if (state->empty()) return usage("Invalid value for option state.");
    candidates = {std::filesystem::path(*state) / "control.sock"};
  } else if (variable != nullptr && *variable != '\0') {
    candidates = {std::filesystem::path(variable) / "control.sock"};
  } else {
    candidates = {kCollectorSocket, kForwarderSocket};
  }
  std::string tried;
  for (const auto& path : candidates) {
    switch (const int failure = try_socket(path)) {
      case 0:
        return path;
      case EACCES:
      case EPERM:
        return base::make_error(base::Win32::AccessDenied,
                                "The control socket " + path.string() +
                                    " may be used by root, the service's own user and the members of group muster-admins." +
                                    (::getgrnam("muster-admins") != nullptr
                                         ? ""
                                         : " There is no such group on this machine: systemd-sysusers makes it from the "
                                           "installed file, or 'groupadd --system muster-admins'."));
      case ENOENT:
      case ENOTDIR:
      case ECONNREFUSED:
        break;
      default:
        return base::make_error(std::error_code(failure, std::generic_category()), "connect to " + path.string());
    }
    tried += (tried.empty() ? "" : " or ") + path.string();
  }
  return nobody_listens(tried);
}

/// Says "nobody listens" in Windows' words when the service goes away between two requests.
class ServiceTransport final : public wsman::Transport {
 public:
  ServiceTransport(std::unique_ptr<wsman::Transport> inner, std::string where)
      : inner_(std::move(inner)), where_(std::move(where)) {}

  base::AsyncResult<std::optional<wsman::Envelope>> round_trip(wsman::Message request,
                                                               std::chrono::milliseconds timeout) override {
    auto reply = co_await inner_->round_trip(std::move(request), timeout);
    if (!reply.ok() && (reply.error().code == std::errc::connection_refused ||
                        reply.error().code == std::errc::no_such_file_or_directory)) {
      co_return nobody_listens(where_);
    }
    co_return reply;
  }

 private:
  std::unique_ptr<wsman::Transport> inner_;
  std::string where_;
};

/// Says in Windows' words that the other machine is not there: these tools speak of RPC.
class RemoteTransport final : public wsman::Transport {
 public:
  RemoteTransport(std::unique_ptr<wsman::Transport> inner, http::Url remote)
      : inner_(std::move(inner)), remote_(std::move(remote)) {}

  base::AsyncResult<std::optional<wsman::Envelope>> round_trip(wsman::Message request,
                                                               std::chrono::milliseconds timeout) override {
    auto reply = co_await inner_->round_trip(std::move(request), timeout);
    if (reply.ok()) co_return reply;
    base::Error error = told_as_windows(std::move(reply).error(), remote_);
    const std::uint32_t number = base::win32_number(error.code);
    if (number == kUnreachable || number == kNameNotResolved) error.code = base::Win32::ServerUnavailable;
    co_return error;
  }

 private:
  std::unique_ptr<wsman::Transport> inner_;
  const http::Url remote_;
};

/// What winrm would be told to connect in the same way. Errors: Win32::InvalidParameter.
base::Result<Arguments> switches_of(const Arguments& options) {
  Arguments switches;
  std::string remote = options.value_or("r", "");
  const std::string scheme = options.value_or("a", "Default");
  const bool certificate = options.has("certificate");
  if (scheme != "Basic" && scheme != "Certificate" && !certificate) {
    return base::make_error(base::Win32::NotSupported,
                            "This version reaches other machines with /a:Basic, /u and /p, or with --certificate.");
  }
  if (options.has("p") && !options.has("u")) return usage("Option p is allowed only together with option u.");
  if (scheme != "Default") switches.add("authentication", scheme == "NTLM" ? "Negotiate" : scheme);
  if (remote.find("://") == std::string::npos && (scheme == "Basic" || certificate || options.has("cacert")))
    switches.add("usessl", "true");
  switches.add("remote", std::move(remote));
  for (const auto& [option, name] :
       {std::pair("u", "username"), {"p", "password"}, {"certificate", "certificate"}, {"cacert", "ca"}}) {
    if (const auto value = options.find(option)) switches.add(name, *value);
  }
  return switches;
}

base::Result<std::unique_ptr<wsman::Client>> connect_to_remote(Console& console, const Arguments& options) {
  ASSIGN_OR_RETURN(const Arguments switches, switches_of(options));
  // The settings are there before the client is made: a moment on this machine alone.
  const ClientSettings settings = run_blocking(ask_client_settings(open_control_socket(Arguments{})));
  const auto ask = [&] { return ask_password(console, options.value_or("u", "")); };
  ASSIGN_OR_RETURN(RemoteConnection plan, plan_connection(switches, settings, ask));
  wsman::ClientOptions client;
  client.to = std::string(plan.url.tls ? "https://" : "http://") + plan.url.authority() + plan.url.target;
  client.network_delay = settings.network_delay;
  http::Url remote = plan.url;
  ASSIGN_OR_RETURN(auto transport, connect_remote(std::move(plan)));
  return std::make_unique<wsman::Client>(std::make_unique<RemoteTransport>(std::move(transport), std::move(remote)),
                                         std::move(client));
}

base::Result<std::unique_ptr<wsman::Client>> connect_to_socket(const Arguments& options) {
  for (const std::string_view option : {"u", "p", "a", "certificate", "cacert"}) {
    if (options.has(option)) return usage("Option " + std::string(option) + " is allowed only together with option r.");
  }
  ASSIGN_OR_RETURN(ControlSocket socket, open_control_socket(options));
  wsman::ClientOptions client;
  client.to = kControlAddress;
  return std::make_unique<wsman::Client>(std::move(socket.transport), std::move(client));
}

}  // namespace

ConnectFunction service_connector(Console& console) {
  return [&console](const Arguments& options) {
    return options.has("r") ? connect_to_remote(console, options) : connect_to_socket(options);
  };
}

base::Result<ControlSocket> open_control_socket(const Arguments& arguments) {
  ControlSocket socket;
  ASSIGN_OR_RETURN(socket.path, find_socket(arguments));
  http::Url url;
  url.host = "localhost";
  url.port = 5985;
  url.target = "/wsman";
  http::ClientOptions http;
  http.unix_path = socket.path;
  auto transport = wsman::http_transport(std::move(url), std::move(http), wsman::HttpTransportOptions{});
  socket.transport = std::make_unique<ServiceTransport>(std::move(transport), socket.path.string());
  return socket;
}

}  // namespace cli
