// Every rule of the reference (wecutil, sections 7.1 and 7.2) with the number that Windows' tool gives.

#include <cstdio>

#include "tests/cli/wecutil_fixture.h"

namespace cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::string_view kPullFile = R"(
<Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">
  <SubscriptionId>pull</SubscriptionId>
  <Query><![CDATA[<QueryList><Query Id="0"><Select Path="System">*</Select></Query></QueryList>]]></Query>
  <EventSources><EventSource><Address>a.example.org</Address></EventSource></EventSources>
</Subscription>)";

constexpr std::string_view kEnd = "</Subscription>";

/// A valid file with one thing in it replaced, and what that is refused with.
struct Refusal {
  std::string_view rule;
  std::string_view file;
  std::string_view old_text;
  std::string new_text;
  unsigned number;
};

std::string selects(int channels) {
  std::string text;
  for (int i = 0; i < channels; ++i) text += "<Select Path=\"Log" + std::to_string(i) + "\">*</Select>";
  return text;
}

std::vector<Refusal> refusals() {
  const std::string end(kEnd);
  return {
      {"the id is not empty", kSubscriptionFile, "linux-baseline", "", 87},
      {"the query is not empty", kPullFile,
       "<![CDATA[<QueryList><Query Id=\"0\"><Select Path=\"System\">*</Select></Query></QueryList>]]>", "", 87},
      {"the query is XML", kPullFile, "</QueryList>", "", 15008},
      {"the query parses", kPullFile, ">*<", ">*[System[<", 15001},
      {"each Select has a path", kPullFile, " Path=\"System\"", "", 15001},
      {"at most 256 channels", kPullFile, "<Select Path=\"System\">*</Select>", selects(257), 15001},
      {"the file is XML", kPullFile, kEnd, "", 15008},
      {"an element that asks for something is known", kPullFile, kEnd, "<Faster>yes</Faster>" + end, 87},
      {"a mode is one of the four", kSubscriptionFile, "MinLatency", "Hasty", 87},
      {"HostName goes with push", kPullFile, kEnd,
       "<Delivery Mode=\"Pull\"><PushSettings><HostName>h</HostName></PushSettings></Delivery>" + end, 87},
      {"a source-initiated one is pushed", kSubscriptionFile, "<ConfigurationMode>MinLatency</ConfigurationMode>",
       "<ConfigurationMode>Custom</ConfigurationMode><Delivery Mode=\"Pull\"/>", 87},
      {"Locale is a language tag", kSubscriptionFile, "en-US", "English, please", 87},
      {"no credentials type of source-initiated ones", kSubscriptionFile, kEnd,
       "<CredentialsType>Basic</CredentialsType>" + end, 87},
      {"no common user of source-initiated ones", kSubscriptionFile, kEnd, "<CommonUserName>u</CommonUserName>" + end, 87},
      {"no users of source-initiated ones", kSubscriptionFile, kEnd,
       "<EventSources><EventSource><Address>a</Address><UserName>u</UserName></EventSource></EventSources>" + end, 87},
      {"a password has a user", kPullFile, "</Address>", "</Address><Password>p</Password>", 87},
      {"a credentials type is one of the five", kPullFile, kEnd, "<CredentialsType>Kerberos</CredentialsType>" + end, 87},
      {"admission is for source-initiated ones", kPullFile, kEnd,
       "<AllowedSourceDomainComputers>O:NSG:NSD:(A;;GA;;;DC)</AllowedSourceDomainComputers>" + end, 87},
      {"an SDDL is one", kSubscriptionFile, kEnd,
       "<AllowedSourceDomainComputers>D:(A;;GA)</AllowedSourceDomainComputers>" + end, 87},
      {"a thumbprint has 40 digits", kSubscriptionFile, "0123456789ABCDEF0123456789ABCDEF01234567", "0123", 87},
      {"Expires is a time", kSubscriptionFile, kEnd, "<Expires>tomorrow</Expires>" + end, 87},
      {"Expires is before the year 3001", kSubscriptionFile, kEnd, "<Expires>3001-01-01T00:00:00Z</Expires>" + end, 87},
      {"a port is one", kSubscriptionFile, kEnd, "<TransportPort>65536</TransportPort>" + end, 87},
      {"a source is listed once", kPullFile, "</EventSource>",
       "</EventSource><EventSource><Address>A.example.org</Address></EventSource>", 87},
      {"the log belongs to the publisher", kSubscriptionFile, kEnd, "<LogFile>Foreign</LogFile>" + end, 87},
      {"the log is enabled", kSubscriptionFile, kEnd, "<LogFile>Disabled</LogFile>" + end, 15081},
      {"no circle through this machine", kPullFile, "a.example.org</Address></EventSource></EventSources>",
       "localhost</Address></EventSource></EventSources><LogFile>System</LogFile>", 15082},
  };
}

