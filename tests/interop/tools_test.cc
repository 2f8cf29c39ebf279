// Our own tools as clients from another machine: what they do on the control socket, they do over the network.
//
// Source of the expected values: cli-winrm, sections 1 and 2; wevtutil, section 2; wecutil, section 2; winrm-config,
// section 3.2.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "tests/interop/service.h"
#include "tests/support/run.h"

namespace interop {
namespace {

using test_support::CommandResult;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

using Words = std::vector<std::string>;

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

class Tools : public ::testing::TestWithParam<std::string> {
 protected:
  std::string host() const { return "localhost:" + std::to_string(service_.https_port()); }
  std::string plain_host() const { return "localhost:" + std::to_string(service_.http_port()); }
  Words winrm_switches() const { return {"-r:https://" + host() + "/wsman", "-ca:" + service_.authority().string()}; }
  Words as_alice() const { return winrm_switches() + Words{"-a:Basic", "-u:alice", std::string("-p:") + kPassword}; }
  Words as_host() const { return winrm_switches() + Words{"-c:" + service_.certificate().string()}; }
  /// The options of wevtutil and wecutil.
  Words slash_alice() const {
    return {"/r:" + host(), "/a:basic", "/u:alice", std::string("/p:") + kPassword,
            "--cacert=" + service_.authority().string()};
  }
  Words slash_host() const {
    return {"/r:https://" + host(), "--certificate=" + service_.certificate().string(),
            "--cacert=" + service_.authority().string()};
  }

  CommandResult away(Words words, const std::string& input = {}) const { return Service::stranger(std::move(words), input); }
  CommandResult winrm(Words words, const std::string& input = {}) const { return away(Words{"winrm"} + words, input); }

