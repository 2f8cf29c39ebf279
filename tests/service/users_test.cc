#include "engine/service/users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/encoding.h"
#include "engine/service/user_resource.h"
#include "engine/wsman/client.h"
#include "engine/wsman/names.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace service {
namespace {

using test_support::IsOk;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class UsersTest : public ::testing::Test {
 protected:
  UsersTest() { reopen(); }
  void reopen() {
    users_.reset();
    store_.reset();
    store_ = storage::StateStore::open(directory_.path()).value();
    users_ = Users::open(*store_, pool_, {4, 1, 1}).value();
  }

  static UserChange with_password(const std::string& password, std::optional<std::vector<std::string>> groups = {}) {
    return UserChange{std::move(groups), auth::Secret(password)};
  }
  wsman::Result<void> create(const std::string& name, UserChange change) {
    return test_support::run(users_->create(name, std::move(change), "root"));
  }
  wsman::Result<void> change(const std::string& name, UserChange change) {
    return test_support::run(users_->change(name, std::move(change), "root"));
  }
  std::optional<auth::PasswordDirectory::Record> verify(const std::string& name, const std::string& password) {
    return test_support::run(users_->verify(name, auth::Secret(password))).value();
  }

  test_support::TemporaryDirectory directory_;
  base::BlockingPool pool_{2};
  std::unique_ptr<storage::StateStore> store_;
  std::unique_ptr<Users> users_;
};

std::optional<wsman::FaultCode> code_of(const wsman::Result<void>& result) {
  return result.ok() ? std::nullopt : std::optional(result.error().code);
}

TEST_F(UsersTest, VerifiesAUserByHisPassword) {
  ASSERT_TRUE(create("Alice", with_password("secret", {{"Event Log Readers"}})).ok());
  const auto record = verify("alice", "secret");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->name, "Alice");
  EXPECT_THAT(record->groups, ElementsAre("Event Log Readers"));
  EXPECT_FALSE(verify("alice", "Secret"));
  EXPECT_FALSE(verify("bob", "secret"));
}

TEST_F(UsersTest, KeepsUsersOverARestart) {
  ASSERT_TRUE(create("alice", with_password("secret", {{"Administrators", "ER"}})).ok());
  reopen();
  EXPECT_THAT(verify("ALICE", "secret").value().groups, ElementsAre("Administrators", "ER"));
}

TEST_F(UsersTest, ChangesWhatIsGivenAndNothingElse) {
  ASSERT_TRUE(create("alice", with_password("secret", {{"ER"}})).ok());
  ASSERT_TRUE(change("Alice", with_password("other")).ok());
  EXPECT_FALSE(verify("alice", "secret"));
  EXPECT_THAT(verify("alice", "other").value().groups, ElementsAre("ER"));
  ASSERT_TRUE(change("alice", UserChange{std::vector<std::string>{}, {}}).ok());
  EXPECT_THAT(verify("alice", "other").value().groups, IsEmpty());
}

TEST_F(UsersTest, SaysThatSomethingHasChanged) {
  auto before = users_->generation();
  const auto moved = [&] { return std::exchange(before, users_->generation()) != before; };
  ASSERT_TRUE(create("alice", with_password("x")).ok());
  EXPECT_TRUE(moved());
  EXPECT_FALSE(moved());
  ASSERT_TRUE(change("alice", with_password("y")).ok());
  EXPECT_TRUE(moved());
  ASSERT_TRUE(test_support::run(users_->remove("alice", "root")).ok());
  EXPECT_TRUE(moved());
}

TEST_F(UsersTest, RemovesAUserForGood) {
  ASSERT_TRUE(create("alice", with_password("secret")).ok());
  ASSERT_TRUE(test_support::run(users_->remove("Alice", "root")).ok());
  EXPECT_FALSE(verify("alice", "secret"));
  reopen();
  EXPECT_THAT(users_->list(), IsEmpty());
}

TEST_F(UsersTest, RefusesWhatBreaksTheRules) {
  using enum wsman::FaultCode;
  ASSERT_TRUE(create("alice", with_password("x")).ok());
  EXPECT_EQ(code_of(create("ALICE", with_password("x"))), AlreadyExists);
  EXPECT_EQ(code_of(create("bob", {})), InvalidRepresentation);
  EXPECT_EQ(code_of(change("bob", with_password("x"))), ResourceNotFound);
  EXPECT_EQ(code_of(test_support::run(users_->remove("bob", "root"))), ResourceNotFound);
  for (const std::string name : {"", " a", "a\nb", "a:b", "LAB\\a", "a@b", "\xFF"}) {
    EXPECT_EQ(code_of(create(name, with_password("x"))), InvalidRepresentation) << name;
  }
  EXPECT_EQ(code_of(create(std::string(65, 'n'), with_password("x"))), InvalidRepresentation);
  for (const std::string& password : {std::string(), std::string("a\nb"), std::string("\xFF"), std::string(1025, 'p')}) {
    EXPECT_EQ(code_of(create("bob", with_password(password))), InvalidRepresentation);
  }
  EXPECT_EQ(code_of(create("bob", with_password("x", {{""}}))), InvalidRepresentation);
  EXPECT_EQ(code_of(create("bob", with_password("x", {{std::string(257, 'g')}}))), InvalidRepresentation);
  EXPECT_EQ(code_of(create("bob", with_password("x", std::vector<std::string>(33, "g")))), InvalidRepresentation);
}

