// winrm/config over WS-Management.
//
// Source: winrm-config, sections 1, 2 and 4 to 7.

#pragma once

#include <memory>
#include <vector>

#include "engine/config/configuration.h"
#include "engine/wsman/resource.h"

namespace config {

/// http://schemas.microsoft.com/wbem/wsman/1/config/service/security
inline constexpr std::string_view kSecurityUri = "http://schemas.microsoft.com/wbem/wsman/1/config/service/security";
/// http://schemas.microsoft.com/wbem/wsman/1/config/resource
inline constexpr std::string_view kResourceListUri = "http://schemas.microsoft.com/wbem/wsman/1/config/resource";

/// All resources of `configuration`, which outlives them:
///
/// - one for each node of the tree: Get and Put; the root has the method Restore, the service those of quick_config.h;
/// - the listeners, the certificate mappings and the plugins, each by its keys: Get, Put, Create, Delete, Enumerate; the
///   plugins have the method Restore, too;
/// - the security of a resource (selector Uri): Get and Put, which answers the plugin that has the resource;
/// - the list of all resources: Enumerate.
///
/// Put takes whole and partial documents: what differs is set, all of it or nothing. It answers the new representation.
std::vector<std::unique_ptr<wsman::Resource>> make_resources(Configuration& configuration);

}  // namespace config
