#include "subscriptions/secret_store.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstdlib>
#include <optional>

#include "engine/base/die.h"
#include "engine/base/encoding.h"
#include "engine/base/file_system.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"

namespace subscriptions {
namespace {

using base::Win32;

constexpr const char* kKind = "subscription-secret";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kKeyIdBytes = 8;
constexpr char kVersion = 1;  // the first byte of what is stored

// Names hold no line feed: the definitions that they come from were checked.
std::string place_of(const std::string& group, const std::string& name) {
  return group + "\n" + name;
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
    base::die("the system has no random numbers");
  }
  return bytes;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

struct CipherDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherDeleter>;

base::Error not_found(const std::string& why) {
  return base::make_error(Win32::EcCredentialNotFound, why);
}

}  // namespace

/// The bytes of one key, overwritten when it goes.
class SecretStore::Key {
 public:
  static base::Result<std::unique_ptr<Key>> read(const std::filesystem::path& file) {
    ASSIGN_OR_RETURN(std::string content, base::read_file(file, 4096));
    auto key = from(content);
    OPENSSL_cleanse(content.data(), content.size());
    if (!key) {
      return base::make_error(Win32::InvalidData,
                              file.string() + " holds no key: 32 bytes, or 64 hexadecimal digits, are one");
    }
    return key;
  }
  static std::unique_ptr<Key> from(std::string_view content) {
    auto key = std::make_unique<Key>();
    if (content.size() == kKeyBytes) {
      content.copy(reinterpret_cast<char*>(key->bytes_.data()), kKeyBytes);
    } else {
      auto bytes = base::parse_hex(base::trimmed(content));
      if (!bytes || bytes->size() != kKeyBytes) return nullptr;
      bytes->copy(reinterpret_cast<char*>(key->bytes_.data()), kKeyBytes);
      OPENSSL_cleanse(bytes->data(), bytes->size());
    }
    return key;
  }
  ~Key() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  /// Tells keys apart without telling anything about them.
  std::string id() const {
    std::string named = "muster secrets key\n";
    named.append(reinterpret_cast<const char*>(bytes_.data()), bytes_.size());
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(named.data(), named.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
      base::die("SHA-256 is not available");
    }
    OPENSSL_cleanse(named.data(), named.size());
    return {reinterpret_cast<const char*>(digest.data()), kKeyIdBytes};
  }

  /// Version, key id, nonce, ciphertext, tag.
  std::string seal(std::string_view place, std::string_view secret) const {
    std::string out(1, kVersion);
    out += id();
    const std::string nonce = random_bytes(kNonceBytes);
    out += nonce;
    const Cipher cipher(EVP_CIPHER_CTX_new());
    std::string text(secret.size(), '\0');
    std::array<unsigned char, kTagBytes> tag{};
    int size = 0;
    int last = 0;
    const bool sealed =
        cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_.data(), bytes_of(nonce)) == 1 &&
        EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes_of(place), static_cast<int>(place.size())) == 1 &&
        EVP_EncryptUpdate(cipher.get(), reinterpret_cast<unsigned char*>(text.data()), &size, bytes_of(secret),
                          static_cast<int>(secret.size())) == 1 &&
        EVP_EncryptFinal_ex(cipher.get(), reinterpret_cast<unsigned char*>(text.data()) + size, &last) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1;
    if (!sealed) base::die("AES-256-GCM is not available");
    out += text;
    out.append(reinterpret_cast<const char*>(tag.data()), tag.size());
    return out;
  }

  /// What follows version and key id. Nothing where it was not sealed with this key at this place.
  std::optional<std::string> open(std::string_view place, std::string_view sealed) const {
    if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
    const std::string_view nonce = sealed.substr(0, kNonceBytes);
    const std::string_view text = sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
    std::string tag(sealed.substr(sealed.size() - kTagBytes));
    const Cipher cipher(EVP_CIPHER_CTX_new());
    std::string secret(text.size(), '\0');
    int size = 0;
    int last = 0;
    const bool opened =
        cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_.data(), bytes_of(nonce)) == 1 &&
        EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes_of(place), static_cast<int>(place.size())) == 1 &&
        EVP_DecryptUpdate(cipher.get(), reinterpret_cast<unsigned char*>(secret.data()), &size, bytes_of(text),
                          static_cast<int>(text.size())) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
        EVP_DecryptFinal_ex(cipher.get(), reinterpret_cast<unsigned char*>(secret.data()) + size, &last) == 1;
    if (opened) return secret;
    OPENSSL_cleanse(secret.data(), secret.size());
    return std::nullopt;
  }

 private:
  std::array<unsigned char, kKeyBytes> bytes_{};
};

