#include "cli/completion.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "cli/winrm_arguments.h"
#include "tests/cli/tool_run.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace cli {
namespace {

using test_support::run_command;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string_view> kTools{"wevtutil", "wecutil", "winrm", "completion"};

/// What bash offers behind `line`, one a line.
std::string complete(const std::string& line) {
  test_support::TemporaryDirectory directory;
  const auto script = directory.write("script", completion_script("bash", kTools));
  const auto result = run_command({"bash", "--norc", "-c",
                                   "source \"$1\"; COMP_LINE=$2; COMP_POINT=${#COMP_LINE}; _muster_complete; "
                                   "printf '%s\\n' \"${COMPREPLY[@]}\"",
                                   "bash", script.string(), line});
  EXPECT_EQ(result.err, "");
  return result.out;
}

TEST(Completion, OffersOperations) {
  EXPECT_EQ(complete("winrm i"), "invoke\nidentify\n");
  EXPECT_THAT(complete("winrm "), AllOf(HasSubstr("quickconfig\n"), HasSubstr("configsddl\n")));
  EXPECT_EQ(complete("/usr/bin/winrm qu"), "quickconfig\n");
  EXPECT_EQ(complete("wecutil create"), "create-subscription\n");
}

TEST(Completion, OffersToolsBehindMuster) {
  EXPECT_EQ(complete("muster we"), "wevtutil\nwecutil\n");
  EXPECT_EQ(complete("muster winrm del"), "delete\n");
  EXPECT_EQ(complete("muster completion z"), "zsh\n");
  EXPECT_EQ(complete("muster user rem"), "remove\n");
  EXPECT_EQ(complete("muster user add alice --gr"), "--group=\n");
}

TEST(Completion, OffersTheSwitchesOfTheOperation) {
  EXPECT_EQ(complete("winrm enumerate winrm/config/listener -ret"), "-returntype:\n");
  EXPECT_EQ(complete("winrm e winrm/config/listener -ret"), "-returntype:\n");
  EXPECT_EQ(complete("winrm get winrm/config -ret"), "\n");
  EXPECT_EQ(complete("winrm get winrm/config /fo"), "/format:\n");
  EXPECT_EQ(complete("winrm qc -q"), "-quiet\n");
}

TEST(Completion, OffersEverySwitchOfTheTable) {
  for (const CommandRow& row : winrm_tool().commands) {
    const std::string offered = complete("winrm " + std::string(row.name) + " -");
    for (const OptionRow& option : row.options) EXPECT_THAT(offered, HasSubstr("-" + std::string(option.name)));
    if (!row.connects) continue;
    for (const OptionRow& option : winrm_connection_switches())
      EXPECT_THAT(offered, HasSubstr("-" + std::string(option.name)));
  }
}

// Readline wants only what follows the colon.
TEST(Completion, OffersValues) {
  EXPECT_EQ(complete("winrm get winrm/config -format:p"), "pretty\n");
  EXPECT_EQ(complete("winrm get winrm/config -AUTH:Ba"), "Basic\n");
  EXPECT_EQ(complete("winrm qc -transport:"), "http\nhttps\n");
}

TEST(Completion, OffersResources) {
  EXPECT_EQ(complete("winrm get winrm/config/service/d"), "winrm/config/service/defaultports\n");
}

TEST(Completion, KnowsZshToo) {
  if (run_command({"sh", "-c", "command -v zsh"}).status != 0) GTEST_SKIP() << "there is no zsh";
  test_support::TemporaryDirectory directory;
  const auto script = directory.write("script", completion_script("zsh", kTools));
  // What zsh's completion system gives the function, and takes from it.
  const auto result =
      run_command({"zsh", "-f", "-c",
                   "compdef() { }; compadd() { shift; while [[ $1 != -a ]]; do shift; done; print -rl -- ${(P)2} }\n"
                   "source $1; words=(winrm get winrm/config -for); CURRENT=4; _muster_complete\n"
                   "words=(muster winrm get winrm/config -format:p); CURRENT=5; _muster_complete",
                   "zsh", script.string()});
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, AllOf(HasSubstr("-format:\n"), HasSubstr("-format:pretty\n"), Not(HasSubstr("-returntype"))));
}

TEST(Completion, SaysForWhichShells) {
  const ToolRun wrong = run_tool([](Console& console) { return run_completion(console, {"fish"}, kTools); });
  EXPECT_EQ(wrong.status, 87);
  EXPECT_THAT(wrong.err, HasSubstr("bash, or zsh"));
}

}  // namespace
}  // namespace cli
