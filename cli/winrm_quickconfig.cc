#include "cli/winrm_quickconfig.h"

#include <charconv>

#include "cli/firewall.h"
#include "cli/winrm_operations.h"
#include "cli/winrm_session.h"
#include "cli/winrm_values.h"
#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

using base::Win32;

constexpr std::string_view kService = "http://schemas.microsoft.com/wbem/wsman/1/config/service";
constexpr std::string_view kListener = "http://schemas.microsoft.com/wbem/wsman/1/config/listener";
constexpr std::uint32_t kActionNotSupported = 2150858771;
constexpr std::uint32_t kPolicyConflict = 2150859031;
constexpr std::size_t kPage = 1000;

wsman::Client::Target target_of(std::string_view uri) {
  wsman::Client::Target target;
  target.resource_uri = uri;
  return target;
}

/// What one step has to do.
struct Change {
  std::string description;
  std::vector<std::vector<std::string>> commands;
};

/// What the service says about its listener.
struct ListenerState {
  bool enabled = false;
  std::string results;
  std::string instructions;  ///< the EnableRemoting_INPUT to send back; empty where the service has no such method
  std::uint16_t port = 0;
};

class QuickConfig {
 public:
  QuickConfig(Console& console, const WinrmArguments& arguments, WinrmSurroundings& surroundings)
      : console_(console), arguments_(arguments), surroundings_(surroundings) {
    https_ = arguments.switches.value_or("transport", "http") == "https";
    force_ = arguments.switches.flag("force");
    asks_ = !force_ && !arguments.switches.flag("quiet");
  }

  base::Task<int> run() {
    auto ready = make_service_ready();
    if (!ready.ok()) co_return print_failure(console_, OutputFormat::Text, ready.error(), {});
    if (!*ready) co_return 0;
    const Arguments& switches = arguments_.switches;
    auto session = co_await open_session(console_, switches, surroundings_);
    if (!session.ok()) co_return print_failure(console_, OutputFormat::Text, session.error(), {});
    auto done = co_await make_remoting_ready((*session)->client());
    if (!done.ok()) co_return (*session)->fail(console_, OutputFormat::Text, done.error());
    co_return 0;
  }

 private:
  // The service.

  /// The unit of the service that is asked; empty where it is none of the system's.
  base::Result<std::string> find_unit() {
    const auto socket = surroundings_.connect_local(arguments_.switches);
    running_ = socket.ok();
    if (socket.ok()) {
      if (socket->path == "/run/muster/collector.sock") return std::string("muster-collector.service");
      if (socket->path == "/run/muster/forwarder.sock") return std::string("muster-forwarder.service");
      return std::string();
    }
    if (arguments_.switches.has("state") || socket.error().code != Win32::ServerUnavailable) return socket.error();
    for (const std::string unit : {"muster-collector.service", "muster-forwarder.service"}) {
      const auto known = surroundings_.run({"systemctl", "cat", unit});
      if (known.ok() && known->status == 0) return unit;
    }
    return base::make_error(Win32::ServerUnavailable, socket.error().what +
                                                          " Neither is one of the system's units, muster-collector or "
                                                          "muster-forwarder, installed.");
  }

  /// False where a person has said no.
  base::Result<bool> make_service_ready() {
    ASSIGN_OR_RETURN(const std::string unit, find_unit());
    std::vector<Change> changes;
    if (!unit.empty()) {
      if (!running_) changes.push_back({"Start the service " + unit + ".", {{"systemctl", "start", unit}}});
      const auto enabled = surroundings_.run({"systemctl", "is-enabled", unit});
      // Without systemd there is nothing to enable.
      if (enabled.ok() && enabled->status != 0) {
        changes.push_back({"Start the service " + unit + " whenever the machine starts.", {{"systemctl", "enable", unit}}});
      }
    }
    if (changes.empty()) {
      console_.out << "WinRM service is already running on this machine.\n";
      return true;
    }
    console_.out << "WinRM is not set up to receive requests on this machine.\n";
    if (!confirm(descriptions_of(changes))) return false;
    std::string results;
    const bool complete = apply(changes, results);
    tell(complete, "WinRM has been updated to receive requests.", results);
    if (!complete && !running_) return false;
    return true;
  }

  // The listener and the firewall.

