#include "cli/winrm.h"

#include <gmock/gmock.h>

#include "cli/winrm_arguments.h"
#include "cli/winrm_help.h"
#include "engine/base/utf16.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "tests/cli/winrm_world.h"
#include "tests/support/temporary_directory.h"

namespace cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Winrm : public testing::Test {
 protected:
  ToolRun winrm(std::vector<std::string> words, std::string input = {}) {
    return world_.winrm(std::move(words), std::move(input));
  }
  void add_service() {
    wsman::Item item;
    item.xml =
        "<p:Win32_Service xmlns:p=\"http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Service\" "
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:cim=\"http://schemas.dmtf.org/wbem/wscim/1/common\" "
        "xsi:type=\"p:Win32_Service_Type\"><p:Description xsi:nil=\"true\"/><p:InstallDate>"
        "<cim:Datetime>2024-05-01T10:00:00Z</cim:Datetime></p:InstallDate><p:Name>spooler</p:Name>"
        "<p:State>Running</p:State></p:Win32_Service>";
    item.selectors.push_back(wsman::Selector{"Name", "spooler", {}});
    world_.services.items.push_back(std::move(item));
  }

  test_support::TemporaryDirectory directory_;
  WinrmWorld world_;
};

// cli-winrm, section 2.1: the documented lines.
TEST_F(Winrm, GetPrintsTheClientSettingsAsDocumented) {
  const ToolRun shown = winrm({"get", "winrm/config/client"});
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

TEST_F(Winrm, EnumeratePrintsListenersAsDocumented) {
  const ToolRun shown = winrm({"e", "winrm/config/listener"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_EQ(shown.out,
            "Listener\n"
            "    Address = *\n"
            "    Transport = HTTP\n"
            "    Port = 5985\n"
            "    Hostname\n"
            "    Enabled = true\n"
            "    URLPrefix = wsman\n"
            "    CertificateThumbprint\n"
            "    ListeningOn = 127.0.0.1, 192.0.2.10, ::1\n");
}

TEST_F(Winrm, CreatePrintsTheReferenceAsDocumented) {
  const ToolRun created = winrm({"create", "winrm/config/listener?Address=*+Transport=HTTPS",
                                 "@{Hostname=\"h\";CertificateThumbprint=\"0123456789012345678901234567890123456789\"}"});
  EXPECT_EQ(created.status, 0) << created.err;
  EXPECT_EQ(created.out,
            "ResourceCreated\n"
            "    Address = http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous\n"
            "    ReferenceParameters\n"
            "        ResourceURI = http://schemas.microsoft.com/wbem/wsman/1/config/listener\n"
            "        SelectorSet\n"
            "            Selector: Address = *, Transport = HTTPS\n");
  ASSERT_EQ(world_.listeners.items.size(), 2u);
  EXPECT_EQ(world_.sent->body,
            "<p:listener xmlns:p=\"http://schemas.microsoft.com/wbem/wsman/1/config/listener\"><p:Hostname>h</p:Hostname>"
            "<p:CertificateThumbprint>0123456789012345678901234567890123456789</p:CertificateThumbprint></p:listener>");
}

TEST_F(Winrm, InvokePrintsTheOutputAsDocumented) {
  world_.services.methods = [](const std::string& method, xml::Element body) -> wsman::Result<std::string> {
    EXPECT_EQ(method, "StartService");
    EXPECT_EQ(body.local_name(), "StartService_INPUT");
    EXPECT_EQ(body.namespace_uri(), "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Service");
    return "<p:StartService_OUTPUT xmlns:p=\"" + std::string(body.namespace_uri()) +
           "\"><p:ReturnValue>0</p:ReturnValue></p:StartService_OUTPUT>";
  };
  const ToolRun invoked = winrm({"invoke", "StartService", "wmicimv2/Win32_Service?Name=spooler"});
  EXPECT_EQ(invoked.status, 0) << invoked.err;
  EXPECT_EQ(invoked.out, "StartService_OUTPUT\n    ReturnValue = 0\n");
  ASSERT_EQ(world_.sent->headers.selectors.size(), 1u);
  EXPECT_EQ(world_.sent->headers.selectors[0].value, "spooler");
}

TEST_F(Winrm, IdPrintsWhoServesAsDocumented) {
  const ToolRun shown = winrm({"id", "-r:host", "-auth:none"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_EQ(shown.out,
            "IdentifyResponse\n"
            "    ProtocolVersion = http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\n"
            "    ProductVendor = Microsoft Corporation\n"
            "    ProductVersion = OS: 0.0.0 SP: 0.0 Stack: 3.0\n");
  EXPECT_EQ(world_.plan->scheme, "None");
  EXPECT_EQ(world_.sent->headers.action, "");
}

// cli-winrm, section 2.2; the root has the language of the message.
TEST_F(Winrm, GetPrintsIndentedXmlAsDocumented) {
  const ToolRun shown = winrm({"get", "winrm/config/service/defaultports", "-format:#pretty"});
  EXPECT_EQ(shown.out,
            "<cfg:DefaultPorts xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config/service/defaultports\" "
            "xml:lang=\"en-US\">\n"
            "    <cfg:HTTP>5985</cfg:HTTP>\n"
            "    <cfg:HTTPS>5986</cfg:HTTPS>\n"
            "</cfg:DefaultPorts>\n");
}

TEST_F(Winrm, GetPrintsXmlOnOneLine) {
  EXPECT_EQ(winrm({"get", "winrm/config/service/defaultports", "-f:xml"}).out,
            "<cfg:DefaultPorts xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config/service/defaultports\" "
            "xml:lang=\"en-US\"><cfg:HTTP>5985</cfg:HTTP><cfg:HTTPS>5986</cfg:HTTPS></cfg:DefaultPorts>\n");
}

TEST_F(Winrm, EnumerateFramesTheItemsOfXml) {
  const ToolRun shown = winrm({"enumerate", "winrm/config/listener", "-format:pretty"});
  EXPECT_THAT(shown.out,
              StartsWith("<wsman:Results xmlns:wsman=\"http://schemas.dmtf.org/wbem/wsman/1/wsman/results\">\n"
                         "    <cfg:Listener xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config/listener\""));
  EXPECT_THAT(shown.out, AllOf(HasSubstr(" xml:lang=\"en-US\">\n        <cfg:Address>*</cfg:Address>\n"),
                               HasSubstr("        <cfg:Hostname></cfg:Hostname>\n"),
                               EndsWith("    </cfg:Listener>\n</wsman:Results>\n")));
}

TEST_F(Winrm, EnumerateSeparatesItemsByAnEmptyLine) {
  ASSERT_EQ(winrm({"c", "winrm/config/listener?Address=*+Transport=HTTPS"}).status, 0);
  EXPECT_THAT(winrm({"e", "winrm/config/listener"}).out, HasSubstr("::1\n\nlistener\n"));
}

TEST_F(Winrm, EnumeratePrintsReferences) {
  const ToolRun shown = winrm({"e", "winrm/config/listener", "-returntype:epr"});
  EXPECT_EQ(shown.out,
            "EndpointReference\n"
            "    Address = http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous\n"
            "    ReferenceParameters\n"
            "        ResourceURI = http://schemas.microsoft.com/wbem/wsman/1/config/listener\n"
            "        SelectorSet\n"
            "            Selector: Address = *, Transport = HTTP\n");
  EXPECT_THAT(winrm({"e", "winrm/config/listener", "-returntype:objectandepr"}).out,
              AllOf(StartsWith("Item\n    Listener\n        Address = *\n"), HasSubstr("\n    EndpointReference\n")));
}

TEST_F(Winrm, PrintsNullsDatesAndNoTypes) {
  add_service();
  EXPECT_EQ(winrm({"g", "wmicimv2/Win32_Service?Name=spooler"}).out,
            "Win32_Service\n"
            "    Description = null\n"
            "    InstallDate\n"
            "        Datetime = 2024-05-01T10:00:00Z\n"
            "    Name = spooler\n"
            "    State = Running\n");
}

TEST_F(Winrm, PrintsJsonAsAnExtension) {
  EXPECT_EQ(winrm({"get", "winrm/config/service/defaultports", "--json"}).out, "{\"HTTP\":\"5985\",\"HTTPS\":\"5986\"}\n");
  EXPECT_THAT(
      winrm({"e", "winrm/config/listener", "-format:json"}).out,
      AllOf(StartsWith("{\"Address\":\"*\","), EndsWith("\"ListeningOn\":[\"127.0.0.1\",\"192.0.2.10\",\"::1\"]}\n")));
}

TEST_F(Winrm, SetChangesWhatIsNamedAndSendsTheRestBack) {
  const ToolRun changed = winrm({"set", "winrm/config", "@{MaxEnvelopeSizekb=\"1000\"}"});
  EXPECT_EQ(changed.status, 0) << changed.err;
  EXPECT_THAT(changed.out, StartsWith("Config\n    MaxEnvelopeSizekb = 1000\n    MaxTimeoutms = 60000\n    Client\n"));
  EXPECT_THAT(world_.config.items[0].xml, AllOf(HasSubstr("<cfg:MaxEnvelopeSizekb>1000</cfg:MaxEnvelopeSizekb>"),
                                                HasSubstr("<cfg:NetworkDelayms>5000</cfg:NetworkDelayms>")));
}

TEST_F(Winrm, SetWritesNoValueAsNil) {
  ASSERT_EQ(winrm({"put", "winrm/config", "@{MaxTimeoutms=$null}"}).status, 0);
  EXPECT_THAT(winrm({"get", "winrm/config"}).out, HasSubstr("    MaxTimeoutms = null\n"));
}

TEST_F(Winrm, SetRefusesNamesThatAreNotThere) {
  const ToolRun wrong = winrm({"set", "winrm/config", "@{maxenvelopesizekb=\"1\"}"});
  EXPECT_EQ(wrong.status, 87);
  EXPECT_THAT(wrong.err, HasSubstr("no property maxenvelopesizekb"));
  EXPECT_THAT(winrm({"set", "winrm/config", "@{Client=\"1\"}"}).err, HasSubstr("parts of its own"));
  EXPECT_THAT(winrm({"set", "winrm/config/listener?Address=*+Transport=HTTP", "@{ListeningOn=\"1\"}"}).err,
              HasSubstr("more than one property"));
}

TEST_F(Winrm, SetTakesADocumentFromAFileOrFromStandardInput) {
  const std::string document =
      "<?xml version=\"1.0\"?><p:DefaultPorts "
      "xmlns:p=\"http://schemas.microsoft.com/wbem/wsman/1/config/service/defaultports\">"
      "<p:HTTP>80</p:HTTP></p:DefaultPorts>";
  const auto path = directory_.write("ports.xml", base::utf8_to_utf16le_with_mark(document));
  EXPECT_EQ(winrm({"set", "winrm/config/service/defaultports", "-file:" + path.string()}).out,
            "DefaultPorts\n    HTTP = 80\n");
  EXPECT_EQ(winrm({"set", "winrm/config/service/defaultports"}, document).out, "DefaultPorts\n    HTTP = 80\n");
  EXPECT_EQ(winrm({"set", "winrm/config/service/defaultports", "-file:-"}, document).status, 0);
}

TEST_F(Winrm, SaysWhatIsWrongWithInput) {
  EXPECT_THAT(winrm({"set", "winrm/config"}).err, HasSubstr("Error: set needs @{"));
  const ToolRun missing = winrm({"set", "winrm/config", "-file:no-such-file.xml"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, StartsWith("Error: "));
  const ToolRun broken = winrm({"set", "winrm/config"}, "<a>");
  EXPECT_EQ(broken.status, 13);
  EXPECT_THAT(winrm({"create", "a/b", "@{wmi:x=\"1\"}"}).err, HasSubstr("cannot be that of a property"));
}

TEST_F(Winrm, DeletePrintsNothing) {
  const ToolRun deleted = winrm({"delete", "winrm/config/listener?Address=*+Transport=HTTP"});
  EXPECT_EQ(deleted.status, 0);
  EXPECT_EQ(deleted.out + deleted.err, "");
  EXPECT_TRUE(world_.listeners.items.empty());
}

TEST_F(Winrm, InvokeSendsAnEmptyInputForAnEmptyList) {
  world_.config.methods = [](const std::string& method, xml::Element body) -> wsman::Result<std::string> {
    EXPECT_EQ(method, "Restore");
    EXPECT_EQ(body.child_count(), 0u);
    return std::string("<cfg:Restore_OUTPUT xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config\"/>");
  };
  EXPECT_EQ(winrm({"invoke", "Restore", "winrm/config", "@{}"}).out, "Restore_OUTPUT\n");
  EXPECT_EQ(winrm({"i", "http://schemas.microsoft.com/wbem/wsman/1/config/Restore", "winrm/config"}).status, 0);
  EXPECT_EQ(world_.sent->headers.action, "http://schemas.microsoft.com/wbem/wsman/1/config/Restore");
}

TEST_F(Winrm, SendsOptionsFragmentsAndTimeouts) {
  winrm({"get", "winrm/config", "-options:{a=\"1\";b=$null}", "-fragment:Client/Auth", "-dialect:urn:x", "-timeout:5000"});
  const wsman::Headers& headers = world_.sent->headers;
  ASSERT_EQ(headers.options.size(), 2u);
  EXPECT_EQ(headers.options[0].value, "1");
  EXPECT_TRUE(headers.options[1].nil);
  ASSERT_TRUE(headers.fragment);
  EXPECT_EQ(headers.fragment->path, "Client/Auth");
  EXPECT_EQ(headers.fragment->dialect, "urn:x");
  EXPECT_EQ(headers.operation_timeout, std::chrono::seconds(5));
}

TEST_F(Winrm, SendsFiltersAndModes) {
  winrm({"e", "wmicimv2/*", "-filter:select * from Win32_Service where State='Running'", "-shallow"});
  EXPECT_THAT(world_.sent->body,
              HasSubstr("<w:Filter Dialect=\"http://schemas.microsoft.com/wbem/wsman/1/WQL\">"
                        "select * from Win32_Service where State='Running'</w:Filter><b:PolymorphismMode>None"));
  winrm({"e", "wmicimv2/*", "-dialect:selector", "-filter:{State=\"Running\"}", "-basepropertiesonly"});
  EXPECT_THAT(world_.sent->body,
              AllOf(HasSubstr("<w:Selector Name=\"State\">Running</w:Selector>"), HasSubstr("ExcludeSubClassProperties")));
}

TEST_F(Winrm, WantsAStarWhereWqlNamesTheClass) {
  const ToolRun refused = winrm({"e", "wmicimv2/Win32_Service", "-filter:select * from Win32_Service"});
  EXPECT_THAT(refused.err, HasSubstr("\"*\""));
  EXPECT_EQ(refused.status, 2150859003u % 256);
}

// cli-winrm, section 2.3.
TEST_F(Winrm, PrintsAFaultAsDocumented) {
  const ToolRun failed = winrm({"get", "winrm/config/listener?Address=*+Transport=HTTPS"});
  EXPECT_EQ(failed.status, 1);  // 2150858752 modulo 256 is 0
  EXPECT_EQ(failed.out, "");
  EXPECT_THAT(failed.err, StartsWith("WSManFault\n    Message = "));
  EXPECT_THAT(failed.err, HasSubstr("\n\nError number:  -2144108544 0x80338000\n"));
}

TEST_F(Winrm, PrintsAWin32CodeAsAnHresult) {
  world_.config.put_fault = wsman::make_fault(wsman::FaultCode::AccessDenied);
  const ToolRun failed = winrm({"set", "winrm/config", "@{MaxTimeoutms=\"1\"}"});
  EXPECT_EQ(failed.status, 5);
  EXPECT_THAT(failed.err, EndsWith("\n\nError number:  -2147024891 0x80070005\nAccess is denied.\n"));
}

TEST_F(Winrm, PrintsWhatAProviderSaysInsideAFault) {
  wsman::Fault fault = wsman::make_fault(wsman::FaultCode::InternalError, "no");
  world_.config.put_fault = fault;
  const ToolRun failed = winrm({"set", "winrm/config", "@{MaxTimeoutms=\"1\"}", "-format:pretty"});
  EXPECT_THAT(failed.err, StartsWith("<f:WSManFault xmlns:f=\"http://schemas.microsoft.com/wbem/wsman/1/wsmanfault\""));
  EXPECT_THAT(failed.err, HasSubstr("    <f:Message>no</f:Message>\n</f:WSManFault>\n\nError number:  "));
}

TEST_F(Winrm, SaysThatNoServiceRuns) {
  world_.running = false;
  const ToolRun failed = winrm({"get", "winrm/config"});
  EXPECT_EQ(failed.status, 1722 % 256);
  EXPECT_THAT(failed.err, StartsWith("WSManFault\n    Message = No service listens on "));
  EXPECT_THAT(failed.err, HasSubstr("Error number:  -2147023174 0x800706BA\nThe RPC server is unavailable.\n"));
}

TEST_F(Winrm, GivesErrorsOfTheNetworkWindowsNumbers) {
  const auto refused = base::make_error(std::errc::connection_refused, "host:5985");
  world_.running = false;
  world_.network_errors = {refused};
  const ToolRun failed = winrm({"id", "-r:host", "-auth:none"});
  EXPECT_THAT(failed.err, HasSubstr("Error number:  -2144108526 0x80338012\n"));
  EXPECT_EQ(failed.status, 0x12);
}

// cli-winrm, section 2.3: up to three times.
TEST_F(Winrm, AsksAgainWhereAGetTimesOut) {
  const auto late = base::make_error(std::errc::timed_out, "late");
  world_.network_errors = {late, late, late};
  EXPECT_EQ(winrm({"get", "winrm/config"}).status, 0);
  world_.network_errors = {late, late, late, late};
  EXPECT_EQ(winrm({"get", "winrm/config"}).status, 1460 % 256);
}

TEST_F(Winrm, SendsAChangeOnlyOnce) {
  world_.network_errors = {base::make_error(std::errc::timed_out, "late")};
  EXPECT_EQ(winrm({"delete", "winrm/config/listener?Address=*+Transport=HTTP"}).status, 1460 % 256);
  EXPECT_EQ(world_.listeners.items.size(), 1u);
}

TEST_F(Winrm, LetsNoServiceWriteToTheTerminal) {
  wsman::Item& item = world_.config.items[0];
  item.xml = "<Config xmlns=\"http://schemas.microsoft.com/wbem/wsman/1/config\"><A>\x1b[2J</A></Config>";
  EXPECT_THAT(winrm({"get", "winrm/config"}).out, Not(HasSubstr("\x1b")));
}

TEST_F(Winrm, AsksForAPasswordThatIsNotGiven) {
  const ToolRun shown = winrm({"get", "winrm/config", "-r:https://host", "-auth:basic", "-u:alice"}, "secret\n");
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_EQ(shown.err, "Password for alice: \n");
  EXPECT_EQ(world_.plan->username, "alice");
  EXPECT_EQ(world_.plan->password, "secret");
}

TEST_F(Winrm, ObeysTheClientSettingsOfThisMachine) {
  const std::vector<std::string> words{"get", "winrm/config", "-r:host", "-auth:basic", "-u:alice", "-p:x"};
  EXPECT_THAT(winrm(words).err, HasSubstr("0x803380DE"));  // CLIENT_UNENCRYPTED_DISABLED
  std::string& document = world_.client.items[0].xml;
  document.replace(document.find("GPO\">false"), 10, "GPO\">true");
  EXPECT_THAT(winrm(words).err, HasSubstr("0x803380E4"));  // SERVER_NOT_TRUSTED
  document.replace(document.find("<cfg:TrustedHosts>"), 18, "<cfg:TrustedHosts>host");
  EXPECT_EQ(winrm(words).status, 0);
}

// winrm-config, section 3.2: NetworkDelayms is waited on top of the operation's time.
TEST_F(Winrm, WaitsAsLongAsTheClientSettingsSay) {
  std::string& document = world_.client.items[0].xml;
  document.replace(document.find("<cfg:NetworkDelayms>5000"), 24, "<cfg:NetworkDelayms>7000");
  EXPECT_EQ(winrm({"get", "winrm/config", "-r:https://host", "-auth:basic", "-u:alice", "-p:x", "-timeout:1000"}).status, 0);
  EXPECT_EQ(world_.patience, std::chrono::milliseconds(8000));
}

TEST_F(Winrm, ExplainsItselfItsOperationsAndTopics) {
  EXPECT_THAT(winrm({}).out, HasSubstr("Usage: winrm OPERATION"));
  EXPECT_EQ(winrm({"help"}).out, winrm({"-?"}).out);
  for (const CommandRow& row : winrm_tool().commands) {
    if (row.name == "help") continue;
    const ToolRun help = winrm({std::string(row.name), "-?"});
    EXPECT_EQ(help.status, 0);
    EXPECT_THAT(help.out, HasSubstr("Usage: winrm " + std::string(row.name)));
  }
  // cli-winrm, section 1.1: the topics.
  EXPECT_THAT(winrm_topics(), testing::UnorderedElementsAre("uris", "aliases", "config", "certmapping", "customremoteshell",
                                                            "input", "filters", "switches", "remoting", "auth", "proxy"));
  for (const std::string_view topic : winrm_topics()) {
    EXPECT_EQ(winrm({"help", std::string(topic)}).status, 0);
    EXPECT_NE(winrm({"help", std::string(topic)}).out, "");
  }
  EXPECT_EQ(winrm({"help", "weather"}).status, 87);
}

TEST_F(Winrm, SaysHowItIsUsed) {
  const ToolRun wrong = winrm({"get", "winrm/config", "-zz:1"});
  EXPECT_EQ(wrong.status, 87);
  EXPECT_EQ(wrong.err, "Error: Unknown switch: zz.\n\nType \"winrm -?\" for help.\n");
  EXPECT_EQ(wrong.out, "");
}

TEST_F(Winrm, HelpmsgPrintsTheTextOfACode) {
  EXPECT_EQ(winrm({"helpmsg", "5"}).out, "Access is denied.\n");
  EXPECT_EQ(winrm({"helpmsg", "0x80070005"}).out, "Access is denied.\n");
  EXPECT_EQ(winrm({"helpmsg", "-2147024891"}).out, "Access is denied.\n");
  EXPECT_EQ(winrm({"helpmsg", "2147942405"}).out, "Access is denied.\n");
  EXPECT_EQ(winrm({"helpmsg", "five"}).status, 87);
  EXPECT_EQ(winrm({"helpmsg", "0x100000000"}).status, 87);
}

}  // namespace
}  // namespace cli
