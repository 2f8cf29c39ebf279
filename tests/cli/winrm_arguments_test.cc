#include "cli/winrm_arguments.h"

#include <gmock/gmock.h>

#include "engine/base/win32.h"
#include "tests/support/matchers.h"

namespace cli {
namespace {

using base::Win32;
using test_support::IsError;
using test_support::IsOk;
using testing::ElementsAre;

base::Result<WinrmArguments> parse(const std::vector<std::string>& words) {
  return parse_winrm_arguments(words);
}

// cli-winrm, section 1.1.
TEST(WinrmArguments, KnowTheShortFormsOfOperations) {
  const std::vector<std::pair<std::string, std::string>> forms{{"g", "get"},       {"s", "set"},          {"put", "set"},
                                                               {"p", "set"},       {"c", "create"},       {"d", "delete"},
                                                               {"e", "enumerate"}, {"enum", "enumerate"}, {"GET", "get"}};
  for (const auto& [form, operation] : forms) {
    const auto parsed = parse({form, "winrm/config"});
    ASSERT_THAT(parsed, IsOk()) << form;
    EXPECT_EQ(parsed->operation->name, operation);
  }
  EXPECT_EQ(parse({"i", "Restore", "winrm/config"})->operation->name, "invoke");
  EXPECT_EQ(parse({"id"})->operation->name, "identify");
  EXPECT_EQ(parse({"qc"})->operation->name, "quickconfig");
}

TEST(WinrmArguments, TakeSwitchesWithEitherPrefixInAnyCase) {
  const auto parsed = parse({"g", "winrm/config", "/R:host", "-Format:#Pretty", "-un:alice", "-pass:x"});
  EXPECT_THAT(parsed, IsError(Win32::InvalidParameter, "Unknown switch: pass."));
  const auto good = parse({"g", "winrm/config", "/R:host", "-Format:#Pretty", "-un:alice", "-P:a:b"});
  ASSERT_THAT(good, IsOk());
  EXPECT_EQ(good->switches.value_or("remote", ""), "host");
  EXPECT_EQ(good->switches.value_or("format", ""), "pretty");
  EXPECT_EQ(good->switches.value_or("username", ""), "alice");
  EXPECT_EQ(good->switches.value_or("password", ""), "a:b");
}

TEST(WinrmArguments, KnowEveryShortcutOfTheReference) {
  const std::vector<std::pair<std::string, std::string>> shortcuts{{"-r:h", "remote"},
                                                                   {"-machine:h", "remote"},
                                                                   {"-a:none", "authentication"},
                                                                   {"-auth:none", "authentication"},
                                                                   {"-u:x", "username"},
                                                                   {"-un:x", "username"},
                                                                   {"-c:x", "certificate"},
                                                                   {"-ssl", "usessl"},
                                                                   {"-unencrypted", "unencrypted"},
                                                                   {"-encoding:UTF-16", "encoding"},
                                                                   {"-spnport", "spnport"},
                                                                   {"-defaultCreds", "defaultcreds"},
                                                                   {"-skipCAcheck", "skipcacheck"},
                                                                   {"-skipCNcheck", "skipcncheck"},
                                                                   {"-skipRevocationcheck", "skiprevocationcheck"},
                                                                   {"-pac:no_proxy", "proxyaccess"},
                                                                   {"-timeout:5000", "timeout"},
                                                                   {"-f:xml", "format"},
                                                                   {"-dialect:d", "dialect"},
                                                                   {"-filter:x", "filter"},
                                                                   {"-fragment:x", "fragment"},
                                                                   {"-file:x", "file"},
                                                                   {"-options:{a=\"b\"}", "options"}};
  for (const auto& [word, name] : shortcuts) {
    std::vector<std::string> words{"get", "winrm/config", word};
    if (name != "remote") words.push_back("-remote:h");
    const auto parsed = parse(words);
    ASSERT_THAT(parsed, IsOk()) << word;
    EXPECT_TRUE(parsed->switches.has(name)) << word;
  }
  const auto listed = parse({"e", "a/b", "-returntype:EPR", "-shallow", "-associations"});
  ASSERT_THAT(listed, IsOk());
  EXPECT_EQ(listed->switches.value_or("returntype", ""), "epr");
  const auto quick = parse({"qc", "-q", "-transport:HTTPS", "-force"});
  ASSERT_THAT(quick, IsOk());
  EXPECT_TRUE(quick->switches.flag("quiet"));
  EXPECT_EQ(quick->switches.value_or("transport", ""), "https");
}

TEST(WinrmArguments, TakeLongOptionsAsAnExtension) {
  const auto parsed = parse({"get", "winrm/config", "--state", "/var/lib/copy", "--format=xml"});
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->switches.value_or("state", ""), "/var/lib/copy");
  EXPECT_EQ(parsed->switches.value_or("format", ""), "xml");
}

TEST(WinrmArguments, TakeAListOfValuesAnywhereBehindTheResource) {
  EXPECT_EQ(parse({"set", "winrm/config", "@{a=\"1\"}", "-r:h"})->values, "@{a=\"1\"}");
  EXPECT_EQ(parse({"set", "winrm/config", "-r:h", "@{a=\"1\"}"})->values, "@{a=\"1\"}");
}

TEST(WinrmArguments, PutAListTogetherThatAShellHasCut) {
  EXPECT_EQ(parse({"set", "winrm/config", "@{a=\"1\";", "b=\"2\"", "}", "-r:h"})->values, "@{a=\"1\"; b=\"2\" }");
}

TEST(WinrmArguments, TakeQuotationMarksOffAValue) {
  EXPECT_EQ(parse({"set", "winrm/config", "-file:\"a b.xml\""})->switches.value_or("file", ""), "a b.xml");
  EXPECT_THAT(parse({"set", "winrm/config", "-file:\"a b.xml"}), IsError(Win32::InvalidParameter, "quotation marks"));
}

TEST(WinrmArguments, SayWhatIsWrongInWordsThatScriptsKnow) {
  EXPECT_THAT(parse({"get", "winrm/config", "-zz:1"}), IsError(Win32::InvalidParameter, "Unknown switch: zz"));
  EXPECT_THAT(parse({"get", "winrm/config", "-returntype:epr"}),
              IsError(Win32::InvalidParameter, "Switch not allowed with the given operation: returntype"));
  EXPECT_THAT(parse({"qc", "-r:host"}), IsError(Win32::InvalidParameter, "Switch not allowed with the given operation: r"));
}

TEST(WinrmArguments, RefuseWhatBreaksTheGrammar) {
  EXPECT_THAT(parse({"get", "-r:host", "winrm/config"}), IsError(Win32::InvalidParameter, "must come before"));
  EXPECT_THAT(parse({"get", "winrm/config", "-r:a", "-remote:b"}), IsError(Win32::InvalidParameter, "more than once"));
  EXPECT_THAT(parse({"get", "winrm/config", "-:x"}), IsError(Win32::InvalidParameter, "no name"));
  EXPECT_THAT(parse({"get", "winrm/config", "-remote"}), IsError(Win32::InvalidParameter, "needs a value"));
  EXPECT_THAT(parse({"get", "winrm/config", "-usessl:1", "-r:h"}), IsError(Win32::InvalidParameter, "takes no value"));
  EXPECT_THAT(parse({"get", "winrm/config", "-format:html"}), IsError(Win32::InvalidParameter, "xml|pretty|text"));
  EXPECT_THAT(parse({"get", "winrm/config", "-timeout:soon"}), IsError(Win32::InvalidParameter, "a number from 500"));
  EXPECT_THAT(parse({"get", "winrm/config", "-timeout:499"}), IsError(Win32::InvalidParameter, "a number from 500"));
  EXPECT_THAT(parse({"get"}), IsError(Win32::InvalidParameter, "missing"));
  EXPECT_THAT(parse({"get", "a/b", "c/d"}), IsError(Win32::InvalidParameter, "Too many"));
  EXPECT_THAT(parse({"get", "a/b", "@{}"}), IsError(Win32::InvalidParameter, "no list of values"));
  EXPECT_THAT(parse({"set", "a/b", "@{}", "@{}"}), IsError(Win32::InvalidParameter, "Only one"));
  EXPECT_THAT(parse({"set", "a/b", "@{}", "-file:x"}), IsError(Win32::InvalidParameter, "not both"));
  EXPECT_THAT(parse({"fetch", "a/b"}), IsError(Win32::InvalidParameter, "Unknown operation: fetch"));
}

TEST(WinrmArguments, RefuseSwitchesThatDoNotGoTogether) {
  for (const std::string word :
       {"-encoding:utf-8", "-unencrypted", "-usessl", "-skipcacheck", "-username:x", "-auth:none"}) {
    EXPECT_THAT(parse({"get", "a/b", word}), IsError(Win32::InvalidParameter, "only together with -remote")) << word;
  }
  EXPECT_THAT(parse({"get", "a/b", "-r:h", "-c:x", "-u:y"}), IsError(Win32::InvalidParameter, "exclude each other"));
  EXPECT_THAT(parse({"get", "a/b", "-r:h", "-p:y"}), IsError(Win32::InvalidParameter, "needs -username"));
  EXPECT_THAT(parse({"get", "a/b", "-r:h", "-pu:y"}), IsError(Win32::InvalidParameter, "needs -proxyaccess"));
  EXPECT_THAT(parse({"e", "a/b", "-shallow", "-basepropertiesonly"}), IsError(Win32::InvalidParameter, "exclude"));
}

TEST(WinrmArguments, TakeANegativeCodeForACode) {
  EXPECT_THAT(parse({"helpmsg", "-2144108526"})->positional, ElementsAre("-2144108526"));
}

TEST(WinrmArguments, AskForHelpInManyWays) {
  EXPECT_EQ(parse({})->operation, nullptr);
  EXPECT_EQ(parse({"-?"})->operation, nullptr);
  EXPECT_EQ(parse({"help"})->topic, "");
  EXPECT_EQ(parse({"help", "auth"})->topic, "auth");
  EXPECT_EQ(parse({"get", "-?"})->topic, "get");
  EXPECT_EQ(parse({"set", "winrm/config", "/?"})->topic, "set");
}

}  // namespace
}  // namespace cli
