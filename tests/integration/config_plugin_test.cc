// Plugins, the security of resources and Restore in winrm/config of a running collector.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <regex>

#include "engine/wsman/names.h"
#include "tests/integration/config_client.h"

namespace integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kHost = "host7.lab.example";
constexpr const char* kEvents = "Event Forwarding Plugin";
constexpr const char* kEventLog = "http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog";
constexpr const char* kNamespace = "http://schemas.microsoft.com/wbem/wsman/1/config/PluginConfiguration";

std::string plugin(const std::string& attributes, const std::string& inside = {}) {
  return "<PlugInConfiguration xmlns=\"" + std::string(kNamespace) + "\" " + attributes + ">" + inside +
         "</PlugInConfiguration>";
}

std::string new_plugin(const std::string& name, const std::string& resource) {
  return plugin("Name=\"" + name + "\" Filename=\"%windir%\\system32\\wevtfwd.dll\" SDKVersion=\"1\"",
                "<Resources><Resource ResourceUri=\"" + resource + "\"><Capability Type=\"Get\"/></Resource></Resources>");
}

class RealPlugins : public ::testing::Test {
 protected:
  void SetUp() override { stack_.start_collector(); }

  void restart() {
    stack_.collector().terminate();
    stack_.start_collector();
  }
  /// Lets the owner of kHost's certificate in as `user`.
  void map_host(const std::string& user = "root") {
    if (!std::filesystem::exists(stack_.pki() / (std::string(kHost) + ".pem"))) stack_.issue(kHost);
    ASSERT_EQ(config_
                  .create("service/certmapping",
                          "<p:CertMapping xmlns:p=\"" + config_uri("service/certmapping") + "\"><p:UserName>" + user +
                              "</p:UserName></p:CertMapping>",
                          {{"Issuer", stack_.authority()}, {"Subject", kHost}, {"URI", "*"}})
                  .status,
              200);
  }
  /// A request to the event logs from the network.
  std::string post(const std::string& action, const std::string& body) {
    std::string text = config_envelope(action, "", body);
    text.replace(text.find(config_uri("") + "<"), config_uri("").size(), kEventLog);
    return stack_.post(kHost, "/wsman", text, {"Content-Type: application/soap+xml;charset=UTF-8"}).body;
  }
  std::string enumerate() {
    return post(std::string(wsman::action::kEnumerate),
                "<n:Enumerate><w:Filter Dialect=\"http://schemas.microsoft.com/win/2004/08/events/eventquery\">"
                "&lt;QueryList&gt;&lt;Query Id='0'&gt;&lt;Select Path='ForwardedEvents'&gt;*&lt;/Select&gt;&lt;/Query&gt;"
                "&lt;/QueryList&gt;</w:Filter></n:Enumerate>");
  }

  const Selectors events_{{"Name", kEvents}};
  Stack stack_;
  ConfigClient config_{stack_};
};

TEST_F(RealPlugins, EventForwardingIsThereAsInWindows) {
  const ConfigReply reply = config_.get("plugin", events_);
  EXPECT_EQ(reply.status, 200) << reply.fault;
  EXPECT_EQ(reply.body,
            "<PlugInConfiguration xmlns=\"http://schemas.microsoft.com/wbem/wsman/1/config/PluginConfiguration\" "
            "Name=\"Event Forwarding Plugin\" Filename=\"%systemroot%\\system32\\wevtfwd.dll\" SDKVersion=\"1\" "
            "XmlRenderingType=\"text\" Enabled=\"true\" Architecture=\"64\" UseSharedProcess=\"false\" "
            "ProcessIdleTimeoutSec=\"0\" RunAsUser=\"\" RunAsPassword=\"\" AutoRestart=\"false\" "
            "OutputBufferingMode=\"Block\"><Resources><Resource "
            "ResourceUri=\"http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog\" SupportsOptions=\"true\" "
            "ExactMatch=\"false\"><Security Uri=\"http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog\" "
            "ExactMatch=\"false\" "
            "Sddl=\"O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;ER)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)\"/>"
            "<Capability Type=\"Enumerate\" SupportsFiltering=\"true\"/><Capability Type=\"Subscribe\" "
            "SupportsFiltering=\"true\"/></Resource></Resources><Quotas MaxConcurrentUsers=\"100\" "
            "MaxConcurrentOperationsPerUser=\"15\" MaxConcurrentOperations=\"1500\"/></PlugInConfiguration>");
  // What is sent back as it came changes nothing.
  EXPECT_EQ(config_.put("plugin", reply.body, events_).body, reply.body);
}

