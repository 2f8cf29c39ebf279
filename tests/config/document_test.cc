#include "engine/config/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/config/stored.h"
#include "engine/xml/document.h"

namespace {

using config::Id;
using config::Layers;
using config::Node;
using config::Values;
using ::testing::HasSubstr;

/// The fault of a Put of `text` to `node`, or 0.
std::uint32_t refusal(Node node, const std::string& text) {
  auto document = xml::Document::parse(text);
  const auto given = config::read_document(node, document->root());
  return given.ok() ? 0 : wsman::windows_code_of(given.error());
}

TEST(ConfigurationDocument, EachNodeReadsWhatItWrites) {
  const Values values;
  for (std::size_t i = 0; i < config::kNodes; ++i) {
    const auto node = static_cast<Node>(i);
    auto document = xml::Document::parse(config::write_document(node, values));
    ASSERT_TRUE(document.ok());
    const auto given = config::read_document(node, document->root());
    ASSERT_TRUE(given.ok()) << given.error().reason;
    for (const auto& [setting, text] : *given) EXPECT_EQ(text, values.text(setting->id)) << setting->key;
    if (node == Node::Config) {
      EXPECT_EQ(given->size(), config::kSettings);
    }
  }
}

TEST(ConfigurationDocument, MarksWhatPolicyOwns) {
  Layers layers;
  layers.policy[Id::ClientAuthBasic] = "false";
  EXPECT_THAT(config::write_document(Node::Config, Values(layers)),
              HasSubstr("<cfg:Basic Source=\"GPO\">false</cfg:Basic><cfg:Digest>true</cfg:Digest>"));
}

TEST(ConfigurationDocument, ElementsMayComeInAnyOrderAndBePartOfTheWhole) {
  auto document = xml::Document::parse(
      "<config xmlns='http://schemas.microsoft.com/wbem/wsman/1/CONFIG'><Winrs/>"
      "<Client><TrustedHosts>*</TrustedHosts><Auth><Basic>0</Basic></Auth></Client>"
      "<MaxTimeoutms>1000</MaxTimeoutms></config>");
  const auto given = config::read_document(Node::Config, document->root());
  ASSERT_TRUE(given.ok()) << given.error().reason;
  ASSERT_EQ(given->size(), 3u);
  EXPECT_EQ((*given)[0].first->id, Id::ClientTrustedHosts);
  EXPECT_EQ((*given)[1].first->id, Id::ClientAuthBasic);
  EXPECT_EQ((*given)[2].first->id, Id::MaxTimeoutms);
}

TEST(ConfigurationDocument, NilStandsForEmpty) {
  auto document = xml::Document::parse(
      "<Client xmlns='http://schemas.microsoft.com/wbem/wsman/1/config/client' "
      "xmlns:i='http://www.w3.org/2001/XMLSchema-instance'>"
      "<TrustedHosts i:nil='true'/></Client>");
  const auto given = config::read_document(Node::Client, document->root());
  ASSERT_TRUE(given.ok());
  EXPECT_EQ((*given)[0].second, "");
}

TEST(ConfigurationDocument, PartInTheWrongPlaceIsRefused) {
  const std::string open = "<Config xmlns='http://schemas.microsoft.com/wbem/wsman/1/config'>";
  EXPECT_EQ(refusal(Node::Config, open + "<Auth/></Config>"), 2150858817u);
  EXPECT_EQ(refusal(Node::Config, open + "<Winrs/><Winrs/></Config>"), 2150858817u);
  EXPECT_EQ(refusal(Node::Config, open + "<Winrs xmlns='urn:x'/></Config>"), 2150858840u);
  EXPECT_EQ(refusal(Node::Winrs, open + "</Config>"), 2150858817u);
}

TEST(StoredSettings, AreReadAsTheyWereWrittenAndOthersPassedOver) {
  const config::Layer layer = {{Id::ClientTrustedHosts, "a=b"}, {Id::MaxTimeoutms, "1000"}};
  EXPECT_EQ(config::read_layer("winrm.MaxTimeoutms=1000\nwinrm.Gone=1\nwinrm.MaxBatchItems=0\nnonsense\n").size(), 1u);
  const config::Layer good = {{Id::ClientTrustedHosts, "*.lab.example"}, {Id::MaxTimeoutms, "1000"}};
  EXPECT_EQ(config::read_layer(config::write_layer(good)), good);
}

}  // namespace
