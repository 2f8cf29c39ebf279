#include "engine/service/authorization.h"

#include <gmock/gmock.h>

#include "engine/resources/log_access.h"
#include "engine/wsman/names.h"
#include "tests/support/fake_clock.h"

namespace service {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using wsman::Right;

constexpr std::uint32_t kUid = 4'000'000'001;
constexpr std::string_view kWmi = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Service";

auth::Principal reader() {
  auth::Principal who;
  who.scheme = auth::Principal::Scheme::Basic;
  who.name = "alice";
  who.groups = {"ER"};
  return who;
}

auth::Principal administrator() {
  auth::Principal who;
  who.scheme = auth::Principal::Scheme::Basic;
  who.name = "bob";
  who.administrator = true;
  return who;
}

auth::Principal local(std::uint32_t uid, auth::Principal::Scheme scheme = auth::Principal::Scheme::LocalPeer) {
  auth::Principal who;
  who.scheme = scheme;
  who.name = "somebody";
  auth::LocalUser user;
  user.uid = uid;
  who.local = std::make_shared<auth::LocalUser>(user);
  return who;
}

class AuthorizationTest : public testing::Test {
 protected:
  void apply(const std::string& root, std::vector<config::ResourceSecurity> security = {}) {
    config::Layers layers;
    if (!root.empty()) layers.stored[config::Id::RootSddl] = root;
    config::Current current;
    current.values = config::Values(layers);
    current.security = std::move(security);
    authorization_.apply(current);
  }

  bool may(const auth::Principal& who, Right right, std::string_view uri = "http://example.org/x") {
    return authorization_.permits(wsman::AccessRequest{who, "192.0.2.7:49210", uri, "urn:action", right});
  }

