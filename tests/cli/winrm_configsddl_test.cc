#include "cli/winrm_configsddl.h"

#include <gmock/gmock.h>

#include "cli/sddl_text.h"
#include "engine/base/file_system.h"
#include "tests/cli/winrm_world.h"
#include "tests/support/temporary_directory.h"

namespace cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(SddlText, ExplainsEachPart) {
  EXPECT_EQ(explain_sddl("O:NSG:BAD:P(A;;GA;;;BA)(D;;GRGX;;;S-1-22-1-1000)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)"),
            "O:NS                          # owner: the network service\n"
            "G:BA                          # group: administrators\n"
            "D:P                           # who may do what (inherits nothing)\n"
            "(A;;GA;;;BA)                  # administrators may: everything\n"
            "(D;;GXGR;;;S-1-22-1-1000)     # the user with the number 1000 may not: execute, read\n"
            "S:P                           # what is recorded (inherits nothing)\n"
            "(AU;FA;GA;;;WD)               # everyone is recorded: everything (failure)\n"
            "(AU;SA;GXGW;;;WD)             # everyone is recorded: execute, write (success)\n");
}

TEST(SddlText, ComesBackAsItWas) {
  for (const std::string sddl : {"O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;IU)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)", "D:", "",
                                 "D:(A;;0x1F;;;XX)(OA;;GA;1;2;BA)", "nonsense", "D:P(A;;GA", "X:(A)O:", "(A;;GA;;;BA)"}) {
    EXPECT_EQ(sddl_of(explain_sddl(sddl)), sddl);
  }
}

TEST(SddlText, LetsNoLineEndOutOfAComment) {
  EXPECT_EQ(sddl_of(explain_sddl("O:X\nY D:(A;;GA;;;B\nA)")), "O:XYD:(A;;GA;;;BA)");
}

TEST(SddlText, LosesBlanksAndComments) {
  EXPECT_EQ(sddl_of("# all\nO:NS # owner\r\n\tD:P\n (A;;GA;;;BA)#x"), "O:NSD:P(A;;GA;;;BA)");
}

class ConfigSddl : public testing::Test {
 protected:
  WinrmWorld world_;
};

