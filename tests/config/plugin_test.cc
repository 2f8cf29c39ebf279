#include "engine/config/plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/config/default_plugins.h"
#include "engine/config/setting.h"
#include "engine/xml/document.h"

namespace config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// winrm-config, section 6, without the library's name.
constexpr const char* kExample =
    "<PlugInConfiguration xmlns=\"http://schemas.microsoft.com/wbem/wsman/1/config/PluginConfiguration\" "
    "Name=\"PowerShell.7\" Filename=\"/usr/lib/pspool.so\" SDKVersion=\"2\" XmlRenderingType=\"text\" Enabled=\"true\" "
    "Architecture=\"64\" UseSharedProcess=\"false\" ProcessIdleTimeoutSec=\"0\" RunAsUser=\"\" RunAsPassword=\"\" "
    "AutoRestart=\"false\" OutputBufferingMode=\"Block\">"
    "<InitializationParameters><Param Name=\"PSVersion\" Value=\"7.4\"/></InitializationParameters>"
    "<Resources><Resource ResourceUri=\"http://schemas.microsoft.com/powershell/PowerShell.7\" SupportsOptions=\"true\" "
    "ExactMatch=\"true\"><Security Uri=\"http://schemas.microsoft.com/powershell/PowerShell.7\" ExactMatch=\"true\" "
    "Sddl=\"O:NSG:BAD:P(A;;GA;;;BA)(A;;GA;;;RM)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)\"/><Capability Type=\"Shell\"/>"
    "</Resource></Resources><Quotas MaxIdleTimeoutms=\"2147483647\" MaxConcurrentUsers=\"5\" IdleTimeoutms=\"7200000\" "
    "MaxProcessesPerShell=\"15\" MaxMemoryPerShellMB=\"1024\" MaxConcurrentCommandsPerShell=\"1000\" MaxShells=\"25\" "
    "MaxShellsPerUser=\"25\"/></PlugInConfiguration>";

/// The number of the fault for a document, or 0.
std::uint32_t refusal(const std::string& text, std::string_view name = "x") {
  auto document = xml::Document::parse(text);
  EXPECT_TRUE(document.ok()) << text;
  const auto change = read_plugin(document->root(), name);
  return change.ok() ? 0 : wsman::windows_code_of(change.error());
}

std::string document(const std::string& attributes, const std::string& inside = {},
                     const std::string& ns = std::string(kPluginNamespace)) {
  return "<PlugInConfiguration xmlns='" + ns + "' " + attributes + ">" + inside + "</PlugInConfiguration>";
}

std::string resource(const std::string& inside, const std::string& attributes = "ResourceUri='urn:a'") {
  return document("", "<Resources><Resource " + attributes + ">" + inside + "</Resource></Resources>");
}

TEST(PluginDocument, IsWrittenAsWindowsWritesIt) {
  auto parsed = xml::Document::parse(kExample);
  const auto change = read_plugin(parsed->root(), "PowerShell.7");
  ASSERT_TRUE(change.ok()) << change.error().reason;
  Plugin plugin;
  apply(*change, plugin);
  EXPECT_TRUE(check_plugin(plugin).ok());
  EXPECT_EQ(write_plugin(plugin), kExample);
}

TEST(PluginDocument, IsTakenInEachNamespaceAndInAnyOrder) {
  for (const std::string& ns : {std::string(kPluginNamespace), std::string(kPluginNamespace) + ".xsd",
                                std::string(kPluginUri), std::string(kPluginUri) + ".xsd", std::string(kBaseUri)}) {
    EXPECT_EQ(refusal(document("SDKVersion='1' Name='X'",
                               "<Quotas MaxShells='1'/><Resources><Resource ResourceUri='urn:a'><Capability Type='get'/>"
                               "<Security Sddl=''/></Resource></Resources>",
                               ns)),
              0u)
        << ns;
  }
  EXPECT_EQ(refusal(document("", "", "urn:other")), 2150858840u);
  EXPECT_EQ(refusal(document("xml:lang='en-US' Source='GPO'")), 0u);
}

struct Case {
  const char* what;
  std::string text;
  std::uint32_t number;
};

