#include "cli/wecutil_quickconfig.h"

#include "cli/wecutil_run.h"
#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

using base::Win32;

constexpr std::string_view kDoing = "configure the event collector";
constexpr std::string_view kListener = "http://schemas.microsoft.com/wbem/wsman/1/config/listener";
constexpr const char* kUnit = "muster-collector.service";
constexpr const char* kLog = "ForwardedEvents";

class QuickConfig {
 public:
  QuickConfig(Console& console, const Arguments& arguments, const ConnectFunction& connect, WinrmSurroundings& surroundings)
      : console_(console), arguments_(arguments), connect_(connect), surroundings_(surroundings) {}

  int run() {
    const auto ready = make_service_run();
    if (!ready.ok()) return fail_wecutil(console_, kDoing, ready.error());
    if (!*ready) return 0;
    return run_blocking(configure());
  }

 private:
  /// Asked once, for all that is to be changed. False where a person says no.
  bool may_change(const std::string& what) {
    if (asked_ || arguments_.flag("q")) return true;
    console_.out << what << " Would you like to proceed ( Y- yes or N- no)? " << std::flush;
    std::string answer;
    std::getline(console_.in, answer);
    console_.out << '\n';
    const std::string word = base::to_lower(base::trimmed(answer));
    asked_ = word == "y" || word == "yes";
    return asked_;
  }

  /// Runs a program that must succeed.
  base::Result<void> command(const std::vector<std::string>& words) {
    ASSIGN_OR_RETURN(const CommandOutput output, surroundings_.run(words));
    if (output.status == 0) return {};
    std::string text = words.front() + " " + words[1] + " ended with status " + std::to_string(output.status);
    if (const auto said = base::trimmed(output.out); !said.empty()) text += ": " + std::string(said);
    return base::make_error(Win32::InternalError, std::move(text));
  }

  base::Result<bool> make_service_run() {
    const auto socket = surroundings_.connect_local(arguments_);
    if (!socket.ok() && (arguments_.has("state") || socket.error().code != Win32::ServerUnavailable)) return socket.error();
    if (socket.ok() && socket->path != "/run/muster/collector.sock") return true;
    const auto known = surroundings_.run({"systemctl", "cat", kUnit});
    if (!known.ok() || known->status != 0) {
      if (socket.ok()) return true;
      return base::make_error(Win32::ServerUnavailable,
                              socket.error().what + " The system's unit " + kUnit + " is not installed either.");
    }
    const auto enabled = surroundings_.run({"systemctl", "is-enabled", kUnit});
    const bool at_boot = !enabled.ok() || enabled->status == 0;
    if (at_boot && socket.ok()) {
      console_.out << "The service " << kUnit << " runs, and starts whenever the machine starts.\n";
      return true;
    }
    std::string what = std::string("The service ") + kUnit + " will be ";
    if (!socket.ok()) what += at_boot ? "started." : "started, now and whenever the machine starts.";
    if (socket.ok()) what += "started whenever the machine starts.";
    if (!may_change(what)) return false;
    if (!at_boot) {
      RETURN_IF_ERROR(command({"systemctl", "enable", kUnit}));
      console_.out << "Enabled the service " << kUnit << ".\n";
    }
    if (!socket.ok()) {
      RETURN_IF_ERROR(command({"systemctl", "start", kUnit}));
      console_.out << "Started the service " << kUnit << ".\n";
    }
    return true;
  }

  base::Task<int> configure() {
    auto client = connect_(arguments_);
    if (!client.ok()) co_return fail_wecutil(console_, kDoing, client.error());
    const auto log = co_await enable_log(**client);
    if (!log.ok()) co_return fail_wecutil(console_, kDoing, log.error());
    if (!*log) co_return 0;
    const auto told = co_await tell_listeners(**client);
    if (!told.ok()) co_return fail_wecutil(console_, kDoing, told.error());
    console_.out << "Windows Event Collector service was configured successfully.\n";
    co_return 0;
  }

  static wsman::Client::Target log_target() {
    wsman::Client::Target target;
    target.resource_uri = wsman::resource::kLog;
    target.selectors.push_back({"Name", kLog, {}});
    return target;
  }

  base::AsyncResult<bool> enable_log(wsman::Client& client) {
    auto get = log_target();
    ASSIGN_OR_CO_RETURN(const wsman::Envelope log, co_await client.get(std::move(get)));
    if (log.body().child(wsman::resource::kLog, "Enabled").text() != "false") co_return true;
    if (!may_change(std::string("The log ") + kLog + " will be enabled.")) co_return false;
    xml::Writer writer;
    writer.open("l:Log").attribute("xmlns:l", wsman::resource::kLog).leaf("l:Enabled", "true");
    auto put = log_target();
    std::string body = writer.take();
    auto changed = co_await client.put(std::move(put), std::move(body));
    if (!changed.ok()) co_return std::move(changed).error();
    console_.out << "Enabled the log " << kLog << ".\n";
    co_return true;
  }

  base::AsyncResult<void> tell_listeners(wsman::Client& client) {
    bool listens = false;
    auto take = [&](wsman::Client::Page& page) {
      for (const xml::Element item : page.items) {
        const auto text = [&item](std::string_view name) { return std::string(base::trimmed(item.child(name).text())); };
        if (base::equal_ignoring_case(text("Enabled"), "false")) continue;
        listens = true;
        console_.out << "Listens on " << base::to_lower(text("Transport")) << "://" << text("Address") << ":" << text("Port")
                     << "/" << text("URLPrefix") << ".\n";
      }
      return true;
    };
    wsman::Client::Target target;
    target.resource_uri = kListener;
    CO_RETURN_IF_ERROR(co_await client.enumerate(std::move(target), std::nullopt, kWecutilPage, take));
    if (!listens) {
      console_.err << "No listener is enabled: event sources cannot reach this collector. \"winrm quickconfig "
                      "-transport:https\" makes one.\n";
    }
    co_return base::Result<void>();
  }

  Console& console_;
  const Arguments& arguments_;
  const ConnectFunction& connect_;
  WinrmSurroundings& surroundings_;
  bool asked_ = false;
};

}  // namespace

int run_wecutil_quickconfig(Console& console, const Arguments& arguments, const ConnectFunction& connect,
                            WinrmSurroundings& surroundings) {
  return QuickConfig(console, arguments, connect, surroundings).run();
}

}  // namespace cli
