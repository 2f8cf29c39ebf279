#include "engine/config/plugin_attribute.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/auth/security_descriptor.h"
#include "engine/base/encoding.h"
#include "engine/config/text_rules.h"

namespace config {
namespace {

using Row = PluginAttributeRow;
using Kind = Row::Kind;
using Shown = Row::Shown;
using P = PluginPart;
using enum PluginAttribute;

constexpr std::uint32_t kU32 = 4'294'967'295;
constexpr std::uint32_t kI31 = 2'147'483'647;
constexpr std::uint32_t kName = 2048;
constexpr std::uint32_t kLongText = 64 * 1024;
constexpr std::string_view kNative = sizeof(void*) == 8 ? "64" : "32";
constexpr std::string_view kCapabilities = "Identify Get Put Create Delete Invoke Enumerate Subscribe Shell";

constexpr Row text(PluginAttribute id, P part, std::string_view name, std::uint32_t min, std::uint32_t max) {
  return {id, part, name, Kind::Text, "", min, max, {}, Refusal::SchemaValidation, min != 0, Shown::Always};
}
constexpr Row uri(PluginAttribute id, P part, std::string_view name, Refusal bad_value) {
  return {id, part, name, Kind::Uri, "", 1, kName, {}, bad_value, true, Shown::Always};
}
constexpr Row flag(PluginAttribute id, P part, std::string_view name, std::string_view standard) {
  return {id, part, name, Kind::Boolean, standard, 0, 0, {}, Refusal::SchemaValidation, false, Shown::Always};
}
constexpr Row ability(PluginAttribute id, std::string_view name) {
  return {id, P::Capability, name, Kind::Boolean, "false", 0, 0, {}, Refusal::SchemaValidation, false, Shown::WhereSaid};
}
constexpr Row word(PluginAttribute id, P part, std::string_view name, std::string_view standard, std::string_view words,
                   bool required) {
  return {id, part, name, Kind::Word, standard, 0, 0, words, Refusal::SchemaValidation, required, Shown::Always};
}
constexpr Row number(PluginAttribute id, P part, std::string_view name, std::string_view standard, std::uint32_t min,
                     std::uint32_t max, Shown shown) {
  return {id, part, name, Kind::Number, standard, min, max, {}, Refusal::SchemaValidation, false, shown};
}

constexpr std::array kRows{
    text(Name, P::Plugin, "Name", 1, kName),
    Row{Filename, P::Plugin, "Filename", Kind::Text, "", 1, kName, {}, Refusal::FilePath, true, Shown::Always},
    word(SdkVersion, P::Plugin, "SDKVersion", "", "1 2", true),
    word(XmlRenderingType, P::Plugin, "XmlRenderingType", "text", "text XmlReader", false),
    flag(Enabled, P::Plugin, "Enabled", "true"),
    word(Architecture, P::Plugin, "Architecture", kNative, "32 64", false),
    flag(UseSharedProcess, P::Plugin, "UseSharedProcess", "false"),
    number(ProcessIdleTimeoutSec, P::Plugin, "ProcessIdleTimeoutSec", "0", 0, 1'209'600, Shown::Always),
    text(RunAsUser, P::Plugin, "RunAsUser", 0, 256),
    text(RunAsPassword, P::Plugin, "RunAsPassword", 0, 256),
    flag(AutoRestart, P::Plugin, "AutoRestart", "false"),
    word(OutputBufferingMode, P::Plugin, "OutputBufferingMode", "Block", "Block Drop None", false),
    text(ParamName, P::Param, "Name", 1, kName),
    text(ParamValue, P::Param, "Value", 0, kLongText),
    uri(ResourceUri, P::Resource, "ResourceUri", Refusal::SchemaValidation),
    flag(SupportsOptions, P::Resource, "SupportsOptions", "false"),
    flag(ResourceExactMatch, P::Resource, "ExactMatch", "false"),
    uri(SecurityUri, P::Security, "Uri", Refusal::SecurityUri),
    flag(SecurityExactMatch, P::Security, "ExactMatch", "false"),
    Row{SecuritySddl,
        P::Security,
        "Sddl",
        Kind::Sddl,
        "",
        0,
        kLongText,
        {},
        Refusal::SecurityDescriptor,
        false,
        Shown::Always},
    word(CapabilityType, P::Capability, "Type", "", kCapabilities, true),
    ability(SupportsFragment, "SupportsFragment"),
    ability(SupportsFiltering, "SupportsFiltering"),
    number(MaxIdleTimeoutms, P::Quotas, "MaxIdleTimeoutms", "180000", 60'000, kI31, Shown::OfShells),
    number(MaxConcurrentUsers, P::Quotas, "MaxConcurrentUsers", "5", 1, 100, Shown::Always),
    number(IdleTimeoutms, P::Quotas, "IdleTimeoutms", "180000", 60'000, kI31, Shown::OfShells),
    number(MaxProcessesPerShell, P::Quotas, "MaxProcessesPerShell", "15", 0, kI31, Shown::OfShells),
    number(MaxMemoryPerShellMb, P::Quotas, "MaxMemoryPerShellMB", "1024", 0, kI31, Shown::OfShells),
    number(MaxConcurrentCommandsPerShell, P::Quotas, "MaxConcurrentCommandsPerShell", "15", 1, kI31, Shown::OfShells),
    number(MaxShells, P::Quotas, "MaxShells", "25", 1, kI31, Shown::OfShells),
    number(MaxShellsPerUser, P::Quotas, "MaxShellsPerUser", "5", 1, kI31, Shown::OfShells),
    number(MaxConcurrentOperationsPerUser, P::Quotas, "MaxConcurrentOperationsPerUser", "15", 1, kU32, Shown::OfOperations),
    number(MaxConcurrentOperations, P::Quotas, "MaxConcurrentOperations", "1500", 1, kU32, Shown::OfOperations),
};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].id) != i) return false;
    if (i > 0 && kRows[i].part < kRows[i - 1].part) return false;
  }
  return true;
}
static_assert(kRows.size() == kPluginAttributes && rows_are_in_order());

