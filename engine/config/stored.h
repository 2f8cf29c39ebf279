// How the state store keeps what requests have set.

#pragma once

#include <optional>
#include <string>

#include "engine/config/certificate_mapping.h"
#include "engine/config/listener.h"
#include "engine/config/values.h"

namespace config {

inline constexpr char kSettingsKind[] = "winrm";
inline constexpr char kSettingsKey[] = "settings";
inline constexpr char kListenerKind[] = "winrm.listener";
inline constexpr char kMappingKind[] = "winrm.certmapping";
inline constexpr std::string_view kDeleted = "deleted";

/// A line KEY=VALUE for each setting.
std::string write_layer(const Layer& layer);
/// A line with an unknown key, or a value that is not possible (any more), is logged and passed over.
Layer read_layer(std::string_view text);

/// "IP:192.0.2.7 HTTPS"
std::string listener_name(const ListenerKey& key);
std::string write_stored_listener(const Listener& listener);
struct StoredListenerText {
  ListenerKey key;
  std::optional<ListenerChange> change;  ///< nothing: deleted
};
wsman::Result<StoredListenerText> read_stored_listener(std::string_view name, std::string_view text);

std::string mapping_name(const CertMappingKey& key);
wsman::Result<CertMapping> read_stored_mapping(std::string_view text);

}  // namespace config
