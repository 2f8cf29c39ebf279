#include "engine/config/plugin_gate.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "engine/base/encoding.h"
#include "engine/config/faults.h"
#include "engine/wsman/names.h"

namespace config {
namespace {

using A = PluginAttribute;

/// The capability that an action needs; nothing for what goes on with something that is open.
std::string_view capability_of(std::string_view action) {
  using namespace wsman::action;
  if (action == kGet) return "Get";
  if (action == kPut) return "Put";
  if (action == kCreate) return "Create";
  if (action == kDelete) return "Delete";
  if (action == kEnumerate) return "Enumerate";
  if (action == kSubscribe) return "Subscribe";
  for (const std::string_view open : {kPull, kRelease, kRenew, kGetStatus, kUnsubscribe}) {
    if (action == open) return {};
  }
  return "Invoke";
}

bool insists_on_options(const wsman::Headers& headers) {
  return std::ranges::any_of(headers.options, [](const wsman::Option& option) { return option.must_comply; });
}

wsman::Result<void> check_capability(const PluginResource& resource, std::string_view type, const wsman::Call& call) {
  const PluginSaid* capability = resource.find_capability(type);
  if (capability == nullptr) {
    return wsman::make_fault(wsman::FaultCode::ActionNotSupported,
                             "The plugin of this resource is not configured for " + std::string(type));
  }
  if (call.headers.fragment && !capability->flag(A::SupportsFragment)) {
    return wsman::make_fault(wsman::FaultCode::FragmentTransferNotSupported);
  }
  const bool filters = call.body && call.body.child("Filter");
  if (filters && !capability->flag(A::SupportsFiltering)) {
    return wsman::make_fault(type == "Subscribe" ? wsman::FaultCode::EventFilteringNotSupported
                                                 : wsman::FaultCode::FilteringNotSupported);
  }
  if (!resource.said.flag(A::SupportsOptions) && insists_on_options(call.headers)) {
    return wsman::make_fault(wsman::FaultCode::OptionsNotSupported);
  }
  return {};
}

wsman::Fault too_many(Refusal why, std::string reason) {
  wsman::Fault fault = wsman::make_fault(wsman::FaultCode::QuotaLimit, std::move(reason));
  fault.windows_code = static_cast<std::uint32_t>(why);
  return fault;
}

}  // namespace

/// Who is at work on what.
struct PluginGate::Ledger {
  struct Usage {
    std::size_t operations = 0;
    std::map<std::string, std::size_t> users;  ///< their operations; none is 0
  };

  std::mutex mutex;
  std::map<std::string, Usage> plugins;  ///< by name in small letters

  wsman::Result<void> take(const std::string& plugin, const std::string& user, const PluginSaid& quotas) {
    std::lock_guard lock(mutex);
    Usage& usage = plugins[plugin];
    const auto known = usage.users.find(user);
    if (known == usage.users.end() && usage.users.size() >= quotas.number(A::MaxConcurrentUsers)) {
      return too_many(Refusal::PluginUsers, "As many users as may be use the plugin");
    }
    const std::size_t own = known == usage.users.end() ? 0 : known->second;
    if (own >= quotas.number(A::MaxConcurrentOperationsPerUser)) {
      return too_many(Refusal::PluginOperationsPerUser, "The user has as many operations of the plugin as may be");
    }
    if (usage.operations >= quotas.number(A::MaxConcurrentOperations)) {
      return too_many(Refusal::PluginOperations, "The plugin has as many operations as may be");
    }
    ++usage.operations;
    ++usage.users[user];
    return {};
  }

  void give_back(const std::string& plugin, const std::string& user) {
    std::lock_guard lock(mutex);
    const auto usage = plugins.find(plugin);
    const auto own = usage->second.users.find(user);
    if (--own->second == 0) usage->second.users.erase(own);
    if (--usage->second.operations == 0) plugins.erase(usage);
  }
};

PluginGate::PluginGate(const Configuration& configuration)
    : configuration_(configuration), ledger_(std::make_shared<Ledger>()) {}

wsman::Result<wsman::Place> PluginGate::admit(const wsman::Call& call) {
  if (call.who.scheme == auth::Principal::Scheme::LocalPeer) return wsman::Place();
  const auto current = configuration_.current();
  const auto route = find_route(current->plugins, call.headers.resource_uri);
  if (!route) return wsman::Place();
  const std::string_view type = capability_of(call.headers.action);
  if (type.empty()) return wsman::Place();
  const Plugin& plugin = current->plugins[route->plugin];
  if (!plugin.enabled()) {
    return wsman::make_fault(wsman::FaultCode::InvalidResourceUri, "The plugin of this resource is not enabled");
  }
  const PluginResource& resource = plugin.resources[route->resource];
  // Shells have quotas of their own.
  if (resource.find_capability("Shell") != nullptr) return wsman::Place();
  RETURN_IF_ERROR(check_capability(resource, type, call));

  struct Held {
    std::shared_ptr<Ledger> ledger;
    std::string plugin;
    std::string user;
    Held(std::shared_ptr<Ledger> l, std::string p, std::string u)
        : ledger(std::move(l)), plugin(std::move(p)), user(std::move(u)) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { ledger->give_back(plugin, user); }
  };
  const std::string name = base::to_lower(plugin.name());
  const std::string user = std::to_string(static_cast<int>(call.who.scheme)) + call.who.name;
  RETURN_IF_ERROR(ledger_->take(name, user, plugin.quotas));
  return wsman::Place(std::make_shared<Held>(ledger_, name, user));
}

}  // namespace config