TEST_F(ConfigSddl, LetsRootSddlBeEdited) {
  std::string shown;
  world_.editor = [&shown](std::string text) {
    shown = text;
    text.replace(text.find("(A;;GR;;;IU)"), 12, "(A;;GR;;;ER)");
    return text;
  };
  const ToolRun done = world_.winrm({"configsddl"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(shown,
              AllOf(HasSubstr("# Permissions of all resources (RootSDDL)."), HasSubstr("# administrators may: everything")));
  EXPECT_THAT(done.out, AllOf(HasSubstr("The permissions of all resources (RootSDDL) are now:"),
                              HasSubstr("event log readers may: read")));
  EXPECT_THAT(world_.service.items[0].xml,
              AllOf(HasSubstr("<cfg:RootSDDL>O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;ER)S:P(AU;FA;GA;;;WD)</cfg:RootSDDL>"),
                    HasSubstr(">300</cfg:MaxConnections>")));
}

TEST_F(ConfigSddl, WritesNothingWhereNothingWasChanged) {
  const std::string before = world_.service.items[0].xml;
  world_.editor = [](std::string text) { return text + "\n# a remark\n"; };
  const ToolRun done = world_.winrm({"configsddl"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.out, "Nothing was changed.\n");
  EXPECT_EQ(world_.service.items[0].xml, before);
  world_.editor = [](std::string) { return std::string("# nothing\n"); };
  EXPECT_EQ(world_.winrm({"configsddl"}).status, 87);
  EXPECT_EQ(world_.service.items[0].xml, before);
}

TEST_F(ConfigSddl, KeepsWhatTheServiceRefuses) {
  world_.service.put_fault = wsman::make_fault(wsman::FaultCode::InvalidRepresentation, "RootSDDL is wrong");
  world_.editor = [](std::string) { return std::string("D:(A;;GA;;;XX)  # mine\n"); };
  const ToolRun failed = world_.winrm({"configsddl"});
  EXPECT_NE(failed.status, 0);
  const std::string told = "Nothing was changed. What you wrote is kept in ";
  ASSERT_THAT(failed.err, AllOf(HasSubstr(told), HasSubstr("RootSDDL is wrong")));
  const auto from = failed.err.find(told) + told.size();
  const std::filesystem::path kept = failed.err.substr(from, failed.err.find(".\n", from) - from);
  EXPECT_EQ(base::read_file(kept, 1000).value(), "D:(A;;GA;;;XX)  # mine\n");
  std::filesystem::remove(kept);
}

TEST_F(ConfigSddl, EditsTheEntryOfAResource) {
  wsman::Item item;
  item.xml =
      "<Security xmlns=\"http://schemas.microsoft.com/wbem/wsman/1/config/PluginConfiguration\" Uri=\"urn:x\" "
      "ExactMatch=\"true\" Sddl=\"D:(A;;GA;;;BA)\"/>";
  item.selectors.push_back(wsman::Selector{"Uri", "http://schemas.microsoft.com/wbem/wsman/1/wmi", {}});
  world_.security.items.push_back(item);
  world_.editor = [](std::string) { return std::string("D:(A;;GR;;;RM)\n"); };
  const ToolRun done = world_.winrm({"configsddl", "wmi"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(world_.security.items[0].xml, AllOf(HasSubstr("D:(A;;GR;;;RM)"), HasSubstr("ExactMatch")));
}

TEST_F(ConfigSddl, SaysThatThereIsNoSuchEntry) {
  const ToolRun failed = world_.winrm({"configsddl", "http://example.org/x"});
  EXPECT_EQ(failed.status, 1);
  EXPECT_THAT(failed.err, HasSubstr("0x80338000"));
}

TEST_F(ConfigSddl, SaysThatTheServiceKeepsNone) {
  world_.service.items[0].xml = "<Service xmlns=\"http://schemas.microsoft.com/wbem/wsman/1/config/service\"><A/></Service>";
  const ToolRun failed = world_.winrm({"configsddl"});
  EXPECT_THAT(failed.err, AllOf(HasSubstr("keeps no security descriptor"), HasSubstr("0x803381BF")));
}

TEST_F(ConfigSddl, LeavesConditionsAlone) {
  std::string& xml = world_.service.items[0].xml;
  xml.replace(xml.find("(A;;GR;;;IU)"), 12, "(XA;;GR;;;WD;(@User.a == \"b c\"))");
  world_.editor = [](std::string text) { return text; };
  const ToolRun failed = world_.winrm({"configsddl"});
  EXPECT_EQ(failed.status, 50);
  EXPECT_THAT(failed.err, HasSubstr("has conditions"));
}

TEST_F(ConfigSddl, SaysThatTheEditorFailed) {
  const ToolRun failed = world_.winrm({"configsddl"});
  EXPECT_EQ(failed.status, 1223 % 256);
  EXPECT_THAT(failed.err, HasSubstr("There is no editor."));
}

// The real surroundings, with an editor of ours.
TEST(RealSurroundings, RunTheEditorThatTheVariableNames) {
  test_support::TemporaryDirectory directory;
  const auto file = directory.write("text", "before");
  ::unsetenv("VISUAL");
  ::setenv("EDITOR", "sed -i s/before/after/", 1);
  const auto surroundings = real_surroundings();
  EXPECT_TRUE(surroundings->edit(file).ok());
  EXPECT_EQ(*base::read_file(file), "after");
  ::setenv("EDITOR", "false", 1);
  EXPECT_FALSE(surroundings->edit(file).ok());
  ::unsetenv("EDITOR");
}

TEST(RealSurroundings, RunCommandsWithoutAShell) {
  const auto surroundings = real_surroundings();
  const auto output = surroundings->run({"sh", "-c", "printf '%s' \"$1\"; printf e >&2; exit 3", "x", "a b;c"});
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->status, 3);
  EXPECT_EQ(output->out, "a b;ce");
  EXPECT_EQ(surroundings->run({"no-such-program-here"}).error().code, std::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace cli
