#include "engine/auth/identities.h"

#include <gmock/gmock.h>
#include <unistd.h>

namespace auth {
namespace {

using testing::Contains;
using testing::IsSupersetOf;
using testing::Not;
using testing::UnorderedElementsAre;
using Scheme = Principal::Scheme;

constexpr std::uint32_t kUid = 4'000'000'001;

std::vector<std::string> sids_of(const Principal& who, const std::vector<SidMembers>& members = {}) {
  std::vector<std::string> texts;
  const AccessToken token = Identities(members).token_of(who);
  for (const Sid& sid : token.sids()) texts.push_back(sid.text());
  return texts;
}

Principal somebody(Scheme scheme, std::string name = "alice") {
  Principal who;
  who.scheme = scheme;
  who.name = std::move(name);
  return who;
}

Principal local(Scheme scheme, std::uint32_t uid, std::vector<std::string> groups = {}) {
  Principal who = somebody(scheme);
  LocalUser user;
  user.uid = uid;
  user.gids = {4'000'000'002};
  user.groups = std::move(groups);
  who.local = std::make_shared<LocalUser>(user);
  return who;
}

TEST(Identities, AStrangerIsAnonymous) {
  EXPECT_THAT(sids_of({}), UnorderedElementsAre("WD", "AN", "NU"));
}

TEST(Identities, AMachineHasNothingButItsWay) {
  EXPECT_THAT(sids_of(somebody(Scheme::Certificate)), UnorderedElementsAre("WD", "AU", "NU"));
  // Whoever is called like it.
  const std::vector<SidMembers> members{{sid::kEventLogReaders, {"alice"}}};
  EXPECT_THAT(sids_of(somebody(Scheme::Certificate), members), UnorderedElementsAre("WD", "AU", "NU"));
}

TEST(Identities, AUserOfThisHostHasNumbers) {
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, kUid)),
              UnorderedElementsAre("WD", "AU", "IU", "BU", "S-1-22-1-4000000001", "S-1-22-2-4000000002"));
}

TEST(Identities, WhoeverDoesNotComeByTheControlSocketComesOverTheNetwork) {
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, kUid)), Not(Contains("NU")));
  EXPECT_THAT(sids_of(local(Scheme::Certificate, kUid)),
              UnorderedElementsAre("WD", "AU", "NU", "BU", "S-1-22-1-4000000001", "S-1-22-2-4000000002"));
  EXPECT_THAT(sids_of(somebody(Scheme::Basic)), UnorderedElementsAre("WD", "AU", "NU"));
}

TEST(Identities, RootIsTheSystem) {
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, 0)), IsSupersetOf({"SY", "LA", "S-1-22-1-0"}));
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, kUid)), Not(Contains("SY")));
}

TEST(Identities, TheServicesOwnUserIsAService) {
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, ::geteuid())), IsSupersetOf({"NS", "LS"}));
}

TEST(Identities, AnAdministratorIsOne) {
  Principal who = somebody(Scheme::Basic);
  who.administrator = true;
  EXPECT_THAT(sids_of(who), Contains("BA"));
}

TEST(Identities, GroupsOfThisHostGiveSids) {
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, kUid, {"systemd-journal"})), Contains("ER"));
  EXPECT_THAT(sids_of(local(Scheme::Certificate, kUid, {"adm"})), Contains("ER"));
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, kUid, {"remote-management"})), Contains("RM"));
  // Names of Windows' groups mean nothing among them.
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, kUid, {"Administrators", "BA", "ER"})),
              Not(testing::AnyOf(Contains("BA"), Contains("ER"))));
}

TEST(Identities, GroupsOfABasicUserAreNamesOrSids) {
  Principal who = somebody(Scheme::Basic);
  who.groups = {"event log readers", "RM", "S-1-5-21-1-2-3-1001", "somewhere else"};
  EXPECT_THAT(sids_of(who), UnorderedElementsAre("WD", "AU", "NU", "ER", "RM", "S-1-5-21-1-2-3-1001"));
}

TEST(Identities, NoGroupSaysHowSomebodyCame) {
  Principal who = somebody(Scheme::Basic);
  who.groups = {"IU", "AN", "S-1-22-1-0"};
  EXPECT_THAT(sids_of(who), UnorderedElementsAre("WD", "AU", "NU"));
}

TEST(Identities, ConfigurationGivesSidsToUsersAndGroups) {
  const Sid admins = *Sid::parse("S-1-5-21-1-2-3-512");
  const std::vector<SidMembers> members{{admins, {"alice", "@wheel"}}};
  EXPECT_THAT(sids_of(somebody(Scheme::Basic), members), Contains(admins.text()));
  EXPECT_THAT(sids_of(somebody(Scheme::Basic, "bob"), members), Not(Contains(admins.text())));
  EXPECT_THAT(sids_of(somebody(Scheme::Basic, "wheel"), members), Not(Contains(admins.text())));
  Principal bob = local(Scheme::LocalPeer, kUid, {"wheel"});
  bob.name = "bob";
  EXPECT_THAT(sids_of(bob, members), Contains(admins.text()));
  Principal member = somebody(Scheme::Basic, "carol");
  member.groups = {"wheel"};
  EXPECT_THAT(sids_of(member, members), Contains(admins.text()));
}

TEST(Identities, ConfigurationTakesThePlaceOfTheDefault) {
  const std::vector<SidMembers> members{{sid::kEventLogReaders, {"@auditors"}}};
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, kUid, {"adm"}), members), Not(Contains("ER")));
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, kUid, {"auditors"}), members), Contains("ER"));
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, kUid, {"remote-management"}), members), Contains("RM"));
}

TEST(Identities, DomainAccountsCanBeGiven) {
  const std::vector<SidMembers> members{{*Sid::parse("DA"), {"@domain admins"}}};
  EXPECT_THAT(sids_of(local(Scheme::LocalPeer, kUid, {"domain admins"}), members), Contains("DA"));
}

}  // namespace
}  // namespace auth
