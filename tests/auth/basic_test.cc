// Source of the expected values: RFC 7617; wsman-protocol, section 13.

#include "engine/auth/basic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/base/encoding.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"

namespace auth {
namespace {

using namespace std::chrono_literals;
using test_support::IsError;
using test_support::IsOk;
using ::testing::ElementsAre;

TEST(BasicToken, IsTheExampleOfTheRfc) {
  const auto read = read_basic_token("QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->user, "Aladdin");
  EXPECT_EQ(read->password.view(), "open sesame");
}

// RFC 7617, section 2.1: test:123£ in UTF-8.
TEST(BasicToken, IsUtf8) {
  EXPECT_EQ(read_basic_token("dGVzdDoxMjPCow==").value().password.view(), "123\xC2\xA3");
}

TEST(BasicToken, IsLatin1WhereItIsNoUtf8) {
  const auto read = read_basic_token(base::to_base64("J\xF6rg:\xA3"));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->user, "J\xC3\xB6rg");
  EXPECT_EQ(read->password.view(), "\xC2\xA3");
}

TEST(BasicToken, MayNameADomain) {
  const auto read = read_basic_token(base::to_base64("LAB\\alice:a:b\\c"));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->domain, "LAB");
  EXPECT_EQ(read->user, "alice");
  EXPECT_EQ(read->password.view(), "a:b\\c");
}

TEST(BasicToken, MayHoldAnEmptyPassword) {
  EXPECT_TRUE(read_basic_token(base::to_base64("alice:")).value().password.empty());
}

TEST(BasicToken, IsRefusedWhereItIsMalformedOrTooLong) {
  const auto refused = IsError(std::errc::invalid_argument);
  EXPECT_THAT(read_basic_token(""), refused);
  EXPECT_THAT(read_basic_token("not base64"), refused);
  EXPECT_THAT(read_basic_token(base::to_base64("no colon")), refused);
  EXPECT_THAT(read_basic_token(base::to_base64(":no user")), refused);
  EXPECT_THAT(read_basic_token(base::to_base64("LAB\\:no user")), refused);
  EXPECT_THAT(read_basic_token(base::to_base64("a\nb:c")), refused);
  EXPECT_THAT(read_basic_token(base::to_base64(std::string("a:b\0c", 5))), refused);
  EXPECT_THAT(read_basic_token(base::to_base64(std::string(257, 'u') + ":p")), refused);
  EXPECT_THAT(read_basic_token(base::to_base64("u:" + std::string(1025, 'p'))), refused);
  EXPECT_THAT(read_basic_token(base::to_base64("u:" + std::string(100'000, 'p'))), refused);
}

/// Users in memory; counts how often it is asked.
class FakeDirectory final : public PasswordDirectory {
 public:
  base::AsyncResult<std::optional<Record>> verify(std::string user, Secret password) override {
    ++asked;
    last_user = user;
    if (full) co_return base::make_error(std::errc::device_or_resource_busy, "full");
    const auto at = passwords.find(user);
    if (at == passwords.end() || at->second != password.view()) co_return std::optional<Record>();
    if (change_meanwhile) ++current;
    co_return Record{user, groups};
  }
  std::uint64_t generation() const override { return current; }

  std::map<std::string, std::string> passwords{{"alice", "secret"}, {"bob", "word"}};
  std::vector<std::string> groups{"Event Log Readers"};
  std::uint64_t current = 7;
  int asked = 0;
  std::string last_user;
  bool full = false;
  bool change_meanwhile = false;
};

class Basic : public ::testing::Test {
 protected:
  Basic() {
    BasicOptions options;
    options.host_name = "host7.lab.example";
    options.failures_of_address = 3;
    options.failures_of_user = 5;
    options.max_delayed = 1;
    options.clock = &clock_;
    basic_ = std::make_unique<BasicAuthenticator>(directory_, options);
  }

  static base::Peer peer(const std::string& address) {
    base::Peer peer;
    peer.transport = base::Peer::Transport::Tls;
    peer.address = address;
    return peer;
  }
  base::Task<base::Result<Step>> attempt(std::string credentials, std::string address) {
    const auto conversation = basic_->begin(peer(address));
    std::string token = base::to_base64(credentials);
    auto step = co_await conversation->step(std::move(token));
    co_return step;
  }
  base::Result<Step> try_as(const std::string& credentials, const std::string& address = "192.0.2.7:49210") {
    return test_support::run(attempt(credentials, address));
  }

  void guess(const std::string& credentials, const std::string& address = "192.0.2.7:49210") {
    EXPECT_THAT(try_as(credentials, address), refused_);
  }

  const decltype(IsError(std::errc::permission_denied)) refused_ = IsError(std::errc::permission_denied);
  test_support::FakeClock clock_;
  FakeDirectory directory_;
  std::unique_ptr<BasicAuthenticator> basic_;
};

TEST_F(Basic, AcceptsTheRightPassword) {
  const auto step = try_as("alice:secret");
  ASSERT_THAT(step, IsOk());
  EXPECT_TRUE(step->accepted);
  EXPECT_EQ(step->principal.scheme, Principal::Scheme::Basic);
  EXPECT_EQ(step->principal.name, "alice");
  EXPECT_THAT(step->principal.groups, ElementsAre("Event Log Readers"));
  EXPECT_FALSE(step->principal.administrator);
}

TEST_F(Basic, MakesMembersOfAdministratorsAdministrators) {
  directory_.groups = {"administrators"};
  EXPECT_TRUE(try_as("alice:secret").value().principal.administrator);
}

TEST_F(Basic, RefusesAWrongPasswordAndAnUnknownUserInTheSameWay) {
  const auto wrong = try_as("alice:Secret");
  const auto unknown = try_as("nobody:secret");
  EXPECT_THAT(wrong, refused_);
  EXPECT_THAT(unknown, refused_);
  EXPECT_EQ(directory_.asked, 2);
}

TEST_F(Basic, KeepsPasswordsOutOfItsErrors) {
  for (const std::string credentials : {"alice:hunter2", "alice:hunter2\n", "hunter2"}) {
    const auto step = try_as(credentials);
    ASSERT_FALSE(step.ok());
    EXPECT_EQ(step.error().message().find("hunter2"), std::string::npos) << step.error().message();
  }
}

TEST_F(Basic, TakesThisHostAsADomain) {
  for (const std::string domain : {".", "HOST7", "host7.lab.example"})
    EXPECT_THAT(try_as(domain + "\\alice:secret"), IsOk());
  EXPECT_THAT(try_as("OTHER\\alice:secret"), refused_);
  // It asked all the same: the answer takes as long.
  EXPECT_EQ(directory_.last_user, "OTHER\\alice");
}

TEST_F(Basic, AsksOnceForAClientThatGoesOn) {
  for (int i = 0; i < 10; ++i) EXPECT_THAT(try_as("alice:secret"), IsOk());
  EXPECT_THAT(try_as("alice:secret", "192.0.2.7:50000"), IsOk());
  EXPECT_EQ(directory_.asked, 1);
  EXPECT_THAT(try_as("alice:secret", "192.0.2.8:50000"), IsOk());
  EXPECT_EQ(directory_.asked, 2);
}

TEST_F(Basic, AsksAgainAfterAWhile) {
  EXPECT_THAT(try_as("alice:secret"), IsOk());
  clock_.advance(61s);
  EXPECT_THAT(try_as("alice:secret"), IsOk());
  EXPECT_EQ(directory_.asked, 2);
}

TEST_F(Basic, AsksAgainOnceAUserHasChanged) {
  EXPECT_THAT(try_as("alice:secret"), IsOk());
  directory_.passwords["alice"] = "other";
  ++directory_.current;
  EXPECT_THAT(try_as("alice:secret"), refused_);
  EXPECT_THAT(try_as("alice:other"), IsOk());
}

TEST_F(Basic, DoesNotRememberWhatChangedWhileItWasVerified) {
  directory_.change_meanwhile = true;
  EXPECT_THAT(try_as("alice:secret"), IsOk());
  EXPECT_THAT(try_as("alice:secret"), IsOk());
  EXPECT_EQ(directory_.asked, 2);
}

TEST_F(Basic, SlowsDownAnAddressThatGuesses) {
  for (int i = 0; i < 3; ++i) EXPECT_THAT(try_as("user" + std::to_string(i) + ":x"), refused_);
  EXPECT_THAT(try_as("alice:secret"), refused_);
  EXPECT_EQ(directory_.asked, 3);
  EXPECT_THAT(try_as("alice:secret", "192.0.2.8:1"), IsOk());
  clock_.advance(5s);
  EXPECT_THAT(try_as("alice:secret"), IsOk());
}

TEST_F(Basic, TakesTheNeighboursInAnIpv6NetworkForOne) {
  for (int i = 0; i < 3; ++i) guess("x:x", "[2001:db8::" + std::to_string(i + 1) + "]:5");
  EXPECT_THAT(try_as("alice:secret", "[2001:db8::9]:5"), refused_);
  EXPECT_THAT(try_as("alice:secret", "[2001:db8:0:1::9]:5"), IsOk());
}

TEST_F(Basic, CountsRightPasswordsForNothing) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(try_as("alice:secret"), IsOk());
    clock_.advance(61s);
  }
  for (int i = 0; i < 2; ++i) EXPECT_THAT(try_as("bob:x"), refused_);
  EXPECT_THAT(try_as("bob:word"), IsOk());
}

TEST_F(Basic, CountsNothingWhereTheDirectoryIsBusy) {
  directory_.full = true;
  for (int i = 0; i < 10; ++i) EXPECT_THAT(try_as("alice:secret"), IsError(std::errc::device_or_resource_busy));
  directory_.full = false;
  EXPECT_THAT(try_as("alice:secret"), IsOk());
}

TEST_F(Basic, LeavesAUserHisOwnAttemptsWhereHeWasRightBefore) {
  EXPECT_THAT(try_as("alice:secret"), IsOk());
  for (int i = 0; i < 5; ++i) guess("nobody" + std::to_string(i) + ":x");
  EXPECT_THAT(try_as("bob:word"), refused_);
  clock_.advance(61s);
  for (int i = 0; i < 5; ++i) guess("nobody" + std::to_string(i) + ":x");
  EXPECT_THAT(try_as("alice:secret", "192.0.2.7:50000"), IsOk());
}

TEST_F(Basic, IsNoPlaceToGuessAtARememberedPassword) {
  EXPECT_THAT(try_as("alice:secret", "192.0.2.7:1"), IsOk());
  for (int i = 0; i < 3; ++i) EXPECT_THAT(try_as("alice:x", "192.0.2.7:2"), refused_);
  EXPECT_THAT(try_as("alice:secret", "192.0.2.7:2"), refused_);
  // The connection on which he was right goes on.
  EXPECT_THAT(try_as("alice:secret", "192.0.2.7:1"), IsOk());
}

TEST_F(Basic, DelaysButDoesNotShutOutAUserWhomManyGuessAt) {
  for (int i = 0; i < 5; ++i) guess("alice:x", "198.51.100." + std::to_string(i) + ":1");
  test_support::Loop loop;
  auto waiting = boost::asio::co_spawn(loop.executor(), attempt("alice:secret", "192.0.2.7:1"), boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return clock_.sleepers() == 1; }));
  // One more would have to wait, too, and there is no room for that.
  EXPECT_THAT(try_as("alice:secret", "192.0.2.8:1"), refused_);
  clock_.advance(2s);
  EXPECT_THAT(waiting.get(), IsOk());
  // From there he is known now.
  clock_.advance(61s);
  EXPECT_THAT(try_as("alice:secret", "192.0.2.7:2"), IsOk());
}

TEST_F(Basic, OffersItselfWithoutTlsOnlyWhereThatIsAllowed) {
  base::Peer plain = peer("192.0.2.7:1");
  plain.transport = base::Peer::Transport::Plain;
  const std::string authorization = "Basic " + base::to_base64("alice:secret");
  EXPECT_FALSE(basic_->offers(plain));
  EXPECT_FALSE(basic_->claims(authorization, plain));
  EXPECT_TRUE(basic_->claims(authorization, peer("192.0.2.7:1")));
  basic_->set_allow_unencrypted(true);
  EXPECT_TRUE(basic_->offers(plain));
  EXPECT_TRUE(basic_->claims(authorization, plain));
}

TEST_F(Basic, ClaimsItsOwnSchemeInAnyCase) {
  EXPECT_TRUE(basic_->claims("bAsIc eDp5", peer("192.0.2.7:1")));
  EXPECT_FALSE(basic_->claims("Basically eDp5", peer("192.0.2.7:1")));
  EXPECT_FALSE(basic_->claims("Negotiate eDp5", peer("192.0.2.7:1")));
  EXPECT_FALSE(basic_->claims("", peer("192.0.2.7:1")));
}

TEST_F(Basic, ChallengesAsWindowsDoes) {
  EXPECT_EQ(basic_->challenge(), "Basic realm=\"WSMAN\"");
}

}  // namespace
}  // namespace auth