TEST_F(RealPlugins, AreMadeChangedListedAndRemoved) {
  const Selectors key{{"Name", "Mine"}};
  const ConfigReply made = config_.create("plugin", new_plugin("Mine", "urn:mine"), key);
  EXPECT_EQ(made.status, 200) << made.fault;
  EXPECT_THAT(made.body, HasSubstr("<w:Selector Name=\"Name\">Mine</w:Selector>"));
  EXPECT_EQ(config_.create("plugin", new_plugin("Mine", "urn:other"), key).fault, "2150858803");
  EXPECT_THAT(config_.put("plugin", plugin("AutoRestart=\"true\""), key).body, HasSubstr("AutoRestart=\"true\""));
  restart();
  EXPECT_THAT(config_.enumerate("plugin").body, AllOf(HasSubstr("Name=\"Event Forwarding Plugin\""),
                                                      HasSubstr("Name=\"Mine\""), HasSubstr("AutoRestart=\"true\"")));
  EXPECT_THAT(config_.enumerate("plugin", "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>").body,
              AllOf(HasSubstr("<w:Selector Name=\"Name\">Mine</w:Selector>"), Not(HasSubstr("PlugInConfiguration"))));
  EXPECT_EQ(config_.remove("plugin", key).status, 200);
  EXPECT_EQ(config_.get("plugin", key).fault, "2150858752");
}

TEST_F(RealPlugins, WhatCannotBeIsTheFaultOfWindows) {
  const Selectors key{{"Name", "Mine"}};
  EXPECT_EQ(config_.get("plugin").fault, "2150858842");
  EXPECT_EQ(config_.get("plugin", {{"Name", "x"}, {"Colour", "red"}}).fault, "2150858843");
  EXPECT_EQ(config_.get("plugin", key).fault, "2150858752");
  EXPECT_EQ(config_.put("plugin", plugin("Name=\"Mine\""), key).fault, "2150858752");
  EXPECT_EQ(config_.create("plugin", new_plugin("Other", "urn:mine"), key).fault, "2150858989");
  EXPECT_EQ(config_.create("plugin", "<PlugInConfiguration xmlns=\"urn:other\"/>", key).fault, "2150858840");
  EXPECT_EQ(config_.put("plugin", plugin("Colour=\"red\""), events_).fault, "2150858817");
  EXPECT_EQ(config_.put("plugin", plugin("Filename=\"plugin.so\""), events_).fault, "2150859153");
  EXPECT_EQ(config_.put("plugin", plugin("Filename=\"/no/such/plugin.so\""), events_).fault, "2150859154");
  EXPECT_EQ(config_.put("plugin", plugin("RunAsUser=\"no-such-user\" RunAsPassword=\"secret\""), events_).fault,
            "2150859203");
  const auto security = [&](const std::string& attributes) {
    return plugin("", "<Resources><Resource ResourceUri=\"" + std::string(kEventLog) + "\"><Security " + attributes +
                          "/><Capability Type=\"Enumerate\"/></Resource></Resources>");
  };
  EXPECT_EQ(config_.put("plugin", security("Uri=\"urn:other\" Sddl=\"\""), events_).fault, "2150859183");
  EXPECT_EQ(config_.put("plugin", security("Sddl=\"everybody\""), events_).fault, "2150859100");
  EXPECT_EQ(config_.invoke("plugin", "Paint").fault, "2150858771");
  EXPECT_EQ(config_.enumerate("plugin", "<w:Filter>x</w:Filter>").fault, "2150858776");
}