class WecutilRefusals : public WecutilFixture {
 protected:
  WecutilRefusals() {
    storage::LogProperties log;
    log.name = "Foreign";
    log.owning_publisher = "Lab-Provider";
    EXPECT_TRUE(test_support::run(events_->set_log(log)).ok());
    log = storage::LogProperties();
    log.name = "Disabled";
    log.enabled = false;
    EXPECT_TRUE(test_support::run(events_->set_log(log)).ok());
  }
};

TEST_F(WecutilRefusals, HaveTheNumbersOfWindows) {
  for (const Refusal& refusal : refusals()) {
    std::string text(refusal.file);
    const auto at = text.find(refusal.old_text);
    ASSERT_NE(at, std::string::npos) << refusal.rule;
    text.replace(at, refusal.old_text.size(), refusal.new_text);
    const ToolRun refused = run({"cs", file(text)});
    char number[32];
    std::snprintf(number, sizeof number, "Error = 0x%x.\n", refusal.number);
    EXPECT_THAT(refused.err, StartsWith("Failed to create subscription. " + std::string(number))) << refusal.rule;
    EXPECT_EQ(refused.status, static_cast<int>(refusal.number % 256)) << refusal.rule;
    EXPECT_THAT(manager_->ids(), IsEmpty()) << refusal.rule;
  }
}

TEST_F(WecutilRefusals, AreOfWhatIsWrongAndNotOfTheFileAsItWas) {
  EXPECT_EQ(run({"cs", file(kSubscriptionFile)}).status, 0);
  EXPECT_EQ(run({"cs", file(kPullFile)}).status, 15080 % 256) << "saved, not active";
  EXPECT_THAT(run({"cs", file(kPullFile)}).err, HasSubstr("Error = 0xb7.")) << "an id is new";
}

TEST_F(WecutilRefusals, OfACommandLineLeaveTheDefinitionAlone) {
  create();
  const std::string before = subscriptions::to_xml(definition());
  for (const std::vector<std::string>& options : {std::vector<std::string>{"/dmi:5"},
                                                  {"/dmlt:5"},
                                                  {"/hi:5"},
                                                  {"/cm:Custom", "/dm:pull"},
                                                  {"/cm:Normal", "/hi:5"},
                                                  {"/l:x y"},
                                                  {"/cun:u"},
                                                  {"/ct:basic"},
                                                  {"/esa:a", "/un:u"},
                                                  {"/cup:p"},
                                                  {"/tn:smtp"},
                                                  {"/tp:0"},
                                                  {"/ex:never"},
                                                  {"/ica:12"},
                                                  {"/adc:nobody"},
                                                  {"/cm:Custom", "/dmi:0"},
                                                  {"/ese"},
                                                  {"/uri:"}}) {
    std::vector<std::string> words{"ss", "linux-baseline"};
    words.insert(words.end(), options.begin(), options.end());
    EXPECT_EQ(run(words).status, 87) << options.back();
    EXPECT_EQ(subscriptions::to_xml(definition()), before) << options.back();
  }
}

}  // namespace
}  // namespace cli
