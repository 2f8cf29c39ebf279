// What a Put, Create or Delete of a plugin, or of a resource's security, makes of the configuration.

#pragma once

#include <string>

#include "engine/config/content.h"
#include "engine/config/effects.h"

namespace config {

/// Faults: AlreadyExists (also where another plugin has one of its resources), ResourceNotFound, those of check_plugin();
/// FilePath, FileMissing; RunAsCredentials, RunAsDisabled; TooManyPlugins. `effects` may be null.
wsman::Result<void> put_plugin(Content& next, const Current& now, const std::string& name, const PluginChange& change,
                               bool create, Effects* effects);
/// Fault: ResourceNotFound.
wsman::Result<void> drop_plugin(Content& next, const Current& now, const std::string& name);

/// The security of one resource, as `winrm configsddl URI` sees it.
struct FoundSecurity {
  PluginSaid said;                   ///< with the descriptor that holds, RootSDDL where the resource has none of its own
  std::optional<std::size_t> owner;  ///< the plugin, in the list; nothing: built in
};
/// Fault: NoSecurity where there is no such resource.
wsman::Result<FoundSecurity> find_security(const Current& now, const std::string& uri, Effects* effects);
/// An empty Sddl takes the resource back to RootSDDL. Faults: NoSecurity.
wsman::Result<void> put_security(Content& next, const Current& now, const std::string& uri, const PluginSaid& said,
                                 Effects* effects);

}  // namespace config