TEST_F(UsersTest, NeverStoresAPassword) {
  ASSERT_TRUE(create("alice", with_password("hunter2")).ok());
  const auto stored = store_->find("user", "alice").value();
  ASSERT_TRUE(stored);
  EXPECT_THAT(*stored, HasSubstr("$scrypt$ln=4,r=1,p=1$"));
  EXPECT_THAT(*stored, Not(HasSubstr("hunter2")));
}

TEST_F(UsersTest, PassesOverWhatItCannotRead) {
  ASSERT_TRUE(create("alice", with_password("secret")).ok());
  ASSERT_TRUE(store_->put("user", "broken", "<u:User").ok());
  ASSERT_TRUE(store_->put("user", "bob", "<u:User xmlns:u='urn:muster:wsman:1:user'><u:Name>bob</u:Name></u:User>").ok());
  reopen();
  EXPECT_THAT(users_->list(), ElementsAre(Field(&User::name, "alice")));
}

/// The resource behind a dispatcher, asked by a client.
class UserResourceTest : public UsersTest {
 protected:
  UserResourceTest() : resource_(*users_), dispatcher_(wsman::DispatcherOptions{}) { dispatcher_.add(resource_); }

  template <typename Operation>
  auto ask(bool administrator, Operation operation) {
    wsman::Caller caller;
    caller.who.scheme = auth::Principal::Scheme::LocalPeer;
    caller.who.name = "somebody";
    caller.who.administrator = administrator;
    caller.path = "/wsman";
    wsman::ClientOptions options;
    options.to = "http://localhost/wsman";
    wsman::Client client(wsman::loopback_transport(dispatcher_, std::move(caller)), std::move(options));
    return test_support::run(operation(client));
  }
  static wsman::Client::Target target(const std::string& name = {}) {
    wsman::Client::Target target;
    target.resource_uri = wsman::resource::kUser;
    if (!name.empty()) target.selectors.push_back({"Name", name, {}});
    return target;
  }
  static std::string document(const std::string& inside) {
    return "<u:User xmlns:u=\"urn:muster:wsman:1:user\">" + inside + "</u:User>";
  }
  static std::string number(const base::Error& error) { return std::to_string(error.code.value()); }

  UserResource resource_;
  wsman::Dispatcher dispatcher_;
};

TEST_F(UserResourceTest, CreatesAUser) {
  const auto made = ask(true, [](wsman::Client& client) {
    return client.create(target(), document("<u:Name>alice</u:Name><u:Group>Administrators</u:Group><u:Group>ER</u:Group>"
                                            "<u:Password>p&amp;ss</u:Password>"));
  });
  ASSERT_THAT(made, IsOk());
  EXPECT_THAT(made->body().outer_xml(), HasSubstr(">alice<"));
  EXPECT_THAT(verify("alice", "p&ss").value().groups, ElementsAre("Administrators", "ER"));
}

TEST_F(UserResourceTest, ShowsNoHashes) {
  ASSERT_TRUE(create("alice", with_password("secret", {{"ER"}})).ok());
  const auto shown = ask(true, [](wsman::Client& client) { return client.get(target("Alice")); });
  ASSERT_THAT(shown, IsOk());
  const std::string xml = shown->body().outer_xml();
  EXPECT_THAT(xml, HasSubstr("<u:Name>alice</u:Name><u:Group>ER</u:Group></u:User>"));
  EXPECT_THAT(xml, Not(HasSubstr("scrypt")));
}

TEST_F(UserResourceTest, ChangesAUser) {
  ASSERT_TRUE(create("alice", with_password("secret", {{"ER"}})).ok());
  const auto changed = ask(true, [](wsman::Client& client) {
    return client.put(target("alice"), document("<u:Group>Administrators</u:Group>"));
  });
  ASSERT_THAT(changed, IsOk());
  EXPECT_THAT(verify("alice", "secret").value().groups, ElementsAre("Administrators"));
}

TEST_F(UserResourceTest, DeletesAUser) {
  ASSERT_TRUE(create("alice", with_password("secret")).ok());
  EXPECT_THAT(ask(true, [](wsman::Client& client) { return client.remove(target("alice")); }), IsOk());
  EXPECT_THAT(users_->list(), IsEmpty());
}

TEST_F(UserResourceTest, IsForAdministratorsOnly) {
  const auto denied = ask(false, [](wsman::Client& client) { return client.get(target("alice")); });
  ASSERT_FALSE(denied.ok());
  EXPECT_EQ(number(denied.error()), "5");
}

TEST_F(UserResourceTest, RefusesDocumentsOfAnotherForm) {
  ASSERT_TRUE(create("alice", with_password("secret")).ok());
  for (const std::string inside : {"<u:Hash>x</u:Hash>", "<Password>x</Password>", "<u:Group><u:a/></u:Group>",
                                   "<u:Password>a</u:Password><u:Password>b</u:Password>", "<u:Name>bob</u:Name>"}) {
    const std::string body = document(inside);
    const auto refused = ask(true, [body](wsman::Client& client) { return client.put(target("alice"), body); });
    EXPECT_FALSE(refused.ok()) << inside;
  }
  EXPECT_TRUE(verify("alice", "secret"));
}

}  // namespace
}  // namespace service