wsman::Fault bad_value(const Row& row, std::string_view valid) {
  // The text itself may be a password, or long.
  return refuse(row.bad_value, std::string(row.name) + ": the value is not possible; valid: " + std::string(valid));
}

wsman::Result<std::string> check_text(const Row& row, std::string_view text) {
  const bool is_uri = row.kind == Kind::Uri;
  const bool blank = is_uri && text.find(' ') != std::string_view::npos;
  std::string plain(text);
  // A parameter may hold a document of several lines.
  if (row.id == ParamValue)
    std::ranges::replace_if(
        plain, [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  if (text.size() < row.min || text.size() > row.max || !is_plain_text(plain) || blank) {
    const std::string length = std::to_string(row.min) + " to " + std::to_string(row.max) + " octets";
    return bad_value(row, is_uri ? "a URI without blanks, " + length : "text of " + length);
  }
  return std::string(text);
}

wsman::Result<std::string> check_sddl(const Row& row, std::string_view text) {
  if (text.empty()) return std::string();
  const auto descriptor = auth::SecurityDescriptor::parse(text);
  // Without a list of entries everybody may do everything, which nobody means by leaving it out.
  if (!descriptor.ok() || !descriptor->controls_access()) {
    return bad_value(row, "a security descriptor such as O:NSG:BAD:P(A;;GA;;;BA), or empty");
  }
  return descriptor->text();
}

wsman::Result<std::string> check_number(const Row& row, std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, failure] = std::from_chars(text.begin(), text.end(), value);
  if (failure != std::errc() || end != text.end() || value < row.min || value > row.max) {
    return bad_value(row, "a whole number, " + std::to_string(row.min) + " to " + std::to_string(row.max));
  }
  return std::to_string(value);
}

wsman::Result<std::string> check_word(const Row& row, std::string_view text) {
  std::string_view rest = row.words;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    const std::string_view candidate = rest.substr(0, end);
    if (base::equal_ignoring_case(candidate, text)) return std::string(candidate);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return bad_value(row, "one of " + std::string(row.words));
}

}  // namespace

std::span<const PluginAttributeRow> plugin_attributes() {
  return kRows;
}

const PluginAttributeRow& row_of(PluginAttribute id) {
  return kRows[static_cast<std::size_t>(id)];
}

const PluginAttributeRow* find_plugin_attribute(PluginPart part, std::string_view name) {
  const auto found = std::ranges::find_if(kRows, [&](const Row& row) { return row.part == part && row.name == name; });
  return found == kRows.end() ? nullptr : &*found;
}

wsman::Result<std::string> check(const PluginAttributeRow& row, std::string_view text) {
  // Blanks around a parameter's value or a password may be meant.
  if (row.id != ParamValue && row.id != RunAsPassword) text = base::trimmed(text);
  switch (row.kind) {
    case Kind::Text:
    case Kind::Uri:
      return check_text(row, text);
    case Kind::Sddl:
      return check_sddl(row, text);
    case Kind::Number:
      return check_number(row, text);
    case Kind::Boolean:
      if (text == "1" || base::equal_ignoring_case(text, "true")) return std::string("true");
      if (text == "0" || base::equal_ignoring_case(text, "false")) return std::string("false");
      return bad_value(row, "true, false");
    case Kind::Word:
      break;
  }
  return check_word(row, text);
}

const std::string* PluginSaid::find(PluginAttribute id) const {
  const auto found = values_.find(id);
  return found == values_.end() ? nullptr : &found->second;
}

std::string PluginSaid::text(PluginAttribute id) const {
  const std::string* said = find(id);
  return said != nullptr ? *said : std::string(row_of(id).standard);
}

std::uint32_t PluginSaid::number(PluginAttribute id) const {
  const std::string value = text(id);
  std::uint32_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

void PluginSaid::merge(const PluginSaid& other) {
  for (const auto& [id, value] : other.values_) values_[id] = value;
}

}  // namespace config
