#include "engine/config/plugin_changes.h"

#include <algorithm>
#include <filesystem>

#include "engine/base/encoding.h"
#include "engine/config/default_plugins.h"

namespace config {
namespace {

using A = PluginAttribute;

template <typename Plugins>
auto find_plugin(Plugins& plugins, std::string_view name) {
  return std::ranges::find_if(plugins, [&](const Plugin& one) { return base::equal_ignoring_case(one.name(), name); });
}

wsman::Fault not_found() {
  return wsman::make_fault(wsman::FaultCode::ResourceNotFound, "There is no such plugin");
}

wsman::Result<void> check_file(const std::string& filename) {
  if (is_system_file(filename)) {
    if (is_built_in_file(filename)) return {};
    return refuse(Refusal::FileMissing, "There is no plugin of that file name here");
  }
  if (!filename.starts_with('/')) {
    return refuse(Refusal::FilePath, "Filename must be an absolute path, or one in %systemroot%\\system32");
  }
  std::error_code ignored;
  if (std::filesystem::is_regular_file(filename, ignored)) return {};
  return refuse(Refusal::FileMissing, "The file that Filename names is not there");
}

wsman::Result<void> check_run_as(const Plugin& before, const Plugin& after, bool password, const Current& now,
                                 Effects* effects) {
  const std::string user = after.said.text(A::RunAsUser);
  if (user.empty()) {
    if (!password) return {};
    return refuse(Refusal::RunAsCredentials, "RunAsPassword needs a RunAsUser");
  }
  if (user == before.said.text(A::RunAsUser) && !password) return {};
  if (now.run_as_disabled) return refuse(Refusal::RunAsDisabled, "Policy does not let plugins act as other users");
  if (effects == nullptr || effects->has_user(user)) return {};
  return refuse(Refusal::RunAsCredentials, "RunAsUser must be a local user");
}

/// No two plugins may have one resource: a request goes to one of them.
wsman::Result<void> check_resources(const Current& now, const Plugin& plugin) {
  std::vector<std::string> uris;
  for (const PluginResource& resource : plugin.resources) uris.push_back(base::to_lower(resource.said.text(A::ResourceUri)));
  std::ranges::sort(uris);
  if (std::ranges::adjacent_find(uris) != uris.end()) {
    return refuse(Refusal::SchemaValidation, "A ResourceUri is there a second time");
  }
  for (const Plugin& other : now.plugins) {
    if (base::equal_ignoring_case(other.name(), plugin.name())) continue;
    for (const PluginResource& resource : other.resources) {
      const std::string uri = base::to_lower(resource.said.text(A::ResourceUri));
      if (!std::ranges::binary_search(uris, uri)) continue;
      return wsman::make_fault(wsman::FaultCode::AlreadyExists, "Another plugin has the resource " + uri.substr(0, 200));
    }
  }
  return {};
}

void store(Content& next, Plugin plugin) {
  const std::string name = plugin.name();
  const auto place =
      std::ranges::find_if(next.plugins, [&](const StoredPlugin& one) { return base::equal_ignoring_case(one.name, name); });
  if (place == next.plugins.end()) {
    next.plugins.push_back({name, std::move(plugin)});
  } else {
    *place = {name, std::move(plugin)};
  }
}

/// Of a list of Security elements the one of `uri`.
template <typename List>
auto find_uri(List& list, std::string_view uri) {
  return std::ranges::find_if(
      list, [&](const PluginSaid& one) { return base::equal_ignoring_case(one.text(A::SecurityUri), uri); });
}

/// The descriptor that holds for `uri` among those in effect; empty where there is none.
std::string nearest_descriptor(const Current& now, std::string_view uri) {
  const ResourceSecurity* best = nullptr;
  for (const ResourceSecurity& one : now.security) {
    if (!is_at_or_below(uri, one.uri, one.exact_match)) continue;
    const bool nearer =
        best == nullptr || one.uri.size() > best->uri.size() || (one.uri.size() == best->uri.size() && one.exact_match);
    if (nearer) best = &one;
  }
  return best != nullptr ? best->sddl : std::string();
}

}  // namespace

wsman::Result<void> put_plugin(Content& next, const Current& now, const std::string& name, const PluginChange& change,
                               bool create, Effects* effects) {
  const auto known = find_plugin(now.plugins, name);
  const bool there = known != now.plugins.end();
  if (create && there) return wsman::make_fault(wsman::FaultCode::AlreadyExists, "There is a plugin of this name");
  if (!create && !there) return not_found();
  if (create && now.plugins.size() >= kMaxPlugins) {
    return refuse(Refusal::TooManyPlugins, "There are as many plugins as there may be");
  }
  const Plugin before = there ? *known : Plugin();
  Plugin after = before;
  apply(change, after);
  RETURN_IF_ERROR(check_plugin(after));
  if (after.said.text(A::Filename) != before.said.text(A::Filename))
    RETURN_IF_ERROR(check_file(after.said.text(A::Filename)));
  RETURN_IF_ERROR(check_run_as(before, after, change.password, now, effects));
  RETURN_IF_ERROR(check_resources(now, after));
  if (write_plugin(after) != write_plugin(before)) store(next, std::move(after));
  return {};
}

wsman::Result<void> drop_plugin(Content& next, const Current& now, const std::string& name) {
  if (find_plugin(now.plugins, name) == now.plugins.end()) return not_found();
  std::erase_if(next.plugins, [&](const StoredPlugin& one) { return base::equal_ignoring_case(one.name, name); });
  // A default one would come back with the next start: that it is gone must be remembered.
  if (find_plugin(default_plugins(), name) != default_plugins().end()) next.plugins.push_back({name, std::nullopt});
  return {};
}

wsman::Result<FoundSecurity> find_security(const Current& now, const std::string& uri, Effects* effects) {
  FoundSecurity found;
  found.said.set(A::SecurityUri, uri);
  if (const auto route = find_route(now.plugins, uri)) {
    found.owner = route->plugin;
    const auto& list = now.plugins[route->plugin].resources[route->resource].security;
    if (const auto own = find_uri(list, uri); own != list.end()) found.said = *own;
  } else {
    const auto own = std::ranges::find_if(
        now.security, [&](const ResourceSecurity& one) { return base::equal_ignoring_case(one.uri, uri); });
    if (own != now.security.end()) {
      found.said.set(A::SecurityExactMatch, own->exact_match ? "true" : "false");
    } else {
      const auto served = effects != nullptr ? effects->resources() : std::vector<std::string>();
      const bool known =
          std::ranges::any_of(served, [&](const std::string& one) { return base::equal_ignoring_case(one, uri); });
      if (!known) return refuse(Refusal::NoSecurity, "There is no resource " + uri.substr(0, 200));
    }
  }
  if (found.said.text(A::SecuritySddl).empty()) found.said.set(A::SecuritySddl, nearest_descriptor(now, uri));
  if (found.said.text(A::SecuritySddl).empty()) found.said.set(A::SecuritySddl, now.values.text(Id::RootSddl));
  return found;
}

wsman::Result<void> put_security(Content& next, const Current& now, const std::string& uri, const PluginSaid& said,
                                 Effects* effects) {
  ASSIGN_OR_RETURN(const FoundSecurity found, find_security(now, uri, effects));
  PluginSaid after = found.said;
  after.merge(said);
  if (after == found.said) return {};
  const std::string sddl = after.text(A::SecuritySddl);
  if (!found.owner) {
    const auto is_it = [&](const ResourceSecurity& one) { return base::equal_ignoring_case(one.uri, uri); };
    std::erase_if(next.security, is_it);
    if (!sddl.empty()) next.security.push_back({uri, after.flag(A::SecurityExactMatch), sddl});
    return {};
  }
  Plugin plugin = now.plugins[*found.owner];
  auto& list = plugin.resources[find_route(now.plugins, uri)->resource].security;
  const auto own = find_uri(list, uri);
  if (sddl.empty()) {
    if (own != list.end()) list.erase(own);
  } else if (own != list.end()) {
    *own = std::move(after);
  } else {
    list.push_back(std::move(after));
  }
  store(next, std::move(plugin));
  return {};
}

}  // namespace config
