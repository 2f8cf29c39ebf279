#include "engine/xml/document.h"

#include "tests/support/matchers.h"

namespace xml {
namespace {

using test_support::IsError;
using test_support::IsOk;

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Document, ParsesElementsAttributesAndText) {
  const auto document = Document::parse("<a b='1' c=\"2\"><d>x</d><e/></a>");
  ASSERT_THAT(document, IsOk());
  const Element root = document->root();
  EXPECT_EQ(root.local_name(), "a");
  EXPECT_EQ(root.attribute("b"), "1");
  EXPECT_EQ(root.attribute("c"), "2");
  EXPECT_EQ(root.attribute("d"), std::nullopt);
  EXPECT_EQ(root.child("d").text(), "x");
  EXPECT_EQ(root.child_count(), 2u);
}

TEST(Document, SkipsMarkDeclarationAndComments) {
  const auto document = Document::parse(
      "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<!-- <x> -->\n<a><!-- y -->1</a>\n<!-- z -->\n");
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->root().local_name(), "a");
  EXPECT_EQ(document->root().text(), "1");
}

TEST(Document, DecodesReferences) {
  const auto document = Document::parse("<a b='&lt;&gt;&amp;&quot;&apos;'>&#65;&#x42;&#xE4;</a>");
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->root().attribute("b"), "<>&\"'");
  EXPECT_EQ(document->root().text(), "AB\xC3\xA4");
}

TEST(Document, RefusesWhatIsNotWellFormed) {
  for (const char* text : {"",
                           "  ",
                           "text",
                           "<",
                           "<a",
                           "<a>",
                           "</a>",
                           "<a></b>",
                           "<a></a",
                           "<a></a><b></b>",
                           "<a/>text",
                           "text<a/>",
                           "<a b>",
                           "<a b=></a>",
                           "<a b=c></a>",
                           "<a b='c></a>",
                           "<a b='<'/>",
                           "<a b='1'c='2'/>",
                           "<a / >",
                           "<>x</>",
                           "< a/>",
                           "<a><!-- </a>",
                           "<a><![CDATA[</a>",
                           "<![CDATA[x]]>",
                           "<a\"b/>",
                           "<a 'b'/>",
                           "<a =''/>",
                           "<1(/>",
                           "<a></a/>",
                           "<?xml version='1.0'"}) {
    EXPECT_THAT(Document::parse(text), IsError(Errc::Malformed)) << text;
  }
}

TEST(Document, RefusesAZeroByte) {
  EXPECT_THAT(Document::parse(std::string("<a>\0</a>", 8)), IsError(Errc::Malformed, "byte 3"));
}

