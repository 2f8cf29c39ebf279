#include "engine/auth/security_descriptor.h"

#include <gmock/gmock.h>

#include "engine/base/win32.h"
#include "tests/support/matchers.h"

namespace auth {
namespace {

using test_support::IsError;
using test_support::IsOk;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::uint32_t kEverything = rights::kRead | rights::kWrite | rights::kExecute;
constexpr std::uint32_t kInvalid = 2150859100;

SecurityDescriptor read(std::string_view text) {
  auto parsed = SecurityDescriptor::parse(text);
  EXPECT_THAT(parsed, IsOk()) << text;
  return parsed.ok() ? *parsed : SecurityDescriptor{};
}

Sid sid_of(std::string_view text) {
  return Sid::parse(text).value();
}

/// What somebody with these SIDs may do.
bool may(std::string_view sddl, std::vector<std::string_view> sids, std::uint32_t wanted,
         RightsOf rights_of = resource_rights) {
  std::vector<Sid> held;
  for (const std::string_view sid : sids) held.push_back(sid_of(sid));
  return read(sddl).check(AccessToken(held), wanted, rights_of);
}

bool recorded(std::string_view sddl, std::string_view sid, std::uint32_t wanted, bool granted) {
  return read(sddl).audit(AccessToken({sid_of(sid)}), wanted, granted);
}

TEST(Sid, HasATokenAndNumbers) {
  EXPECT_EQ(sid_of("S-1-5-32-544").text(), "BA");
  EXPECT_EQ(sid_of("ba"), sid_of("s-1-5-32-544"));
  EXPECT_EQ(sid_of("WD").text(), "WD");
  EXPECT_EQ(sid_of("S-1-1-0"), sid_of("WD"));
  EXPECT_EQ(sid_of("S-1-5-32-573").text(), "ER");
  EXPECT_EQ(sid_of("S-1-5-32-580").text(), "RM");
  EXPECT_EQ(sid_of("S-1-5-21-1-2-3-1001").text(), "S-1-5-21-1-2-3-1001");
  EXPECT_EQ(sid_of("S-1-0x123456789aBc-7").text(), "S-1-0x123456789ABC-7");
}

TEST(Sid, OfADomainIsNobodyElses) {
  EXPECT_EQ(sid_of("DA").text(), "DA");
  EXPECT_NE(sid_of("DA"), sid_of("DU"));
  EXPECT_NE(sid_of("DA"), sid_of("S-1-5-21-1-2-3-512"));
  EXPECT_NE(sid_of("DA"), sid_of("S-1-0-512"));
}

TEST(Sid, OfThisHostsAccountsHasTheirNumber) {
  EXPECT_EQ(Sid::unix_user(1000).text(), "S-1-22-1-1000");
  EXPECT_EQ(Sid::unix_group(4294967295).text(), "S-1-22-2-4294967295");
}

TEST(Sid, IsToldFromOtherText) {
  for (const char* wrong :
       {"", "B", "ZZ", "BAA", "S-1-5", "S-1-", "S-2-5-32", "S-1-5-", "S-1-5-x", "S-1-5-4294967296", "S-1--5",
        "S-1-5-32-544 ", "S-1-281474976710656-1", "S-1-0xG-1", "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"}) {
    EXPECT_FALSE(Sid::parse(wrong)) << wrong;
  }
  EXPECT_TRUE(Sid::parse("S-1-281474976710655-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15"));
}

TEST(SecurityDescriptor, IsReadInAllItsParts) {
  const auto descriptor = read("O:NSG:BAD:P(A;;GA;;;BA)(D;CIIO;0x1F;;;S-1-5-21-1-2-3-500)S:AI(AU;SAFA;GXGW;;;WD)");
  EXPECT_EQ(descriptor.owner, sid_of("NS"));
  EXPECT_EQ(descriptor.group, sid_of("BA"));
  ASSERT_TRUE(descriptor.dacl);
  EXPECT_TRUE(descriptor.dacl->is_protected);
  ASSERT_EQ(descriptor.dacl->aces.size(), 2u);
  const Ace& denied = descriptor.dacl->aces[1];
  EXPECT_EQ(denied.effect, Ace::Effect::Deny);
  EXPECT_EQ(denied.flags, Ace::kContainerInherit | Ace::kInheritOnly);
  EXPECT_EQ(denied.mask, 0x1Fu);
  ASSERT_TRUE(descriptor.sacl);
  EXPECT_TRUE(descriptor.sacl->has_inherited);
  EXPECT_EQ(descriptor.sacl->aces[0].mask, rights::kExecute | rights::kWrite);
}

TEST(SecurityDescriptor, IsWrittenCanonically) {
  const std::pair<const char*, const char*> cases[] = {
      {" o: ns g:ba\r\n d:p (a; ;gr gw;;; ba)\t( au;fa;ga;;;wd ) s:p", "O:NSG:BAD:P(A;;GWGR;;;BA)(AU;FA;GA;;;WD)S:P"},
      {"D:(A;;0x80000000;;;S-1-5-32-544)", "D:(A;;GR;;;BA)"},
      {"D:(A;;2147483648;;;BA)", "D:(A;;GR;;;BA)"},
      {"D:(A;;020000000000;;;BA)", "D:(A;;GR;;;BA)"},
      {"D:(A;;0x1F01FF;;;BA)(A;;FR;;;BA)", "D:(A;;FA;;;BA)(A;;FR;;;BA)"},
      {"D:(A;;0xF0007;;;SY)(A;;CCDCLC;;;BA)", "D:(A;;0xf0007;;;SY)(A;;0x7;;;BA)"},
      {"D:(A;;RCSDWDWO;;;BA)", "D:(A;;SDRCWDWO;;;BA)"},
      {"S:(AU;FASA;GA;;;WD)D:AIP", "D:PAIS:(AU;SAFA;GA;;;WD)"},
      {"D:", "D:"},
      {"D:no_access_control", "D:NO_ACCESS_CONTROL"},
      {"O:S-1-5-32-544D:(A;;GA;;;S-1-1-0)", "O:BAD:(A;;GA;;;WD)"},
      {"O:S-1-0xabcdef012345-13D:", "O:S-1-0xABCDEF012345-13D:"},
  };
  for (const auto& [given, canonical] : cases) EXPECT_EQ(read(given).text(), canonical) << given;
}

TEST(SecurityDescriptor, KeepsEntriesThatItDoesNotUnderstand) {
  const std::string text =
      "D:(XA;;FX;;;S-1-1-0;(@User.Title==\"PM)\" && (@User.Level > 3)))(OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;AU)"
      "(A;;GR;;;BA)S:(ML;;NW;;;LW)";
  EXPECT_EQ(read(text).text(), text);
  EXPECT_EQ(read(text).dacl->aces.size(), 3u);
}

TEST(SecurityDescriptor, SaysWhatIsWrongWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "character 1: nothing"},
      {"   ", "character 4: nothing"},
      {"everybody", "character 1: O:, G:, D: or S:"},
      {"D(A;;GA;;;BA)", "character 2: a colon"},
      {"O:", "character 3: no account"},
      {"O:ZZ", "character 3: no account"},
      {"O:BAO:BA", "character 5: O: is there twice"},
      {"D:D:", "character 3: D: is there twice"},
      {"D:X", "character 3: only P"},
      {"D:P(A;;GA;;;BA", "character 15: a closing parenthesis"},
      {"D:(A;;GA;;;BA)x", "character 15: O:, G:, D: or S:"},
      {"D:(QQ;;GA;;;BA)", "character 4: no type"},
      {"D:(;;GA;;;BA)", "character 4: no type"},
      {"D:(A;XX;GA;;;BA)", "character 6: no flag"},
      {"D:(A;;;;;BA)", "character 7: the rights"},
      {"D:(A;;GAX;;;BA)", "character 9: no right"},
      {"D:(A;;0x;;;BA)", "character 7: this is no number"},
      {"D:(A;;0x100000000;;;BA)", "character 7: this is no number"},
      {"D:(A;;GA;;BA)", "character 11: a semicolon"},
      {"D:(A;;GA;1;;BA)", "character 10: a semicolon"},
      {"D:(A;;GA;;;)", "character 12: no account"},
      {"D:(A;;GA;;;BA;)", "character 14: a closing parenthesis"},
      {"D:((A;;GA;;;BA))", "character 4: no type"},
      {"D:(XA;;FX;;;WD;(\"a)", "character 4: the entry has no end"},
      {"D:(XD;;FX;;;ZZ;(x))", "character 13: no account"},
  };
  for (const auto& [text, where] : cases) {
    EXPECT_THAT(SecurityDescriptor::parse(text), IsError(base::win32_code(kInvalid), where)) << text;
  }
}

