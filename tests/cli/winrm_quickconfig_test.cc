#include "cli/winrm_quickconfig.h"

#include <gmock/gmock.h>

#include "tests/cli/winrm_world.h"

namespace cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr char kNamespace[] = "http://schemas.microsoft.com/wbem/wsman/1/config/service";

class QuickConfig : public testing::Test {
 protected:
  QuickConfig() {
    world_.answers = {{"systemctl is-enabled muster-collector.service", {0, "enabled\n"}},
                      {"systemctl cat muster-collector.service", {0, "[Unit]\n"}},
                      {"systemctl start muster-collector.service", {0, ""}},
                      {"systemctl enable muster-collector.service", {0, ""}}};
  }

  /// A service that has the methods of Windows'.
  void add_methods(bool succeeds = true) {
    world_.service.methods = [this, succeeds](const std::string& method, xml::Element body) -> wsman::Result<std::string> {
      methods_.push_back(method + ":" + std::string(body.local_name()) + ":" + body.child("Transport").text());
      const std::string output = "<cfg:" + method + "_OUTPUT xmlns:cfg=\"" + kNamespace + "\">";
      if (method == "Analyze" && enabled_) {
        return output + "<cfg:RemotingEnabled>true</cfg:RemotingEnabled><cfg:Results/></cfg:Analyze_OUTPUT>";
      }
      if (method == "Analyze") {
        return output + "<cfg:RemotingEnabled" + source_ +
               ">false</cfg:RemotingEnabled><cfg:Results>Create a listener.</cfg:Results>"
               "<cfg:EnableRemoting_INPUT><cfg:Transport>http</cfg:Transport></cfg:EnableRemoting_INPUT></"
               "cfg:Analyze_OUTPUT>";
      }
      return output + "<cfg:Status>" + (succeeds ? "succeeded" : "failed") +
             "</cfg:Status><cfg:Results>The listener.</cfg:Results></cfg:EnableRemoting_OUTPUT>";
    };
  }

  ToolRun run(std::vector<std::string> words, std::string input = {}) {
    words.insert(words.begin(), "quickconfig");
    return world_.winrm(std::move(words), std::move(input));
  }

  WinrmWorld world_;
  std::vector<std::string> methods_;
  bool enabled_ = false;
  std::string source_;
};

// winrm-config, section 8: the lines that scripts match on.
TEST_F(QuickConfig, SaysThatAllIsSetUp) {
  const ToolRun done = run({});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out,
            "WinRM service is already running on this machine.\n"
            "WinRM is already set up for remote management on this computer.\n");
}

TEST_F(QuickConfig, CreatesAListenerAfterAsking) {
  world_.listeners.items.clear();
  const ToolRun done = run({}, "y\n");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out,
            "WinRM service is already running on this machine.\n"
            "WinRM is not set up to allow remote access to this machine for management.\n"
            "The following changes must be made:\n\n"
            "Create a listener on HTTP://*, port 5985, that takes requests to every address of this machine.\n\n"
            "Make these changes [y/n]? \n"
            "WinRM has been updated for remote management.\n\n"
            "Create a listener on HTTP://*, port 5985, that takes requests to every address of this machine.\n");
  ASSERT_EQ(world_.listeners.items.size(), 1u);
  EXPECT_EQ(world_.listeners.items[0].selectors[1].value, "HTTP");
}

TEST_F(QuickConfig, SaysThatNobodyCouldLogOnOverHttp) {
  const std::string head = "<cfg:Service xmlns:cfg=\"" + std::string(kNamespace) + "\"><cfg:AllowUnencrypted>";
  const std::string middle = "</cfg:AllowUnencrypted><cfg:Auth><cfg:Basic>";
  const std::string end = "</cfg:Basic></cfg:Auth></cfg:Service>";
  world_.listeners.items.clear();
  world_.service.items[0].xml = head + "false" + middle + "true" + end;
  EXPECT_THAT(run({}, "n\n").err, HasSubstr("Nobody can log on over HTTP"));
  world_.service.items[0].xml = head + "true" + middle + "false" + end;
  EXPECT_THAT(run({}, "n\n").err, HasSubstr("'winrm quickconfig -transport:https'"));
  world_.service.items[0].xml = head + "true" + middle + "true" + end;
  EXPECT_EQ(run({}, "n\n").err, "");
  world_.service.items[0].xml = head + "false" + middle + "true" + end;
  EXPECT_EQ(run({"-transport:https"}, "n\n").err, "");
}

TEST_F(QuickConfig, ChangesNothingWithoutAYes) {
  world_.listeners.items.clear();
  for (const std::string answer : {"n\n", "", "maybe\n", "yesterday\n"}) {
    const ToolRun done = run({}, answer);
    EXPECT_EQ(done.status, 0);
    EXPECT_THAT(done.out, Not(HasSubstr("has been updated")));
  }
  EXPECT_TRUE(world_.listeners.items.empty());
  EXPECT_THAT(world_.commands, Not(Contains(HasSubstr("start"))));
}

TEST_F(QuickConfig, AsksNothingWhenItIsToBeQuiet) {
  for (const std::string word : {"-quiet", "-q", "-force"}) {
    world_.listeners.items.clear();
    const ToolRun done = run({word});
    EXPECT_THAT(done.out, Not(HasSubstr("[y/n]")));
    EXPECT_EQ(world_.listeners.items.size(), 1u);
  }
}

