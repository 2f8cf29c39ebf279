#include "engine/config/quick_config.h"

#include <algorithm>

#include "engine/base/encoding.h"
#include "engine/config/faults.h"
#include "engine/xml/writer.h"

namespace config {
namespace {

/// The children of METHOD_OUTPUT, in their order.
xml::Writer output(std::string_view method) {
  xml::Writer writer;
  writer.open("cfg:" + std::string(method) + "_OUTPUT").attribute("xmlns:cfg", uri_of(Node::Service));
  return writer;
}

wsman::Result<bool> read_https(xml::Element body) {
  std::string transport = "http";
  for (const xml::Element child : body.children()) {
    if (child.local_name() == "Transport") transport = child.text();
  }
  const std::string_view given = base::trimmed(transport);
  const bool https = base::equal_ignoring_case(given, "https");
  if (!https && !base::equal_ignoring_case(given, "http")) {
    return refuse(Refusal::SchemaValidation, "Transport must be http or https");
  }
  return https;
}

struct Missing {
  bool access = false;
  bool listener = false;
};

Missing missing_of(const Current& current, bool https) {
  const bool listens = std::ranges::any_of(
      current.listeners, [&](const Listener& one) { return one.enabled && one.key.https == https && !one.compatibility; });
  return {!current.values.flag(Id::AllowRemoteAccess), !listens};
}

std::string shown(const Missing& missing, bool https) {
  std::string text;
  if (missing.access) text += "Allow remote access to the service.\n";
  if (missing.listener) {
    text += std::string("Create a WinRM listener on ") + (https ? "HTTPS" : "HTTP") +
            "://* to accept WS-Man requests to any IP on this machine.\n";
  }
  return text;
}

std::string analyze(const Current& current, bool https) {
  const Missing missing = missing_of(current, https);
  xml::Writer writer = output("Analyze");
  writer.open("cfg:RemotingEnabled");
  // Nobody but policy can change it.
  if (missing.access && current.values.source(Id::AllowRemoteAccess) == Source::Policy) writer.attribute("Source", "GPO");
  const bool enabled = !missing.access && !missing.listener;
  writer.text(enabled ? "true" : "false").close();
  writer.leaf("cfg:Results", shown(missing, https));
  if (!enabled) writer.open("cfg:EnableRemoting_INPUT").leaf("cfg:Transport", https ? "https" : "http").close();
  return writer.take();
}

wsman::AsyncResult<std::string> enable(Configuration& configuration, bool https) {
  const Missing missing = missing_of(*configuration.current(), https);
  if (missing.access) {
    Given allow{{&setting_of(Id::AllowRemoteAccess), "true"}};
    CO_RETURN_IF_ERROR(co_await configuration.set(std::move(allow)));
  }
  if (missing.listener) {
    ListenerKey key{"*", https};
    const auto current = configuration.current();
    const bool there = std::ranges::find(current->listeners, key, &Listener::key) != current->listeners.end();
    ListenerChange change;
    wsman::Result<void> made;
    if (there) {
      change.enabled = true;
      made = co_await configuration.change_listener(std::move(key), std::move(change));
    } else {
      made = co_await configuration.create_listener(std::move(key), std::move(change));
    }
    if (!made.ok()) {
      wsman::Fault fault = std::move(made).error();
      const bool none = fault.windows_code == static_cast<std::uint32_t>(Refusal::NoCertificate);
      if (none) co_return refuse(Refusal::NoCertificateForQuickConfig, fault.reason);
      co_return fault;
    }
  }
  xml::Writer writer = output("EnableRemoting");
  writer.leaf("cfg:Status", "succeeded").leaf("cfg:Results", shown(missing, https));
  co_return writer.take();
}

}  // namespace

wsman::AsyncResult<std::string> quick_config(Configuration& configuration, std::string method, xml::Element body) {
  if (method == "AnalyzeService") {
    co_return output(method).leaf("cfg:RemotingEnabled", "true").leaf("cfg:Results", "").take();
  }
  if (method == "EnableService") {
    co_return output(method).leaf("cfg:Status", "succeeded").leaf("cfg:Results", "").take();
  }
  if (method != "Analyze" && method != "EnableRemoting") {
    co_return wsman::make_fault(wsman::FaultCode::ActionNotSupported, "There is no method " + method.substr(0, 100));
  }
  ASSIGN_OR_CO_RETURN(const bool https, read_https(body));
  if (method == "Analyze") co_return analyze(*configuration.current(), https);
  co_return co_await enable(configuration, https);
}

}  // namespace config
