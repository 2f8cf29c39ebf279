#include "engine/config/default_plugins.h"

#include <algorithm>
#include <array>

#include "engine/base/encoding.h"

namespace config {
namespace {

using A = PluginAttribute;

struct Row {
  std::string_view name;
  std::string_view file;  ///< in Windows' system folder
  std::string_view resource_uri;
  std::string_view sddl;
  std::string_view capabilities;  ///< by blanks; "+" behind one that supports fragments or filters
};

constexpr std::string_view kReaders = "O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;ER)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)";

// One line for each.
constexpr std::array kRows{
    Row{"Event Forwarding Plugin", "wevtfwd.dll", "http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog", kReaders,
        "Enumerate+ Subscribe+"},
};

PluginSaid capability_of(std::string_view text) {
  PluginSaid capability;
  const bool more = text.ends_with('+');
  if (more) text.remove_suffix(1);
  capability.set(A::CapabilityType, std::string(text));
  const bool fragments = text == "Get" || text == "Put";
  if (more) capability.set(fragments ? A::SupportsFragment : A::SupportsFiltering, "true");
  return capability;
}

Plugin plugin_of(const Row& row) {
  PluginResource resource;
  resource.said.set(A::ResourceUri, std::string(row.resource_uri));
  resource.said.set(A::SupportsOptions, "true");
  PluginSaid security;
  security.set(A::SecurityUri, std::string(row.resource_uri));
  security.set(A::SecuritySddl, std::string(row.sddl));
  resource.security.push_back(std::move(security));
  for (std::string_view rest = row.capabilities; !rest.empty();) {
    const auto end = std::min(rest.find(' '), rest.size());
    resource.capabilities.push_back(capability_of(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  Plugin plugin;
  plugin.said.set(A::Name, std::string(row.name));
  plugin.said.set(A::Filename, "%systemroot%\\system32\\" + std::string(row.file));
  plugin.said.set(A::SdkVersion, "1");
  plugin.resources.push_back(std::move(resource));
  // As many as one plugin may have: each collector is a user.
  plugin.quotas.set(A::MaxConcurrentUsers, std::to_string(row_of(A::MaxConcurrentUsers).max));
  return plugin;
}

constexpr std::array<std::string_view, 2> kSystemFolders{"%systemroot%\\system32\\", "%windir%\\system32\\"};

/// The name behind the system folder; empty where it is another form.
std::string_view system_file(std::string_view filename) {
  for (const std::string_view folder : kSystemFolders) {
    if (base::equal_ignoring_case(filename.substr(0, folder.size()), folder)) return filename.substr(folder.size());
  }
  return {};
}

}  // namespace

const std::vector<Plugin>& default_plugins() {
  static const std::vector<Plugin> plugins = [] {
    std::vector<Plugin> all;
    for (const Row& row : kRows) all.push_back(plugin_of(row));
    return all;
  }();
  return plugins;
}

bool is_system_file(std::string_view filename) {
  return !system_file(filename).empty();
}

bool is_built_in_file(std::string_view filename) {
  const std::string_view name = system_file(filename);
  return std::ranges::any_of(kRows, [&](const Row& row) { return base::equal_ignoring_case(row.file, name); });
}

}  // namespace config
