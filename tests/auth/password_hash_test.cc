#include "engine/auth/password_hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/encoding.h"
#include "tests/support/matchers.h"

namespace auth {
namespace {

using test_support::IsError;
using ::testing::StartsWith;

constexpr ScryptCost kCheap{4, 1, 1};

TEST(PasswordHash, TellsTheRightPassword) {
  const auto hash = hash_password("correct horse", kCheap);
  ASSERT_TRUE(hash.ok());
  EXPECT_TRUE(verify_password(*hash, "correct horse"));
  EXPECT_FALSE(verify_password(*hash, "correct hors"));
  EXPECT_FALSE(verify_password(*hash, ""));
}

TEST(PasswordHash, KeepsItsParametersBesideTheHash) {
  EXPECT_THAT(hash_password("x", {5, 2, 3}).value(), StartsWith("$scrypt$ln=5,r=2,p=3$"));
  EXPECT_THAT(hash_password("x").value(), StartsWith("$scrypt$ln=15,r=8,p=3$"));
}

TEST(PasswordHash, HasAnotherSaltEachTime) {
  EXPECT_NE(hash_password("x", kCheap).value(), hash_password("x", kCheap).value());
}

// RFC 7914, section 12: "password", salt "NaCl", N = 1024, r = 8, p = 16, the first 32 bytes.
TEST(PasswordHash, IsScryptOfTheRfc) {
  const std::string key = *base::parse_hex("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162");
  const std::string hash = "$scrypt$ln=10,r=8,p=16$" + base::to_base64("NaCl") + "$" + base::to_base64(key);
  EXPECT_TRUE(verify_password(hash, "password"));
  EXPECT_FALSE(verify_password(hash, "Password"));
}

TEST(PasswordHash, OfNobodyHasNoPassword) {
  EXPECT_FALSE(verify_password(hash_of_nobody(kCheap), ""));
  EXPECT_THAT(hash_of_nobody(kCheap), StartsWith("$scrypt$ln=4,r=1,p=1$"));
}

TEST(PasswordHash, ThatIsNoneFitsNoPassword) {
  const std::string good = hash_password("x", kCheap).value();
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(verify_password(good.substr(0, length), "x")) << length;
  }
  EXPECT_FALSE(verify_password("$2y$10$abcdefghijklmnopqrstuv", "x"));
}

TEST(PasswordHash, ThatAsksForTooMuchIsNotComputed) {
  const std::string rest = "$" + base::to_base64("NaCl") + "$" + base::to_base64(std::string(32, 'x'));
  EXPECT_FALSE(verify_password("$scrypt$ln=20,r=64,p=1" + rest, "x"));
  EXPECT_FALSE(verify_password("$scrypt$ln=63,r=8,p=1" + rest, "x"));
  EXPECT_FALSE(verify_password("$scrypt$ln=4,r=1,p=4294967295" + rest, "x"));
  EXPECT_THAT(hash_password("x", {21, 8, 1}), IsError(std::errc::invalid_argument));
}

}  // namespace
}  // namespace auth
