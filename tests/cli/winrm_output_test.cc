#include "cli/winrm_output.h"

#include <gmock/gmock.h>

#include "engine/base/win32.h"
#include "engine/xml/document.h"
#include "tests/cli/tool_run.h"

namespace cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string text_of(std::string xml) {
  auto document = xml::Document::parse(std::move(xml));
  EXPECT_TRUE(document.ok());
  return render_text(document->root());
}

std::string pretty_of(std::string xml) {
  auto document = xml::Document::parse(std::move(xml));
  EXPECT_TRUE(document.ok());
  return render_pretty(document->root());
}

// cli-winrm, section 2.1, row by row.
TEST(WinrmText, IndentsChildrenByFour) {
  EXPECT_EQ(text_of("<a><b><c>1</c></b></a>"), "a\n    b\n        c = 1\n");
}

TEST(WinrmText, ShowsEmptyLeavesByTheirNamesAndNullsByTheWord) {
  EXPECT_EQ(text_of("<a xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><b/><c> </c><d xsi:nil='true'/></a>"),
            "a\n    b\n    c\n    d = null\n");
}

TEST(WinrmText, PutsRepeatedLeavesOnOneLine) {
  EXPECT_EQ(text_of("<a><b>1</b><c>x</c><b>2</b><b>3</b></a>"), "a\n    b = 1, 2, 3\n    c = x\n");
}

TEST(WinrmText, KeepsRepeatedElementsWithPartsApart) {
  EXPECT_EQ(text_of("<a><b><x>1</x></b><b><x>2</x></b></a>"), "a\n    b\n        x = 1\n    b\n        x = 2\n");
}

TEST(WinrmText, TellsWhatPolicyOwns) {
  EXPECT_EQ(text_of("<Listener Source='GPO'><Port Source='GPO'>5985</Port><Hostname Source='GPO'/></Listener>"),
            "Listener [Source=\"GPO\"]\n    Port = 5985 [Source=\"GPO\"]\n    Hostname [Source=\"GPO\"]\n");
}

TEST(WinrmText, ShowsFragmentsByTheGeneralRule) {
  EXPECT_EQ(text_of("<w:XmlFragment xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'><Name>sshd</Name>"
                    "<State>Running</State></w:XmlFragment>"),
            "XmlFragment\n    Name = sshd\n    State = Running\n");
}

TEST(WinrmText, ShowsReferencesInsideSelectors) {
  EXPECT_EQ(text_of("<w:SelectorSet xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'><w:Selector Name='A'>1"
                    "</w:Selector><w:Selector Name='B'><e><f>2</f></e></w:Selector></w:SelectorSet>"),
            "SelectorSet\n    Selector: A = 1\n    Selector: B\n        e\n            f = 2\n");
}

// winrm-config, section 6: all that a plugin says is in attributes.
TEST(WinrmText, ShowsTheAttributesOfPlugins) {
  EXPECT_EQ(text_of("<PlugInConfiguration xmlns='http://schemas.microsoft.com/wbem/wsman/1/config/PluginConfiguration' "
                    "Name='SEL Plugin' RunAsUser='' xml:lang='en-US'><Resources><Resource ResourceUri='urn:a'/>"
                    "<Resource ResourceUri='urn:b'/></Resources></PlugInConfiguration>"),
            "PlugInConfiguration\n    Name = SEL Plugin\n    RunAsUser\n    Resources\n        Resource\n"
            "            ResourceUri = urn:a\n        Resource\n            ResourceUri = urn:b\n");
}

TEST(WinrmText, KeepsControlCharactersFromTheTerminal) {
  EXPECT_EQ(text_of("<a><b>x\x1b[31m\x07y</b></a>"), "a\n    b = x?[31m?y\n");
}

