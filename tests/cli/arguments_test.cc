#include "cli/arguments.h"

#include <array>
#include <sstream>

#include "engine/base/win32.h"
#include "tests/support/matchers.h"

namespace cli {
namespace {

using base::Win32;
using test_support::IsError;
using test_support::IsOk;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::array kQueryOptions{
    OptionRow{"q", "query", ValueKind::Text, "XPATH", "which events"},
    OptionRow{"c", "count", ValueKind::Number, "N", "how many", 1},
    OptionRow{"f", "format", ValueKind::Choice, "XML|Text|RenderedXml", "how"},
    OptionRow{"rd", "reversedirection", ValueKind::Boolean, "", "newest first"},
    OptionRow{"e", "enabled", ValueKind::Flag, "", "on"},
    OptionRow{"", "san", ValueKind::Text, "NAME", "names", 0, 0, true},
    OptionRow{"u|uni", "unicode", ValueKind::Boolean, "", "another u than that of the connection"},
};
constexpr std::array kCommands{
    CommandRow{"qe", "query-events", "LOG", 1, 1, kQueryOptions, "Reads events."},
    CommandRow{"gli", "get-loginfo|get-log-info", "LOG", 1, 1, {}, "Tells the state of a log."},
};
constexpr ToolRow kTool{"wevtutil", "Reads logs.", kCommands};

base::Result<Arguments> parse(std::vector<std::string> arguments) {
  return parse_arguments(kCommands[0], arguments);
}

TEST(Arguments, AreReadInEitherPrefixAndAnyCase) {
  for (const char* form : {"/q:*[System[EventID=1]]", "-Q:*[System[EventID=1]]", "--query=*[System[EventID=1]]",
                           "--Query:*[System[EventID=1]]", "/QUERY:*[System[EventID=1]]"}) {
    const auto parsed = parse({"System", form});
    ASSERT_THAT(parsed, IsOk()) << form;
    EXPECT_EQ(parsed->find("q"), "*[System[EventID=1]]") << form;
    EXPECT_THAT(parsed->positional, ElementsAre("System"));
  }
}

TEST(Arguments, ComeBeforeOrAfterOptions) {
  const auto parsed = parse({"/c:3", "System"});
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->number("c"), 3u);
  EXPECT_THAT(parsed->positional, ElementsAre("System"));
}

TEST(Arguments, AnUnknownOptionIsNamed) {
  EXPECT_THAT(parse({"System", "/zz:1"}), IsError(Win32::InvalidParameter, "Invalid option zz. Option is not valid."));
}

TEST(Arguments, WhatWasMeantIsGuessed) {
  EXPECT_THAT(parse({"System", "--qurey=*"}), IsError(Win32::InvalidParameter, "not valid. Did you mean --query?"));
  EXPECT_THAT(parse({"System", "/usrname:x"}), IsError(Win32::InvalidParameter, "not valid. Did you mean --username?"));
  // Too short, and too far from everything.
  EXPECT_THAT(parse({"System", "/qx:1"}), IsError(Win32::InvalidParameter));
  EXPECT_THAT(parse({"System", "/qx:1"}).error().message(), testing::Not(HasSubstr("Did you mean")));
  EXPECT_THAT(parse({"System", "/bananas:1"}).error().message(), testing::Not(HasSubstr("Did you mean")));
}

TEST(Arguments, AnUnknownOptionIsToldBeforeAnythingElse) {
  EXPECT_THAT(parse({"a", "b", "/c:x", "/zz"}), IsError(Win32::InvalidParameter, "Invalid option zz."));
}

TEST(Arguments, ABooleanWantsTrueOrFalse) {
  EXPECT_THAT(parse({"System", "/rd:yes"}), IsError(Win32::InvalidParameter, "Invalid option rd. Option is not Boolean."));
  EXPECT_THAT(parse({"System", "/rd"}), IsError(Win32::InvalidParameter, "Invalid option rd. Option is not Boolean."));
  EXPECT_TRUE(parse({"System", "/rd:TRUE"})->flag("rd"));
  EXPECT_FALSE(parse({"System", "/rd:false"})->flag("rd", true));
}

TEST(Arguments, AFlagMayLackItsValue) {
  EXPECT_TRUE(parse({"System", "/e"})->flag("e"));
  EXPECT_FALSE(parse({"System", "/e:false"})->flag("e", true));
  EXPECT_THAT(parse({"System", "/e:maybe"}), IsError(Win32::InvalidParameter, "Invalid option e. Option is not Boolean."));
}

TEST(Arguments, AMissingArgumentIsAnError) {
  EXPECT_THAT(parse({"/c:1"}), IsError(Win32::InvalidParameter, "Required argument(s) is/are not specified."));
}

TEST(Arguments, AnEnumeratedValueIsCheckedAndComesInTheTablesSpelling) {
  EXPECT_THAT(parse({"System", "/f:json"}), IsError(Win32::InvalidParameter, "Invalid value for option f."));
  EXPECT_EQ(parse({"System", "/f:RENDEREDXML"})->find("f"), "RenderedXml");
}

TEST(Arguments, ACountOfZeroOrNotANumberIsAnError) {
  for (const char* value : {"/c:0", "/c:", "/c", "/c:-1", "/c:1x", "/c:99999999999999999999"}) {
    EXPECT_THAT(parse({"System", value}), IsError(Win32::InvalidParameter, "Invalid value for property count.")) << value;
  }
}

TEST(Arguments, AValueInAnArgumentOfItsOwnIsTooManyArguments) {
  EXPECT_THAT(parse({"System", "/q", "*"}), IsError(Win32::InvalidParameter, "Too many arguments are specified."));
}

TEST(Arguments, AnOptionGivenTwiceIsAnErrorUnlessItsRowSaysOtherwise) {
  EXPECT_THAT(parse({"System", "/c:1", "--count=2"}), IsError(Win32::InvalidParameter, "more than once"));
  EXPECT_THAT(parse({"System", "--san=a", "--san=b"})->all("san"), ElementsAre("a", "b"));
}

TEST(Arguments, AnAbsolutePathIsNoOption) {
  EXPECT_THAT(parse({"/var/lib/copy"})->positional, ElementsAre("/var/lib/copy"));
  EXPECT_THAT(parse({"--", "/copy"})->positional, ElementsAre("/copy"));
  EXPECT_EQ(parse({"System", "/q:/a/b"})->find("q"), "/a/b");
}

TEST(Arguments, ACommandsOwnOptionGoesBeforeTheConnections) {
  EXPECT_THAT(parse({"System", "/u:true"})->find("u"), "true");
  EXPECT_EQ(parse_arguments(kCommands[1], std::vector<std::string>{"System", "/u:anna"})->find("u"), "anna");
  EXPECT_EQ(parse({"System", "--state=/x/y"})->find("state"), "/x/y");
}

TEST(Arguments, ALongOptionsValueMayBeTheNextArgument) {
  EXPECT_EQ(parse({"--state", "/x/y", "System"})->find("state"), "/x/y");
  EXPECT_THAT(parse({"--state", "/x/y", "System"})->positional, ElementsAre("System"));
  EXPECT_THAT(parse({"System", "--state"}), IsError(Win32::InvalidParameter));
}

TEST(Arguments, HelpIsRecognisedInItsForms) {
  for (const char* form : {"/?", "-?", "/h", "-h", "--help"}) EXPECT_TRUE(parse({form})->help) << form;
}

TEST(Arguments, CommandsAreFoundByEachOfTheirNames) {
  EXPECT_EQ(find_command(kTool, "QE"), &kCommands[0]);
  EXPECT_EQ(find_command(kTool, "get-loginfo"), &kCommands[1]);
  EXPECT_EQ(find_command(kTool, "Get-Log-Info"), &kCommands[1]);
  EXPECT_EQ(find_command(kTool, "nothing"), nullptr);
}

TEST(Arguments, UsageErrorsEndWithTheSystemsText) {
  std::ostringstream out, err;
  std::istringstream in;
  Console console{out, err, in};
  EXPECT_EQ(usage_error(console, kTool, parse({"System", "/zz"}).error()), 87);
  EXPECT_THAT(err.str(), HasSubstr("Invalid option zz. Option is not valid.\nThe parameter is incorrect."));
  EXPECT_EQ(out.str(), "");
}

TEST(Arguments, HelpNamesEveryOption) {
  std::ostringstream out, err;
  std::istringstream in;
  Console console{out, err, in};
  print_help(console, kTool, kCommands[0]);
  for (const OptionRow& row : kQueryOptions) EXPECT_THAT(out.str(), HasSubstr(std::string(row.help)));
  EXPECT_THAT(out.str(), HasSubstr("--state"));
}

TEST(ExitStatus, IsTheCodesLowByteAndNeverZero) {
  EXPECT_EQ(exit_status(base::make_error(Win32::InvalidParameter, "")), 87);
  EXPECT_EQ(exit_status(base::make_error(Win32::EvtChannelNotFound, "")), 159);
  EXPECT_EQ(exit_status(base::make_error(base::win32_code(256), "")), 1);
}

}  // namespace
}  // namespace cli