TEST_F(RealPlugins, RunAsPasswordNeverComesOut) {
  EXPECT_EQ(config_.put("plugin", plugin("RunAsUser=\"root\" RunAsPassword=\"s3cr3t-word\""), events_).status, 200);
  EXPECT_THAT(config_.get("plugin", events_).body,
              AllOf(HasSubstr("RunAsUser=\"root\""), HasSubstr("RunAsPassword=\"\""), Not(HasSubstr("s3cr3t"))));
  stack_.collector().terminate();
  EXPECT_THAT(stack_.collector().error_output(), Not(HasSubstr("s3cr3t")));
  const auto found = test_support::run_command({"grep", "-rl", "s3cr3t-word", stack_.collector_state().string()});
  EXPECT_EQ(found.out, "");
}

TEST_F(RealPlugins, PolicyDisablesRunAs) {
  EXPECT_EQ(config_.put("plugin", plugin("RunAsUser=\"root\""), events_).status, 200);
  std::filesystem::create_directories(stack_.directory() / "policy.d");
  stack_.write("policy.d/10.toml", "[winrm.service]\nDisableRunAs = true\n");
  restart();
  EXPECT_THAT(config_.get("plugin", events_).body, HasSubstr("RunAsUser=\"\""));
  EXPECT_EQ(config_.put("plugin", plugin("RunAsUser=\"root\""), events_).fault, "2150859232");
}

TEST_F(RealPlugins, RestoreBringsThemBackAndLeavesTheRest) {
  EXPECT_EQ(config_.remove("plugin", events_).status, 200);
  EXPECT_EQ(config_.create("plugin", new_plugin("Mine", "urn:mine"), {{"Name", "Mine"}}).status, 200);
  EXPECT_EQ(config_.set("", "Config", "<cfg:MaxTimeoutms>1000</cfg:MaxTimeoutms>").status, 200);
  const ConfigReply reply = config_.invoke("plugin", "Restore");
  EXPECT_EQ(reply.body, "<cfg:Restore_OUTPUT xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config/plugin\"/>");
  EXPECT_THAT(config_.enumerate("plugin").body, AllOf(HasSubstr(kEvents), Not(HasSubstr("Mine"))));
  EXPECT_EQ(config_.value("", "MaxTimeoutms"), "1000");
  EXPECT_EQ(config_.send(config_uri("plugin") + "/Restore", "plugin", "").status, 200);
  EXPECT_EQ(config_.send(config_uri("plugin") + "/Restore", "plugin", "<Restore_INPUT><x/></Restore_INPUT>").fault,
            "2150858817");
}

TEST_F(RealPlugins, OneThatIsNotEnabledServesNobodyFromTheNetwork) {
  map_host();
  EXPECT_THAT(enumerate(), HasSubstr("EnumerationContext"));
  EXPECT_EQ(config_.put("plugin", plugin("Enabled=\"false\""), events_).status, 200);
  EXPECT_THAT(enumerate(), HasSubstr("Code=\"2150858811\""));
  EXPECT_EQ(stack_.tool("wevtutil", {"qe", "ForwardedEvents"}).status, 0);
  EXPECT_EQ(config_.put("plugin", plugin("Enabled=\"true\""), events_).status, 200);
  EXPECT_THAT(enumerate(), HasSubstr("EnumerationContext"));
}

TEST_F(RealPlugins, QuotaCountsOpenEnumerations) {
  map_host();
  EXPECT_EQ(config_.put("plugin", plugin("", "<Quotas MaxConcurrentOperationsPerUser=\"1\"/>"), events_).status, 200);
  const std::string opened = enumerate();
  std::smatch context;
  ASSERT_TRUE(std::regex_search(opened, context, std::regex("EnumerationContext>([^<]+)<"))) << opened;
  EXPECT_THAT(enumerate(), AllOf(HasSubstr("Code=\"2150859240\""), HasSubstr("w:QuotaLimit")));
  EXPECT_THAT(post(std::string(wsman::action::kRelease),
                   "<n:Release><n:EnumerationContext>" + context[1].str() + "</n:EnumerationContext></n:Release>"),
              Not(HasSubstr("Fault>")));
  EXPECT_THAT(enumerate(), HasSubstr("EnumerationContext"));
}