TEST(PluginDocument, RefusesWithTheNumbersOfWindows) {
  const std::string get = "<Capability Type='Get'/>";
  const Case cases[] = {
      {"another root", "<Plugin xmlns='" + std::string(kPluginNamespace) + "'/>", 2150858817},
      {"unknown attribute", document("Colour='red'"), 2150858817},
      {"unknown element", document("", "<Colour/>"), 2150858817},
      {"element twice", document("", "<Quotas/><Quotas/>"), 2150858817},
      {"version", document("SDKVersion='3'"), 2150858817},
      {"boolean", document("Enabled='perhaps'"), 2150858817},
      {"number too large", document("ProcessIdleTimeoutSec='1209601'"), 2150858817},
      {"word", document("OutputBufferingMode='Keep'"), 2150858817},
      {"long name", document("Filename='/" + std::string(2048, 'a') + "'"), 2150859153},
      {"another name", document("Name='y'"), 2150858989},
      {"quota of none", document("", "<Quotas MaxConcurrentUsers='0'/>"), 2150858817},
      {"quota too large", document("", "<Quotas MaxConcurrentUsers='101'/>"), 2150858817},
      {"idle time too short", document("", "<Quotas IdleTimeoutms='59999'/>"), 2150858817},
      {"parameter without a name", document("", "<InitializationParameters><Param Value='1'/></InitializationParameters>"),
       2150858817},
      {"resource without a URI", resource(get, ""), 2150858817},
      {"resource without a capability", resource(""), 2150858817},
      {"unknown capability", resource("<Capability Type='Fly'/>"), 2150858817},
      {"capability twice", resource(get + get), 2150858817},
      {"shell beside another", resource(get + "<Capability Type='Shell'/>"), 2150858817},
      {"fragments of Delete", resource("<Capability Type='Delete' SupportsFragment='true'/>"), 2150858817},
      {"filters of Get", resource("<Capability Type='Get' SupportsFiltering='true'/>"), 2150858817},
      {"security of another resource", resource(get + "<Security Uri='urn:b' Sddl=''/>"), 2150859183},
      {"security twice", resource(get + "<Security Sddl=''/><Security Uri='urn:A' Sddl=''/>"), 2150858817},
      {"bad descriptor", resource(get + "<Security Uri='urn:a' Sddl='everybody'/>"), 2150859100},
  };
  for (const Case& one : cases) EXPECT_EQ(refusal(one.text), one.number) << one.what;
}

TEST(PluginDocument, ForgetsThePassword) {
  auto parsed = xml::Document::parse(document("RunAsUser='alice' RunAsPassword='secret'"));
  const auto change = read_plugin(parsed->root(), "x");
  ASSERT_TRUE(change.ok());
  EXPECT_TRUE(change->password);
  Plugin plugin;
  apply(*change, plugin);
  EXPECT_THAT(write_plugin(plugin), Not(HasSubstr("secret")));
  const auto refused =
      read_plugin(xml::Document::parse(document("RunAsPassword='" + std::string(257, 's') + "'"))->root(), "x");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().reason, Not(HasSubstr("sss")));
}

TEST(PluginDocument, ChangeLeavesWhatItDoesNotName) {
  Plugin plugin = default_plugins().front();
  const auto change = read_plugin(
      xml::Document::parse(document("Enabled='0'", "<Quotas MaxConcurrentOperations='7'/>"))->root(), plugin.name());
  ASSERT_TRUE(change.ok());
  apply(*change, plugin);
  EXPECT_FALSE(plugin.enabled());
  EXPECT_EQ(plugin.quotas.number(PluginAttribute::MaxConcurrentOperations), 7u);
  EXPECT_EQ(plugin.quotas.number(PluginAttribute::MaxConcurrentUsers), 100u);
  EXPECT_EQ(plugin.resources, default_plugins().front().resources);
}

TEST(PluginDocument, DefaultOnesReadWhatTheyWrite) {
  for (const Plugin& plugin : default_plugins()) {
    const auto parsed = xml::Document::parse(write_plugin(plugin));
    const auto change = read_plugin(parsed->root(), plugin.name());
    ASSERT_TRUE(change.ok()) << change.error().reason;
    Plugin again;
    apply(*change, again);
    EXPECT_TRUE(check_plugin(again).ok());
    EXPECT_EQ(write_plugin(again), write_plugin(plugin));
    EXPECT_TRUE(is_built_in_file(plugin.said.text(PluginAttribute::Filename)));
  }
}

Plugin plugin_of(std::vector<std::pair<std::string, bool>> uris) {
  Plugin plugin;
  for (auto& [uri, exact] : uris) {
    PluginResource one;
    one.said.set(PluginAttribute::ResourceUri, uri);
    one.said.set(PluginAttribute::ResourceExactMatch, exact ? "true" : "false");
    plugin.resources.push_back(std::move(one));
  }
  return plugin;
}

// winrm-config, section 6, "Routing".
TEST(PluginRoute, ExactEntryWinsElseTheLongestAbove) {
  const std::vector<Plugin> plugins{plugin_of({{"http://x/a", false}, {"http://x/a/b", false}}),
                                    plugin_of({{"http://x/a/b/c", true}})};
  const auto route = [&](std::string_view uri) {
    const auto found = find_route(plugins, uri);
    return found ? std::to_string(found->plugin) + "." + std::to_string(found->resource) : std::string("none");
  };
  EXPECT_EQ(route("HTTP://X/A"), "0.0");
  EXPECT_EQ(route("http://x/a/z"), "0.0");
  EXPECT_EQ(route("http://x/a/b/z"), "0.1");
  EXPECT_EQ(route("http://x/a/b/c"), "1.0");
  EXPECT_EQ(route("http://x/a/b/c/d"), "0.1");
  EXPECT_EQ(route("http://x/ab"), "none");
}

}  // namespace
}  // namespace config
