#include "engine/config/setting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "engine/base/win32.h"
#include "tests/support/matchers.h"

namespace {

using config::Access;
using config::Id;
using config::Kind;
using config::Setting;
using test_support::IsError;
using test_support::IsOkAndHolds;

/// What the reference says of one setting.
struct Expected {
  const char* key;
  const char* default_text;
  std::vector<const char*> good;
  std::vector<const char*> bad;
  std::uint32_t number = 2150858817;
};

void PrintTo(const Expected& expected, std::ostream* out) {
  *out << expected.key;
}

const std::vector<const char*> kNotFlags = {"", "yes", "2", "truee"};

// Defaults: the seed. Ranges and numbers: winrm-config, sections 2.3 and 3.
const std::vector<Expected>& table() {
  static const std::vector<Expected> rows = {
      {"winrm.MaxEnvelopeSizekb", "150", {"32", "1039440", "0500"}, {"31", "1039441", "", "1x", "-1", "1.5"}},
      {"winrm.MaxTimeoutms", "60000", {"500", "4294967295"}, {"499", "4294967296", "99999999999999999999"}},
      {"winrm.MaxBatchItems", "32000", {"1", "4294967295"}, {"0", "4294967296"}},
      {"winrm.MaxProviderRequests", "25", {"25"}, {"24", "26"}},
      {"winrm.client.NetworkDelayms", "5000", {"500", "4294967295"}, {"499", "4294967296"}},
      {"winrm.client.URLPrefix", "wsman", {"a_1/B2"}, {"", "/a", "a/", "a b"}},
      {"winrm.client.AllowUnencrypted", "false", {"true"}, kNotFlags},
      {"winrm.client.auth.Basic", "true", {"false"}, kNotFlags},
      {"winrm.client.auth.Digest", "true", {"false"}, kNotFlags},
      {"winrm.client.auth.Kerberos", "true", {"false"}, kNotFlags},
      {"winrm.client.auth.Negotiate", "true", {"false"}, kNotFlags},
      {"winrm.client.auth.Certificate", "true", {"false"}, kNotFlags},
      {"winrm.client.auth.CredSSP", "false", {"true"}, kNotFlags},
      {"winrm.client.defaultports.HTTP", "5985", {"1", "65535"}, {"0", "65536"}, 2150858972},
      {"winrm.client.defaultports.HTTPS", "5986", {"1", "65535"}, {"0", "65536"}, 2150858972},
      {"winrm.client.TrustedHosts", "", {"*", "a, *.example.org"}, {"*,a", "a*b"}, 2150858911},
      {"winrm.service.RootSDDL",
       "O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;ER)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)",
       {"D:P(A;;GA;;;BA)"},
       {"", "everybody", "D:(A;;GA;;;BA", "O:NSG:BA", "D:NO_ACCESS_CONTROL", "D:(A;;GA;;;ZZ)"},
       2150859100},
      {"winrm.service.MaxConcurrentOperations", "100", {"100"}, {"99", "101"}},
      {"winrm.service.MaxConcurrentOperationsPerUser", "1500", {"1", "4294967295"}, {"0", "4294967296"}},
      {"winrm.service.EnumerationTimeoutms", "60000", {"500", "4294967295"}, {"499", "4294967296"}},
      {"winrm.service.MaxConnections", "300", {"1", "512"}, {"0", "513"}},
      {"winrm.service.MaxPacketRetrievalTimeSeconds", "120", {"1", "4294967295"}, {"0", "4294967296"}},
      {"winrm.service.AllowUnencrypted", "false", {"true"}, kNotFlags},
      {"winrm.service.auth.Basic", "false", {"true"}, kNotFlags},
      {"winrm.service.auth.Kerberos", "true", {"false"}, kNotFlags},
      {"winrm.service.auth.Negotiate", "true", {"false"}, kNotFlags},
      {"winrm.service.auth.Certificate", "false", {"true"}, kNotFlags},
      {"winrm.service.auth.CredSSP", "false", {"true"}, kNotFlags},
      {"winrm.service.auth.CbtHardeningLevel", "Relaxed", {"None", "Strict"}, {"", "Lax"}, 2150859192},
      {"winrm.service.defaultports.HTTP", "5985", {"1", "65535"}, {"0", "65536"}, 2150858972},
      {"winrm.service.defaultports.HTTPS", "5986", {"1", "65535"}, {"0", "65536"}, 2150858972},
      {"winrm.service.IPv4Filter", "*", {"", "192.0.2.1-192.0.2.9"}, {"192.0.2.9-192.0.2.1", "x"}, 2150858988},
      {"winrm.service.IPv6Filter", "*", {"", "2001:db8::1-2001:db8::9"}, {"::2-::1", "x"}, 2150858988},
      {"winrm.service.EnableCompatibilityHttpListener", "false", {"true"}, kNotFlags},
      {"winrm.service.EnableCompatibilityHttpsListener", "false", {"true"}, kNotFlags},
      {"winrm.service.CertificateThumbprint", "", {"", "1212131238D84023982E381F20391A2935301923"}, {"12"}, 2150858882},
      {"winrm.service.AllowRemoteAccess", "true", {"false"}, kNotFlags},
      {"winrm.winrs.AllowRemoteShellAccess", "true", {"false"}, kNotFlags},
      {"winrm.winrs.IdleTimeout", "180000", {"0", "2147483647"}, {"-1", "2147483648"}},
      {"winrm.winrs.MaxConcurrentUsers", "5", {"1", "2147483647"}, {"0", "2147483648"}},
      {"winrm.winrs.MaxShellRunTime", "28800000", {"28800000"}, {"1"}},
      {"winrm.winrs.MaxProcessesPerShell", "15", {"0", "2147483647"}, {"-1", "2147483648"}},
      {"winrm.winrs.MaxMemoryPerShellMB", "150", {"0", "2147483647"}, {"-1", "2147483648"}},
      {"winrm.winrs.MaxShellsPerUser", "5", {"0", "2147483647"}, {"-1", "2147483648"}},
  };
  return rows;
}

class EachSetting : public ::testing::TestWithParam<Expected> {};

TEST_P(EachSetting, HasItsDefaultItsBoundsAndItsNumberForABadValue) {
  const Expected& expected = GetParam();
  const Setting* setting = config::find_setting(expected.key);
  ASSERT_NE(setting, nullptr);
  EXPECT_EQ(setting->default_text, expected.default_text);
  EXPECT_THAT(config::check(*setting, setting->default_text), IsOkAndHolds(std::string(expected.default_text)));
  for (const char* good : expected.good) EXPECT_THAT(config::check(*setting, good), test_support::IsOk()) << good;
  for (const char* bad : expected.bad) {
    EXPECT_THAT(config::check(*setting, bad), IsError(base::win32_code(expected.number), "; valid: ")) << bad;
  }
}

std::string test_name(const ::testing::TestParamInfo<Expected>& info) {
  std::string name = info.param.key;
  std::erase(name, '.');
  return name;
}

INSTANTIATE_TEST_SUITE_P(WinrmConfig, EachSetting, ::testing::ValuesIn(table()), test_name);

TEST(Settings, TableHoldsThoseOfTheReferenceInTheOrderOfItsDocument) {
  ASSERT_EQ(config::settings().size(), table().size());
  for (std::size_t i = 0; i < table().size(); ++i) EXPECT_EQ(config::settings()[i].key, table()[i].key);
}

TEST(Settings, OnlyTheThreeDeprecatedOnesCannotBeChangedAtAll) {
  std::set<std::string_view> deprecated;
  std::set<std::string_view> read_only;
  for (const Setting& setting : config::settings()) {
    if (setting.access == Access::Deprecated) deprecated.insert(setting.name());
    if (setting.access == Access::ReadOnly) read_only.insert(setting.key);
  }
  EXPECT_THAT(deprecated, ::testing::ElementsAre("MaxConcurrentOperations", "MaxProviderRequests", "MaxShellRunTime"));
  EXPECT_THAT(read_only, ::testing::ElementsAre("winrm.service.defaultports.HTTP", "winrm.service.defaultports.HTTPS"));
}

TEST(Settings, ABooleanIsReadInAnyCaseAndAsADigit) {
  const Setting& setting = config::setting_of(Id::AllowUnencrypted);
  for (const char* yes : {"TRUE", "True", "1", " true\n"}) EXPECT_THAT(config::check(setting, yes), IsOkAndHolds("true"));
  for (const char* no : {"FALSE", "0"}) EXPECT_THAT(config::check(setting, no), IsOkAndHolds("false"));
}

TEST(Settings, ValuesAreKeptInOneForm) {
  EXPECT_THAT(config::check(config::setting_of(Id::MaxTimeoutms), " 00500 "), IsOkAndHolds("500"));
  EXPECT_THAT(config::check(config::setting_of(Id::AuthCbtHardeningLevel), "sTRICT"), IsOkAndHolds("Strict"));
  EXPECT_THAT(config::check(config::setting_of(Id::CertificateThumbprint), "12 12131238d84023982e381f20391a2935301923"),
              IsOkAndHolds("1212131238D84023982E381F20391A2935301923"));
}

TEST(Settings, AreFoundByNodeAndElement) {
  EXPECT_EQ(config::find_setting(config::Node::ServiceAuth, "Basic"), &config::setting_of(Id::AuthBasic));
  EXPECT_EQ(config::find_setting(config::Node::ServiceAuth, "Digest"), nullptr);
  EXPECT_EQ(config::find_setting(config::Node::Service, "basic"), nullptr);
}

}  // namespace
