#include "engine/config/certificate_mapping.h"

#include <gtest/gtest.h>

#include "engine/xml/document.h"

namespace {

using config::CertMapping;
using config::find_mapping;
using config::make_cert_mapping_key;

const std::string kIssuer = "1212131238D84023982E381F20391A2935301923";
const std::string kOther = "2212131238D84023982E381F20391A2935301923";

CertMapping mapping(const std::string& subject, const std::string& uri, const std::string& user,
                    const std::string& issuer = kIssuer) {
  return {*make_cert_mapping_key(issuer, subject, uri), user, true};
}

std::string user_of(const std::vector<CertMapping>& mappings, const std::string& name, const std::string& uri) {
  const CertMapping* found = find_mapping(mappings, {name}, {kOther, kIssuer}, uri);
  return found == nullptr ? "" : found->user;
}

std::uint32_t refusal(std::string_view issuer, std::string_view subject, std::string_view uri) {
  const auto key = make_cert_mapping_key(issuer, subject, uri);
  return key.ok() ? 0 : wsman::windows_code_of(key.error());
}

TEST(CertificateMapping, KeysThatCannotBeHaveWindowsNumbers) {
  EXPECT_EQ(refusal(kIssuer, "*", "*"), 0u);
  EXPECT_EQ(refusal("", "*", "*"), 2150859106u);
  EXPECT_EQ(refusal("12", "*", "*"), 2150859106u);
  for (const char* wrong : {"", "a*b", "**"}) EXPECT_EQ(refusal(kIssuer, wrong, "*"), 2150859105u) << wrong;
  for (const char* wrong : {"", "*a", "a b", "a?b", "a**"}) EXPECT_EQ(refusal(kIssuer, "*", wrong), 2150859104u) << wrong;
}

TEST(CertificateMapping, LongestSubjectWinsThenTheLongestUri) {
  const std::vector<CertMapping> mappings = {mapping("*", "*", "anybody"), mapping("*@lab.example", "*", "lab"),
                                             mapping("*@lab.example", "http://x/*", "x")};
  EXPECT_EQ(user_of(mappings, "ali@lab.example", "http://x/y"), "x");
  EXPECT_EQ(user_of(mappings, "ali@lab.example", "http://z"), "lab");
  EXPECT_EQ(user_of(mappings, "bob", "http://x/y"), "anybody");
}

TEST(CertificateMapping, SeveralThatAreEquallyGoodAreNone) {
  const std::vector<CertMapping> mappings = {mapping("ali", "*", "one"), mapping("ali", "*", "two", kOther)};
  EXPECT_EQ(user_of(mappings, "ali", "x"), "");
}

TEST(CertificateMapping, OfAnotherIssuerOrDisabledDoesNotCount) {
  std::vector<CertMapping> mappings = {mapping("ali", "*", "one")};
  EXPECT_EQ(find_mapping(mappings, {"ali"}, {kOther}, "x"), nullptr);
  mappings[0].enabled = false;
  EXPECT_EQ(user_of(mappings, "ali", "x"), "");
}

TEST(CertificateMapping, PasswordIsTakenAndNeverShown) {
  auto document = xml::Document::parse("<p:CertMapping xmlns:p='" + std::string(config::kCertMappingUri) +
                                       "'><p:UserName>ali</p:UserName><p:Password>secret</p:Password></p:CertMapping>");
  const auto key = make_cert_mapping_key(kIssuer, "ali", "*");
  const auto read = config::read_cert_mapping(document->root(), *key);
  ASSERT_TRUE(read.ok());
  EXPECT_FALSE(read->blank_password);
  EXPECT_EQ(config::write_cert_mapping({*key, *read->user, true}).find("secret"), std::string::npos);
}

TEST(CertificateMapping, PasswordThatIsTooLongIsRefused) {
  auto document = xml::Document::parse("<p:CertMapping xmlns:p='" + std::string(config::kCertMappingUri) + "'><p:Password>" +
                                       std::string(257, 'x') + "</p:Password></p:CertMapping>");
  const auto read = config::read_cert_mapping(document->root(), *make_cert_mapping_key(kIssuer, "ali", "*"));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(wsman::windows_code_of(read.error()), 2150859114u);
}

}  // namespace
