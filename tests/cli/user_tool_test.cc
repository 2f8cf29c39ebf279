#include "cli/user_tool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/service/user_resource.h"
#include "tests/cli/tool_run.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// `muster user` in front of real users, in one process.
class UserTool : public ::testing::Test {
 protected:
  UserTool() { dispatcher_.add(resource_); }

  ToolRun user(std::vector<std::string> words, const std::string& input = {}) {
    const ConnectFunction connect = [this](const Arguments&) -> base::Result<std::unique_ptr<wsman::Client>> {
      wsman::Caller caller;
      caller.who.scheme = auth::Principal::Scheme::LocalPeer;
      caller.who.name = "root";
      caller.who.administrator = true;
      wsman::ClientOptions options;
      options.to = kControlAddress;
      return std::make_unique<wsman::Client>(wsman::loopback_transport(dispatcher_, std::move(caller)), std::move(options));
    };
    return run_tool([&](Console& console) { return run_user(console, std::move(words), connect); }, input);
  }
  bool is_right(const std::string& name, const std::string& password) {
    return test_support::run(users_->verify(name, auth::Secret(password))).value().has_value();
  }

  test_support::TemporaryDirectory directory_;
  base::BlockingPool pool_{1};
  std::unique_ptr<storage::StateStore> store_ = storage::StateStore::open(directory_.path()).value();
  std::unique_ptr<service::Users> users_ = service::Users::open(*store_, pool_, {4, 1, 1}).value();
  service::UserResource resource_{*users_};
  wsman::Dispatcher dispatcher_{wsman::DispatcherOptions{}};
};

TEST_F(UserTool, AddsAUserWithAPasswordOfStandardInput) {
  const ToolRun added = user({"add", "alice", "--group", "Administrators", "--group=Event Log Readers"}, "se<cr&et\r\n");
  EXPECT_EQ(added.status, 0) << added.err;
  EXPECT_EQ(added.err, "New password for alice: \n");
  EXPECT_TRUE(is_right("alice", "se<cr&et"));
  EXPECT_THAT(users_->find("alice")->groups, ElementsAre("Administrators", "Event Log Readers"));
}

TEST_F(UserTool, ChangesAPasswordAndLeavesTheGroups) {
  user({"add", "alice", "--group", "ER"}, "one\n");
  EXPECT_EQ(user({"password", "alice"}, "two\n").status, 0);
  EXPECT_TRUE(is_right("alice", "two"));
  EXPECT_THAT(users_->find("alice")->groups, ElementsAre("ER"));
}

TEST_F(UserTool, ListsUsers) {
  EXPECT_EQ(user({"list"}).out, "");
  user({"add", "bob"}, "x\n");
  user({"add", "alice", "--group", "ER", "--group", "RM"}, "x\n");
  EXPECT_EQ(user({"list"}).out, "alice: ER, RM\nbob\n");
  EXPECT_EQ(user({"list", "--json"}).out,
            "{\"Name\":\"alice\",\"Groups\":[\"ER\",\"RM\"]}\n{\"Name\":\"bob\",\"Groups\":[]}\n");
}

TEST_F(UserTool, RemovesAUser) {
  user({"add", "alice"}, "x\n");
  EXPECT_EQ(user({"remove", "Alice"}).status, 0);
  EXPECT_EQ(user({"list"}).out, "");
}

TEST_F(UserTool, ChecksTheNameBeforeItAsksForAPassword) {
  user({"add", "alice"}, "x\n");
  const ToolRun again = user({"add", "Alice"}, "y\n");
  EXPECT_EQ(again.status, 183);
  EXPECT_THAT(again.err, HasSubstr("There is a user Alice already."));
  EXPECT_THAT(again.err, Not(HasSubstr("New password")));
  const ToolRun nobody = user({"password", "bob"}, "y\n");
  EXPECT_THAT(nobody.err, HasSubstr("There is no user bob."));
  EXPECT_THAT(nobody.err, Not(HasSubstr("New password")));
  EXPECT_TRUE(is_right("alice", "x"));
}

TEST_F(UserTool, WarnsOfAGroupThatGivesNothingByItself) {
  const ToolRun added = user({"add", "alice", "--group", "Administratrs", "--group", "ER", "--group=auditors"}, "x\n");
  EXPECT_EQ(added.status, 0);
  EXPECT_THAT(added.err, HasSubstr("Warning: Administratrs is no group that gives a right by itself; it counts only where "
                                   "[access.sids] of the service names it. Did you mean Administrators?\n"));
  EXPECT_THAT(added.err, HasSubstr("Warning: auditors is no group"));
  EXPECT_THAT(added.err, Not(HasSubstr("Warning: ER")));
  EXPECT_THAT(users_->find("alice")->groups, ElementsAre("Administratrs", "ER", "auditors"));
}

TEST_F(UserTool, SaysWhatIsWrong) {
  EXPECT_THAT(user({"remove", "alice"}).err, HasSubstr("There is no user alice.\n\nFailed to remove the user alice.\n"));
  EXPECT_EQ(user({"add", "alice"}, "\n").status, 87);
  EXPECT_EQ(user({"add", "alice"}).status, 1223 % 256);
  EXPECT_THAT(user({"add", "a:b"}, "x\n").err, HasSubstr("A user's name has 1 to 64 bytes"));
  EXPECT_EQ(user({"add"}).status, 87);
  EXPECT_EQ(user({"add", "alice", "--pasword=x"}).status, 87);
  user({"add", "alice"}, "x\n");
  EXPECT_THAT(user({"add", "ALICE"}, "x\n").err, HasSubstr("There is a user ALICE already."));
}

}  // namespace
}  // namespace cli
