// The attributes of a plugin's document: one table, which its reader, its writer and its checks share.
//
// Source: winrm-config, section 6.

#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "engine/config/faults.h"

namespace config {

/// The elements that have attributes.
enum class PluginPart : std::uint8_t { Plugin, Param, Resource, Security, Capability, Quotas };

/// In the order in which they are written.
enum class PluginAttribute : std::uint8_t {
  Name,
  Filename,
  SdkVersion,
  XmlRenderingType,
  Enabled,
  Architecture,
  UseSharedProcess,
  ProcessIdleTimeoutSec,
  RunAsUser,
  RunAsPassword,
  AutoRestart,
  OutputBufferingMode,
  ParamName,
  ParamValue,
  ResourceUri,
  SupportsOptions,
  ResourceExactMatch,
  SecurityUri,
  SecurityExactMatch,
  SecuritySddl,
  CapabilityType,
  SupportsFragment,
  SupportsFiltering,
  MaxIdleTimeoutms,
  MaxConcurrentUsers,
  IdleTimeoutms,
  MaxProcessesPerShell,
  MaxMemoryPerShellMb,
  MaxConcurrentCommandsPerShell,
  MaxShells,
  MaxShellsPerUser,
  MaxConcurrentOperationsPerUser,
  MaxConcurrentOperations,
};
inline constexpr std::size_t kPluginAttributes = static_cast<std::size_t>(PluginAttribute::MaxConcurrentOperations) + 1;

struct PluginAttributeRow {
  enum class Kind : std::uint8_t { Text, Uri, Sddl, Number, Boolean, Word };
  enum class Shown : std::uint8_t { Always, WhereSaid, OfShells, OfOperations };

  PluginAttribute id;
  PluginPart part;
  std::string_view name;
  Kind kind;
  std::string_view standard;  ///< what holds where nothing is said
  std::uint32_t min = 0;      ///< Number: the range, both ends in it; Text and Uri: octets
  std::uint32_t max = 0;
  std::string_view words;  ///< Word: what is possible, by blanks
  Refusal bad_value = Refusal::SchemaValidation;
  bool required = false;  ///< of a new plugin, resource, …
  Shown shown = Shown::Always;
};

/// In the order of PluginAttribute.
std::span<const PluginAttributeRow> plugin_attributes();
const PluginAttributeRow& row_of(PluginAttribute id);
/// By the attribute's name on the element, letter by letter; null where there is none.
const PluginAttributeRow* find_plugin_attribute(PluginPart part, std::string_view name);

/// The canonical form of `text`: numbers without zeros in front, "true" or "false", words as the table spells them. Faults:
/// the row's.
wsman::Result<std::string> check(const PluginAttributeRow& row, std::string_view text);

/// What is said of one element; the table's standard holds for the rest. Values are canonical. A value itself.
class PluginSaid {
 public:
  /// Nothing where nothing was said.
  const std::string* find(PluginAttribute id) const;
  std::string text(PluginAttribute id) const;
  bool flag(PluginAttribute id) const { return text(id) == "true"; }
  std::uint32_t number(PluginAttribute id) const;

  void set(PluginAttribute id, std::string value) { values_[id] = std::move(value); }
  /// Takes over what `other` says.
  void merge(const PluginSaid& other);
  bool empty() const { return values_.empty(); }

  bool operator==(const PluginSaid&) const = default;

 private:
  std::map<PluginAttribute, std::string> values_;
};

}  // namespace config