  Service service_{GetParam()};
};

// cli-winrm, section 2.1, each line over the network.
TEST_P(Tools, WinrmShowsTheClientSettingsAsDocumented) {
  const std::string documented =
      "Client\n"
      "    NetworkDelayms = 5000\n"
      "    URLPrefix = wsman\n"
      "    AllowUnencrypted = false\n"
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
      "    TrustedHosts\n";
  for (const Words& who : {as_alice(), as_host()}) {
    const CommandResult shown = winrm(Words{"get", "winrm/config/client"} + who);
    EXPECT_EQ(shown.status, 0) << shown.err;
    EXPECT_EQ(shown.out, documented);
  }
}

TEST_P(Tools, WinrmListsTheListenersAsDocumented) {
  const CommandResult shown = winrm(Words{"e", "winrm/config/listener"} + as_alice());
  EXPECT_EQ(shown.status, 0) << shown.err;
  const std::string rest =
      "    Port = [0-9]+\n"
      "    Hostname[^\n]*\n"
      "    Enabled = true\n"
      "    URLPrefix = wsman\n"
      "    CertificateThumbprint[^\n]*\n"
      "    ListeningOn = 127.0.0.1\n";
  EXPECT_THAT(shown.out, MatchesRegex("Listener\n    Address = IP:127.0.0.1\n    Transport = HTTPS\n" + rest +
                                      "\nListener\n    Address = IP:127.0.0.1\n    Transport = HTTP\n" + rest));
}

TEST_P(Tools, WinrmCreatesAnHttpsListenerAsDocumented) {
  const std::string listeners = winrm(Words{"e", "winrm/config/listener"} + as_alice()).out;
  std::smatch thumbprint;
  ASSERT_TRUE(std::regex_search(listeners, thumbprint, std::regex("CertificateThumbprint = ([0-9A-F]{40})"))) << listeners;
  const std::string resource = "winrm/config/listener?Address=*+Transport=HTTPS";
  // Disabled, so that it takes no port.
  const CommandResult created =
      winrm(Words{"create", resource,
                  "@{Hostname=\"localhost\";CertificateThumbprint=\"" + thumbprint[1].str() + "\";Enabled=\"false\"}"} +
            as_alice());
  EXPECT_EQ(created.status, 0) << created.err;
  EXPECT_EQ(created.out,
            "ResourceCreated\n"
            "    Address = http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous\n"
            "    ReferenceParameters\n"
            "        ResourceURI = http://schemas.microsoft.com/wbem/wsman/1/config/listener\n"
            "        SelectorSet\n"
            "            Selector: Address = *, Transport = HTTPS\n");
  const CommandResult removed = winrm(Words{"delete", resource} + as_alice());
  EXPECT_EQ(removed.status, 0) << removed.err;
  EXPECT_EQ(removed.out, "");
}

TEST_P(Tools, WinrmIdentifiesAsDocumented) {
  const CommandResult stranger = winrm(Words{"id", "-auth:none"} + winrm_switches());
  EXPECT_EQ(stranger.status, 0) << stranger.err;
  EXPECT_EQ(stranger.out,
            "IdentifyResponse\n"
            "    ProtocolVersion = http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\n"
            "    ProductVendor = Muster\n"
            "    ProductVersion = OS: 0.0.0 SP: 0.0 Stack: 3.0\n");
  EXPECT_EQ(winrm({"id", "-r:http://" + plain_host(), "-auth:none"}).out, stranger.out);
  EXPECT_THAT(winrm(Words{"id"} + as_alice()).out,
              AllOf(HasSubstr("secprofile/https/basic"), HasSubstr("secprofile/https/mutual")));
}

// Sections 1.5 and 2.2.
TEST_P(Tools, WinrmSetsAndPrintsXmlAsDocumented) {
  EXPECT_THAT(winrm(Words{"set", "winrm/config", "@{MaxEnvelopeSizekb=\"500\"}"} + as_alice()).out,
              StartsWith("Config\n    MaxEnvelopeSizekb = 500\n"));
  EXPECT_EQ(winrm(Words{"get", "winrm/config/client/auth", "-format:pretty", "-encoding:utf-16"} + as_alice()).out,
            "<cfg:Auth xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config/client/auth\" xml:lang=\"en-US\">\n"
            "    <cfg:Basic>true</cfg:Basic>\n"
            "    <cfg:Digest>true</cfg:Digest>\n"
            "    <cfg:Kerberos>true</cfg:Kerberos>\n"
            "    <cfg:Negotiate>true</cfg:Negotiate>\n"
            "    <cfg:Certificate>true</cfg:Certificate>\n"
            "    <cfg:CredSSP>false</cfg:CredSSP>\n"
            "</cfg:Auth>\n");
}

// Section 2.3.
TEST_P(Tools, WinrmPrintsAFaultAsDocumented) {
  const CommandResult failed = winrm(Words{"get", "winrm/config/listener?Address=*+Transport=HTTP"} + as_alice());
  EXPECT_EQ(failed.status, 1);
  EXPECT_THAT(failed.err,
              AllOf(StartsWith("WSManFault\n    Message = "), HasSubstr("\n\nError number:  -2144108544 0x80338000\n")));
  const CommandResult wmi = winrm(Words{"invoke", "StartService", "wmicimv2/Win32_Service?Name=spooler"} + as_alice());
  EXPECT_THAT(wmi.err, HasSubstr("\n\nError number:  -2144108485 0x8033803B\n"));
}

TEST_P(Tools, WinrmAsksForThePassword) {
  const Words words = Words{"get", "winrm/config/client/auth"} + winrm_switches() + Words{"-a:Basic", "-u:alice"};
  const CommandResult shown = winrm(words, std::string(kPassword) + "\n");
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_EQ(shown.err, "Password for alice: \n");
  const CommandResult refused = winrm(words, "wrong\n");
  EXPECT_EQ(refused.status, 5);
  EXPECT_THAT(refused.err, HasSubstr("Error number:  -2147024891 0x80070005\nAccess is denied.\n"));
}

TEST_P(Tools, ObeyTheClientSettingsOfTheirMachine) {
  const auto here = [&](const Words& words) { return service_.tool(words); };
  const std::string port = std::to_string(service_.https_port());
  const Words who{"-a:Basic", "-u:alice", std::string("-p:") + kPassword};
  const Words tls =
      Words{"winrm", "get", "winrm/config", "-r:localhost", "-ssl", "-ca:" + service_.authority().string()} + who;
  service_.set("winrm/config/client/defaultports",
               "@{HTTPS=\"" + port + "\";HTTP=\"" + std::to_string(service_.http_port()) + "\"}");
  EXPECT_EQ(here(tls).status, 0) << here(tls).err;
  EXPECT_EQ(here(Words{"wevtutil", "el", "/r:localhost", "--cacert=" + service_.authority().string(), "/a:Basic", "/u:alice",
                       std::string("/p:") + kPassword})
                .status,
            0);
  service_.set("winrm/config/client", "@{URLPrefix=\"elsewhere\"}");
  EXPECT_THAT(here(tls).err, HasSubstr("0x80338113"));  // HTTP status 404
  service_.set("winrm/config/client", "@{URLPrefix=\"wsman\"}");

  const Words plain = Words{"winrm", "get", "winrm/config", "-r:localhost"} + who;
  EXPECT_THAT(here(plain).err, HasSubstr("Error number:  -2144108322 0x803380DE\n"));  // 2150858974
  service_.set("winrm/config/client", "@{AllowUnencrypted=\"true\"}");
  EXPECT_THAT(here(plain).err, HasSubstr("0x803380E4\n"));  // 2150858980
  service_.set("winrm/config/client", "@{TrustedHosts=\"localhost\"}");
  EXPECT_EQ(here(plain).status, 5);
  service_.set("winrm/config/service", "@{AllowUnencrypted=\"true\"}");
  EXPECT_EQ(here(plain).status, 0) << here(plain).err;
  service_.set("winrm/config/client/auth", "@{Basic=\"false\"}");
  EXPECT_THAT(here(plain).err, HasSubstr("0x803380DF\n"));  // 2150858975
  service_.set("winrm/config/client/auth", "@{Certificate=\"false\"}");
  EXPECT_THAT(here(Words{"winrm", "get", "winrm/config"} + as_host()).err, HasSubstr("0x803380E3\n"));  // 2150858979
}

TEST_P(Tools, WevtutilReadsAndManagesLogs) {
  const std::string own = "Muster/Operational";
  for (const Words& who : {slash_alice(), slash_host()}) {
    const auto wevtutil = [&](const Words& words) { return away(Words{"wevtutil"} + words + who); };
    const CommandResult logs = wevtutil({"el"});
    EXPECT_EQ(logs.status, 0) << logs.err;
    EXPECT_THAT(logs.out, HasSubstr(own + "\n"));
    // The log is there from the start; its first events follow within a moment.
    EXPECT_TRUE(test_support::eventually([&] { return wevtutil({"qe", own, "/c:1"}).out.starts_with("<Event "); }));
    EXPECT_THAT(wevtutil({"gl", own}).out, HasSubstr("name: " + own + "\n"));
    EXPECT_THAT(wevtutil({"gli", own}).out, HasSubstr("numberOfLogRecords: "));
    EXPECT_EQ(wevtutil({"sl", own, "/ms:2097152"}).status, 0);
    EXPECT_THAT(wevtutil({"gl", own}).out, HasSubstr("maxSize: 2097152\n"));
    EXPECT_THAT(wevtutil({"ep"}).out, HasSubstr("Muster"));
    EXPECT_EQ(wevtutil({"stats", own}).status, 0);
    const test_support::TemporaryDirectory files;
    const std::string target = (files.path() / "own.mlog").string();
    EXPECT_EQ(wevtutil({"epl", own, target}).status, 0);
    EXPECT_THAT(away({"wevtutil", "qe", target, "/lf:true", "/c:1"}).out, StartsWith("<Event "));
    EXPECT_EQ(wevtutil({"gl", "No Such Log"}).status, 15007 % 256);
  }
}

TEST_P(Tools, WevtutilAsksForThePasswordAndSaysWhatIsWrong) {
  Words who = slash_alice();
  who[3] = "/p:*";
  const CommandResult asked = away(Words{"wevtutil", "el"} + who, std::string(kPassword) + "\n");
  EXPECT_EQ(asked.status, 0) << asked.err;
  who[3] = "/p:wrong";
  const CommandResult refused = away(Words{"wevtutil", "el"} + who);
  EXPECT_EQ(refused.status, 5);
  EXPECT_THAT(refused.err, HasSubstr("Failed to open channel enumeration.\nAccess is denied. (5)\n"));
  who[0] = "/r:localhost:1";
  EXPECT_EQ(away(Words{"wevtutil", "el"} + who).status, 1722 % 256);
  EXPECT_EQ(away({"wevtutil", "el", "/r:" + host(), "/p:x", "/a:basic"}).status, 87);
  EXPECT_EQ(away({"wevtutil", "el", "/u:alice"}).status, 87);
  EXPECT_EQ(away({"wevtutil", "el", "/r:" + host(), "/u:alice", "/p:x", "/a:kerberos"}).status, 50);
}

TEST_P(Tools, UsersAreManagedFromElsewhere) {
  EXPECT_EQ(
      away(Words{"user", "add", "carol", "--group", "Event Log Readers", "--group=RM"} + slash_alice(), "secret\n").status,
      0);
  EXPECT_EQ(away(Words{"user", "list"} + slash_host()).out, "alice: Administrators\nbob\ncarol: Event Log Readers, RM\n");
  EXPECT_THAT(away(Words{"user", "list", "--json"} + slash_alice()).out,
              HasSubstr("{\"Name\":\"carol\",\"Groups\":[\"Event Log Readers\",\"RM\"]}\n"));
  EXPECT_EQ(away(Words{"user", "remove", "CAROL"} + slash_alice()).status, 0);
  const CommandResult unknown = service_.tool({"user", "remove", "carol"});
  EXPECT_NE(unknown.status, 0);
  EXPECT_THAT(unknown.err, HasSubstr("There is no user carol.\n\nFailed to remove the user carol.\n"));
  EXPECT_THAT(service_.tool({"user", "add", "alice"}, "x\n").err, HasSubstr("There is a user alice already."));
  EXPECT_EQ(service_.tool({"user", "add", "dave"}, "\n").status, 87);
  EXPECT_EQ(service_.tool({"user", "add", "d:ave"}, "x\n").status, 87);
}

const auto kNameOf = [](const auto& test) { return test.param.substr(test.param.find('-') + 1); };
INSTANTIATE_TEST_SUITE_P(Both, Tools, ::testing::Values("muster-collector", "muster-forwarder"), kNameOf);

class CollectorTools : public Tools {};

TEST_P(CollectorTools, WecutilManagesSubscriptions) {
  const test_support::TemporaryDirectory files;
  const auto file = files.write(
      "s.xml",
      "<Subscription xmlns=\"http://schemas.microsoft.com/2006/03/windows/events/subscription\"><SubscriptionId>base"
      "</SubscriptionId><SubscriptionType>SourceInitiated</SubscriptionType><Enabled>true</Enabled><Uri>"
      "http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog</Uri><ConfigurationMode>Normal</ConfigurationMode><Query>"
      "<![CDATA[<QueryList><Query Id='0'><Select Path='System'>*</Select></Query></QueryList>]]></Query><TransportName>https"
      "</TransportName><LogFile>ForwardedEvents</LogFile><AllowedSourceNonDomainComputers><AllowedIssuerCAList><IssuerCA>"
      "0123456789ABCDEF0123456789ABCDEF01234567</IssuerCA></AllowedIssuerCAList><AllowedSubjectList><Subject>*</Subject>"
      "</AllowedSubjectList></AllowedSourceNonDomainComputers></Subscription>");
  for (const Words& who : {slash_alice(), slash_host()}) {
    const auto wecutil = [&](const Words& words) {
      Words all = Words{"wecutil"} + words + who;
      // gs has a /u of its own, ss a --username.
      if (words[0] == "gs") std::ranges::replace(all, "/u:alice", "--username=alice");
      return away(all);
    };
    const CommandResult created = wecutil({"cs", file.string()});
    EXPECT_EQ(created.status, 0) << created.err;
    EXPECT_EQ(wecutil({"es"}).out, "base\n");
    EXPECT_THAT(wecutil({"gs", "base"}).out, HasSubstr("Subscription Id: base\n"));
    EXPECT_EQ(wecutil({"ss", "base", "/e:false"}).status, 0);
    EXPECT_THAT(wecutil({"gs", "base", "/f:xml"}).out, HasSubstr("<Enabled>false</Enabled>"));
    EXPECT_EQ(wecutil({"gr", "base"}).status, 0);
    EXPECT_EQ(wecutil({"ds", "base"}).status, 0);
    EXPECT_EQ(wecutil({"es"}).out, "");
  }
}

INSTANTIATE_TEST_SUITE_P(Only, CollectorTools, ::testing::Values("muster-collector"));

}  // namespace
}  // namespace interop
