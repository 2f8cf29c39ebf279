// Source: wecutil, section 3.

#include "tests/cli/wecutil_fixture.h"
#include "tests/cli/winrm_world.h"

namespace cli {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class WecutilQuickConfig : public WecutilFixture {
 protected:
  WecutilQuickConfig() {
    dispatcher_.add(logs_);
    dispatcher_.add(listeners_);
    machine_.answers["systemctl cat muster-collector.service"] = {0, ""};
    machine_.answers["systemctl is-enabled muster-collector.service"] = {0, "enabled\n"};
    machine_.answers["systemctl enable muster-collector.service"] = {0, ""};
    machine_.answers["systemctl start muster-collector.service"] = {0, ""};
  }
  static std::vector<wsman::Item> log(const std::string& enabled) {
    return {{"<l:Log xmlns:l=\"urn:muster:wsman:1:log\"><l:Name>ForwardedEvents</l:Name><l:Enabled>" + enabled +
                 "</l:Enabled></l:Log>",
             {{"Name", "ForwardedEvents", {}}},
             {}}};
  }

  StoredResource logs_{"urn:muster:wsman:1:log", log("true")};
  StoredResource listeners_{
      "http://schemas.microsoft.com/wbem/wsman/1/config/listener",
      {{"<c:Listener xmlns:c=\"http://schemas.microsoft.com/wbem/wsman/1/config/listener\"><c:Address>*</c:Address>"
        "<c:Transport>HTTPS</c:Transport><c:Port>5986</c:Port><c:Enabled>true</c:Enabled><c:URLPrefix>wsman</c:URLPrefix>"
        "</c:Listener>",
        {{"Address", "*", {}}, {"Transport", "HTTPS", {}}},
        {}}}};
};

TEST_F(WecutilQuickConfig, AsksNothingWhereAllIsDone) {
  const ToolRun done = run({"qc"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out,
            "The service muster-collector.service runs, and starts whenever the machine starts.\n"
            "Listens on https://*:5986/wsman.\n"
            "Windows Event Collector service was configured successfully.\n");
}

TEST_F(WecutilQuickConfig, StartsAndEnablesTheServiceAfterAsking) {
  machine_.running = false;
  machine_.answers["systemctl is-enabled muster-collector.service"] = {1, "disabled\n"};
  const ToolRun done = run({"quick-config"}, "Y\n");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(
      done.out,
      AllOf(StartsWith("The service muster-collector.service will be started, now and whenever the machine "
                       "starts. Would you like to proceed ( Y- yes or N- no)? \n"),
            HasSubstr("Enabled the service"), HasSubstr("Started the service"), HasSubstr("configured successfully")));
  EXPECT_THAT(machine_.commands, AllOf(Contains("systemctl enable muster-collector.service"),
                                       Contains("systemctl start muster-collector.service")));
}

TEST_F(WecutilQuickConfig, ChangesNothingWithoutAYes) {
  machine_.running = false;
  for (const std::string answer : {"n\n", "", "maybe\n"}) {
    EXPECT_EQ(run({"qc"}, answer).status, 0);
    EXPECT_THAT(machine_.commands, Not(Contains("systemctl start muster-collector.service")));
  }
}

TEST_F(WecutilQuickConfig, QuietAsksNothing) {
  for (const std::string option : {"/q", "/q:true", "--quiet"}) {
    machine_.running = false;
    const ToolRun done = run({"qc", option});
    EXPECT_EQ(done.status, 0);
    EXPECT_THAT(done.out, Not(HasSubstr("proceed")));
    EXPECT_TRUE(machine_.running);
  }
  machine_.running = false;
  EXPECT_THAT(run({"qc", "/q:false"}, "n\n").out, HasSubstr("proceed"));
}

TEST_F(WecutilQuickConfig, EnablesTheLog) {
  logs_.items = log("false");
  EXPECT_EQ(run({"qc"}, "n\n").status, 0);
  EXPECT_THAT(logs_.items[0].xml, HasSubstr("false"));
  const ToolRun done = run({"qc"}, "y\n");
  EXPECT_THAT(done.out, AllOf(HasSubstr("The log ForwardedEvents will be enabled. Would you like"),
                              HasSubstr("Enabled the log ForwardedEvents.\n")));
  EXPECT_THAT(logs_.items[0].xml, Not(HasSubstr("false")));
}

TEST_F(WecutilQuickConfig, SaysThatNothingListens) {
  listeners_.items.clear();
  const ToolRun done = run({"qc"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.err, HasSubstr("winrm quickconfig"));
}

TEST_F(WecutilQuickConfig, LeavesAServiceAloneThatIsNoneOfTheSystems) {
  machine_.socket = "/tmp/state/control.sock";
  EXPECT_EQ(run({"qc", "--state", "/tmp/state"}).status, 0);
  EXPECT_THAT(machine_.commands, IsEmpty());
}

TEST_F(WecutilQuickConfig, TellsWhatCouldNotBeDone) {
  machine_.running = false;
  machine_.answers["systemctl start muster-collector.service"] = {1, "Access denied\n"};
  const ToolRun failed = run({"qc", "/q"});
  EXPECT_NE(failed.status, 0);
  EXPECT_THAT(failed.err, HasSubstr("Access denied"));
  machine_.running = false;
  machine_.answers.clear();
  EXPECT_EQ(run({"qc", "/q"}).status, 1722 % 256);
}

}  // namespace
}  // namespace cli
