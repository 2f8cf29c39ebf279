// What plugins' documents let in, and how much of it at one time.

#include "engine/config/plugin_gate.h"

#include <gmock/gmock.h>

#include "engine/wsman/names.h"
#include "tests/config/configuration_world.h"

namespace config {
namespace {

using namespace wsman::action;

constexpr const char* kResource = "urn:resource";

class Gate : public ConfigurationTest {
 protected:
  void SetUp() override {
    ConfigurationTest::SetUp();
    ASSERT_EQ(create_plugin("Mine", kResource), 0u);
    gate_ = std::make_unique<PluginGate>(*configuration_);
  }

  /// The number of the fault, or 0; the place is kept.
  std::uint32_t ask(std::string_view action, const std::string& user = "alice", const std::string& body = {},
                    const std::string& resource = kResource) {
    headers_.action = action;
    headers_.resource_uri = resource;
    auth::Principal who;
    who.scheme = scheme_;
    who.name = user;
    xml::Document document;
    if (!body.empty()) document = std::move(*xml::Document::parse(body));
    const wsman::Call call{headers_, who, document.root(), {}, "/wsman", "192.0.2.9"};
    auto place = gate_->admit(call);
    if (!place.ok()) return wsman::windows_code_of(place.error());
    places_.push_back(std::move(*place));
    return 0;
  }
  void configure(const std::string& attributes, const std::string& inside = {}) {
    ASSERT_EQ(put_plugin("Mine", attributes, inside, false), 0u);
  }
  void configure_capabilities(const std::string& capabilities, const std::string& attributes = {}) {
    configure("", "<Resources><Resource ResourceUri='" + std::string(kResource) + "' " + attributes + ">" + capabilities +
                      "</Resource></Resources>");
  }

  auth::Principal::Scheme scheme_ = auth::Principal::Scheme::Certificate;
  wsman::Headers headers_;
  std::unique_ptr<PluginGate> gate_;
  std::vector<wsman::Place> places_;
};

TEST_F(Gate, PluginThatIsNotEnabledIsNotThere) {
  EXPECT_EQ(ask(kGet), 0u);
  configure("Enabled='false'");
  EXPECT_EQ(ask(kGet), 2150858811u);
  EXPECT_EQ(ask(kGet, "alice", "", "URN:Resource/below"), 2150858811u);
  EXPECT_EQ(ask(kGet, "alice", "", "urn:other"), 0u);
  // The tools of this host go on.
  scheme_ = auth::Principal::Scheme::LocalPeer;
  EXPECT_EQ(ask(kGet), 0u);
}

TEST_F(Gate, OperationNeedsItsCapability) {
  EXPECT_EQ(ask(kPut), 2150858771u);
  EXPECT_EQ(ask(std::string(kResource) + "/Method"), 2150858771u);
  configure_capabilities("<Capability Type='Put'/><Capability Type='Invoke'/>");
  EXPECT_EQ(ask(kGet), 2150858771u);
  EXPECT_EQ(ask(kPut), 0u);
  EXPECT_EQ(ask(std::string(kResource) + "/Method"), 0u);
}

TEST_F(Gate, FiltersFragmentsAndOptionsNeedSupport) {
  const std::string enumerate = "<Enumerate><Filter>x</Filter></Enumerate>";
  configure_capabilities("<Capability Type='Enumerate'/><Capability Type='Subscribe'/><Capability Type='Get'/>");
  EXPECT_EQ(ask(kEnumerate, "alice", enumerate), 2150858776u);
  EXPECT_EQ(ask(kSubscribe, "alice", "<Subscribe><Filter>x</Filter></Subscribe>"), 2150858785u);
  EXPECT_EQ(ask(kEnumerate, "alice", "<Enumerate/>"), 0u);
  headers_.fragment.emplace();
  EXPECT_EQ(ask(kGet), 2150858871u);
  headers_.fragment.reset();
  headers_.options.push_back({"Name", "value"});
  EXPECT_EQ(ask(kGet), 0u);
  headers_.options.back().must_comply = true;
  EXPECT_EQ(ask(kGet), 2150858833u);

  configure_capabilities(
      "<Capability Type='Enumerate' SupportsFiltering='true'/><Capability Type='Get' "
      "SupportsFragment='true'/>",
      "SupportsOptions='true'");
  EXPECT_EQ(ask(kEnumerate, "alice", enumerate), 0u);
  headers_.fragment.emplace();
  EXPECT_EQ(ask(kGet), 0u);
}

// winrm-config, section 6, "Quotas".
TEST_F(Gate, QuotasCountUsersAndOperations) {
  configure("", "<Quotas MaxConcurrentUsers='2' MaxConcurrentOperationsPerUser='2' MaxConcurrentOperations='3'/>");
  EXPECT_EQ(ask(kGet, "alice"), 0u);
  EXPECT_EQ(ask(kGet, "alice"), 0u);
  EXPECT_EQ(ask(kGet, "alice"), 2150859240u);
  EXPECT_EQ(ask(kGet, "bob"), 0u);
  EXPECT_EQ(ask(kGet, "bob"), 2150859239u);
  EXPECT_EQ(ask(kGet, "carol"), 2150859237u);
  // What goes on with an open enumeration or subscription takes no more.
  for (const std::string_view action : {kPull, kRelease, kRenew, kGetStatus, kUnsubscribe})
    EXPECT_EQ(ask(action, "bob"), 0u);
  places_.erase(places_.begin());
  EXPECT_EQ(ask(kGet, "bob"), 0u);
}

TEST_F(Gate, PlacesComeBackAndOutliveTheGate) {
  configure("", "<Quotas MaxConcurrentOperations='1'/>");
  EXPECT_EQ(ask(kGet), 0u);
  EXPECT_EQ(ask(kGet), 2150859239u);
  gate_ = std::make_unique<PluginGate>(*configuration_);
  places_.clear();
  EXPECT_EQ(ask(kGet), 0u);
}

}  // namespace
}  // namespace config