TEST(SecurityDescriptor, HasBounds) {
  const auto with_entries = [](std::size_t count) {
    std::string text = "D:";
    for (std::size_t i = 0; i < count; ++i) text += "(A;;GR;;;BA)";
    return text;
  };
  EXPECT_THAT(SecurityDescriptor::parse(with_entries(SecurityDescriptor::kMaxAces)), IsOk());
  EXPECT_THAT(SecurityDescriptor::parse(with_entries(SecurityDescriptor::kMaxAces) + "S:(AU;SA;GR;;;BA)"),
              IsError(base::win32_code(kInvalid), "too many entries"));
  const std::string blanks(SecurityDescriptor::kMaxText - 2, ' ');
  EXPECT_THAT(SecurityDescriptor::parse("D:" + blanks), IsOk());
  EXPECT_THAT(SecurityDescriptor::parse("D: " + blanks), IsError(base::win32_code(kInvalid), "too long"));
}

TEST(AccessCheck, AllowsWhatAnEntryForOneOfTheSidsAllows) {
  EXPECT_TRUE(may("D:(A;;GR;;;ER)", {"AU", "ER"}, rights::kRead));
  EXPECT_FALSE(may("D:(A;;GR;;;ER)", {"AU", "ER"}, rights::kWrite));
  EXPECT_FALSE(may("D:(A;;GR;;;ER)", {"AU", "RM"}, rights::kRead));
}

