// The whole of winrm/config: what files and policy say, what requests have changed, and who acts on it.

#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/blocking.h"
#include "engine/config/content.h"
#include "engine/config/document.h"
#include "engine/config/effects.h"
#include "engine/config/plugin_changes.h"
#include "storage/state_store.h"

namespace config {

/// Thread-safe. Changes are made one after the other; each is on disk and in effect when its call returns, or nothing of it
/// is: what it changes in the state store it changes in one transaction. Source: winrm-config, sections 2.3 to 7.
class Configuration {
 public:
  /// Reads what is stored; lines of it that cannot be read any more are logged and passed over. Blocks. What is given
  /// outlives it. Errors: the store's.
  static base::Result<std::unique_ptr<Configuration>> open(storage::StateStore& store, base::BlockingPool& pool,
                                                           Foundation foundation);

  std::shared_ptr<const Current> current() const;

  /// From now on `effects` is told of changes; the first apply() is its own affair. Before the first change.
  void attach(Effects& effects);
  Effects& effects() { return *effects_; }
  /// While it is held no change begins: for the first apply(). Waits for one that has begun.
  std::unique_lock<std::mutex> hold() { return std::unique_lock(changing_); }

  /// Sets what is given and differs. Faults, with nothing changed: OwnedByPolicy, Deprecated, ReadOnly, the setting's own
  /// for a bad value, UnknownCertificate.
  wsman::AsyncResult<void> set(Given given);

  /// Faults: AlreadyExists, those of check_listener().
  wsman::AsyncResult<void> create_listener(ListenerKey key, ListenerChange change);
  /// Faults: ResourceNotFound, OwnedByPolicy, ReadOnly (a compatibility listener), those of check_listener().
  wsman::AsyncResult<void> change_listener(ListenerKey key, ListenerChange change);
  wsman::AsyncResult<void> remove_listener(ListenerKey key);

  /// Faults: AlreadyExists, TooManyMappings, UserWithoutPassword where there is no user, PasswordBlank.
  wsman::AsyncResult<void> create_mapping(CertMappingKey key, CertMappingChange change);
  wsman::AsyncResult<void> change_mapping(CertMappingKey key, CertMappingChange change);
  wsman::AsyncResult<void> remove_mapping(CertMappingKey key);

  /// Faults: those of plugin_changes.h.
  wsman::AsyncResult<void> create_plugin(std::string name, PluginChange change);
  wsman::AsyncResult<void> change_plugin(std::string name, PluginChange change);
  wsman::AsyncResult<void> remove_plugin(std::string name);
  wsman::AsyncResult<void> change_security(std::string uri, PluginSaid said);

  /// Forgets all that requests have set: what file, policy and defaults say holds again.
  wsman::AsyncResult<void> restore();
  /// The same for plugins only.
  wsman::AsyncResult<void> restore_plugins();
  /// Takes over files that were read again.
  base::AsyncResult<void> reload(Foundation foundation);

 private:
  Configuration(storage::StateStore& store, base::BlockingPool& pool) : store_(store), pool_(pool) {}

  using Kinds = std::vector<std::string_view>;
  /// Runs `change(Content&)` on a copy, on a thread that may block, one at a time, and stores what it has changed. What the
  /// store holds of the kinds `forgotten` goes, read or not, if it is not of the new content.
  template <typename Change>
  wsman::AsyncResult<void> alter(Change change, const Kinds* forgotten = nullptr);
  wsman::Result<void> save(const Content& next, const Kinds* forgotten);
  void commit(Content content);

  wsman::Result<void> set_now(Content& next, const Given& given);
  wsman::Result<void> put_listener(Content& next, const ListenerKey& key, ListenerChange change, bool create);
  wsman::Result<void> drop_listener(Content& next, const ListenerKey& key);
  wsman::Result<void> put_mapping(Content& next, const CertMappingKey& key, const CertMappingChange& change, bool create);
  wsman::Result<void> drop_mapping(Content& next, const CertMappingKey& key);
  bool is_known_certificate(const std::string& thumbprint);
  wsman::Result<void> check_listener(Listener& listener, const ListenerChange& change);

  storage::StateStore& store_;
  base::BlockingPool& pool_;
  Effects* effects_ = nullptr;
  std::mutex changing_;  ///< held by one change from its beginning to its end, on a thread of the pool
  Content content_;      ///< belongs to who holds `changing_`, as the next
  Documents documents_;  ///< of it
  mutable std::mutex mutex_;
  std::shared_ptr<const Current> current_;
};

}  // namespace config
