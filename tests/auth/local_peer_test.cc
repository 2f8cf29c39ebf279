#include "engine/auth/local_peer.h"

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"

namespace {

using test_support::IsError;
using test_support::IsOk;

constexpr uid_t kNobodysUid = 4'000'000'000u - 7;
constexpr gid_t kNobodysGid = 4'000'000'000u - 9;

base::Peer local_peer(uid_t uid, gid_t gid) {
  base::Peer peer;
  peer.transport = base::Peer::Transport::Unix;
  peer.process = base::PeerProcess{uid, gid, 1};
  return peer;
}

base::Result<auth::Step> authenticate(const base::Peer& peer, const std::string& group = "muster-admins") {
  auth::LocalPeerAuthenticator authenticator(group);
  auto conversation = authenticator.begin(peer);
  return test_support::run(conversation->step(""));
}

/// Some user that is neither root nor us.
std::optional<passwd> somebody() {
  for (const char* name : {"daemon", "bin", "nobody", "mail"}) {
    const passwd* entry = ::getpwnam(name);
    if (entry != nullptr && entry->pw_uid != 0 && entry->pw_uid != ::geteuid()) return *entry;
  }
  return std::nullopt;
}

TEST(LocalPeerAuthenticator, TakesRootForAnAdministrator) {
  const auto step = authenticate(local_peer(0, 0));
  ASSERT_THAT(step, IsOk());
  EXPECT_TRUE(step->accepted);
  EXPECT_EQ(step->principal.scheme, auth::Principal::Scheme::LocalPeer);
  EXPECT_EQ(step->principal.name, "root");
  EXPECT_TRUE(step->principal.administrator);
}

TEST(LocalPeerAuthenticator, TakesTheServicesOwnUserForAnAdministrator) {
  EXPECT_TRUE(authenticate(local_peer(::geteuid(), kNobodysGid))->principal.administrator);
}

TEST(LocalPeerAuthenticator, LetsAnybodyElseInWithoutRights) {
  const auto step = authenticate(local_peer(kNobodysUid, kNobodysGid));
  ASSERT_THAT(step, IsOk());
  EXPECT_TRUE(step->accepted);
  EXPECT_EQ(step->principal.name, std::to_string(kNobodysUid));
  EXPECT_FALSE(step->principal.administrator);
}

TEST(LocalPeerAuthenticator, NamesAUserByItsAccount) {
  const auto user = somebody();
  if (!user) GTEST_SKIP() << "no user to be";
  EXPECT_EQ(authenticate(local_peer(user->pw_uid, kNobodysGid))->principal.name, user->pw_name);
}

TEST(LocalPeerAuthenticator, TakesMembersOfTheGroupForAdministrators) {
  const auto user = somebody();
  if (!user) GTEST_SKIP() << "no user to be";
  const group* entry = ::getgrgid(user->pw_gid);
  if (entry == nullptr) GTEST_SKIP() << "the user's group has no name";
  const std::string name = entry->gr_name;
  // By the account's groups, and by the group that the process runs in.
  EXPECT_TRUE(authenticate(local_peer(user->pw_uid, kNobodysGid), name)->principal.administrator);
  EXPECT_TRUE(authenticate(local_peer(kNobodysUid, user->pw_gid), name)->principal.administrator);
  EXPECT_FALSE(authenticate(local_peer(kNobodysUid, kNobodysGid), name)->principal.administrator);
  EXPECT_FALSE(authenticate(local_peer(user->pw_uid, user->pw_gid), "no-such-group-here")->principal.administrator);
}

TEST(LocalPeerAuthenticator, ClaimsPeersOfUnixSocketsOnly) {
  const auth::LocalPeerAuthenticator authenticator;
  EXPECT_TRUE(authenticator.claims("", local_peer(0, 0)));
  base::Peer remote;
  remote.address = "192.0.2.7:49210";
  EXPECT_FALSE(authenticator.claims("", remote));
  EXPECT_THAT(authenticate(remote), IsError(std::errc::permission_denied));
}

TEST(LocalUser, RootIsAnAdministratorAndAnUnknownNameNobody) {
  const auto root = auth::find_local_user("root", "no-such-group");
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(root->name, "root");
  EXPECT_TRUE(root->administrator);
  EXPECT_FALSE(auth::find_local_user("no-such-user", "no-such-group").has_value());
}

TEST(LocalUser, HasTheNumbersAndNamesOfItsAccount) {
  const auto root = auth::find_local_user("root", "no-such-group");
  ASSERT_TRUE(root && root->local);
  EXPECT_EQ(root->local->uid, 0u);
  EXPECT_THAT(root->local->gids, testing::Contains(0u));
  EXPECT_THAT(root->local->groups, testing::Contains("root"));
}

TEST(LocalPeerAuthenticator, KnowsTheGroupThatTheProcessRunsIn) {
  const auto step = authenticate(local_peer(kNobodysUid, kNobodysGid));
  ASSERT_THAT(step, IsOk());
  ASSERT_TRUE(step->principal.local);
  EXPECT_EQ(step->principal.local->uid, kNobodysUid);
  EXPECT_THAT(step->principal.local->gids, testing::ElementsAre(kNobodysGid));
}

TEST(LocalUsers, RemembersForAWhile) {
  test_support::FakeClock clock;
  auth::LocalUsers users("no-such-group", clock);
  const auto first = users.find("root");
  ASSERT_TRUE(first);
  clock.advance(auth::LocalUsers::kKept - std::chrono::milliseconds(1));
  // The same object: nobody was asked again.
  EXPECT_EQ(users.find("root")->local, first->local);
  clock.advance(std::chrono::milliseconds(1));
  EXPECT_NE(users.find("root")->local, first->local);
  EXPECT_FALSE(users.find("no-such-user"));
}

TEST(LocalUsers, ForgetsSomebodyWhereThereAreTooMany) {
  test_support::FakeClock clock;
  auth::LocalUsers users("no-such-group", clock);
  const auto first = users.find("root");
  for (std::size_t i = 0; i < auth::LocalUsers::kMost; ++i) users.find("no-such-user-" + std::to_string(i));
  EXPECT_NE(users.find("root")->local, first->local);
}

}  // namespace
