// Plugins: what serves which resources, for whom, with which operations and within which quotas.
//
// Muster's resources are built in. A plugin's document says of them what it says in Windows: whether they are served at
// all, who may use them, and how much of it. What a plugin of a client's own making names is kept and shown.
//
// Source: winrm-config, section 6.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/plugin_attribute.h"
#include "engine/xml/element.h"

namespace config {

/// http://schemas.microsoft.com/wbem/wsman/1/config/plugin
inline constexpr std::string_view kPluginUri = "http://schemas.microsoft.com/wbem/wsman/1/config/plugin";
/// Of the documents.
inline constexpr std::string_view kPluginNamespace = "http://schemas.microsoft.com/wbem/wsman/1/config/PluginConfiguration";
/// The bounds of one document, and of them all.
inline constexpr std::size_t kMaxPluginParts = 200;
inline constexpr std::size_t kMaxPlugins = 200;

struct PluginResource {
  PluginSaid said;
  std::vector<PluginSaid> security;  ///< at most one for a Uri
  std::vector<PluginSaid> capabilities;

  /// Null where the plugin does not have it.
  const PluginSaid* find_capability(std::string_view type) const;
  bool operator==(const PluginResource&) const = default;
};

struct Plugin {
  PluginSaid said;
  std::vector<PluginSaid> parameters;
  std::vector<PluginResource> resources;
  PluginSaid quotas;

  std::string name() const { return said.text(PluginAttribute::Name); }
  bool enabled() const { return said.flag(PluginAttribute::Enabled); }
  bool operator==(const Plugin&) const = default;
};

/// What a request or a stored document says: single attributes, and lists as a whole.
struct PluginChange {
  PluginSaid said;
  std::optional<std::vector<PluginSaid>> parameters;
  std::optional<std::vector<PluginResource>> resources;
  PluginSaid quotas;
  bool password = false;  ///< RunAsPassword was there and not empty. It is not kept: acting as a user needs none here
};

/// The name in its one form. Fault: SchemaValidation.
wsman::Result<std::string> make_plugin_name(std::string_view name);

/// Reads the body of a Put or Create. Attributes of namespaces, `xml:lang` and `Source` are passed over. Faults: those of
/// check_root(); SchemaValidation for what is unknown, is there twice, is missing or not possible; KeysChanged where Name is
/// not `name`; those of the table of attributes; SecurityUri where a Security is for another resource.
wsman::Result<PluginChange> read_plugin(xml::Element root, std::string_view name);
void apply(const PluginChange& change, Plugin& plugin);

/// Whether a plugin can be so: it has a file and an SDK version, and resources. Faults: SchemaValidation.
wsman::Result<void> check_plugin(const Plugin& plugin);

/// In the default namespace; RunAsPassword is shown empty.
std::string write_plugin(const Plugin& plugin);

/// One `Resource` of a plugin, as a document of its own.
std::string write_plugin_resource(const PluginResource& resource);
/// One `Security`, likewise.
std::string write_security(const PluginSaid& security);
/// Reads it back, for the resource `uri`. Faults as read_plugin().
wsman::Result<PluginSaid> read_security(xml::Element root, std::string_view uri);

/// Whether `uri` is `base`, or below it where not `exact`. Without case.
bool is_at_or_below(std::string_view uri, std::string_view base, bool exact);

/// Where a request to a resource goes.
struct PluginRoute {
  std::size_t plugin = 0;  ///< in the list
  std::size_t resource = 0;
};
/// The entry of `uri`: the one that matches exactly, else the longest one above it; nothing where no plugin has it.
std::optional<PluginRoute> find_route(const std::vector<Plugin>& plugins, std::string_view uri);

}  // namespace config
