#include "cli/wecutil_apply.h"

#include "cli/line_difference.h"
#include "tests/cli/wecutil_fixture.h"

namespace cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string definition_of(const std::string& id, const std::string& description = "text") {
  return "<Subscription xmlns=\"http://schemas.microsoft.com/2006/03/windows/events/subscription\"><SubscriptionId>" + id +
         "</SubscriptionId><SubscriptionType>SourceInitiated</SubscriptionType><Description>" + description +
         "</Description><Query><![CDATA[<QueryList><Query Id=\"0\"><Select Path=\"System\">*</Select></Query></QueryList>]]>"
         "</Query></Subscription>";
}

class WecutilApply : public WecutilFixture {
 protected:
  WecutilApply() { std::filesystem::create_directory(folder()); }
  std::filesystem::path folder() const { return directory_ / "wanted"; }
  void want(const std::string& name, const std::string& content) { directory_.write("wanted/" + name, content); }
  ToolRun apply(std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"apply", folder().string()});
    return run(options);
  }
};

TEST_F(WecutilApply, CreatesAndChangesAndThenHasNothingToDo) {
  want("a.xml", definition_of("a"));
  want("b.XML", definition_of("b"));
  want("readme.txt", "no definition");
  want(".hidden.xml", "no definition");
  const ToolRun first = apply();
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr("Create a (a.xml)\n  +<Subscription "),
                               HasSubstr("2 created, 0 changed, 0 deleted, 0 left as they are.\n")));
  EXPECT_EQ(apply().out, "0 created, 0 changed, 0 deleted, 2 left as they are.\n");
  want("a.xml", definition_of("a", "other"));
  EXPECT_EQ(apply().out,
            "Change a (a.xml)\n"
            "  -\t<Description>text</Description>\n"
            "  +\t<Description>other</Description>\n"
            "0 created, 1 changed, 0 deleted, 1 left as they are.\n");
  EXPECT_EQ(manager_->find("a")->description, "other");
}

TEST_F(WecutilApply, DryRunChangesNothingAndTellsByItsStatus) {
  want("a.xml", definition_of("a"));
  const ToolRun dry = apply({"--dry-run"});
  EXPECT_EQ(dry.status, 1);
  EXPECT_THAT(dry.out, HasSubstr("1 to create, 0 to change, 0 to delete"));
  EXPECT_THAT(manager_->ids(), IsEmpty());
  ASSERT_EQ(apply().status, 0);
  EXPECT_EQ(apply({"--dry-run"}).status, 0);
}

TEST_F(WecutilApply, DeletesOnlyWhereItIsTold) {
  create();
  want("a.xml", definition_of("a"));
  ASSERT_EQ(apply().status, 0);
  EXPECT_THAT(manager_->ids(), ElementsAre("a", "linux-baseline"));
  EXPECT_THAT(apply({"--delete"}).out, AllOf(HasSubstr("Delete linux-baseline\n  -<Subscription "), HasSubstr("1 deleted")));
  EXPECT_THAT(manager_->ids(), ElementsAre("a"));
}

TEST_F(WecutilApply, AnEmptyFolderDeletesNothing) {
  create();
  const ToolRun refused = apply({"--delete"});
  EXPECT_EQ(refused.status, 87);
  EXPECT_THAT(manager_->ids(), ElementsAre("linux-baseline"));
  EXPECT_EQ(run({"apply", (directory_ / "nowhere").string()}).status, 2);
}

TEST_F(WecutilApply, TellsEveryErrorAndChangesNothing) {
  want("a.xml", definition_of("a"));
  want("b.xml", "<Subscription>");
  want("c.xml", definition_of("A"));
  std::string bad = definition_of("d");
  bad.replace(bad.find(">*<"), 3, ">*[<");
  want("d.xml", bad);
  const ToolRun refused = apply();
  EXPECT_EQ(refused.status, 15008 % 256) << "that of the first one";
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("b.xml: Failed to read subscription. Error = 0x3aa0."),
                    HasSubstr("c.xml: Failed to read subscription. Error = 0xb7."),
                    HasSubstr("d.xml: Failed to read subscription. Error = 0x3a99."), HasSubstr("Nothing was changed.\n")));
  EXPECT_THAT(manager_->ids(), IsEmpty());
}

