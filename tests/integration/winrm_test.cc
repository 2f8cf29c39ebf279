// winrm against a real collector: the lines of cli-winrm, and what they print.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/stack.h"

namespace integration {
namespace {

using test_support::CommandResult;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kHost = "host7.lab.example";

class RealWinrm : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(stack_.directory() / "policy.d");
    stack_.write("policy.d/10.toml", "[winrm.client]\nAllowUnencrypted = false\n");
    stack_.start_collector();
  }

  CommandResult winrm(std::vector<std::string> words) const { return stack_.tool("winrm", std::move(words)); }
  /// The same over the network, as a host with a certificate.
  CommandResult winrm_from(const std::string& host, std::vector<std::string> words) const {
    words.insert(words.end(), {"-r:" + stack_.url(), "-c:" + (stack_.pki() / (host + ".pem")).string(),
                               "-ca:" + (stack_.pki() / "ca.pem").string()});
    words.insert(words.begin(), (bin_directory() / "winrm").string());
    return test_support::run_command(words);
  }

  Stack stack_;
};

// cli-winrm, section 2.1.
TEST_F(RealWinrm, GetsTheClientSettings) {
  const CommandResult shown = winrm({"get", "winrm/config/client"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_EQ(shown.out,
            "Client\n"
            "    NetworkDelayms = 5000\n"
            "    URLPrefix = wsman\n"
            "    AllowUnencrypted = false [Source=\"GPO\"]\n"
            "    Auth\n"
            "        Basic = true\n"
            "        Digest = true\n"
            "        Kerberos = true\n"
            "        Negotiate = true\n"
            "        Certificate = true\n"
            "        CredSSP = false\n"
            "    DefaultPorts\n"
            "        HTTP = 5985\n"
            "        HTTPS = 5986\n"
            "    TrustedHosts\n");
}

TEST_F(RealWinrm, EnumeratesTheListener) {
  const CommandResult shown = winrm({"e", "winrm/config/listener"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, MatchesRegex("Listener\n"
                                      "    Address = [^\n]+\n"
                                      "    Transport = HTTPS\n"
                                      "    Port = [0-9]+\n"
                                      "    Hostname[^\n]*\n"
                                      "    Enabled = true\n"
                                      "    URLPrefix = wsman\n"
                                      "    CertificateThumbprint = [0-9A-F]+\n"
                                      "    ListeningOn = [^\n]+\n"));
}

// cli-winrm, section 1.5.
TEST_F(RealWinrm, SetsASettingAndSeesIt) {
  const CommandResult changed = winrm({"set", "winrm/config", "@{MaxEnvelopeSizekb=\"600\"}"});
  EXPECT_EQ(changed.status, 0) << changed.err;
  EXPECT_THAT(changed.out, StartsWith("Config\n    MaxEnvelopeSizekb = 600\n"));
  EXPECT_EQ(winrm({"get", "winrm/config"}).out, changed.out);
  EXPECT_EQ(winrm({"invoke", "Restore", "winrm/config", "@{}"}).out, "Restore_OUTPUT\n");
  EXPECT_THAT(winrm({"get", "winrm/config"}).out, Not(HasSubstr("MaxEnvelopeSizekb = 600")));
}

TEST_F(RealWinrm, CreatesChangesAndDeletesAListener) {
  const std::string listener = "winrm/config/listener?Address=IP:127.0.0.1+Transport=HTTP";
  // Disabled, so that it takes no port.
  const CommandResult created = winrm({"create", listener, "@{Port=\"5985\";Enabled=\"false\"}"});
  EXPECT_EQ(created.status, 0) << created.err;
  EXPECT_EQ(created.out,
            "ResourceCreated\n"
            "    Address = http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous\n"
            "    ReferenceParameters\n"
            "        ResourceURI = http://schemas.microsoft.com/wbem/wsman/1/config/listener\n"
            "        SelectorSet\n"
            "            Selector: Address = IP:127.0.0.1, Transport = HTTP\n");
  EXPECT_THAT(winrm({"get", listener}).out, AllOf(HasSubstr("    Port = 5985\n"), HasSubstr("    ListeningOn = null\n")));
  EXPECT_THAT(winrm({"set", listener, "@{Port=\"5999\"}"}).out, HasSubstr("    Port = 5999\n"));
  const CommandResult again = winrm({"create", listener});
  EXPECT_THAT(again.err, HasSubstr("Error number:  -2144108493 0x80338033\n"));
  EXPECT_EQ(again.status, 0x33);
  EXPECT_EQ(winrm({"delete", listener}).out, "");
  EXPECT_EQ(winrm({"delete", listener}).status, 1);
}

TEST_F(RealWinrm, ShowsPluginsInEachFormat) {
  const std::string uri = "winrm/config/plugin?Name=\"Event Forwarding Plugin\"";
  const CommandResult text = winrm({"g", uri});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_EQ(text.out,
            "PlugInConfiguration\n"
            "    Name = Event Forwarding Plugin\n"
            "    Filename = %systemroot%\\system32\\wevtfwd.dll\n"
            "    SDKVersion = 1\n"
            "    XmlRenderingType = text\n"
            "    Enabled = true\n"
            "    Architecture = 64\n"
            "    UseSharedProcess = false\n"
            "    ProcessIdleTimeoutSec = 0\n"
            "    RunAsUser\n"
            "    RunAsPassword\n"
            "    AutoRestart = false\n"
            "    OutputBufferingMode = Block\n"
            "    Resources\n"
            "        Resource\n"
            "            ResourceUri = http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog\n"
            "            SupportsOptions = true\n"
            "            ExactMatch = false\n"
            "            Security\n"
            "                Uri = http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog\n"
            "                ExactMatch = false\n"
            "                Sddl = O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;ER)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)\n"
            "            Capability\n"
            "                Type = Enumerate\n"
            "                SupportsFiltering = true\n"
            "            Capability\n"
            "                Type = Subscribe\n"
            "                SupportsFiltering = true\n"
            "    Quotas\n"
            "        MaxConcurrentUsers = 100\n"
            "        MaxConcurrentOperationsPerUser = 15\n"
            "        MaxConcurrentOperations = 1500\n");
  EXPECT_EQ(winrm({"e", "winrm/config/plugin"}).out, text.out);
  const CommandResult xml = winrm({"g", uri, "-format:xml"});
  EXPECT_THAT(
      xml.out,
      StartsWith("<PlugInConfiguration xmlns=\"http://schemas.microsoft.com/wbem/wsman/1/config/PluginConfiguration\" "
                 "Name=\"Event Forwarding Plugin\" "));
  EXPECT_THAT(winrm({"g", uri, "-format:pretty"}).out,
              HasSubstr("\n            <Capability Type=\"Enumerate\" SupportsFiltering=\"true\"/>\n"));
}

TEST_F(RealWinrm, CreatesChangesAndDeletesAPlugin) {
  const auto file = stack_.write(
      "plugin.xml",
      "<PlugInConfiguration xmlns=\"http://schemas.microsoft.com/wbem/wsman/1/config/PluginConfiguration\" Name=\"Mine\" "
      "Filename=\"%windir%\\system32\\wevtfwd.dll\" SDKVersion=\"1\"><Resources><Resource ResourceUri=\"urn:mine\">"
      "<Capability Type=\"Get\"/></Resource></Resources></PlugInConfiguration>");
  const std::string uri = "winrm/config/plugin?Name=Mine";
  const CommandResult made = winrm({"create", uri, "-file:" + file.string()});
  EXPECT_EQ(made.status, 0) << made.err;
  EXPECT_THAT(made.out, AllOf(StartsWith("ResourceCreated\n"), HasSubstr("            Selector: Name = Mine\n")));
  const CommandResult set = winrm({"set", uri, "@{Enabled=\"false\";AutoRestart=\"true\"}"});
  EXPECT_EQ(set.status, 0) << set.err;
  EXPECT_THAT(set.out, AllOf(HasSubstr("    Enabled = false\n"), HasSubstr("    AutoRestart = true\n")));
  EXPECT_THAT(winrm({"set", uri, "-file:" + file.string()}).out, HasSubstr("    Enabled = false\n"));
  EXPECT_THAT(winrm({"set", uri, "@{Colour=\"red\"}"}).err, HasSubstr("no property Colour"));
  const CommandResult deleted = winrm({"delete", uri});
  EXPECT_EQ(deleted.status, 0) << deleted.err;
  EXPECT_EQ(deleted.out, "");
  EXPECT_THAT(winrm({"create", uri, "@{Filename=\"x\"}"}).err, HasSubstr("0x80338041"));
}

TEST_F(RealWinrm, RestoresTheConfiguration) {
  EXPECT_EQ(winrm({"set", "winrm/config", "@{MaxTimeoutms=\"1000\"}"}).status, 0);
  for (const std::string uri : {"winrm/config/plugin", "winrm/config"}) {
    const CommandResult done = winrm({"invoke", "Restore", uri, "@{}"});
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(done.out, "Restore_OUTPUT\n");
  }
  EXPECT_THAT(winrm({"get", "winrm/config"}).out, HasSubstr("    MaxTimeoutms = 60000\n"));
}

TEST_F(RealWinrm, EditsThePermissionsOfOneResource) {
  const auto editor = stack_.write("editor", "#!/bin/sh\nsed -i 's/(A;;GR;;;ER)/(A;;GR;;;BU)/' \"$1\"\n");
  std::filesystem::permissions(editor, std::filesystem::perms::owner_all);
  const auto edit = [&](const std::string& uri) {
    return test_support::run_command({"env", "MUSTER_STATE=" + stack_.collector_state().string(),
                                      "EDITOR=" + editor.string(), (bin_directory() / "muster").string(), "winrm",
                                      "configsddl", uri});
  };
  for (const std::string uri : {"http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog", "winrm/config/winrs"}) {
    const CommandResult done = edit(uri);
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("(A;;GR;;;BU)"));
  }
  EXPECT_THAT(winrm({"e", "winrm/config/plugin"}).out, HasSubstr("(A;;GR;;;BU)"));
  EXPECT_THAT(winrm({"e", "winrm/config/resource"}).out,
              HasSubstr("ResourceUri = http://schemas.microsoft.com/wbem/wsman/1/config/winrs\n"));
  const CommandResult none = edit("urn:nothing");
  EXPECT_NE(none.status, 0);
  EXPECT_THAT(none.err, HasSubstr("0x803381BF"));
}

TEST_F(RealWinrm, TellsWhyASettingIsRefused) {
  EXPECT_THAT(winrm({"set", "winrm/config/client", "@{AllowUnencrypted=\"true\"}"}).err,
              HasSubstr("Error number:  -2144108406 0x8033808A\n"));
  const CommandResult refused = winrm({"set", "winrm/config/service", "@{MaxConnections=\"99999\"}"});
  EXPECT_EQ(refused.status, 0x41);
  EXPECT_THAT(refused.err,
              AllOf(StartsWith("WSManFault\n    Message = "), HasSubstr("Error number:  -2144108479 0x80338041\n")));
}

// cli-winrm, section 2.2.
TEST_F(RealWinrm, PrintsIndentedXml) {
  EXPECT_EQ(winrm({"get", "winrm/config/client/auth", "-format:pretty"}).out,
            "<cfg:Auth xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config/client/auth\" xml:lang=\"en-US\">\n"
            "    <cfg:Basic>true</cfg:Basic>\n"
            "    <cfg:Digest>true</cfg:Digest>\n"
            "    <cfg:Kerberos>true</cfg:Kerberos>\n"
            "    <cfg:Negotiate>true</cfg:Negotiate>\n"
            "    <cfg:Certificate>true</cfg:Certificate>\n"
            "    <cfg:CredSSP>false</cfg:CredSSP>\n"
            "</cfg:Auth>\n");
}

TEST_F(RealWinrm, SaysWhatIsNotSupported) {
  EXPECT_THAT(winrm({"e", "winrm/config"}).err, HasSubstr("0x80338013"));
  EXPECT_THAT(winrm({"get", "winrm/config/listener"}).err, HasSubstr("0x8033805A"));
  EXPECT_THAT(winrm({"get", "winrm/config?a=b"}).err, HasSubstr("0x8033805B"));
  EXPECT_THAT(winrm({"get", "winrm/config", "-fragment:Client"}).err, HasSubstr("0x80338077"));
  EXPECT_THAT(winrm({"get", "winrm/nothing"}).err, HasSubstr("0x8033803B"));
}

constexpr const char* kLog = "urn:muster:wsman:1:log";

// cli-winrm, section 2.1: a fragment is a block of its own.
TEST_F(RealWinrm, GetsAndSetsAFragment) {
  const std::string log = std::string(kLog) + "?Name=ForwardedEvents";
  const CommandResult got = winrm({"get", log, "-fragment:Name"});
  EXPECT_EQ(got.status, 0) << got.err;
  EXPECT_EQ(got.out, "XmlFragment\n    Name = ForwardedEvents\n");
  const CommandResult set = winrm({"set", log, "-fragment:MaxRecords", "@{MaxRecords=\"5000\"}"});
  EXPECT_EQ(set.status, 0) << set.err;
  EXPECT_EQ(set.out, "XmlFragment\n    MaxRecords = 5000\n");
  EXPECT_THAT(winrm({"get", log}).out, HasSubstr("\n    MaxRecords = 5000\n"));
  const CommandResult whole = winrm({"get", log, "-fragment:/Log/Name/text()", "-format:xml"});
  EXPECT_THAT(whole.out, AllOf(HasSubstr("XmlFragment"), HasSubstr(">ForwardedEvents<")));
}

TEST_F(RealWinrm, TellsWhyAFragmentIsRefused) {
  const std::string log = std::string(kLog) + "?Name=ForwardedEvents";
  EXPECT_THAT(winrm({"get", log, "-fragment://Name"}).err, HasSubstr("\nError number:  -2144108397 0x80338093\n"));
  EXPECT_THAT(winrm({"get", log, "-fragment:Name", "-dialect:urn:odd"}).err,
              HasSubstr("\nError number:  -2144108400 0x80338090\n"));
  EXPECT_THAT(winrm({"get", "winrm/config/client", "-fragment:URLPrefix"}).err,
              HasSubstr("\nError number:  -2144108425 0x80338077\n"));
}

TEST_F(RealWinrm, FiltersInEveryDialect) {
  const CommandResult wql = winrm({"e", kLog, "-filter:select Name, Enabled from Log where Name like 'forwarded%'"});
  EXPECT_EQ(wql.status, 0) << wql.err;
  EXPECT_EQ(wql.out, "XmlFragment\n    Enabled = true\n    Name = ForwardedEvents\n");
  const CommandResult selector = winrm({"e", kLog, "-dialect:selector", "-filter:{Name=\"ForwardedEvents\"}"});
  EXPECT_EQ(selector.status, 0) << selector.err;
  EXPECT_THAT(selector.out,
              AllOf(StartsWith("Log\n    Name = ForwardedEvents\n"), Not(HasSubstr("Operational\n    Enabled"))));
  const CommandResult xpath = winrm({"e", kLog, "-dialect:http://www.w3.org/TR/1999/REC-xpath-19991116",
                                     "-filter:Name='ForwardedEvents' and RecordCount=0", "-returntype:epr"});
  EXPECT_EQ(xpath.status, 0) << xpath.err;
  EXPECT_EQ(xpath.out,
            "EndpointReference\n"
            "    Address = http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous\n"
            "    ReferenceParameters\n"
            "        ResourceURI = urn:muster:wsman:1:log\n"
            "        SelectorSet\n"
            "            Selector: Name = ForwardedEvents\n");
  EXPECT_EQ(winrm({"e", kLog, "-filter:select * from Log where Name = 'none'"}).out, "");
}

TEST_F(RealWinrm, EnumeratesInstancesWithTheirReferences) {
  const CommandResult both =
      winrm({"e", kLog, "-returntype:objectandepr", "-filter:select * from Log where Name = 'ForwardedEvents'"});
  EXPECT_EQ(both.status, 0) << both.err;
  EXPECT_THAT(both.out,
              AllOf(StartsWith("Item\n    Log\n        Name = ForwardedEvents\n"), HasSubstr("\n    EndpointReference\n"),
                    HasSubstr("\n                Selector: Name = ForwardedEvents\n")));
}

TEST_F(RealWinrm, TellsWhyAnEnumerationIsRefused) {
  EXPECT_THAT(winrm({"e", kLog, "-shallow"}).err, HasSubstr("\nError number:  -2144108233 0x80338137\n"));
  EXPECT_THAT(winrm({"e", kLog, "-basepropertiesonly"}).err, HasSubstr("\nError number:  -2144108233 0x80338137\n"));
  EXPECT_THAT(winrm({"e", kLog, "-filter:select"}).err, HasSubstr("\nError number:  -2144108518 0x8033801A\n"));
  EXPECT_THAT(winrm({"e", kLog, "-dialect:urn:odd", "-filter:x"}).err,
              HasSubstr("\nError number:  -2144108519 0x80338019\n"));
  EXPECT_THAT(
      winrm({"e", kLog, "-dialect:association", "-associations", "-filter:{object=wmicimv2/Win32_Service?Name=dbus}"}).err,
      HasSubstr("\nError number:  -2144108519 0x80338019\n"));
  EXPECT_THAT(winrm({"e", "winrm/config/listener", "-filter:x", "-dialect:urn:odd"}).err,
              HasSubstr("\nError number:  -2144108520 0x80338018\n"));
}

TEST_F(RealWinrm, ReachesACollectorOverTheNetwork) {
  stack_.issue(kHost);
  const CommandResult known = winrm_from(kHost, {"id"});
  EXPECT_EQ(known.status, 0) << known.err;
  EXPECT_THAT(known.out, HasSubstr("Stack: 3.0\n"));
  const CommandResult denied = winrm_from(kHost, {"get", "winrm/config", "-encoding:utf-16"});
  EXPECT_EQ(denied.status, 5);
  EXPECT_THAT(denied.err, HasSubstr("Error number:  -2147024891 0x80070005\nAccess is denied.\n"));
}

TEST_F(RealWinrm, ObeysTheClientSettingsOfTheService) {
  ASSERT_EQ(winrm({"set", "winrm/config/client/auth", "@{Basic=\"false\"}"}).status, 0);
  const CommandResult refused = test_support::run_command({"env", "MUSTER_STATE=" + stack_.collector_state().string(),
                                                           (bin_directory() / "winrm").string(), "get", "winrm/config",
                                                           "-r:" + stack_.url(), "-auth:basic", "-u:alice", "-p:x"});
  EXPECT_THAT(refused.err, HasSubstr("0x803380DF"));
}

}  // namespace
}  // namespace integration
