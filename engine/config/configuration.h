// The whole of winrm/config: what files and policy say, what requests have changed, and who acts on it.

#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/blocking.h"
#include "engine/config/certificate_mapping.h"
#include "engine/config/document.h"
#include "engine/config/listener.h"
#include "storage/state_store.h"

namespace config {

/// The security descriptor of a resource that does not go by RootSDDL.
struct ResourceSecurity {
  std::string uri;
  bool exact_match = false;  ///< otherwise it holds for what is below the URI, too
  std::string sddl;          ///< never empty
};

/// What the configuration is at one moment. Immutable once it is handed out.
struct Current {
  Values values;
  std::vector<Listener> listeners;  ///< of the file or policy first, then in the order of their creation
  std::vector<CertMapping> mappings;
  std::vector<ResourceSecurity> security;  ///< at most one for a URI (compared without case) and `exact_match`
};

/// What files and policy say. Source of a listener: File or Policy.
struct Foundation {
  Layer file;
  Layer policy;
  std::vector<Listener> listeners;
};

/// What a certificate of the service says of itself.
struct ServerCertificate {
  std::string thumbprint;          ///< capitals
  std::vector<std::string> names;  ///< common name and dNSNames, patterns such as "*.example.org" among them
  bool for_servers = true;         ///< its extended key usage allows Server Authentication
};

/// Where a listener accepts connections; no addresses: nowhere.
struct Listening {
  std::vector<std::string> addresses;
  std::uint16_t port = 0;  ///< the real one, where the file lets the system choose
};

/// The running service, as far as its configuration reaches into it. All calls come one at a time, on threads that may
/// block.
class Effects {
 public:
  virtual ~Effects() = default;
  /// Makes the service what `current` says: returns when requests that come from now on meet it. What cannot be had (an
  /// address that is taken, say) is logged, and shows in listening_on().
  virtual void apply(const Current& current) = 0;
  /// The certificates that a listener may name by thumbprint.
  virtual std::vector<ServerCertificate> certificates() = 0;
  /// Whether the address of a listener ("*", "IP:…", "MAC:…") is one of this host's.
  virtual bool has_address(const std::string& address) = 0;
  /// Where a listener accepts connections now. May be called at any time.
  virtual Listening listening_on(const ListenerKey& key) = 0;
  /// The name that an HTTPS listener has where it is given none.
  virtual std::string host_name() = 0;
};

/// Thread-safe. Changes are made one after the other; each is on disk and in effect when its call returns, or nothing of it
/// is.
///
/// What requests have set is kept in the state store: one document "winrm"/"settings" with a line KEY=VALUE for each
/// setting, one document of kind "winrm.listener" for each listener ("deleted" for one of the file that is gone), and one of
/// kind "winrm.certmapping" for each mapping. Source: winrm-config, sections 2.3 to 5.
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

  /// Faults: AlreadyExists, TooManyMappings, UserWithoutPassword where there is no user.
  wsman::AsyncResult<void> create_mapping(CertMappingKey key, CertMappingChange change);
  wsman::AsyncResult<void> change_mapping(CertMappingKey key, CertMappingChange change);
  wsman::AsyncResult<void> remove_mapping(CertMappingKey key);

  /// Forgets all that requests have set: what file, policy and defaults say holds again.
  wsman::AsyncResult<void> restore();
  /// Takes over files that were read again.
  base::AsyncResult<void> reload(Foundation foundation);

 private:
  /// What is stored of a listener: all its properties, or that it is gone.
  struct StoredListener {
    ListenerKey key;
    std::optional<ListenerChange> change;
  };
  /// All that a change may touch; a copy is changed and, once it is stored, takes the place of the first.
  struct Content {
    Foundation foundation;
    Layer stored;
    std::vector<StoredListener> listeners;
    std::vector<CertMapping> mappings;
  };

  Configuration(storage::StateStore& store, base::BlockingPool& pool) : store_(store), pool_(pool) {}
  base::Result<void> read_stored();
  static Current combine(const Content& content);

  /// Runs `change(Content&)` on a copy, on a thread that may block, one at a time; it stores what it changes.
  template <typename Change>
  wsman::AsyncResult<void> alter(Change change);
  void commit(Content content);

  wsman::Result<void> set_now(Content& next, const Given& given);
  wsman::Result<void> put_listener(Content& next, const ListenerKey& key, ListenerChange change, bool create);
  wsman::Result<void> drop_listener(Content& next, const ListenerKey& key);
  wsman::Result<void> put_mapping(Content& next, const CertMappingKey& key, const CertMappingChange& change, bool create);
  wsman::Result<void> drop_mapping(Content& next, const CertMappingKey& key);
  wsman::Result<void> forget_all(Content& next);
  bool is_known_certificate(const std::string& thumbprint);
  wsman::Result<void> check_listener(Listener& listener, const ListenerChange& change);

  storage::StateStore& store_;
  base::BlockingPool& pool_;
  Effects* effects_ = nullptr;
  std::mutex changing_;  ///< held by one change from its beginning to its end, on a thread of the pool
  Content content_;      ///< belongs to who holds `changing_`
  mutable std::mutex mutex_;
  std::shared_ptr<const Current> current_;
};

}  // namespace config