  base::AsyncResult<void> make_remoting_ready(wsman::Client& client) {
    ASSIGN_OR_CO_RETURN(ListenerState listener, co_await analyze(client));
    std::vector<Change> changes;
    std::string wanted = listener.enabled ? "" : listener.results;
    auto firewall = plan_firewall(surroundings_, listener.port, force_);
    // Whoever may not read the rules is told so, and gets the rest.
    if (!firewall.ok() && firewall.error().code != Win32::AccessDenied) co_return std::move(firewall).error();
    if (!firewall.ok()) console_.err << firewall.error().what << '\n';
    if (firewall.ok()) {
      for (FirewallChange& change : *firewall) {
        wanted += (wanted.empty() ? "" : "\n") + change.description;
        changes.push_back({std::move(change.description), std::move(change.commands)});
      }
    }
    if (wanted.empty()) {
      console_.out << "WinRM is already set up for remote management on this computer.\n";
      co_return base::Result<void>();
    }
    console_.out << "WinRM is not set up to allow remote access to this machine for management.\n";
    if (!https_ && !listener.enabled) co_await warn_of_http(client);
    if (!confirm(wanted)) co_return base::Result<void>();
    std::string results;
    bool complete = true;
    if (!listener.enabled) {
      ASSIGN_OR_CO_RETURN(complete, co_await enable(client, listener, results));
    }
    const bool opened = apply(changes, results);
    tell(complete && opened, "WinRM has been updated for remote management.", results);
    co_return base::Result<void>();
  }

  /// Says so where nobody could log on over HTTP. A service that does not tell is not judged.
  base::Task<void> warn_of_http(wsman::Client& client) {
    auto target = target_of(kService);
    const auto service = co_await client.get(std::move(target));
    if (!service.ok()) co_return;
    const auto is_off = [](xml::Element element) {
      return base::equal_ignoring_case(base::trimmed(element.text()), "false");
    };
    const xml::Element config = service->body();
    if (!is_off(config.child("AllowUnencrypted")) && !is_off(config.child("Auth").child("Basic"))) co_return;
    console_.err
        << "Nobody can log on over HTTP as this service is configured: it has no Kerberos yet, and passwords in clear "
           "text need AllowUnencrypted and Auth/Basic of winrm/config/service. 'winrm quickconfig -transport:https' "
           "makes a listener for certificates and passwords.\n";
  }

  /// Whether an enabled listener has the transport, and the port that it has or would have.
  base::AsyncResult<ListenerState> look_at_listeners(wsman::Client& client) {
    ListenerState state;
    const std::string_view transport = https_ ? "HTTPS" : "HTTP";
    auto take = [&state, transport](wsman::Client::Page& page) {
      for (const xml::Element item : page.items) {
        if (!base::equal_ignoring_case(base::trimmed(item.child("Transport").text()), transport)) continue;
        if (base::equal_ignoring_case(base::trimmed(item.child("Enabled").text()), "false")) continue;
        state.enabled = true;
        state.port = read_port(item.child("Port"), state.port);
      }
      return true;
    };
    auto target = target_of(kListener);
    CO_RETURN_IF_ERROR(co_await client.enumerate(std::move(target), std::nullopt, kPage, take));
    if (state.port == 0) {
      auto ports = target_of(std::string(kService) + "/defaultports");
      const auto answer = co_await client.get(std::move(ports));
      const std::uint16_t usual = https_ ? 5986 : 5985;
      state.port = answer.ok() ? read_port(answer->body().child(https_ ? "HTTPS" : "HTTP"), usual) : usual;
    }
    state.results = "Create a listener on " + std::string(transport) + "://*, port " + std::to_string(state.port) +
                    ", that takes requests to every address of this machine.";
    co_return state;
  }