TEST(WinrmText, TakesTimeInProportionToTheDocument) {
  std::string xml = "<a>";
  for (int i = 0; i < 100'000; ++i) xml += "<n" + std::to_string(i) + "/>";
  EXPECT_THAT(text_of(xml + "</a>"), StartsWith("a\n    n0\n    n1\n"));
}

TEST(WinrmJson, HoldsTheAttributesOfPlugins) {
  const auto document = xml::Document::parse(
      "<PlugInConfiguration xmlns='http://schemas.microsoft.com/wbem/wsman/1/config/PluginConfiguration' Name='SEL Plugin'>"
      "<Resources><Resource ResourceUri='urn:a'><Security Sddl='D:'/><Capability Type='Get'/><Capability Type='Put'/>"
      "</Resource></Resources></PlugInConfiguration>");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(render_json(document->root()),
            R"({"Name":"SEL Plugin","Resources":{"Resource":{"ResourceUri":"urn:a","Security":{"Sddl":"D:"},)"
            R"("Capability":[{"Type":"Get"},{"Type":"Put"}]}}})");
}

// cli-winrm, section 2.2.
TEST(WinrmXml, IsIndentedByFourWithTextOnOneLine) {
  EXPECT_EQ(
      pretty_of("<p:a xmlns:p='u' k='&quot;1&quot;'><p:b>x &amp; y</p:b><p:c/><p:d z='1'/></p:a>"),
      "<p:a xmlns:p=\"u\" k=\"&quot;1&quot;\">\n    <p:b>x &amp; y</p:b>\n    <p:c></p:c>\n    <p:d z=\"1\"/>\n</p:a>\n");
}

TEST(WinrmXml, DeclaresWhatTheEnvelopeDeclared) {
  auto document = xml::Document::parse("<s:E xmlns:s='s' xmlns:c='u' xml:lang='de'><c:a><c:b>1</c:b></c:a></s:E>");
  EXPECT_EQ(render_xml(document->root().first_child()), "<c:a xmlns:c=\"u\" xml:lang=\"de\"><c:b>1</c:b></c:a>");
}

TEST(WinrmXml, KeepsALanguageThatIsThere) {
  auto document = xml::Document::parse("<E xml:lang='de'><a xml:lang='fr'>1</a></E>");
  EXPECT_EQ(render_xml(document->root().first_child()), "<a xml:lang=\"fr\">1</a>");
}

TEST(WinrmFailure, ShowsTheTreeOfAProviderFault) {
  auto fault = xml::Document::parse(
      "<f:WSManFault xmlns:f='http://schemas.microsoft.com/wbem/wsman/1/wsmanfault' Code='2150858817' Machine='h'>"
      "<f:Message><f:ProviderFault provider='Config provider' path='/usr/lib/x.so'><f:WSManFault Code='87'>"
      "<f:Message>The value is out of range.</f:Message></f:WSManFault></f:ProviderFault></f:Message></f:WSManFault>");
  const ToolRun run = run_tool([&](Console& console) {
    return print_failure(console, OutputFormat::Text, base::make_error(base::win32_code(2150858817), ""), fault->root());
  });
  EXPECT_EQ(run.status, 0x41);
  EXPECT_EQ(run.err,
            "WSManFault\n"
            "    Message\n"
            "        ProviderFault\n"
            "            WSManFault\n"
            "                Message = The value is out of range.\n"
            "\n"
            "Error number:  -2144108479 0x80338041\n"
            "The XML of the request does not fit the schema.\n");
}

TEST(WinrmFailure, SaysThingsOnce) {
  const ToolRun run = run_tool([](Console& console) {
    return print_failure(console, OutputFormat::Text, base::make_error(base::Win32::AccessDenied, "Not you."), {});
  });
  EXPECT_EQ(run.err, "WSManFault\n    Message = Not you.\n\nError number:  -2147024891 0x80070005\nAccess is denied.\n");
}

// cli-winrm, section 2.3: the signed number, behind two blanks.
TEST(WinrmFailure, HasTheNumberThatScriptsLookFor) {
  std::ostringstream out;
  print_error_number(out, 2150858770);
  EXPECT_THAT(out.str(), StartsWith("Error number:  -2144108526 0x80338012\n"));
  EXPECT_EQ(hresult_of(5), 0x80070005u);
  EXPECT_EQ(hresult_of(0x80338000), 0x80338000u);
  EXPECT_EQ(text_of_code(0x800705B4), text_of_code(1460));
}

}  // namespace
}  // namespace cli
