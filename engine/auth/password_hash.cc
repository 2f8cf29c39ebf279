#include "engine/auth/password_hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <charconv>
#include <optional>

#include "engine/base/die.h"
#include "engine/base/encoding.h"

namespace auth {
namespace {

constexpr std::string_view kPrefix = "$scrypt$ln=";
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
constexpr std::uint64_t kMaxMemory = 256u << 20;

struct Parsed {
  ScryptCost cost;
  std::string salt;
  std::string hash;
};

bool is_bearable(const ScryptCost& cost) {
  if (cost.log2_n < 4 || cost.log2_n > 20 || cost.r == 0 || cost.r > 64 || cost.p == 0 || cost.p > 64) return false;
  return 128ull * cost.r << cost.log2_n <= kMaxMemory;
}

/// Reads a number up to `end`, and takes both off the front.
std::optional<unsigned> take_number(std::string_view& text, std::string_view end) {
  const auto at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  unsigned number = 0;
  const auto [behind, failure] = std::from_chars(text.data(), text.data() + at, number);
  if (failure != std::errc() || behind != text.data() + at) return std::nullopt;
  text.remove_prefix(at + end.size());
  return number;
}

std::optional<Parsed> parse(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const auto log2_n = take_number(text, ",r=");
  const auto r = log2_n ? take_number(text, ",p=") : std::nullopt;
  const auto p = r ? take_number(text, "$") : std::nullopt;
  const auto middle = text.find('$');
  if (!p || middle == std::string_view::npos) return std::nullopt;
  auto salt = base::parse_base64(text.substr(0, middle));
  auto hash = base::parse_base64(text.substr(middle + 1));
  Parsed parsed{{*log2_n, *r, *p}, {}, {}};
  if (!salt || !hash || hash->size() != kHashBytes || !is_bearable(parsed.cost)) return std::nullopt;
  parsed.salt = std::move(*salt);
  parsed.hash = std::move(*hash);
  return parsed;
}

std::optional<std::string> derive(std::string_view password, const std::string& salt, const ScryptCost& cost) {
  std::string key(kHashBytes, '\0');
  // OpenSSL wants room for a little more than the table itself.
  const std::uint64_t memory = kMaxMemory + (16u << 20);
  const int done = EVP_PBE_scrypt(password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()),
                                  salt.size(), std::uint64_t{1} << cost.log2_n, cost.r, cost.p, memory,
                                  reinterpret_cast<unsigned char*>(key.data()), key.size());
  if (done != 1) return std::nullopt;
  return key;
}

bool fill_with_random_bytes(std::string& bytes) {
  return RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) == 1;
}

std::string written(const ScryptCost& cost, const std::string& salt, const std::string& key) {
  return std::string(kPrefix) + std::to_string(cost.log2_n) + ",r=" + std::to_string(cost.r) +
         ",p=" + std::to_string(cost.p) + "$" + base::to_base64(salt) + "$" + base::to_base64(key);
}

}  // namespace

base::Result<std::string> hash_password(std::string_view password, ScryptCost cost) {
  if (!is_bearable(cost)) return base::make_error(std::errc::invalid_argument, "the cost of scrypt is out of bounds");
  std::string salt(kSaltBytes, '\0');
  if (!fill_with_random_bytes(salt)) return base::make_error(std::errc::io_error, "no random bytes");
  const auto key = derive(password, salt, cost);
  if (!key) return base::make_error(std::errc::not_enough_memory, "hash a password");
  return written(cost, salt, *key);
}

std::string hash_of_nobody(ScryptCost cost) {
  std::string salt(kSaltBytes, '\0');
  std::string key(kHashBytes, '\0');
  if (!fill_with_random_bytes(salt) || !fill_with_random_bytes(key)) base::die("no random bytes");
  return written(cost, salt, key);
}

bool verify_password(std::string_view hash, std::string_view password) {
  const auto parsed = parse(hash);
  if (!parsed) return false;
  const auto key = derive(password, parsed->salt, parsed->cost);
  return key && base::equal_secret(*key, parsed->hash);
}

}  // namespace auth
