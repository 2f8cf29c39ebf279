#include "cli/winrm_session.h"

#include "cli/password.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"

namespace cli {
namespace {

using base::Win32;
using LastFault = WinrmSession::LastFault;

constexpr std::uint32_t kTimeoutHresult = 0x800705B4;
constexpr int kRetries = 3;

bool is_timeout(const base::Result<std::optional<wsman::Envelope>>& reply) {
  if (!reply.ok()) return reply.error().code == std::errc::timed_out || reply.error().code == Win32::Timeout;
  if (!*reply) return false;
  const auto fault = (*reply)->fault();
  return fault &&
         (fault->windows_code == kTimeoutHresult || fault->windows_code == static_cast<std::uint32_t>(Win32::Timeout));
}

/// Keeps the last fault, asks again where a Get or a Pull has timed out, as Windows' tool does, and gives errors their
/// numbers.
class WatchingTransport final : public wsman::Transport {
 public:
  /// `remote`: who is asked, where that is another machine.
  WatchingTransport(std::unique_ptr<wsman::Transport> inner, std::shared_ptr<LastFault> last_fault,
                    std::optional<http::Url> remote)
      : inner_(std::move(inner)), last_fault_(std::move(last_fault)), remote_(std::move(remote)) {}

  base::AsyncResult<std::optional<wsman::Envelope>> round_trip(wsman::Message request,
                                                               std::chrono::milliseconds timeout) override {
    const std::string action = request.headers.action;
    const bool patient = action == wsman::action::kGet || action == wsman::action::kPull;
    for (int attempt = 0;; ++attempt) {
      wsman::Message copy = request;
      auto reply = co_await inner_->round_trip(std::move(copy), timeout);
      if (patient && attempt < kRetries && is_timeout(reply)) continue;
      if (!reply.ok() && remote_) co_return told_as_windows(std::move(reply).error(), *remote_);
      keep_fault(reply);
      co_return reply;
    }
  }

 private:
  void keep_fault(const base::Result<std::optional<wsman::Envelope>>& reply) {
    *last_fault_ = LastFault{};
    if (!reply.ok() || !*reply) return;
    const auto fault = (*reply)->fault();
    if (!fault) return;
    auto envelope = xml::Document::parse((*reply)->document.root().outer_xml());
    if (!envelope.ok()) return;
    last_fault_->envelope = std::move(*envelope);
    last_fault_->number = wsman::windows_code_of(*fault);
  }

  std::unique_ptr<wsman::Transport> inner_;
  std::shared_ptr<LastFault> last_fault_;
  std::optional<http::Url> remote_;
};

}  // namespace

WinrmSession::WinrmSession(std::unique_ptr<wsman::Transport> transport, wsman::ClientOptions options,
                           std::optional<http::Url> remote)
    : last_fault_(std::make_shared<LastFault>()), remote_(remote.has_value()) {
  auto watching = std::make_unique<WatchingTransport>(std::move(transport), last_fault_, std::move(remote));
  client_ = std::make_unique<wsman::Client>(std::move(watching), std::move(options));
}

int WinrmSession::fail(Console& console, OutputFormat format, const base::Error& error) const {
  xml::Element fault;
  if (base::win32_number(error.code) == last_fault_->number) {
    const xml::Element body = last_fault_->envelope.root().child(wsman::ns::kSoap, "Body");
    fault = body.first_child().child(wsman::ns::kSoap, "Detail").child(wsman::ns::kFault, "WSManFault");
  }
  return print_failure(console, format, error, fault);
}

base::AsyncResult<std::unique_ptr<WinrmSession>> open_session(Console& console, const Arguments& switches,
                                                              WinrmSurroundings& surroundings) {
  wsman::ClientOptions options;
  if (const auto timeout = switches.number("timeout")) options.operation_timeout = std::chrono::milliseconds(*timeout);
  if (!switches.has("remote")) {
    ASSIGN_OR_CO_RETURN(ControlSocket socket, surroundings.connect_local(switches));
    options.to = kControlAddress;
    co_return std::make_unique<WinrmSession>(std::move(socket.transport), std::move(options), std::nullopt);
  }
  const Arguments no_switches;
  auto socket = surroundings.connect_local(no_switches);
  const ClientSettings settings = co_await ask_client_settings(std::move(socket));
  const auto ask = [&console, &switches] { return ask_password(console, switches.value_or("username", "")); };
  ASSIGN_OR_CO_RETURN(RemoteConnection plan, plan_connection(switches, settings, ask));
  options.network_delay = settings.network_delay;
  options.to = std::string(plan.url.tls ? "https://" : "http://") + plan.url.authority() + plan.url.target;
  std::optional<http::Url> remote = plan.url;
  ASSIGN_OR_CO_RETURN(auto transport, surroundings.connect_remote(std::move(plan)));
  co_return std::make_unique<WinrmSession>(std::move(transport), std::move(options), std::move(remote));
}

}  // namespace cli