TEST(AccessCheck, AddsUpWhatEntriesAllow) {
  EXPECT_TRUE(may("D:(A;;GR;;;ER)(A;;GW;;;RM)", {"ER", "RM"}, rights::kRead | rights::kWrite));
  EXPECT_FALSE(may("D:(A;;GR;;;ER)(A;;GW;;;RM)", {"ER"}, rights::kRead | rights::kWrite));
}

TEST(AccessCheck, WalksEntriesInTheirOrder) {
  EXPECT_FALSE(may("D:(D;;GR;;;AU)(A;;GA;;;BA)", {"AU", "BA"}, rights::kRead));
  EXPECT_TRUE(may("D:(A;;GA;;;BA)(D;;GR;;;AU)", {"AU", "BA"}, rights::kRead));
  // What is granted already cannot be denied any more; what is not can.
  EXPECT_FALSE(may("D:(A;;GR;;;BA)(D;;GRGW;;;AU)(A;;GW;;;BA)", {"AU", "BA"}, rights::kRead | rights::kWrite));
}

TEST(AccessCheck, PassesOverWhatIsDeniedOfOtherRightsAndToOthers) {
  EXPECT_TRUE(may("D:(D;;GW;;;AU)(A;;GA;;;BA)", {"AU", "BA"}, rights::kRead));
  EXPECT_TRUE(may("D:(D;;GA;;;AN)(A;;GA;;;BA)", {"AU", "BA"}, rights::kRead));
}

TEST(AccessCheck, TakesAllForEachRight) {
  for (const std::uint32_t right : {rights::kRead, rights::kWrite, rights::kExecute, rights::kAll}) {
    EXPECT_TRUE(may("D:(A;;GA;;;BA)", {"BA"}, right));
    EXPECT_TRUE(may("D:(A;;GRGWGX;;;BA)", {"BA"}, right));
    EXPECT_FALSE(may("D:(D;;GA;;;BA)(A;;GRGWGX;;;BA)", {"BA"}, right));
  }
  EXPECT_FALSE(may("D:(A;;GRGX;;;BA)", {"BA"}, rights::kAll));
}

TEST(AccessCheck, TakesTheRightsOfFilesForTheirs) {
  EXPECT_TRUE(may("D:(A;;FA;;;BA)", {"BA"}, kEverything));
  EXPECT_TRUE(may("D:(A;;0x1f01ff;;;BA)", {"BA"}, kEverything));
  const std::pair<const char*, std::uint32_t> cases[] = {
      {"FR", rights::kRead}, {"FW", rights::kWrite}, {"FX", rights::kExecute}};
  for (const auto& [token, granted] : cases) {
    for (const std::uint32_t right : {rights::kRead, rights::kWrite, rights::kExecute}) {
      EXPECT_EQ(may(std::string("D:(A;;") + token + ";;;BA)", {"BA"}, right), right == granted) << token;
    }
  }
}

TEST(AccessCheck, TakesNoOtherRightForOneOfAResource) {
  for (const char* other : {"RC", "SDWDWO", "CCDCLCSWRPWPDTLOCR", "RCSDWDWOCCDCLCSWRPWPDTLOCR", "KR", "KA", "0x100000"}) {
    const std::string sddl = std::string("D:(A;;") + other + ";;;BA)";
    for (const std::uint32_t right : {rights::kRead, rights::kWrite, rights::kExecute}) {
      EXPECT_FALSE(may(sddl, {"BA"}, right)) << sddl;
    }
  }
}

TEST(AccessCheck, PassesOverEntriesForInheritanceOnly) {
  EXPECT_FALSE(may("D:(A;IO;GA;;;BA)", {"BA"}, rights::kRead));
  EXPECT_TRUE(may("D:(D;CIIO;GA;;;BA)(A;;GA;;;BA)", {"BA"}, rights::kRead));
  EXPECT_TRUE(may("D:(A;CIOINPID;GA;;;BA)", {"BA"}, rights::kRead));
}

TEST(AccessCheck, AllowsNobodyAnythingByAnEmptyList) {
  EXPECT_FALSE(may("D:", {"BA"}, rights::kRead));
  EXPECT_FALSE(may("D:P", {"BA"}, rights::kRead));
}

