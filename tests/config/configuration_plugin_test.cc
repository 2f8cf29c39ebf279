// Plugins and the security of resources, changed.

#include <gmock/gmock.h>

#include "tests/config/configuration_world.h"

namespace config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kEvents = "Event Forwarding Plugin";
constexpr const char* kEventLog = "http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog";
constexpr const char* kMine = "D:(A;;GA;;;BA)";
constexpr const char* kResource = "<Resources><Resource ResourceUri='urn:r'><Capability Type='Get'/></Resource></Resources>";

class Plugins : public ConfigurationTest {
 protected:
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const Plugin& one : configuration_->current()->plugins) all.push_back(one.name());
    return all;
  }
  std::uint32_t remove(std::string name) {
    return number(run_on(loop_.executor(), configuration_->remove_plugin(std::move(name))));
  }
  /// "URI sddl" of what is in effect, "=" behind an exact one.
  std::vector<std::string> security() {
    std::vector<std::string> all;
    for (const ResourceSecurity& one : configuration_->current()->security) {
      all.push_back(one.uri + (one.exact_match ? "= " : " ") + one.sddl);
    }
    return all;
  }
  std::string found(const std::string& uri) {
    const auto current = configuration_->current();
    const auto found = find_security(*current, uri, &effects_);
    return found.ok() ? found->said.text(PluginAttribute::SecuritySddl)
                      : std::to_string(wsman::windows_code_of(found.error()));
  }
};

TEST_F(Plugins, DefaultOnesAreThere) {
  EXPECT_THAT(names(), ElementsAre(kEvents));
}

