// Passwords that a collector needs to log on at sources: kept, but not readable in the database.
//
// Each is sealed with AES-256-GCM under a key that is not in the database, and bound to its place: a row that is copied to
// another place does not open. The key comes from a systemd credential where there is one, else from a file that is made
// when the first password comes.

#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "storage/state_store.h"

namespace subscriptions {

/// The name of the credential in a unit: LoadCredential=muster.secrets-key:FILE.
inline constexpr const char* kKeyCredential = "muster.secrets-key";

/// Where the key is. Its file holds 32 bytes, or their 64 hexadecimal digits.
struct SecretKeyFiles {
  /// Comes first where it exists; what the other key has sealed can be opened as well.
  std::filesystem::path credential;
  /// Made with mode 0600 where it is missing and there is no credential. Empty: no password can be kept.
  std::filesystem::path file;
};
/// `state`/secrets.key, and kKeyCredential below $CREDENTIALS_DIRECTORY.
SecretKeyFiles secret_key_files(const std::filesystem::path& state);

/// Thread-safe; every call blocks. `state` outlives it.
class SecretStore {
 public:
  SecretStore(storage::StateStore& state, SecretKeyFiles files, std::size_t most = 50'000);
  ~SecretStore();

  /// Seals and stores `secret` at the place (`group`, `name`), durably. Errors: Win32::EcCredentialStoreFull;
  /// Win32::NotSupported where no key file is configured; Win32::InvalidData for a key file that holds no key; the system's
  /// and the store's.
  base::Result<void> put(const std::string& group, const std::string& name, std::string_view secret);
  /// What put() would store, for a transaction with other documents. Errors: as put().
  base::Result<storage::DocumentChange> sealed(const std::string& group, const std::string& name, std::string_view secret);
  /// Errors: Win32::EcCredentialNotFound where there is none, or its key is gone, or it was tampered with; what could be
  /// done about it is in the text.
  base::Result<std::string> read(const std::string& group, const std::string& name);
  base::Result<void> remove(const std::string& group, const std::string& name);
  /// Removes every secret that `keep` does not want.
  base::Result<void> retain(const std::function<bool(const std::string& group, const std::string& name)>& keep);

 private:
  class Key;
  base::Result<void> load_keys(bool make);

  storage::StateStore& state_;
  SecretKeyFiles files_;
  std::size_t most_;
  std::mutex mutex_;
  std::optional<std::size_t> count_;        ///< of secrets, where it is known
  std::vector<std::unique_ptr<Key>> keys_;  ///< the first one seals
};

}  // namespace subscriptions