TEST(Document, RefusesDocumentTypesAndEntities) {
  EXPECT_THAT(Document::parse("<!DOCTYPE a><a/>"), IsError(Errc::DtdRefused));
  EXPECT_THAT(Document::parse("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), IsError(Errc::DtdRefused));
  EXPECT_THAT(Document::parse("<a><!ENTITY b 'c'></a>"), IsError(Errc::DtdRefused));
  EXPECT_THAT(Document::parse("<?xml version='1.0'?><!doctype a><a/>"), IsError(Errc::DtdRefused));
}

TEST(Document, RefusesProcessingInstructions) {
  EXPECT_THAT(Document::parse("<?php x?><a/>"), IsError(Errc::ProcessingInstructionRefused));
  EXPECT_THAT(Document::parse("<a><?x y?></a>"), IsError(Errc::ProcessingInstructionRefused));
  EXPECT_THAT(Document::parse("<a/><?x?>"), IsError(Errc::ProcessingInstructionRefused));
  EXPECT_THAT(Document::parse("<a><?xml version='1.0'?></a>"), IsError(Errc::ProcessingInstructionRefused));
  EXPECT_THAT(Document::parse("<?xml-stylesheet href='a'?><a/>"), IsError(Errc::ProcessingInstructionRefused));
}

TEST(Document, SaysWhereItIsWrong) {
  EXPECT_THAT(Document::parse("<a></b>"), IsError(Errc::Malformed, "byte "));
  EXPECT_THAT(Document::parse("<a><!DOCTYPE x></a>"), IsError(Errc::DtdRefused, "at byte 3"));
  EXPECT_THAT(Document::parse("<a b=c/>"), IsError(Errc::Malformed, "at byte 5"));
  EXPECT_THAT(Document::parse("<a b='1' c><d/></a>"), IsError(Errc::Malformed, "at byte 10"));
  EXPECT_THAT(Document::parse("<a b='1<'/>"), IsError(Errc::Malformed, "at byte 7"));
  EXPECT_THAT(Document::parse("<a><b></a>"), IsError(Errc::Malformed, "at byte "));
  EXPECT_THAT(Document::parse("\n\n x<a/>"), IsError(Errc::Malformed, "at byte 3"));
  EXPECT_THAT(Document::parse("<a/> <b/>"), IsError(Errc::Malformed, "at byte 5"));
  EXPECT_THAT(Document::parse("<a>"), IsError(Errc::Malformed, "at byte 3"));
}

TEST(Document, NestingOfAHundredThousandIsAnErrorAndNotACrash) {
  EXPECT_THAT(Document::parse(repeated("<a>", 100'000)), IsError(Errc::TooDeep));
  EXPECT_THAT(Document::parse(repeated("<a>", 100'000) + repeated("</a>", 100'000)), IsError(Errc::TooDeep));
}

TEST(Document, NestingCannotHideInsideWhatThePrecheckTakesForAQuote) {
  // The parser takes quotes for letters of a name; seen by the eyes of the depth check these are long attribute values.
  const std::string deep = repeated("<b>", 200'000);
  EXPECT_THAT(Document::parse("<a\">" + deep + "\"></a\">"), IsError(Errc::Malformed));
  EXPECT_THAT(Document::parse("<a '>" + deep + "'></a>"), IsError(Errc::Malformed));
  EXPECT_THAT(Document::parse("<a x='1'\">" + deep + "\"></a>"), IsError(Errc::Malformed));
  EXPECT_THAT(Document::parse("<a x\"='>" + deep + "'></a>"), IsError(Errc::Malformed));
}

TEST(Document, DepthIsAllowedUpToTheLimit) {
  const auto nested = [](std::size_t depth) { return repeated("<a>", depth) + repeated("</a>", depth); };
  EXPECT_THAT(Document::parse(nested(64)), IsOk());
  EXPECT_THAT(Document::parse(nested(65)), IsError(Errc::TooDeep));
  EXPECT_THAT(Document::parse(nested(3), ParseLimits{.depth = 3}), IsOk());
  EXPECT_THAT(Document::parse(nested(4), ParseLimits{.depth = 3}), IsError(Errc::TooDeep));
}

TEST(Document, ElementsAndAttributesAreCountedTogether) {
  const std::string text = "<a b='1' c='2'><d/><e f='3'/></a>";
  EXPECT_THAT(Document::parse(text, ParseLimits{.nodes = 6}), IsOk());
  EXPECT_THAT(Document::parse(text, ParseLimits{.nodes = 5}), IsError(Errc::TooLarge));
  EXPECT_THAT(Document::parse("<a>" + repeated("<b/>", 500'000) + "</a>"), IsError(Errc::TooLarge));
}

TEST(Document, AnElementHasAtMost256Attributes) {
  const auto with_attributes = [](int count) {
    std::string text = "<a";
    for (int i = 0; i < count; ++i) text += " xmlns:p" + std::to_string(i) + "='u'";
    return text + "/>";
  };
  EXPECT_THAT(Document::parse(with_attributes(256)), IsOk());
  EXPECT_THAT(Document::parse(with_attributes(257)), IsError(Errc::TooLarge));
}

TEST(Document, CommentsAndCdataMayHoldMarkup) {
  const auto document = Document::parse("<a><!-- <b> </c> & \" --><![CDATA[<b> & ]] > <!-- ]]></a>");
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->root().text(), "<b> & ]] > <!-- ");
}

TEST(Document, AttributeValuesMayHoldTheOtherQuoteAndGreater) {
  const auto document = Document::parse("<a b='\">' c=\"'/>\"/>");
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->root().attribute("b"), "\">");
  EXPECT_EQ(document->root().attribute("c"), "'/>");
}

TEST(Document, ForbiddenCharactersPass) {
  const auto document = Document::parse("<a>\x01\x1f\xEF\xBF\xBF</a>");
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->root().text(), "\x01\x1f\xEF\xBF\xBF");
}

TEST(Document, NamesMayHoldOtherScriptsColonsDashesAndDots) {
  EXPECT_THAT(Document::parse("<p:\xC3\xA4-b.c_1 x:y-z='1'/>"), IsOk());
}

TEST(Document, ElementsStayValidWhenItMoves) {
  auto document = Document::parse("<a><b>x</b></a>");
  ASSERT_THAT(document, IsOk());
  const Element b = document->root().child("b");
  const Document moved = std::move(*document);
  EXPECT_EQ(b.text(), "x");
  EXPECT_EQ(moved.root().child("b"), b);
}

TEST(Document, ReparseForgetsThePreviousText) {
  Document document;
  EXPECT_FALSE(document.root());
  ASSERT_THAT(document.reparse("<a/>"), IsOk());
  ASSERT_THAT(document.reparse("<b/>"), IsOk());
  EXPECT_EQ(document.root().local_name(), "b");
  EXPECT_THAT(document.reparse("<c>"), IsError(Errc::Malformed));
  EXPECT_FALSE(document.root());
  EXPECT_THAT(document.reparse("<c></d>"), IsError(Errc::Malformed));
  EXPECT_FALSE(document.root());
}

TEST(Document, EveryCutOfADocumentIsRefused) {
  const std::string text = "<?xml version='1.0'?><s:a xmlns:s='u' b=\"c\"><!-- d --><e>f&amp;</e><![CDATA[g]]></s:a>";
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(Document::parse(text.substr(0, length)).ok()) << length;
  }
  EXPECT_THAT(Document::parse(text), IsOk());
}

TEST(Document, ATextFullOfUnclosedQuotesIsReadInLinearTime) {
  EXPECT_THAT(Document::parse("<a>" + repeated("<b c='", 300'000)), IsError(Errc::Malformed));
  EXPECT_THAT(Document::parse("<a>" + repeated("<!-- ", 300'000)), IsError(Errc::Malformed));
}

}  // namespace
}  // namespace xml
