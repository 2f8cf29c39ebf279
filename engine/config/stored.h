// How the state store keeps what requests have set.

#pragma once

#include <optional>
#include <string>

#include "engine/config/content.h"

namespace config {

inline constexpr char kSettingsKind[] = "winrm";
inline constexpr char kSettingsKey[] = "settings";
inline constexpr char kListenerKind[] = "winrm.listener";
inline constexpr char kMappingKind[] = "winrm.certmapping";
inline constexpr char kPluginKind[] = "winrm.plugin";
inline constexpr char kSecurityKind[] = "winrm.security";
inline constexpr std::string_view kDeleted = "deleted";

/// A line KEY=VALUE for each setting.
std::string write_layer(const Layer& layer);
/// A line with an unknown key, or a value that is not possible (any more), is logged and passed over.
Layer read_layer(std::string_view text);

/// "IP:192.0.2.7 HTTPS"
std::string listener_name(const ListenerKey& key);
std::string write_stored_listener(const Listener& listener);
wsman::Result<StoredListener> read_stored_listener(std::string_view name, std::string_view text);

std::string mapping_name(const CertMappingKey& key);
wsman::Result<CertMapping> read_stored_mapping(std::string_view text);

/// `key`: the name in small letters.
wsman::Result<StoredPlugin> read_stored_plugin(std::string_view key, std::string_view text);

std::string write_stored_security(const ResourceSecurity& security);
wsman::Result<ResourceSecurity> read_stored_security(std::string_view text);

}  // namespace config