TEST_F(QuickConfig, CreatesAnHttpsListenerWhereAsked) {
  const ToolRun done = run({"-transport:https", "-q"});
  EXPECT_THAT(done.out, HasSubstr("HTTPS://*, port 5986"));
  ASSERT_EQ(world_.listeners.items.size(), 2u);
  EXPECT_EQ(world_.listeners.items[1].selectors[1].value, "HTTPS");
}

TEST_F(QuickConfig, CountsNoListenerThatIsDisabled) {
  std::string& xml = world_.listeners.items[0].xml;
  xml.replace(xml.find("<cfg:Enabled>true"), 17, "<cfg:Enabled>false");
  EXPECT_THAT(run({}, "n\n").out, HasSubstr("Create a listener"));
}

TEST_F(QuickConfig, StartsAndEnablesTheServiceAfterAsking) {
  world_.running = false;
  world_.answers["systemctl is-enabled muster-collector.service"] = {1, "disabled\n"};
  world_.on_command = [this](const std::string& command) {
    if (command == "systemctl start muster-collector.service") world_.running = true;
  };
  const ToolRun done = run({}, "y\n");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out,
            "WinRM is not set up to receive requests on this machine.\n"
            "The following changes must be made:\n\n"
            "Start the service muster-collector.service.\n"
            "Start the service muster-collector.service whenever the machine starts.\n\n"
            "Make these changes [y/n]? \n"
            "WinRM has been updated to receive requests.\n\n"
            "Start the service muster-collector.service.\n"
            "Start the service muster-collector.service whenever the machine starts.\n"
            "WinRM is already set up for remote management on this computer.\n");
}

TEST_F(QuickConfig, TellsWhatCouldNotBeDone) {
  world_.running = false;
  world_.answers["systemctl start muster-collector.service"] = {1, "Access denied\n"};
  const ToolRun done = run({"-q"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, EndsWith("One or more update steps could not be completed.\n\n"
                                 "Start the service muster-collector.service. Failed: systemctl ended with status 1: "
                                 "Access denied\n"));
}

TEST_F(QuickConfig, SaysThatNoServiceIsInstalled) {
  world_.running = false;
  world_.answers.clear();
  const ToolRun failed = run({});
  EXPECT_EQ(failed.status, 1722 % 256);
  EXPECT_THAT(failed.err, HasSubstr("installed"));
}

TEST_F(QuickConfig, LeavesAServiceAloneThatIsNoneOfTheSystems) {
  world_.socket = "/tmp/state/control.sock";
  world_.answers["systemctl is-enabled muster-collector.service"] = {1, "disabled\n"};
  EXPECT_THAT(run({"--state", "/tmp/state"}).out, HasSubstr("already running"));
  EXPECT_THAT(world_.commands, Not(Contains(HasSubstr("systemctl"))));
}

TEST_F(QuickConfig, OpensTheFirewallForThePortOfTheListener) {
  std::string& xml = world_.listeners.items[0].xml;
  xml.replace(xml.find(">5985<"), 6, ">8080<");
  world_.answers["ufw status"] = {0, "Status: active\n"};
  world_.answers["ufw allow 8080/tcp"] = {0, "Rule added\n"};
  const ToolRun done = run({}, "yes\n");
  EXPECT_THAT(done.out, HasSubstr("WinRM has been updated for remote management.\n\n"
                                  "Let TCP port 8080 in through ufw.\n"));
  EXPECT_THAT(world_.commands, Contains("ufw allow 8080/tcp"));
}

TEST_F(QuickConfig, SaysThatTheFirewallCouldNotBeRead) {
  world_.answers["nft list ruleset"] = {1, "Operation not permitted\n"};
  const ToolRun done = run({});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.err, HasSubstr("The rules of nftables cannot be read"));
}

// winrm-config, section 8: the methods, with what one says copied into the next.
TEST_F(QuickConfig, AsksTheServiceWhereItHasTheMethods) {
  add_methods();
  const ToolRun done = run({"-q"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, EndsWith("The following changes must be made:\n\nCreate a listener.\n\n"
                                 "WinRM has been updated for remote management.\n\nThe listener.\n"));
  EXPECT_THAT(methods_, ElementsAre("Analyze:Analyze_INPUT:http", "EnableRemoting:EnableRemoting_INPUT:http"));
  EXPECT_EQ(world_.listeners.items.size(), 1u);
}

TEST_F(QuickConfig, BelievesTheServiceThatAllIsDone) {
  add_methods();
  enabled_ = true;
  world_.listeners.items.clear();
  EXPECT_THAT(run({}).out, HasSubstr("already set up for remote management"));
}

TEST_F(QuickConfig, TellsWhatTheServiceCouldNotDo) {
  add_methods(false);
  EXPECT_THAT(run({"-q"}).out, EndsWith("One or more update steps could not be completed.\n\nThe listener.\n"));
}

TEST_F(QuickConfig, StopsWherePolicyForbids) {
  add_methods();
  source_ = " Source=\"GPO\"";
  const ToolRun failed = run({"-q"});
  EXPECT_THAT(failed.err, HasSubstr("0x80338117"));
  EXPECT_EQ(failed.status, 0x17);
}

}  // namespace
}  // namespace cli