TEST_F(RealPlugins, QuotaCountsOpenSubscriptions) {
  map_host();
  EXPECT_EQ(config_.put("plugin", plugin("", "<Quotas MaxConcurrentOperations=\"1\"/>"), events_).status, 200);
  const std::string subscribe =
      "<e:Subscribe xmlns:e=\"http://schemas.xmlsoap.org/ws/2004/08/eventing\"><e:Delivery "
      "Mode=\"http://schemas.dmtf.org/wbem/wsman/1/wsman/Pull\"/><w:Filter "
      "Dialect=\"http://schemas.microsoft.com/win/2004/08/events/eventquery\">&lt;QueryList&gt;&lt;Query "
      "Id='0'&gt;&lt;Select "
      "Path='ForwardedEvents'&gt;*&lt;/Select&gt;&lt;/Query&gt;&lt;/QueryList&gt;</w:Filter></e:Subscribe>";
  const std::string opened = post(std::string(wsman::action::kSubscribe), subscribe);
  std::smatch context;
  ASSERT_TRUE(std::regex_search(opened, context, std::regex("EnumerationContext>([^<]+)<"))) << opened;
  EXPECT_THAT(post(std::string(wsman::action::kSubscribe), subscribe), HasSubstr("Code=\"2150859239\""));
  EXPECT_THAT(enumerate(), HasSubstr("Code=\"2150859239\""));
  EXPECT_THAT(post(std::string(wsman::action::kRelease),
                   "<n:Release><n:EnumerationContext>" + context[1].str() + "</n:EnumerationContext></n:Release>"),
              Not(HasSubstr("Fault>")));
  EXPECT_THAT(enumerate(), HasSubstr("EnumerationContext"));
}

TEST_F(RealPlugins, SecurityOfAResourceIsAskedForByItsUri) {
  const Selectors key{{"Uri", kEventLog}};
  EXPECT_EQ(config_.get("service/security", key).body,
            "<Security xmlns=\"" + std::string(kNamespace) + "\" Uri=\"" + kEventLog +
                "\" ExactMatch=\"false\" Sddl=\"O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;ER)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)\"/>");
  const std::string changed = "<Security xmlns=\"" + std::string(kNamespace) + "\" Uri=\"" + kEventLog +
                              "\" ExactMatch=\"false\" Sddl=\"O:NSG:BAD:P(A;;GA;;;BA)\"/>";
  EXPECT_THAT(config_.put("service/security", changed, key).body,
              AllOf(StartsWith("<PlugInConfiguration"), HasSubstr("Sddl=\"O:NSG:BAD:P(A;;GA;;;BA)\"")));
  EXPECT_EQ(
      config_.put("service/security", "<Security xmlns=\"" + std::string(kNamespace) + "\" Sddl=\"nobody\"/>", key).fault,
      "2150859100");
  // One that is built in, and has no plugin.
  const Selectors winrs{{"Uri", config_uri("winrs")}};
  EXPECT_THAT(config_.get("service/security", winrs).body, HasSubstr("Sddl=\"O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;ER)"));
  EXPECT_THAT(config_
                  .put("service/security",
                       "<Security xmlns=\"" + std::string(kNamespace) + "\" Sddl=\"O:NSG:BAD:P(A;;GA;;;BA)\"/>", winrs)
                  .body,
              AllOf(StartsWith("<Security"), HasSubstr("Sddl=\"O:NSG:BAD:P(A;;GA;;;BA)\"")));
  restart();
  EXPECT_THAT(config_.get("service/security", winrs).body, HasSubstr("Sddl=\"O:NSG:BAD:P(A;;GA;;;BA)\""));
  EXPECT_EQ(config_.get("service/security", {{"Uri", "urn:nothing"}}).fault, "2150859199");
  EXPECT_EQ(config_.get("service/security").fault, "2150858842");
}