TEST_F(WecutilApply, WhatTheServiceRefusesChangesNothing) {
  create();
  want("a.xml", definition_of("a"));
  std::string other_type = definition_of("linux-baseline");
  other_type.replace(other_type.find("SourceInitiated"), 15, "CollectorInitiated");
  want("b.xml", other_type);
  const ToolRun refused = apply();
  EXPECT_EQ(refused.status, 87);
  EXPECT_THAT(refused.err, HasSubstr("SubscriptionType"));
  EXPECT_THAT(manager_->ids(), ElementsAre("linux-baseline"));
}

TEST_F(WecutilApply, LeavesPasswordsAloneThatAreSetElsewhere) {
  want("pull.xml", R"(<Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">
    <SubscriptionId>pull</SubscriptionId><Query><![CDATA[<QueryList><Query Id="0"><Select Path="System">*</Select></Query>
    </QueryList>]]></Query><EventSources><EventSource><Address>a</Address><UserName>reader</UserName>
    <Password>*</Password></EventSource></EventSources></Subscription>)");
  const ToolRun first = apply();
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("wecutil ss \"pull\" /esa:a /un:reader /up:*"));
  run({"ss", "pull", "/esa:a", "/un:reader", "/up:hunter2"});
  const ToolRun second = apply();
  EXPECT_EQ(second.out, "0 created, 0 changed, 0 deleted, 1 left as they are.\n");
  EXPECT_EQ(second.err, "");
  EXPECT_EQ(test_support::run(manager_->credentials("pull", "a"))->password, "hunter2");
}

TEST_F(WecutilApply, SeesThatAPasswordIsAnotherAndDoesNotShowIt) {
  const auto with_password = [](const std::string& password) {
    return R"(<Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">
      <SubscriptionId>pull</SubscriptionId><Query><![CDATA[<QueryList><Query Id="0"><Select Path="System">*</Select></Query>
      </QueryList>]]></Query><CommonUserName>u</CommonUserName><CommonPassword>)" +
           password + "</CommonPassword></Subscription>";
  };
  want("pull.xml", with_password("hunter2"));
  EXPECT_THAT(apply().out, AllOf(HasSubstr("+\t<CommonPassword>*</CommonPassword>"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(apply().out, HasSubstr("0 changed"));
  want("pull.xml", with_password("hunter3"));
  EXPECT_EQ(apply().out, "Change pull (pull.xml)\n  a password\n0 created, 1 changed, 0 deleted, 0 left as they are.\n");
}

TEST_F(WecutilApply, PrintsJson) {
  create();
  want("a.xml", definition_of("a"));
  EXPECT_EQ(apply({"--json", "--delete", "--dry-run"}).out,
            "[{\"SubscriptionId\":\"a\",\"Change\":\"Create\",\"File\":\"a.xml\"},"
            "{\"SubscriptionId\":\"linux-baseline\",\"Change\":\"Delete\"}]\n");
}

TEST(LineDifference, IsTheShortest) {
  EXPECT_THAT(line_difference("a\nb\nc\n", "a\nb\nc\n"), IsEmpty());
  EXPECT_THAT(line_difference("", "a\nb"), ElementsAre("+a", "+b"));
  EXPECT_THAT(line_difference("a\nb\n", ""), ElementsAre("-a", "-b"));
  EXPECT_THAT(line_difference("a\nb\nc\nd\ne\n", "a\nc\nx\nd\ny\n"), ElementsAre("-b", "+x", "-e", "+y"));
  EXPECT_THAT(line_difference("a\na\n", "a\na\na\n"), ElementsAre("+a"));
}

TEST(LineDifference, GivesUpOnWhatIsVeryLarge) {
  std::string before;
  std::string after;
  for (int i = 0; i < 3000; ++i) {
    before += "a" + std::to_string(i) + "\n";
    after += "b" + std::to_string(i) + "\n";
  }
  EXPECT_EQ(line_difference(before, after).size(), 6000u);
}

}  // namespace
}  // namespace cli