  base::AsyncResult<ListenerState> analyze(wsman::Client& client) {
    ASSIGN_OR_CO_RETURN(ListenerState state, co_await look_at_listeners(client));
    xml::Writer w;
    w.open("p:Analyze_INPUT").attribute("xmlns:p", kService).leaf("p:Transport", https_ ? "https" : "http");
    if (force_) w.leaf("p:Force", "true");
    auto target = target_of(kService);
    const auto answer = co_await client.invoke(std::move(target), "Analyze", w.take());
    if (!answer.ok()) {
      if (base::win32_number(answer.error().code) == kActionNotSupported) co_return state;
      co_return answer.error();
    }
    const xml::Element output = answer->body();
    const xml::Element enabled = output.child("RemotingEnabled");
    const std::string word = base::to_lower(base::trimmed(enabled.text()));
    if (word != "true" && word != "false") {
      co_return base::make_error(Win32::InternalError, "The service does not say whether remote management is enabled.");
    }
    state.enabled = word == "true";
    if (!state.enabled && enabled.attribute("Source") == "GPO") {
      co_return base::make_error(base::win32_code(kPolicyConflict), "Remote management is disabled by policy.");
    }
    if (const std::string results(base::trimmed(output.child("Results").text())); !results.empty()) state.results = results;
    if (const xml::Element input = output.child("EnableRemoting_INPUT")) state.instructions = input.outer_xml();
    co_return state;
  }

  /// False where the service has not done all of it.
  base::AsyncResult<bool> enable(wsman::Client& client, const ListenerState& state, std::string& results) {
    if (state.instructions.empty()) {
      auto target = target_of(kListener);
      target.selectors.push_back(wsman::Selector{"Address", "*", {}});
      target.selectors.push_back(wsman::Selector{"Transport", https_ ? "HTTPS" : "HTTP", {}});
      ASSIGN_OR_CO_RETURN(std::string document, make_document("Listener", kListener, {}));
      auto created = co_await client.create(std::move(target), std::move(document));
      if (!created.ok()) co_return std::move(created).error();
      results += state.results + "\n";
      co_return true;
    }
    auto target = target_of(kService);
    std::string instructions = state.instructions;
    const auto answer = co_await client.invoke(std::move(target), "EnableRemoting", std::move(instructions));
    if (!answer.ok()) co_return answer.error();
    const xml::Element output = answer->body();
    results += std::string(base::trimmed(output.child("Results").text())) + "\n";
    co_return base::equal_ignoring_case(base::trimmed(output.child("Status").text()), "succeeded");
  }

  static std::uint16_t read_port(xml::Element element, std::uint16_t otherwise) {
    const std::string text(base::trimmed(element.text()));
    std::uint16_t port = 0;
    const auto [at, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    return failure == std::errc() && at == text.data() + text.size() && port != 0 ? port : otherwise;
  }

  // What both steps do.

  static std::string descriptions_of(const std::vector<Change>& changes) {
    std::string text;
    for (const Change& change : changes) text += (text.empty() ? "" : "\n") + change.description;
    return text;
  }

  bool confirm(const std::string& wanted) {
    console_.out << "The following changes must be made:\n\n" << wanted << "\n\n";
    if (!asks_) return true;
    console_.out << "Make these changes [y/n]? " << std::flush;
    std::string answer;
    std::getline(console_.in, answer);
    const std::string word = base::to_lower(base::trimmed(answer));
    console_.out << '\n';
    return word == "y" || word == "yes";
  }

  /// Runs the commands of all changes; adds what was done, or why it was not.
  bool apply(const std::vector<Change>& changes, std::string& results) {
    bool complete = true;
    for (const Change& change : changes) {
      std::string failure;
      for (const auto& command : change.commands) {
        const auto output = surroundings_.run(command);
        if (!output.ok()) failure = output.error().message();
        if (output.ok() && output->status != 0) {
          failure = command.front() + " ended with status " + std::to_string(output->status);
          if (const auto said = base::trimmed(output->out); !said.empty()) failure += ": " + std::string(said);
        }
        if (!failure.empty()) break;
      }
      results += change.description + (failure.empty() ? "" : " Failed: " + failure) + "\n";
      complete = complete && failure.empty();
    }
    return complete;
  }

  void tell(bool complete, std::string_view done, const std::string& results) {
    console_.out << (complete ? done : "One or more update steps could not be completed.") << "\n\n" << results;
  }

  Console& console_;
  const WinrmArguments& arguments_;
  WinrmSurroundings& surroundings_;
  bool https_ = false;
  bool force_ = false;
  bool asks_ = true;
  bool running_ = false;
};

}  // namespace

base::Task<int> run_quickconfig(Console& console, const WinrmArguments& arguments, WinrmSurroundings& surroundings) {
  QuickConfig work(console, arguments, surroundings);
  co_return co_await work.run();
}

}  // namespace cli
