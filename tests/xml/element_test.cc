#include "engine/xml/element.h"

#include <vector>

#include "engine/xml/document.h"
#include "tests/support/matchers.h"

namespace xml {
namespace {

using testing::ElementsAre;

Document parse(std::string text) {
  auto document = Document::parse(std::move(text));
  EXPECT_TRUE(document.ok()) << (document.ok() ? "" : document.error().message());
  return document.ok() ? std::move(*document) : Document();
}

TEST(Element, ANullElementAnswersNothing) {
  const Element none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.local_name(), "");
  EXPECT_EQ(none.namespace_uri(), "");
  EXPECT_EQ(none.text(), "");
  EXPECT_EQ(none.attribute("a"), std::nullopt);
  EXPECT_EQ(none.attribute("urn:a", "a"), std::nullopt);
  EXPECT_EQ(none.lookup_namespace("a"), std::nullopt);
  EXPECT_FALSE(none.child("a").child("urn:b", "b").first_child().next_sibling().parent());
  EXPECT_EQ(none.child_count(), 0u);
  EXPECT_FALSE(none.has_cdata());
  EXPECT_EQ(none.outer_xml(), "");
  EXPECT_EQ(none.inner_xml(), "");
}

TEST(Element, PrefixesAreBoundByTheNearestDeclaration) {
  const Document document = parse("<p:a xmlns:p='urn:1' xmlns='urn:d'><p:b xmlns:p='urn:2'><p:c/></p:b><p:d/><e/></p:a>");
  const Element a = document.root();
  EXPECT_TRUE(a.is("urn:1", "a"));
  EXPECT_TRUE(a.child("b").is("urn:2", "b"));
  EXPECT_TRUE(a.child("b").child("c").is("urn:2", "c"));
  EXPECT_TRUE(a.child("d").is("urn:1", "d"));
  EXPECT_TRUE(a.child("e").is("urn:d", "e"));
}

TEST(Element, TheDefaultNamespaceCanBeTakenBack) {
  const Document document = parse("<a xmlns='urn:d'><b xmlns=''><c/></b></a>");
  EXPECT_EQ(document.root().child("b").namespace_uri(), "");
  EXPECT_EQ(document.root().child("b").child("c").namespace_uri(), "");
}

TEST(Element, AnUndeclaredPrefixHasNoNamespace) {
  const Document document = parse("<p:a/>");
  EXPECT_EQ(document.root().namespace_uri(), "");
  EXPECT_EQ(document.root().local_name(), "a");
  EXPECT_EQ(document.root().lookup_namespace("p"), std::nullopt);
}

TEST(Element, ChildrenAreFoundByNamespaceAndName) {
  const Document document = parse("<a xmlns:p='urn:p' xmlns:q='urn:q'><p:b>1</p:b><q:b>2</q:b></a>");
  EXPECT_EQ(document.root().child("urn:q", "b").text(), "2");
  EXPECT_EQ(document.root().child("b").text(), "1");
  EXPECT_FALSE(document.root().child("urn:p", "c"));
}

TEST(Element, AttributesAreFoundByNamespaceAndName) {
  const Document document = parse("<a xmlns:p='urn:p' b='1' p:b='2' xml:lang='en'/>");
  EXPECT_EQ(document.root().attribute("b"), "1");
  EXPECT_EQ(document.root().attribute("urn:p", "b"), "2");
  EXPECT_EQ(document.root().attribute("http://www.w3.org/XML/1998/namespace", "lang"), "en");
  EXPECT_EQ(document.root().attribute("urn:q", "b"), std::nullopt);
}

TEST(Element, TheDefaultNamespaceIsNotThatOfAttributes) {
  const Document document = parse("<a xmlns='urn:d' b='1'/>");
  EXPECT_EQ(document.root().attribute("urn:d", "b"), std::nullopt);
}

TEST(Element, TextAndCdataAreJoined) {
  const Document document = parse("<a>x<b/>y<![CDATA[<z>]]><!-- c -->!</a>");
  EXPECT_EQ(document.root().text(), "xy<z>!");
  EXPECT_TRUE(document.root().has_cdata());
  EXPECT_FALSE(document.root().child("b").has_cdata());
}

TEST(Element, AdjacentCdataSectionsAreOneText) {
  EXPECT_EQ(parse("<a><![CDATA[x]]]]><![CDATA[>y]]></a>").root().text(), "x]]>y");
}

TEST(Element, TextOfOnePieceIsNotCopied) {
  const Document document = parse("<a>one</a>");
  std::string buffer = "before";
  EXPECT_EQ(document.root().text(buffer), "one");
  EXPECT_TRUE(buffer.empty());
}

TEST(Element, WhiteSpaceAroundTextIsKeptAndBetweenElementsIsNot) {
  const Document document = parse("<a>\n  <b> x </b>\n</a>");
  EXPECT_EQ(document.root().child("b").text(), " x ");
  EXPECT_EQ(document.root().text(), "");
}

TEST(Element, ChildrenCanBeWalked) {
  const Document document = parse("<a>t<b/><!-- x --><c/><![CDATA[d]]><e/></a>");
  std::vector<std::string> names;
  for (const Element child : document.root().children()) names.emplace_back(child.local_name());
  EXPECT_THAT(names, ElementsAre("b", "c", "e"));
  EXPECT_EQ(document.root().child_count(), 3u);
  EXPECT_EQ(document.root().child("c").parent(), document.root());
  EXPECT_FALSE(document.root().parent());
}

TEST(Element, AttributesCanBeWalkedInOrder) {
  const Document document = parse("<a c='1' xmlns:p='u' p:b='2'/>");
  std::vector<std::string> attributes;
  document.root().for_each_attribute([&](const Element::Attribute& attribute) {
    attributes.push_back(std::string(attribute.name) + "=" + std::string(attribute.value));
  });
  EXPECT_THAT(attributes, ElementsAre("c=1", "xmlns:p=u", "p:b=2"));
}

TEST(Element, OuterXmlDeclaresWhatWasDeclaredFurtherOut) {
  const Document document =
      parse("<s:a xmlns:s='urn:s' xmlns='urn:d' xmlns:u='urn:unused'><s:b s:c='1'><d>x</d></s:b></s:a>");
  const std::string xml = document.root().child("b").outer_xml();
  const Document alone = parse(xml);
  EXPECT_TRUE(alone.root().is("urn:s", "b"));
  EXPECT_EQ(alone.root().attribute("urn:s", "c"), "1");
  EXPECT_TRUE(alone.root().child("d").is("urn:d", "d"));
  EXPECT_EQ(xml.find("unused"), std::string::npos);
}

TEST(Element, OuterXmlDeclaresAPrefixOnce) {
  const Document document = parse("<s:a xmlns:s='urn:s'><s:b xmlns:s='urn:t'><s:c/></s:b></s:a>");
  EXPECT_EQ(document.root().child("b").outer_xml(), "<s:b xmlns:s='urn:t'><s:c/></s:b>");
}

TEST(Element, OuterXmlKeepsTheDefaultNamespaceTakenBack) {
  const Document document = parse("<a xmlns='urn:d'><b xmlns=''><c/></b></a>");
  const Document alone = parse(document.root().child("b").outer_xml());
  EXPECT_EQ(alone.root().child("c").namespace_uri(), "");
}

TEST(Element, OuterXmlEscapesAndKeepsCdata) {
  const Document document = parse("<a b='&lt;&apos;'>&lt;x&gt;<![CDATA[<y>]]></a>");
  EXPECT_EQ(document.root().outer_xml(), "<a b='&lt;&apos;'>&lt;x&gt;<![CDATA[<y>]]></a>");
}

TEST(Element, InnerXmlMakesEachChildStandAlone) {
  const Document document = parse("<s:a xmlns:s='urn:s'>t&amp;<s:b/><s:c/></s:a>");
  EXPECT_EQ(document.root().inner_xml(), "t&amp;<s:b xmlns:s='urn:s'/><s:c xmlns:s='urn:s'/>");
}

TEST(Element, OuterXmlTakesTheNearestOfSeveralDeclarations) {
  const Document document = parse("<p:a xmlns:p='urn:1'><p:b xmlns:p='urn:2'><p:c/></p:b></p:a>");
  EXPECT_EQ(document.root().child("b").child("c").outer_xml(), "<p:c xmlns:p='urn:2'/>");
}

}  // namespace
}  // namespace xml