TEST_F(Plugins, MadeChangedAndRemovedOnesLastOverARestart) {
  EXPECT_EQ(create_plugin("Mine"), 0u);
  EXPECT_EQ(put_plugin("MINE", "UseSharedProcess='true'", "", false), 0u);
  EXPECT_EQ(put_plugin(kEvents, "Enabled='false'", "", false), 0u);
  open({});
  EXPECT_THAT(names(), ElementsAre(kEvents, "Mine"));
  EXPECT_FALSE(configuration_->current()->plugins[0].enabled());
  EXPECT_TRUE(configuration_->current()->plugins[1].said.flag(PluginAttribute::UseSharedProcess));
  EXPECT_EQ(remove(kEvents), 0u);
  EXPECT_EQ(remove("mine"), 0u);
  EXPECT_EQ(remove("mine"), 2150858752u);
  open({});
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(Plugins, RestoreBringsDefaultOnesBackAndLeavesTheRest) {
  EXPECT_EQ(create_plugin("Mine"), 0u);
  EXPECT_EQ(remove(kEvents), 0u);
  EXPECT_EQ(set({{Id::MaxTimeoutms, "1000"}}), 0u);
  EXPECT_EQ(number(run_on(loop_.executor(), configuration_->restore_plugins())), 0u);
  EXPECT_THAT(names(), ElementsAre(kEvents));
  EXPECT_EQ(text(Id::MaxTimeoutms), "1000");
}

TEST_F(Plugins, NameAndResourceAreOneOnly) {
  EXPECT_EQ(create_plugin("Mine"), 0u);
  EXPECT_EQ(create_plugin("mine", "urn:other"), 2150858803u);
  EXPECT_EQ(create_plugin("Other", "URN:Resource"), 2150858803u);
}

TEST_F(Plugins, NewOneNeedsFileVersionAndResources) {
  EXPECT_EQ(put_plugin("x", "SDKVersion='1'", kResource, true), 2150858817u);
  EXPECT_EQ(put_plugin("x", "Filename='/bin/sh'", kResource, true), 2150858817u);
  EXPECT_EQ(put_plugin("x", "Filename='/bin/sh' SDKVersion='1'", "", true), 2150858817u);
  EXPECT_EQ(put_plugin("x", "Filename='/bin/sh' SDKVersion='1'", kResource, true), 0u);
  EXPECT_EQ(put_plugin("y", "", "", false), 2150858752u);
}

TEST_F(Plugins, FileMustBeAbsoluteAndThere) {
  const auto file = [&](const std::string& name) {
    return put_plugin("x", "Filename='" + name + "' SDKVersion='2'", kResource, true);
  };
  EXPECT_EQ(file("plugin.so"), 2150859153u);
  EXPECT_EQ(file("C:\\Windows\\plugin.dll"), 2150859153u);
  EXPECT_EQ(file("/no/such/plugin.so"), 2150859154u);
  EXPECT_EQ(file("/"), 2150859154u);
  EXPECT_EQ(file("%windir%\\system32\\other.dll"), 2150859154u);
  EXPECT_EQ(file("%WinDir%\\System32\\wevtfwd.dll"), 0u);
}

TEST_F(Plugins, RunAsNeedsALocalUserAndPolicysConsent) {
  EXPECT_EQ(create_plugin("Mine"), 0u);
  const auto run_as = [&](const std::string& attributes) { return put_plugin("Mine", attributes, "", false); };
  EXPECT_EQ(run_as("RunAsPassword='secret'"), 2150859203u);
  EXPECT_EQ(run_as("RunAsUser='nobody-here' RunAsPassword='secret'"), 2150859203u);
  EXPECT_EQ(run_as("RunAsUser='alice' RunAsPassword='secret'"), 0u);
  const auto stored = store_->list("winrm.plugin");
  ASSERT_THAT(stored, IsOk());
  EXPECT_THAT(stored->front().second, Not(HasSubstr("secret")));

  Foundation foundation;
  foundation.run_as_disabled = true;
  ASSERT_THAT(run_on(loop_.executor(), configuration_->reload(foundation)), IsOk());
  EXPECT_EQ(configuration_->current()->plugins[1].said.text(PluginAttribute::RunAsUser), "");
  EXPECT_EQ(run_as("RunAsUser='alice' RunAsPassword='secret'"), 2150859232u);
  EXPECT_EQ(run_as("RunAsUser='' RunAsPassword='' AutoRestart='true'"), 0u);
}

TEST_F(Plugins, HaveALimit) {
  for (std::size_t i = 1; i < kMaxPlugins; ++i) {
    ASSERT_EQ(create_plugin("p" + std::to_string(i), "urn:" + std::to_string(i)), 0u);
  }
  EXPECT_EQ(create_plugin("one more", "urn:more"), 2150859176u);
}

TEST_F(Plugins, SecurityOfAResourceIsItsOwnElseRootSddl) {
  EXPECT_THAT(security(), ElementsAre(HasSubstr(kEventLog)));
  EXPECT_EQ(create_plugin("Mine"), 0u);
  EXPECT_EQ(found("urn:resource"), text(Id::RootSddl));
  EXPECT_EQ(set_security("urn:resource", kMine), 0u);
  EXPECT_EQ(found("URN:Resource"), kMine);
  EXPECT_EQ(found("urn:resource/below"), kMine);
  EXPECT_THAT(security(), ElementsAre(HasSubstr(kEventLog), std::string("urn:resource ") + kMine));
  EXPECT_EQ(set_security("urn:resource", ""), 0u);
  EXPECT_EQ(found("urn:resource"), text(Id::RootSddl));
}

TEST_F(Plugins, SecurityOfABuiltInResourceHasAnEntryOfItsOwn) {
  EXPECT_EQ(found("urn:built-in"), text(Id::RootSddl));
  EXPECT_EQ(set_security("urn:built-in", text(Id::RootSddl)), 0u);
  EXPECT_THAT(security(), ElementsAre(HasSubstr(kEventLog)));
  EXPECT_EQ(set_security("urn:built-in", kMine), 0u);
  open({});
  EXPECT_EQ(found("urn:Built-In"), kMine);
  EXPECT_THAT(security(), ElementsAre(HasSubstr(kEventLog), std::string("urn:built-in ") + kMine));
  EXPECT_EQ(set_security("urn:built-in", ""), 0u);
  EXPECT_THAT(security(), ElementsAre(HasSubstr(kEventLog)));
}

TEST_F(Plugins, SecurityOfNothingIsRefused) {
  EXPECT_EQ(found("urn:nothing"), "2150859199");
  EXPECT_EQ(set_security("urn:nothing", kMine), 2150859199u);
}

TEST_F(Plugins, SecurityOfRemovedPluginsIsNotInEffect) {
  EXPECT_EQ(remove(kEvents), 0u);
  EXPECT_THAT(security(), IsEmpty());
}

}  // namespace
}  // namespace config
