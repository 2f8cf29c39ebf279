#include "engine/auth/secret.h"

#include <openssl/crypto.h>

namespace auth {

void wipe(std::string& text) {
  // Behind its end there may be more of what it held before.
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
    other.bytes_.clear();
  }
  return *this;
}

void Secret::wipe() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

}  // namespace auth
