#include "engine/config/stored.h"

#include "engine/base/log.h"
#include "engine/xml/document.h"

namespace config {
namespace {

wsman::Fault unreadable(const base::Error& error) {
  return wsman::make_fault(wsman::FaultCode::InternalError, error.message());
}

}  // namespace

std::string write_layer(const Layer& layer) {
  std::string text;
  for (const auto& [id, value] : layer) text.append(setting_of(id).key).append("=").append(value).append("\n");
  return text;
}

Layer read_layer(std::string_view text) {
  Layer layer;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = line.find('=');
    const Setting* setting = find_setting(line.substr(0, equals));
    if (setting == nullptr || equals == std::string_view::npos) {
      base::log_error("the stored setting {} is unknown and passed over", line);
      continue;
    }
    auto value = check(*setting, line.substr(equals + 1));
    if (value.ok()) {
      layer[setting->id] = std::move(value).value();
    } else {
      base::log_error("the stored setting {} is passed over: {}", setting->key, value.error().what);
    }
  }
  return layer;
}

std::string listener_name(const ListenerKey& key) {
  return key.address + " " + std::string(key.transport());
}

std::string write_stored_listener(const Listener& listener) {
  return write_listener(listener, {});
}

wsman::Result<StoredListener> read_stored_listener(std::string_view name, std::string_view text) {
  const auto blank = name.rfind(' ');
  if (blank == std::string_view::npos) {
    return wsman::make_fault(wsman::FaultCode::InternalError, "its name has no transport");
  }
  StoredListener stored;
  ASSIGN_OR_RETURN(stored.key, make_listener_key(name.substr(0, blank), name.substr(blank + 1)));
  if (text == kDeleted) return stored;
  auto document = xml::Document::parse(std::string(text));
  if (!document.ok()) return unreadable(document.error());
  ASSIGN_OR_RETURN(stored.change, read_listener(document->root(), stored.key));
  return stored;
}

std::string mapping_name(const CertMappingKey& key) {
  return key.issuer + " " + key.subject + " " + key.uri;
}

wsman::Result<CertMapping> read_stored_mapping(std::string_view text) {
  auto document = xml::Document::parse(std::string(text));
  if (!document.ok()) return unreadable(document.error());
  const xml::Element root = document->root();
  const auto part = [&](std::string_view name) { return root.child(kCertMappingUri, name).text(); };
  CertMapping mapping;
  ASSIGN_OR_RETURN(mapping.key, make_cert_mapping_key(part("Issuer"), part("Subject"), part("URI")));
  ASSIGN_OR_RETURN(const CertMappingChange change, read_cert_mapping(root, mapping.key));
  mapping.user = change.user.value_or("");
  mapping.enabled = change.enabled.value_or(true);
  return mapping;
}

wsman::Result<StoredPlugin> read_stored_plugin(std::string_view key, std::string_view text) {
  StoredPlugin stored{std::string(key), std::nullopt};
  if (text == kDeleted) return stored;
  auto document = xml::Document::parse(std::string(text));
  if (!document.ok()) return unreadable(document.error());
  const auto name = document->root().attribute("Name");
  if (!name) return wsman::make_fault(wsman::FaultCode::InternalError, "it has no name");
  ASSIGN_OR_RETURN(stored.name, make_plugin_name(*name));
  ASSIGN_OR_RETURN(const PluginChange change, read_plugin(document->root(), stored.name));
  stored.plugin.emplace();
  apply(change, *stored.plugin);
  RETURN_IF_ERROR(check_plugin(*stored.plugin));
  return stored;
}

std::string write_stored_security(const ResourceSecurity& security) {
  PluginSaid said;
  said.set(PluginAttribute::SecurityUri, security.uri);
  said.set(PluginAttribute::SecurityExactMatch, security.exact_match ? "true" : "false");
  said.set(PluginAttribute::SecuritySddl, security.sddl);
  return write_security(said);
}

wsman::Result<ResourceSecurity> read_stored_security(std::string_view text) {
  auto document = xml::Document::parse(std::string(text));
  if (!document.ok()) return unreadable(document.error());
  ASSIGN_OR_RETURN(const PluginSaid said, read_security(document->root(), {}));
  ResourceSecurity security{said.text(PluginAttribute::SecurityUri), said.flag(PluginAttribute::SecurityExactMatch),
                            said.text(PluginAttribute::SecuritySddl)};
  if (security.uri.empty() || security.sddl.empty()) {
    return wsman::make_fault(wsman::FaultCode::InternalError, "it has no Uri or no Sddl");
  }
  return security;
}

}  // namespace config
