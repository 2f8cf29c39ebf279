#include "engine/xml/writer.h"

#include "engine/xml/document.h"
#include "tests/support/matchers.h"

namespace xml {
namespace {

TEST(Writer, WritesElementsInOrder) {
  Writer writer;
  writer.open("w:Items").attribute("xmlns:w", "urn:w").leaf("w:Item", "a").empty("w:None").close();
  EXPECT_EQ(writer.take(), "<w:Items xmlns:w=\"urn:w\"><w:Item>a</w:Item><w:None/></w:Items>");
}

TEST(Writer, ALeafOfNothingHasTwoTags) {
  Writer writer;
  writer.leaf("a", "");
  EXPECT_EQ(writer.take(), "<a></a>");
}

TEST(Writer, TakeClosesWhatIsOpen) {
  Writer writer;
  writer.open("a").open("b").text("x");
  EXPECT_EQ(writer.take(), "<a><b>x</b></a>");
}

TEST(Writer, RawTextStandsAsItIs) {
  Writer writer;
  writer.open("a").raw("<b c='1'/>").cdata("<x>").close();
  EXPECT_EQ(writer.take(), "<a><b c='1'/><![CDATA[<x>]]></a>");
}

TEST(Writer, TextIsEscaped) {
  EXPECT_EQ(escaped_text("a<b>&'\"]]>"), "a&lt;b&gt;&amp;'\"]]&gt;");
  EXPECT_EQ(escaped_text("a\r\n\tb"), "a&#13;\n\tb");
  EXPECT_EQ(escaped_text("a\x01\x1f"), "a??");
  EXPECT_EQ(escaped_text("\xC3\xA4"), "\xC3\xA4");
}

TEST(Writer, AttributesAreEscapedForEitherQuote) {
  EXPECT_EQ(escaped_attribute("<\"'&>"), "&lt;&quot;&apos;&amp;&gt;");
  EXPECT_EQ(escaped_attribute("\t\r\n"), "&#9;&#13;&#10;");
}

TEST(Writer, EscapedTextComesBackAsItWas) {
  std::string text = "\t\r\n !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  const auto document = Document::parse("<a b='" + escaped_attribute(text) + "'>." + escaped_text(text) + "</a>");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->root().attribute("b"), text);
  EXPECT_EQ(document->root().text(), "." + text);
}

TEST(Writer, CdataIsSplitWhereItsEndOccurs) {
  std::string out;
  append_cdata(out, "a]]>b]]>");
  const auto document = Document::parse("<a>" + out + "</a>");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->root().text(), "a]]>b]]>");
}

TEST(WriterDeathTest, MisuseEndsTheProcess) {
  EXPECT_DEATH(Writer().close(), "nothing is open");
  EXPECT_DEATH(Writer().open("a").text("x").attribute("b", "c"), "after the start tag");
}

}  // namespace
}  // namespace xml
