
#include <gmock/gmock.h>

#include <cstdlib>
#include <ctime>

#include "engine/base/iso8601.h"
#include "engine/base/utf16.h"
#include "tests/cli/wecutil_fixture.h"

namespace cli {
namespace {

using test_support::IsOk;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class Wecutil : public WecutilFixture {};

TEST_F(Wecutil, CsStoresWhatTheFileSays) {
  const ToolRun created = run({"cs", file()});
  EXPECT_EQ(created.status, 0) << created.err;
  EXPECT_EQ(created.out, "");
  EXPECT_EQ(definition().description, "Baseline");
  EXPECT_EQ(definition().mode, subscriptions::ConfigurationMode::MinLatency);
}

TEST_F(Wecutil, CsReadsUtf8WithMarkAndUtf16) {
  EXPECT_EQ(run({"create-subscription", file("\xEF\xBB\xBF" + std::string(kSubscriptionFile))}).status, 0);
  ASSERT_EQ(run({"ds", "linux-baseline"}).status, 0);
  EXPECT_EQ(run({"cs", file(base::utf8_to_utf16le_with_mark(kSubscriptionFile))}).status, 0);
  EXPECT_EQ(definition().description, "Baseline");
}

TEST_F(Wecutil, CsRefusesAnotherEncoding) {
  const ToolRun run_of_latin1 = run({"cs", file("<Subscription>\xE4</Subscription>")});
  EXPECT_EQ(run_of_latin1.status, 13);
  EXPECT_THAT(run_of_latin1.err, HasSubstr("Error = 0xd."));
}

TEST_F(Wecutil, CsSaysWhatIsWrongWithAFile) {
  const ToolRun missing = run({"cs", "no-such-file.xml"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, StartsWith("Failed to create subscription. Error = 0x2.\n"
                                      "The system cannot find the file specified.\n"));
  const ToolRun malformed = run({"cs", file("<Subscription>")});
  EXPECT_EQ(malformed.status, 15008 % 256);
  EXPECT_THAT(malformed.err, HasSubstr("Error = 0x3aa0."));
  std::string text(kSubscriptionFile);
  text.replace(text.find("MinLatency"), 10, "Hasty");
  const ToolRun wrong = run({"cs", file(text)});
  EXPECT_EQ(wrong.status, 87);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("Error = 0x57."), HasSubstr("ConfigurationMode"), HasSubstr("Hasty")));
}

TEST_F(Wecutil, CsPassesOnWhatTheServiceSaysOfTheQuery) {
  std::string text(kSubscriptionFile);
  text.replace(text.find(">*<"), 3, ">*[System[<");
  const ToolRun refused = run({"cs", file(text)});
  EXPECT_EQ(refused.status, 15001 % 256);
  EXPECT_THAT(refused.err, AllOf(StartsWith("Failed to create subscription. Error = 0x3a99.\n"
                                            "The specified query is invalid.\n"),
                                 HasSubstr("position")));
}

TEST_F(Wecutil, CsRefusesAnIdThatIsTaken) {
  create();
  const ToolRun again = run({"cs", file()});
  EXPECT_EQ(again.status, 183);
  EXPECT_THAT(again.err, HasSubstr("Error = 0xb7."));
}

TEST_F(Wecutil, CsRefusesCredentialsForASourceInitiatedOne) {
  EXPECT_EQ(run({"cs", file(), "/cun:reader"}).status, 87);
  EXPECT_EQ(run({"cs", file(), "/cup:secret"}).status, 87);
  EXPECT_THAT(manager_->ids(), IsEmpty());
}

TEST_F(Wecutil, CsWarnsOfASubscriptionThatCannotBeActivated) {
  const ToolRun stored = run({"cs", file(R"(
      <Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">
      <SubscriptionId>pull</SubscriptionId>
      <Query><![CDATA[<QueryList><Query Id="0"><Select Path="System">*</Select></Query></QueryList>]]></Query>
      <EventSources><EventSource Enabled="true"><Address>a</Address></EventSource></EventSources></Subscription>)")});
  EXPECT_EQ(stored.status, 15080 % 256);
  EXPECT_THAT(stored.err, AllOf(HasSubstr("Error = 0x3ae8."), HasSubstr("retry-subscription"),
                                HasSubstr("get-subscriptionruntimestatus")));
  EXPECT_TRUE(manager_->find("pull").has_value());
}

TEST_F(Wecutil, EsPrintsOneIdALine) {
  EXPECT_EQ(run({"es"}).out, "");
  create();
  std::string second(kSubscriptionFile);
  second.replace(second.find("linux-baseline"), 14, "Another one");
  ASSERT_EQ(run({"cs", file(second)}).status, 0);
  const ToolRun listed = run({"ES"});
  EXPECT_EQ(listed.status, 0);
  EXPECT_EQ(listed.out, "Another one\nlinux-baseline\n");
  EXPECT_EQ(run({"es", "--bom"}).out, "\xEF\xBB\xBF" + listed.out);
  EXPECT_EQ(run({"enum-subscription", "--json"}).out, "[\"Another one\",\"linux-baseline\"]\n");
}

TEST_F(Wecutil, GsPrintsLinesByDefault) {
  create();
  const ToolRun shown = run({"gs", "LINUX-baseline"});
  EXPECT_EQ(shown.status, 0);
  EXPECT_EQ(shown.out, subscriptions::to_terse(definition()));
  for (const std::string option : {"/u", "/u:true", "/uni:true", "--unicode", "/u:unicode"}) {
    EXPECT_EQ(run({"gs", "linux-baseline", "/f:terse", option}).out, base::utf8_to_utf16le_with_mark(shown.out)) << option;
  }
}

TEST_F(Wecutil, GsPrintsXmlThatCsReads) {
  create();
  const ToolRun shown = run({"get-subscription", "linux-baseline", "/format:xml"});
  EXPECT_EQ(shown.status, 0);
  EXPECT_THAT(shown.out, StartsWith("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Subscription xmlns="));
  const auto before = definition();
  ASSERT_EQ(run({"ds", "linux-baseline"}).status, 0);
  ASSERT_EQ(run({"cs", file(shown.out)}).status, 0);
  EXPECT_EQ(subscriptions::to_xml(definition()), subscriptions::to_xml(before));
}

TEST_F(Wecutil, GsPrintsXmlInUtf16ThatCsReads) {
  create();
  const ToolRun shown = run({"gs", "linux-baseline", "/f:XML", "/u:true"});
  EXPECT_EQ(shown.out, base::utf8_to_utf16le_with_mark("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n" +
                                                       subscriptions::to_xml(definition())));
  ASSERT_EQ(run({"ds", "linux-baseline"}).status, 0);
  EXPECT_EQ(run({"cs", file(shown.out)}).status, 0);
}

TEST_F(Wecutil, GsPrintsJson) {
  create();
  const ToolRun shown = run({"gs", "linux-baseline", "--json"});
  EXPECT_THAT(shown.out, AllOf(StartsWith("{\"SubscriptionId\":\"linux-baseline\",\"SubscriptionType\":\"SourceInitiated\""),
                               HasSubstr("\"DeliveryMaxLatencyTime\":30000"),
                               HasSubstr("\"AllowedSubjectList\":[\"*.example.org\"]"), HasSubstr("\"EventSources\":[]}")));
}

TEST_F(Wecutil, AnUnknownIdIsReportedInTheWordsThatScriptsKnow) {
  for (const std::string command : {"gs", "gr", "ds"}) {
    const ToolRun failed = run({command, "nothing"});
    EXPECT_EQ(failed.status, 2) << command;
    EXPECT_THAT(failed.err, StartsWith("Failed to open subscription. Error = 0x2.\n"
                                       "The system cannot find the file specified.\n"))
        << command;
    EXPECT_EQ(failed.out, "");
  }
}

TEST_F(Wecutil, AStoppedServiceIsReportedInTheWordsThatScriptsKnow) {
  running_ = false;
  const ToolRun failed = run({"gs", "nothing"});
  EXPECT_EQ(failed.status, 1722 % 256);
  EXPECT_THAT(failed.err, StartsWith("Failed to open subscription. Error = 0x6ba.\nThe RPC server is unavailable.\n"));
}

TEST_F(Wecutil, WhoIsNoAdministratorIsRefused) {
  caller_.who.administrator = false;
  const ToolRun failed = run({"es"});
  EXPECT_EQ(failed.status, 5);
  EXPECT_THAT(failed.err, HasSubstr("Error = 0x5.\nAccess is denied.\n"));
}

class WecutilStatus : public Wecutil {
 protected:
  WecutilStatus() {
    // Times are printed in the zone of the machine: five and a half hours east of UTC.
    ::setenv("TZ", "IST-5:30", 1);
    ::tzset();
  }
  ~WecutilStatus() override {
    ::unsetenv("TZ");
    ::tzset();
  }
};

// wecutil, section 9, line by line.
TEST_F(WecutilStatus, GrPrintsWhatScriptsParse) {
  create();
  clock_.set_wall(*base::parse_datetime("2024-05-01T10:15:30.123Z"));
  hear_from("b.example.org");
  clock_.set_wall(*base::parse_datetime("2024-05-01T11:30:00.0155Z"));
  hear_from("a.example.org");
  storage::DeliveryUpdate failed;
  failed.machine = "c.example.org";
  failed.failure = storage::DeliveryUpdate::Failure{5, "<f:WSManFault>\nno</f:WSManFault>", clock_.wall()};
  update(std::move(failed));
  const ToolRun shown = run({"gr", "linux-baseline"});
  EXPECT_EQ(shown.status, 0);
  EXPECT_EQ(shown.out,
            "\n"
            "Subscription: linux-baseline\n"
            "\tRunTimeStatus: Active\n"
            "\tLastError: 0\n"
            "\tEventSources:\n"
            "\t\ta.example.org\n"
            "\t\t\tRunTimeStatus: Active\n"
            "\t\t\tLastError: 0\n"
            "\t\t\tLastHeartbeatTime: 2024-05-01T17:00:00.015\n"
            "\t\tb.example.org\n"
            "\t\t\tRunTimeStatus: Inactive\n"
            "\t\t\tLastError: 0\n"
            "\t\t\tLastHeartbeatTime: 2024-05-01T15:45:30.123\n"
            "\t\tc.example.org\n"
            "\t\t\tRunTimeStatus: Inactive\n"
            "\t\t\tLastError: 5\n"
            "\t\t\tErrorMessage: <f:WSManFault> no</f:WSManFault>\n"
            "\t\t\tErrorTime: 2024-05-01T17:00:00.015\n");
}

TEST_F(WecutilStatus, GrPrintsOnlyTheSourcesThatAreNamed) {
  create();
  hear_from("a.example.org");
  hear_from("b.example.org");
  const ToolRun shown = run({"get-subscriptionruntimestatus", "linux-baseline", "B.example.org"});
  EXPECT_EQ(shown.status, 0);
  EXPECT_THAT(shown.out, AllOf(HasSubstr("\t\tb.example.org\n"), Not(HasSubstr("a.example.org"))));
  const ToolRun missing = run({"gr", "linux-baseline", "z.example.org"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("z.example.org"));
}

TEST_F(WecutilStatus, GrPrintsJsonInUtc) {
  create();
  clock_.set_wall(*base::parse_datetime("2024-05-01T10:15:30.123Z"));
  hear_from("a.example.org");
  EXPECT_EQ(run({"gr", "linux-baseline", "--json"}).out,
            "{\"Subscription\":\"linux-baseline\",\"RunTimeStatus\":\"Active\",\"LastError\":0,\"EventSources\":[{"
            "\"Address\":\"a.example.org\",\"RunTimeStatus\":\"Active\",\"LastError\":0,"
            "\"LastHeartbeatTime\":\"2024-05-01T10:15:30.123Z\",\"Events\":0,\"DroppedEvents\":0,\"LostEvents\":0}]}\n");
}

TEST_F(WecutilStatus, GrListsThousandsOfSources) {
  create();
  for (int i = 0; i < 2500; ++i) {
    storage::DeliveryUpdate heard;
    heard.subscription = "linux-baseline";
    heard.machine = "host" + std::to_string(i) + ".example.org";
    heard.heartbeat = clock_.wall();
    ASSERT_THAT(test_support::run(events_->update_delivery(std::move(heard))), IsOk());
  }
  const ToolRun shown = run({"gr", "linux-baseline"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_EQ(std::count(shown.out.begin(), shown.out.end(), '\n'), 5 + 2500 * 4);
}

TEST_F(Wecutil, SsChangesOnlyWhatIsNamed) {
  create();
  ASSERT_EQ(run({"ss", "linux-baseline", "/e:false", "/d:Other text", "/ree:false"}).status, 0);
  EXPECT_FALSE(definition().enabled);
  EXPECT_EQ(definition().description, "Other text");
  EXPECT_FALSE(definition().read_existing_events);
  EXPECT_EQ(definition().locale, "en-US");
  EXPECT_EQ(definition().mode, subscriptions::ConfigurationMode::MinLatency);
  ASSERT_EQ(run({"set-subscription", "linux-baseline", "/E"}).status, 0);
  EXPECT_TRUE(definition().enabled);
}

TEST_F(Wecutil, SsTakesADefinitionFromAFileWithOrWithoutItsId) {
  create();
  std::string changed(kSubscriptionFile);
  changed.replace(changed.find("Baseline"), 8, "From the file");
  EXPECT_EQ(run({"ss", "/c:" + file(changed)}).status, 0);
  EXPECT_EQ(definition().description, "From the file");
  EXPECT_EQ(run({"ss", "Linux-Baseline", "/c:" + file()}).status, 0);
  EXPECT_EQ(definition().description, "Baseline");
  const ToolRun other = run({"ss", "other", "/c:" + file()});
  EXPECT_EQ(other.status, 87);
  EXPECT_THAT(other.err, StartsWith("Failed to open subscription. Error = 0x57.\n"));
}

TEST_F(Wecutil, SsRefusesAFileInThePlaceOfAnId) {
  create();
  const ToolRun failed = run({"ss", file(), "/e:false"});
  EXPECT_EQ(failed.status, 87);
  EXPECT_THAT(failed.err, AllOf(StartsWith("Failed to open subscription. Error = 0x57.\nThe parameter is incorrect.\n"),
                                HasSubstr("/c:")));
}

TEST_F(Wecutil, SsLeavesAllAsItWasWhereSomethingIsWrong) {
  create();
  const ToolRun failed = run({"ss", "linux-baseline", "/d:new", "/q:<QueryList/>"});
  EXPECT_EQ(failed.status, 15001 % 256) << failed.err;
  EXPECT_THAT(failed.err, StartsWith("Failed to save subscription. Error = 0x3a99.\n"));
  EXPECT_EQ(definition().description, "Baseline");
}

TEST_F(Wecutil, DsDeletes) {
  create();
  EXPECT_EQ(run({"delete-subscription", "linux-baseline"}).status, 0);
  EXPECT_THAT(manager_->ids(), IsEmpty());
}

TEST_F(Wecutil, ExplainsItselfAndEachCommand) {
  EXPECT_THAT(run({}).out, HasSubstr("Usage: wecutil"));
  EXPECT_THAT(run({"/?"}).out, HasSubstr("create-subscription"));
  for (const CommandRow& row : wecutil_tool().commands) {
    const ToolRun help = run({std::string(row.name), "/?"});
    EXPECT_EQ(help.status, 0);
    EXPECT_THAT(help.out, HasSubstr("Usage: wecutil " + std::string(row.name)));
  }
}

TEST_F(Wecutil, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(run({"xx"}).status, 87);
  EXPECT_EQ(run({"gs"}).status, 87);
  EXPECT_EQ(run({"gs", "a", "b"}).status, 87);
  EXPECT_EQ(run({"gs", "a", "/f:text"}).status, 87);
  EXPECT_EQ(run({"gs", "a", "/zz:1"}).status, 87);
}

}  // namespace
}  // namespace cli
