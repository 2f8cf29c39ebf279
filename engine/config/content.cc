#include "engine/config/content.h"

#include <algorithm>

#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/config/default_plugins.h"
#include "engine/config/stored.h"

namespace config {
namespace {

using A = PluginAttribute;

Listener compatibility_listener(const Values& values, bool https, std::uint16_t port) {
  Listener listener;
  listener.key = {"*", https};
  listener.port = port;
  listener.compatibility = true;
  if (https) listener.thumbprint = values.text(Id::CertificateThumbprint);
  return listener;
}

std::vector<Listener> combine_listeners(const Content& content, const Values& values) {
  std::vector<Listener> listeners = content.foundation.listeners;
  for (const StoredListener& stored : content.listeners) {
    const auto place = std::ranges::find(listeners, stored.key, &Listener::key);
    const bool there = place != listeners.end();
    if (there && place->source == Source::Policy) continue;
    if (!stored.change) {
      if (there) listeners.erase(place);
    } else if (there) {
      apply(*stored.change, *place);
    } else {
      Listener listener;
      listener.key = stored.key;
      apply(*stored.change, listener);
      listeners.push_back(std::move(listener));
    }
  }
  if (values.flag(Id::EnableCompatibilityHttpListener)) listeners.push_back(compatibility_listener(values, false, 80));
  if (values.flag(Id::EnableCompatibilityHttpsListener)) listeners.push_back(compatibility_listener(values, true, 443));
  return listeners;
}

std::vector<Plugin> combine_plugins(const Content& content) {
  std::vector<Plugin> plugins = default_plugins();
  for (const StoredPlugin& stored : content.plugins) {
    const auto place =
        std::ranges::find_if(plugins, [&](const Plugin& one) { return base::equal_ignoring_case(one.name(), stored.name); });
    if (place == plugins.end()) {
      if (stored.plugin) plugins.push_back(*stored.plugin);
    } else if (stored.plugin) {
      *place = *stored.plugin;
    } else {
      plugins.erase(place);
    }
  }
  if (content.foundation.run_as_disabled) {
    for (Plugin& plugin : plugins) plugin.said.set(A::RunAsUser, {});
  }
  return plugins;
}

std::vector<ResourceSecurity> combine_security(const Content& content, const std::vector<Plugin>& plugins) {
  std::vector<ResourceSecurity> all;
  const auto add = [&](ResourceSecurity one) {
    const bool known = std::ranges::any_of(all, [&](const ResourceSecurity& other) {
      return other.exact_match == one.exact_match && base::equal_ignoring_case(other.uri, one.uri);
    });
    if (!known && !one.sddl.empty()) all.push_back(std::move(one));
  };
  for (const Plugin& plugin : plugins) {
    for (const PluginResource& resource : plugin.resources) {
      for (const PluginSaid& said : resource.security) {
        add({said.text(A::SecurityUri), said.flag(A::SecurityExactMatch), said.text(A::SecuritySddl)});
      }
    }
  }
  for (const ResourceSecurity& one : content.security) add(one);
  return all;
}

/// Reads each document of a kind; `read` gives a Result, whose value goes to the end of `into`.
template <typename Records, typename Read>
base::Result<void> read_all(storage::StateStore& store, const char* kind, Records& into, Read read) {
  ASSIGN_OR_RETURN(const auto documents, store.list(kind));
  for (const auto& [name, text] : documents) {
    auto record = read(name, text);
    if (record.ok()) {
      into.push_back(std::move(record).value());
    } else {
      base::log_error("the stored {} {} is passed over: {}", kind, name, record.error().reason);
    }
  }
  return {};
}

}  // namespace

Current combine(const Content& content) {
  Current current;
  const Layers layers{content.foundation.file, content.stored, content.foundation.policy};
  current.values = Values(layers);
  current.listeners = combine_listeners(content, current.values);
  current.mappings = content.mappings;
  current.plugins = combine_plugins(content);
  current.security = combine_security(content, current.plugins);
  current.run_as_disabled = content.foundation.run_as_disabled;
  return current;
}

Documents documents_of(const Content& content) {
  Documents documents;
  if (!content.stored.empty()) documents[{kSettingsKind, kSettingsKey}] = write_layer(content.stored);
  for (const StoredListener& one : content.listeners) {
    std::string text(kDeleted);
    if (one.change) {
      Listener listener;
      listener.key = one.key;
      apply(*one.change, listener);
      text = write_stored_listener(listener);
    }
    documents[{kListenerKind, listener_name(one.key)}] = std::move(text);
  }
  for (const CertMapping& one : content.mappings) {
    documents[{kMappingKind, mapping_name(one.key)}] = write_cert_mapping(one);
  }
  for (const StoredPlugin& one : content.plugins) {
    documents[{kPluginKind, base::to_lower(one.name)}] = one.plugin ? write_plugin(*one.plugin) : std::string(kDeleted);
  }
  for (const ResourceSecurity& one : content.security) {
    documents[{kSecurityKind, base::to_lower(one.uri)}] = write_stored_security(one);
  }
  return documents;
}

std::vector<storage::DocumentChange> difference(const Documents& before, const Documents& after) {
  std::vector<storage::DocumentChange> changes;
  for (const auto& [name, text] : after) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != text) changes.push_back({name.first, name.second, text});
  }
  for (const auto& [name, text] : before) {
    if (!after.contains(name)) changes.push_back({name.first, name.second, std::nullopt});
  }
  return changes;
}

base::Result<Documents> read_documents(storage::StateStore& store, const std::vector<std::string_view>& kinds) {
  Documents documents;
  for (const std::string_view kind : kinds) {
    ASSIGN_OR_RETURN(const auto all, store.list(std::string(kind)));
    for (const auto& [name, text] : all) documents[{std::string(kind), name}] = text;
  }
  return documents;
}

const std::vector<std::string_view>& content_kinds() {
  static const std::vector<std::string_view> kinds{kSettingsKind, kListenerKind, kMappingKind, kPluginKind, kSecurityKind};
  return kinds;
}

base::Result<Content> read_content(storage::StateStore& store, Foundation foundation) {
  Content content;
  content.foundation = std::move(foundation);
  ASSIGN_OR_RETURN(const auto settings, store.find(kSettingsKind, kSettingsKey));
  if (settings) content.stored = read_layer(*settings);
  RETURN_IF_ERROR(read_all(store, kListenerKind, content.listeners, read_stored_listener));
  RETURN_IF_ERROR(read_all(store, kMappingKind, content.mappings,
                           [](const std::string&, const std::string& text) { return read_stored_mapping(text); }));
  RETURN_IF_ERROR(read_all(store, kPluginKind, content.plugins, read_stored_plugin));
  RETURN_IF_ERROR(read_all(store, kSecurityKind, content.security,
                           [](const std::string&, const std::string& text) { return read_stored_security(text); }));
  return content;
}

}  // namespace config