  test_support::FakeClock clock_;
  AuditLog audits_{"host.lab.example", clock_};
  Authorization authorization_{audits_};
};

TEST_F(AuthorizationTest, GoesByRootSddl) {
  apply("");
  EXPECT_TRUE(may(reader(), Right::Read));
  EXPECT_FALSE(may(reader(), Right::Write));
  EXPECT_FALSE(may(reader(), Right::Execute));
  EXPECT_TRUE(may(administrator(), Right::Read));
  EXPECT_TRUE(may(administrator(), Right::Write));
  EXPECT_TRUE(may(administrator(), Right::Execute));
  EXPECT_FALSE(may(local(kUid), Right::Read));
}

TEST_F(AuthorizationTest, HoldsForTheNextRequest) {
  apply("D:P(A;;GA;;;BA)");
  EXPECT_FALSE(may(reader(), Right::Read));
  apply("D:P(A;;GRGX;;;ER)");
  EXPECT_TRUE(may(reader(), Right::Execute));
  EXPECT_FALSE(may(administrator(), Right::Read));
}

TEST_F(AuthorizationTest, PrefersTheDescriptorOfTheResource) {
  apply("D:P(A;;GA;;;BA)", {{"http://example.org/X", true, "D:P(A;;GW;;;ER)"}});
  EXPECT_TRUE(may(reader(), Right::Write));
  EXPECT_FALSE(may(reader(), Right::Read));
  EXPECT_FALSE(may(administrator(), Right::Read));
  EXPECT_FALSE(may(reader(), Right::Write, "http://example.org/x/below"));
  EXPECT_FALSE(may(reader(), Right::Write, "http://example.org/xy"));
}

TEST_F(AuthorizationTest, PrefersTheLongestUriAbove) {
  apply("D:P(A;;GA;;;BA)", {{"http://schemas.microsoft.com/wbem/wsman/1/wmi", false, "D:P(A;;GR;;;ER)"},
                            {"http://schemas.microsoft.com/wbem/wsman/1/wmi/root/*", false, "D:P(A;;GX;;;ER)"},
                            {"http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2", true, "D:P(A;;GW;;;ER)"}});
  EXPECT_TRUE(may(reader(), Right::Execute, kWmi));
  EXPECT_FALSE(may(reader(), Right::Read, kWmi));
  EXPECT_TRUE(may(reader(), Right::Write, "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2"));
  EXPECT_TRUE(may(reader(), Right::Read, "http://schemas.microsoft.com/wbem/wsman/1/wmi/"));
  EXPECT_TRUE(may(reader(), Right::Read, "http://schemas.microsoft.com/wbem/wsman/1/WMI"));
  EXPECT_FALSE(may(reader(), Right::Read, "http://schemas.microsoft.com/wbem/wsman/1/wmi-other"));
}

TEST_F(AuthorizationTest, LetsNobodyInByADescriptorThatCannotBeRead) {
  apply("", {{"http://example.org/x", true, "everybody"}});
  EXPECT_FALSE(may(administrator(), Right::Read));
  EXPECT_TRUE(may(administrator(), Right::Read, "http://example.org/y"));
  EXPECT_TRUE(may(local(0), Right::Read));
}

TEST_F(AuthorizationTest, LetsRootOnTheControlSocketDoEverything) {
  apply("D:P(D;;GA;;;WD)");
  for (const Right right : {Right::Read, Right::Write, Right::Execute}) {
    EXPECT_TRUE(may(local(0), right));
    EXPECT_FALSE(may(local(0, auth::Principal::Scheme::Certificate), right));
    EXPECT_FALSE(may(administrator(), right));
  }
}

TEST_F(AuthorizationTest, LetsNobodyButRootInBeforeItIsConfigured) {
  EXPECT_FALSE(may(administrator(), Right::Read));
  EXPECT_TRUE(may(local(0), Right::Read));
}

TEST_F(AuthorizationTest, GivesSidsByConfiguration) {
  apply("D:P(A;;GR;;;S-1-5-21-1-2-3-1001)");
  EXPECT_FALSE(may(reader(), Right::Read));
  authorization_.set_members({{*auth::Sid::parse("S-1-5-21-1-2-3-1001"), {"alice"}}});
  EXPECT_TRUE(may(reader(), Right::Read));
}

TEST_F(AuthorizationTest, RecordsWhatTheDescriptorAsksFor) {
  apply("D:P(A;;GA;;;BA)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)");
  EXPECT_TRUE(may(administrator(), Right::Read));
  EXPECT_THAT(audits_.take(), IsEmpty());
  EXPECT_TRUE(may(administrator(), Right::Write));
  EXPECT_FALSE(may(reader(), Right::Read));
  EXPECT_THAT(audits_.take(), SizeIs(2));
}

TEST_F(AuthorizationTest, RecordsWhatRootMayDoAllTheSame) {
  apply("D:PS:(AU;SAFA;GA;;;SY)");
  EXPECT_TRUE(may(local(0), Right::Write));
  const auto drafts = audits_.take();
  ASSERT_THAT(drafts, SizeIs(1));
  EXPECT_THAT(drafts[0].data, testing::Contains(testing::Pair("AccessGranted", "true")));
}

TEST_F(AuthorizationTest, GoesByTheChannelAccessOfALog) {
  apply("");
  const auto may_use = [&](const auth::Principal& who, std::string_view sddl, std::uint32_t wanted) {
    return authorization_.may_use_log(who, sddl, wanted);
  };
  using namespace auth::rights;
  EXPECT_TRUE(may_use(reader(), resources::kDefaultChannelAccess, kReadLog));
  EXPECT_FALSE(may_use(reader(), resources::kDefaultChannelAccess, kClearLog));
  EXPECT_TRUE(may_use(administrator(), resources::kDefaultChannelAccess, kReadLog | kWriteLog | kClearLog));
  EXPECT_FALSE(may_use(administrator(), "D:(A;;0x1;;;ER)", kReadLog));
  EXPECT_FALSE(may_use(administrator(), "nonsense", kReadLog));
  EXPECT_TRUE(may_use(local(0), "nonsense", kClearLog));
}

}  // namespace
}  // namespace service
