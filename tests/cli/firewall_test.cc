#include "cli/firewall.h"

#include <gmock/gmock.h>

#include "engine/base/win32.h"
#include "tests/cli/winrm_world.h"
#include "tests/support/matchers.h"

namespace cli {
namespace {

using test_support::IsError;
using test_support::IsOk;
using test_support::IsOkAndHolds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kRules = R"(table inet filter {
	set admins {
		type ipv4_addr
		elements = { 192.0.2.1 }
	}

	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		tcp dport { 22, 8000-8080 } accept
		iif "lo" accept
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
table ip nat {
	chain INPUT {
		type nat hook input priority 100; policy accept;
	}
}
)";

TEST(Firewall, FindsTheChainsOfNftablesThatRefuse) {
  EXPECT_THAT(chains_in_the_way(kRules, 5985), ElementsAre(NftChain{"inet", "filter", "input"}));
  EXPECT_THAT(chains_in_the_way(kRules, 22), IsEmpty());
  EXPECT_THAT(chains_in_the_way(kRules, 8080), IsEmpty());
  EXPECT_THAT(chains_in_the_way(kRules, 8081), ElementsAre(NftChain{"inet", "filter", "input"}));
  EXPECT_THAT(chains_in_the_way("", 5985), IsEmpty());
}

TEST(Firewall, FindsAChainThatAcceptsByPolicyAndRejectsByRule) {
  EXPECT_THAT(chains_in_the_way("table ip f {\n chain in {\n  type filter hook input priority 0; policy accept;\n"
                                "  tcp dport 22 accept\n  reject with icmp type port-unreachable\n }\n}\n",
                                5985),
              ElementsAre(NftChain{"ip", "f", "in"}));
}

TEST(Firewall, SeesARuleOfItsOwn) {
  EXPECT_THAT(chains_in_the_way("table inet filter {\nchain input {\ntype filter hook input priority 0; policy drop;\n"
                                "tcp dport 5985 accept\n}\n}\n",
                                5985),
              IsEmpty());
  EXPECT_THAT(chains_in_the_way("table inet filter {\nchain input {\ntype filter hook input priority 0; policy drop;\n"
                                "udp dport 5985 accept\ntcp sport 5985 accept\ntcp dport 5985 drop\n}\n}\n",
                                5985),
              ElementsAre(NftChain{"inet", "filter", "input"}));
}

TEST(Firewall, HasNothingToDoWhereThereIsNone) {
  WinrmWorld world;
  EXPECT_THAT(plan_firewall(world, 5985, false), IsOkAndHolds(IsEmpty()));
}

TEST(Firewall, AsksFirewalldFirst) {
  WinrmWorld world;
  world.answers = {{"firewall-cmd --state", {0, "running\n"}},
                   {"firewall-cmd --query-port=5985/tcp", {1, "no\n"}},
                   {"firewall-cmd --get-default-zone", {0, "public\n"}}};
  const auto changes = plan_firewall(world, 5985, false);
  ASSERT_THAT(changes, IsOk());
  ASSERT_EQ(changes->size(), 1u);
  EXPECT_THAT((*changes)[0].description, HasSubstr("firewalld, now and later, in its default zone (public)"));
  EXPECT_THAT((*changes)[0].commands, ElementsAre(ElementsAre("firewall-cmd", "--permanent", "--add-port=5985/tcp"),
                                                  ElementsAre("firewall-cmd", "--add-port=5985/tcp")));
  world.answers["firewall-cmd --query-port=5985/tcp"] = {0, "yes\n"};
  EXPECT_THAT(plan_firewall(world, 5985, false), IsOkAndHolds(IsEmpty()));
}

TEST(Firewall, OpensAClosedZoneOnlyByForce) {
  WinrmWorld world;
  world.answers = {{"firewall-cmd --state", {0, "running\n"}},
                   {"firewall-cmd --query-port=5986/tcp", {1, "no\n"}},
                   {"firewall-cmd --get-default-zone", {0, "drop\n"}}};
  EXPECT_THAT(plan_firewall(world, 5986, false), IsError(base::win32_code(2150859113)));
  EXPECT_THAT(plan_firewall(world, 5986, true), IsOk());
}

TEST(Firewall, AsksUfwWhereItIsActive) {
  WinrmWorld world;
  world.answers = {{"firewall-cmd --state", {252, "not running\n"}},
                   {"ufw status", {0, "Status: active\n\nTo     Action  From\n--\n22/tcp ALLOW   Anywhere\n"}}};
  const auto changes = plan_firewall(world, 5985, false);
  ASSERT_THAT(changes, IsOk());
  ASSERT_EQ(changes->size(), 1u);
  EXPECT_THAT((*changes)[0].commands, ElementsAre(ElementsAre("ufw", "allow", "5985/tcp")));
  EXPECT_THAT(plan_firewall(world, 22, false), IsOkAndHolds(IsEmpty()));
}

TEST(Firewall, ReadsTheRulesOfNftablesLast) {
  WinrmWorld world;
  world.answers = {{"ufw status", {0, "Status: inactive\n"}}, {"nft list ruleset", {0, std::string(kRules)}}};
  const auto changes = plan_firewall(world, 5985, false);
  ASSERT_THAT(changes, IsOk());
  ASSERT_EQ(changes->size(), 1u);
  EXPECT_THAT((*changes)[0].description, HasSubstr("/etc/nftables.conf"));
  EXPECT_THAT((*changes)[0].commands, ElementsAre(ElementsAre("nft", "insert", "rule", "inet", "filter", "input", "tcp",
                                                              "dport", "5985", "accept")));
  world.answers["nft list ruleset"] = {1, "Operation not permitted\n"};
  EXPECT_THAT(plan_firewall(world, 5985, false), IsError(base::Win32::AccessDenied, "not permitted"));
}

}  // namespace
}  // namespace cli