TEST_F(RealPlugins, SecurityOfAResourceHoldsFromTheNextRequestOn) {
  // A user of every Linux machine who is nobody's administrator, as an event log reader.
  stack_.collector().terminate();
  stack_.start_collector("[access.sids]\nER = [\"daemon\"]\n");
  map_host("daemon");
  const auto get = [&](const std::string& path) {
    return stack_
        .post(kHost, "/wsman", config_envelope(std::string(wsman::action::kGet), path, ""),
              {"Content-Type: application/soap+xml;charset=UTF-8"})
        .body;
  };
  const auto protect = [&](const std::string& uri, const std::string& sddl) {
    return config_
        .put("service/security", "<Security xmlns=\"" + std::string(kNamespace) + "\" Sddl=\"" + sddl + "\"/>",
             {{"Uri", uri}})
        .status;
  };
  const std::string denied = "Code=\"5\"";
  EXPECT_THAT(enumerate(), HasSubstr("EnumerationContext"));
  EXPECT_THAT(get("winrs"), HasSubstr("cfg:Winrs"));
  EXPECT_EQ(protect(kEventLog, "O:NSG:BAD:P(A;;GA;;;BA)"), 200);
  EXPECT_EQ(protect(config_uri("winrs"), "O:NSG:BAD:P(A;;GA;;;BA)"), 200);
  EXPECT_THAT(enumerate(), HasSubstr(denied));
  EXPECT_THAT(get("winrs"), HasSubstr(denied));
  EXPECT_THAT(get("service"), HasSubstr("cfg:Service"));
  EXPECT_EQ(protect(kEventLog, ""), 200);
  EXPECT_EQ(config_.invoke("", "Restore").status, 200);
  map_host("daemon");
  EXPECT_THAT(enumerate(), HasSubstr("EnumerationContext"));
  EXPECT_THAT(get("winrs"), HasSubstr("cfg:Winrs"));
}

TEST_F(RealPlugins, AllResourcesAreListedWithTheirSecurity) {
  const std::string list = config_.enumerate("resource").body;
  for (const std::string& uri : {config_uri(""), config_uri("plugin"), config_uri("service/security"),
                                 std::string(kEventLog), std::string("urn:muster:wsman:1:log")}) {
    EXPECT_THAT(list, HasSubstr("<Resource xmlns=\"" + std::string(kNamespace) + "\" ResourceUri=\"" + uri + "\"")) << uri;
  }
  EXPECT_EQ(config_.get("resource").fault, "2150858771");
}

// All that requests have set is one of two things after a kill in the middle of Restore: there, or gone.
TEST_F(RealPlugins, RestoreIsAllOrNothingForAKilledService) {
  const auto fill = [&] {
    ASSERT_EQ(config_.set("", "Config", "<cfg:MaxTimeoutms>1000</cfg:MaxTimeoutms>").status, 200);
    ASSERT_EQ(config_.create("plugin", new_plugin("Mine", "urn:mine"), {{"Name", "Mine"}}).status, 200);
    ASSERT_EQ(config_
                  .create("listener",
                          "<p:Listener xmlns:p=\"" + config_uri("listener") + "\"><p:Enabled>false</p:Enabled></p:Listener>",
                          {{"Address", "*"}, {"Transport", "HTTP"}})
                  .status,
              200);
  };
  fill();
  for (int round = 0; round < 8; ++round) {
    auto restore = std::async(std::launch::async, [&] {
      return test_support::run_command({"curl", "--silent", "--max-time", "10", "--unix-socket",
                                        (stack_.collector_state() / "control.sock").string(), "-H",
                                        "Content-Type: application/soap+xml;charset=UTF-8", "--data-binary",
                                        config_envelope(config_uri("") + "/Restore", "", ""), "http://localhost/wsman"});
    });
    // Later from round to round: before, within and behind the transaction.
    restore.wait_for(std::chrono::milliseconds(3 * round));
    stack_.collector().kill();
    restore.wait();
    stack_.start_collector();
    const bool setting = config_.value("", "MaxTimeoutms") == "1000";
    const bool mine = config_.get("plugin", {{"Name", "Mine"}}).status == 200;
    const bool listener = config_.get("listener", {{"Address", "*"}, {"Transport", "HTTP"}}).status == 200;
    EXPECT_EQ(setting, mine) << round;
    EXPECT_EQ(setting, listener) << round;
    if (!setting) fill();
  }
}

}  // namespace
}  // namespace integration