TEST(AccessCheck, AllowsEverybodyEverythingWithoutAList) {
  EXPECT_TRUE(may("O:BA", {"AN"}, rights::kAll));
  EXPECT_TRUE(may("D:NO_ACCESS_CONTROL", {"AN"}, rights::kAll));
  EXPECT_FALSE(read("O:BA").controls_access());
  EXPECT_FALSE(read("D:NO_ACCESS_CONTROL").controls_access());
  EXPECT_TRUE(read("D:").controls_access());
}

TEST(AccessCheck, GivesNothingByEntriesThatItDoesNotUnderstand) {
  EXPECT_FALSE(may("D:(XA;;GA;;;WD;(1==1))(OA;;GA;;;WD)", {"WD"}, rights::kRead));
}

TEST(AccessCheck, LetsConditionsDenyWhateverTheyAre) {
  EXPECT_FALSE(may("D:(XD;;GR;;;AU;(@User.Level == 1))(A;;GA;;;WD)", {"AU", "WD"}, rights::kRead));
  EXPECT_FALSE(may("D:(OD;;GR;ab721a53-1e2f-11d0-9819-00aa0040529b;;AU)(A;;GA;;;WD)", {"AU", "WD"}, rights::kRead));
  EXPECT_TRUE(may("D:(XD;;GR;;;AU;(1==1))(A;;GA;;;WD)", {"WD"}, rights::kRead));
  EXPECT_TRUE(may("D:(XD;;GW;;;AU;(1==1))(A;;GA;;;WD)", {"AU", "WD"}, rights::kRead));
}

TEST(AccessCheck, KnowsTheRightsOfEventLogs) {
  constexpr auto kDefault = "O:BAG:SYD:(A;;0xf0007;;;SY)(A;;0x7;;;BA)(A;;0x1;;;S-1-5-32-573)";
  EXPECT_TRUE(may(kDefault, {"ER"}, rights::kReadLog, event_log_rights));
  EXPECT_FALSE(may(kDefault, {"ER"}, rights::kWriteLog, event_log_rights));
  EXPECT_FALSE(may(kDefault, {"ER"}, rights::kClearLog, event_log_rights));
  EXPECT_TRUE(may(kDefault, {"BA"}, rights::kReadLog | rights::kWriteLog | rights::kClearLog, event_log_rights));
  EXPECT_TRUE(may("D:(A;;GR;;;WD)", {"WD"}, rights::kReadLog, event_log_rights));
  EXPECT_FALSE(may("D:(A;;GW;;;WD)", {"WD"}, rights::kReadLog, event_log_rights));
  EXPECT_TRUE(may("D:(A;;GW;;;WD)", {"WD"}, rights::kWriteLog, event_log_rights));
  EXPECT_TRUE(may("D:(A;;GA;;;WD)", {"WD"}, rights::kClearLog, event_log_rights));
  EXPECT_FALSE(may("D:(A;;GRGWGX;;;WD)", {"WD"}, rights::kClearLog, event_log_rights));
}

TEST(AccessAudit, RecordsWhatItsEntriesName) {
  constexpr auto kRoot = "D:P(A;;GA;;;BA)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;BA)";
  EXPECT_TRUE(recorded(kRoot, "WD", rights::kRead, false));
  EXPECT_FALSE(recorded(kRoot, "WD", rights::kRead, true));
  EXPECT_TRUE(recorded(kRoot, "BA", rights::kWrite, true));
  EXPECT_FALSE(recorded(kRoot, "BA", rights::kRead, true));
  EXPECT_FALSE(recorded(kRoot, "BA", rights::kWrite, false));
}

TEST(AccessAudit, PassesOverWhatDoesNotConcernIt) {
  EXPECT_FALSE(recorded("D:(A;;GA;;;BA)", "BA", rights::kWrite, true));
  EXPECT_FALSE(recorded("D:S:(AU;IOSA;GA;;;BA)", "BA", rights::kWrite, true));
  EXPECT_FALSE(recorded("D:S:(AU;;GA;;;BA)", "BA", rights::kWrite, true));
  EXPECT_FALSE(recorded("D:S:(A;SA;GA;;;BA)", "BA", rights::kWrite, true));
  EXPECT_FALSE(recorded("D:(AU;SA;GA;;;BA)", "BA", rights::kWrite, true));
}

TEST(AccessToken, HoldsEachSidOnce) {
  const AccessToken token({sid_of("WD"), sid_of("BA"), sid_of("WD")});
  EXPECT_EQ(token.sids().size(), 2u);
  EXPECT_TRUE(token.has(sid_of("WD")));
  EXPECT_FALSE(token.has(sid_of("AU")));
}

}  // namespace
}  // namespace auth