SecretKeyFiles secret_key_files(const std::filesystem::path& state) {
  SecretKeyFiles files;
  files.file = state / "secrets.key";
  if (const char* folder = std::getenv("CREDENTIALS_DIRECTORY"); folder != nullptr && *folder != '\0') {
    files.credential = std::filesystem::path(folder) / kKeyCredential;
  }
  return files;
}

SecretStore::SecretStore(storage::StateStore& state, SecretKeyFiles files, std::size_t most)
    : state_(state), files_(std::move(files)), most_(most) {}
SecretStore::~SecretStore() = default;

base::Result<void> SecretStore::load_keys(bool make) {
  if (!keys_.empty()) return {};
  std::error_code ignored;
  std::vector<std::unique_ptr<Key>> keys;
  for (const std::filesystem::path& file : {files_.credential, files_.file}) {
    if (file.empty() || !std::filesystem::exists(file, ignored)) continue;
    ASSIGN_OR_RETURN(auto key, Key::read(file));
    keys.push_back(std::move(key));
  }
  if (keys.empty() && make) {
    if (files_.file.empty()) {
      return base::make_error(Win32::NotSupported, "this service has no key to keep passwords with");
    }
    std::string bytes = random_bytes(kKeyBytes);
    // Durable before anything is sealed with it.
    auto created = base::replace_file(files_.file, bytes, 0600);
    if (created.ok()) keys.push_back(Key::from(bytes));
    OPENSSL_cleanse(bytes.data(), bytes.size());
    RETURN_IF_ERROR(created);
    base::log_notice("made {}, the key that seals passwords of event sources", files_.file.string());
  }
  keys_ = std::move(keys);
  return {};
}

base::Result<void> SecretStore::put(const std::string& group, const std::string& name, std::string_view secret) {
  ASSIGN_OR_RETURN(auto change, sealed(group, name, secret));
  return state_.write({std::move(change)});
}

base::Result<storage::DocumentChange> SecretStore::sealed(const std::string& group, const std::string& name,
                                                          std::string_view secret) {
  const std::lock_guard guard(mutex_);
  RETURN_IF_ERROR(load_keys(true));
  const std::string place = place_of(group, name);
  ASSIGN_OR_RETURN(const auto known, state_.find(kKind, place));
  if (!known) {
    if (!count_) {
      ASSIGN_OR_RETURN(const auto all, state_.list(kKind));
      count_ = all.size();
    }
    if (*count_ >= most_) {
      return base::make_error(Win32::EcCredentialStoreFull,
                              base::format_text("{} passwords are kept already, and no more can be", most_));
    }
  }
  if (!known) ++*count_;
  return storage::DocumentChange{kKind, place, base::to_base64(keys_.front()->seal(place, secret))};
}

base::Result<std::string> SecretStore::read(const std::string& group, const std::string& name) {
  const std::lock_guard guard(mutex_);
  const std::string place = place_of(group, name);
  ASSIGN_OR_RETURN(const auto stored, state_.find(kKind, place));
  if (!stored) return not_found("no password is stored");
  RETURN_IF_ERROR(load_keys(false));
  const auto sealed = base::parse_base64(*stored);
  if (!sealed || sealed->size() <= 1 + kKeyIdBytes || sealed->front() != kVersion) {
    return not_found("the stored password is damaged; it must be set again");
  }
  for (const auto& key : keys_) {
    if (key->id() != std::string_view(*sealed).substr(1, kKeyIdBytes)) continue;
    if (auto secret = key->open(place, std::string_view(*sealed).substr(1 + kKeyIdBytes))) return std::move(*secret);
    return not_found("the stored password is damaged; it must be set again");
  }
  return not_found("the password was sealed with a key that is not there any more (" + files_.file.string() +
                   ", or the credential " + kKeyCredential + "); it must be set again");
}

base::Result<void> SecretStore::remove(const std::string& group, const std::string& name) {
  const std::lock_guard guard(mutex_);
  count_.reset();
  return state_.remove(kKind, place_of(group, name));
}

base::Result<void> SecretStore::retain(const std::function<bool(const std::string&, const std::string&)>& keep) {
  const std::lock_guard guard(mutex_);
  ASSIGN_OR_RETURN(const auto all, state_.list(kKind));
  count_.reset();
  for (const auto& [place, sealed] : all) {
    const auto line = place.find('\n');
    if (line != std::string::npos && keep(place.substr(0, line), place.substr(line + 1))) continue;
    RETURN_IF_ERROR(state_.remove(kKind, place));
  }
  return {};
}

}  // namespace subscriptions
