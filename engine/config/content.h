// What requests have set, beside what files say: the one value that a change alters, and the documents that keep it.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/config/current.h"
#include "storage/state_store.h"

namespace config {

/// What is stored of a listener: all its properties, or that it is gone.
struct StoredListener {
  ListenerKey key;
  std::optional<ListenerChange> change;
};

/// What is stored of a plugin: all of it, or that a default one is gone.
struct StoredPlugin {
  std::string name;
  std::optional<Plugin> plugin;
};

/// All that a change may touch; a copy is changed and, once it is stored, takes the place of the first.
struct Content {
  Foundation foundation;
  Layer stored;
  std::vector<StoredListener> listeners;
  std::vector<CertMapping> mappings;
  std::vector<StoredPlugin> plugins;
  std::vector<ResourceSecurity> security;  ///< of resources that no plugin has
};

/// What holds where this is the content.
Current combine(const Content& content);

/// Texts by kind and key.
using Documents = std::map<std::pair<std::string, std::string>, std::string>;

/// What the store holds of it: one document "winrm"/"settings" with a line KEY=VALUE for each setting, one of kind
/// "winrm.listener" for each listener and one of kind "winrm.plugin" for each plugin ("deleted" for one of the file, or a
/// default one, that is gone), one of kind "winrm.certmapping" for each mapping, one of kind "winrm.security" for each
/// descriptor of a resource without a plugin.
Documents documents_of(const Content& content);

/// What must be written for `before` to become `after`.
std::vector<storage::DocumentChange> difference(const Documents& before, const Documents& after);

/// All documents of `kinds`, readable or not.
base::Result<Documents> read_documents(storage::StateStore& store, const std::vector<std::string_view>& kinds);

/// The kinds that documents_of() writes.
const std::vector<std::string_view>& content_kinds();

/// What cannot be read any more is logged and passed over. Errors: the store's.
base::Result<Content> read_content(storage::StateStore& store, Foundation foundation);

}  // namespace config
