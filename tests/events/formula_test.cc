#include "events/formula.h"

#include <random>

#include "engine/base/iso8601.h"
#include "engine/xml/document.h"
#include "events/raw_value.h"
#include "tests/support/matchers.h"

namespace events {
namespace {

/// What the parser makes of a raw value in an element and in an attribute.
void expect_as_parsed(const std::string& raw) {
  std::string buffer;
  const auto element = xml::Document::parse("<a>" + raw + "</a>");
  if (element.ok()) {
    EXPECT_EQ(plain_text(raw, false, buffer), element->root().text()) << raw;
  }
  const auto attribute = xml::Document::parse("<a b=\"" + raw + "\"/>");
  if (attribute.ok()) {
    EXPECT_EQ(plain_text(raw, true, buffer), attribute->root().attribute("b")) << raw;
  }
}

TEST(RawValue, SaysWhatTheParserSays) {
  for (const char* raw : {"",
                          " ",
                          " \r\n\t ",
                          "x",
                          " x ",
                          "a&amp;b",
                          "&lt;&gt;&quot;&apos;",
                          "&foo;",
                          "&",
                          "&&amp;",
                          "&amp;amp;",
                          "&#65;",
                          "&#x41;",
                          "&#x1F600;",
                          "&#233;",
                          "&#x20;",
                          " &#32; ",
                          "&#1F;",
                          "&#x;",
                          "a\r\nb\rc\n",
                          "&am",
                          "&amp",
                          "x&",
                          "&#0;b",
                          "&#18446744073709551681;",
                          "\xC3\xA9&#xE9;",
                          "\x01",
                          "]]>",
                          "&#x7FF;&#x800;&#xFFFF;&#x10000;&#x10FFFF;"}) {
    expect_as_parsed(raw);
  }
}

TEST(RawValue, SaysWhatTheParserSaysOfAnyText) {
  std::mt19937 random(7);
  constexpr std::string_view kPieces[] = {"&", "#", "x", ";",  "amp", "lt", "gt", "quot", "apos", "1",
                                          "9", "F", " ", "\n", "\r",  "\t", "a",  "&#",   "&#x",  "0"};
  for (int i = 0; i < 50'000; ++i) {
    std::string raw;
    for (auto count = random() % 8; count > 0; --count) raw += kPieces[random() % std::size(kPieces)];
    expect_as_parsed(raw);
  }
}

TEST(RawValue, ABrokenReferenceByNumberStays) {
  std::string buffer;
  EXPECT_EQ(plain_text("&#x110000;", false, buffer), "&#x110000;");
  EXPECT_EQ(plain_text("a&#65", false, buffer), "a&#65");
  EXPECT_EQ(plain_text("&#65 &amp;", false, buffer), "&#65 &");
}

ValueTest equals(std::uint32_t hole, std::string_view constant) {
  ValueTest test;
  test.hole = hole;
  test.constant = Constant::of(constant);
  return test;
}

TEST(Formula, IsFalseUntilFinished) {
  EXPECT_EQ(Formula().constant(), Truth::False);
}

TEST(Formula, FoldsConstants) {
  Formula formula;
  const auto yes = formula.add_constant(true);
  const auto no = formula.add_constant(false);
  const auto test = formula.add_test(equals(0, "1"));
  EXPECT_EQ(formula.add_and({}), yes);
  EXPECT_EQ(formula.add_or({}), no);
  EXPECT_EQ(formula.add_and({test, no}), no);
  EXPECT_EQ(formula.add_or({test, yes}), yes);
  EXPECT_EQ(formula.add_and({yes, test, yes}), test);
  EXPECT_EQ(formula.add_or({no, test}), test);
  EXPECT_EQ(formula.add_not(no), yes);
  EXPECT_EQ(formula.add_not(formula.add_not(test)), test);
  formula.finish(test);
  EXPECT_EQ(formula.constant(), Truth::Unknown);
  formula.finish(yes);
  EXPECT_EQ(formula.constant(), Truth::True);
}

TEST(Formula, MakesOneChainOfChains) {
  Formula formula;
  const auto inner = formula.add_and({formula.add_test(equals(0, "1")), formula.add_test(equals(1, "1"))});
  const auto outer = formula.add_and({inner, formula.add_test(equals(2, "1"))});
  EXPECT_EQ(formula.nodes()[outer].count, 3u);
}

TEST(Formula, ForgetsWhatIsRewound) {
  Formula formula;
  const auto mark = formula.mark();
  formula.add_or({formula.add_test(equals(0, "1")), formula.add_test(equals(1, "1"))});
  formula.rewind(mark);
  EXPECT_TRUE(formula.tests().empty());
  EXPECT_TRUE(formula.links().empty());
  EXPECT_EQ(formula.nodes().size(), 2u);
}

TEST(Formula, DecidesWhatItCanWithOpenTests) {
  Formula formula;
  const auto first = formula.add_test(equals(0, "1"));
  const auto second = formula.add_test(equals(1, "1"));
  const auto decide = [&](std::uint32_t root, Truth answer_first, Truth answer_second) {
    formula.finish(root);
    return formula.decide([&](const ValueTest& test) { return test.hole == 0 ? answer_first : answer_second; });
  };
  const auto both = formula.add_and({first, second});
  const auto either = formula.add_or({first, second});
  const auto neither = formula.add_not(either);
  EXPECT_EQ(decide(both, Truth::Unknown, Truth::False), Truth::False);
  EXPECT_EQ(decide(both, Truth::Unknown, Truth::True), Truth::Unknown);
  EXPECT_EQ(decide(either, Truth::Unknown, Truth::True), Truth::True);
  EXPECT_EQ(decide(neither, Truth::Unknown, Truth::True), Truth::False);
  EXPECT_EQ(decide(neither, Truth::Unknown, Truth::False), Truth::Unknown);
  EXPECT_EQ(decide(neither, Truth::False, Truth::False), Truth::True);
}

TEST(ValueTest, ComparesTheTextThatTheValueStandsFor) {
  EXPECT_TRUE(equals(0, "a&b").holds("a&amp;b", false, {}));
  EXPECT_TRUE(equals(0, "7").holds(" 0x7\r\n", false, {}));
  EXPECT_TRUE(equals(0, "").holds("  ", false, {}));
  EXPECT_FALSE(equals(0, "").holds("  ", true, {}));
}

TEST(ValueTest, BandNeedsNumbers) {
  ValueTest test;
  test.op = ValueTest::Op::Band;
  test.bits = 0x20;
  EXPECT_TRUE(test.holds("0x30", false, {}));
  EXPECT_TRUE(test.holds("-1", false, {}));
  EXPECT_FALSE(test.holds("16", false, {}));
  EXPECT_FALSE(test.holds("32.5", false, {}));
  EXPECT_FALSE(test.holds("x", false, {}));
  test.op = ValueTest::Op::BandValues;
  EXPECT_TRUE(test.holds("6", false, {}, "&#x32;"));
  EXPECT_FALSE(test.holds("6", false, {}, ""));
}

TEST(ValueTest, TimeDiffCountsMillisecondsToNow) {
  const auto now = *base::parse_datetime("2024-05-01T12:00:00Z");
  ValueTest test;
  test.op = ValueTest::Op::TimeDiff;
  test.comparison = Comparison::LessOrEqual;
  test.constant = Constant::of("1000");
  EXPECT_TRUE(test.holds("2024-05-01T11:59:59.0000000Z", true, now));
  EXPECT_FALSE(test.holds("2024-05-01T11:59:58.9990000Z", true, now));
  EXPECT_FALSE(test.holds("yesterday", true, now));
  test.has_reference = true;
  test.reference = now;
  EXPECT_TRUE(test.holds("2024-05-01T12:00:01Z", true, {}));
  test.reference_is_first = true;
  test.comparison = Comparison::Equal;
  EXPECT_TRUE(test.holds("2024-05-01T12:00:01Z", true, {}));
}

TEST(ValueTest, ContainsIgnoresTheCaseOfAsciiLetters) {
  ValueTest test;
  test.op = ValueTest::Op::Contains;
  test.constant.text = "Ab<";
  EXPECT_TRUE(test.holds("xaB&lt;y", false, {}));
  EXPECT_FALSE(test.holds("ab", false, {}));
  EXPECT_FALSE(test.holds("", false, {}));
}

TEST(ValueTest, AWordEndsAtWhatIsNoLetterOrDigit) {
  ValueTest test;
  test.op = ValueTest::Op::HasWord;
  test.constant.text = "cat";
  for (const char* text : {"cat", "a CAT.", "concat cat", "_cat_", "cat-o", "catcat cat"})
    EXPECT_TRUE(test.holds(text, false, {})) << text;
  for (const char* text : {"concat", "cat9",
                           "\xC3\xA9"
                           "cat",
                           "cat\xC3\xA9", "catcat"})
    EXPECT_FALSE(test.holds(text, false, {})) << text;
}

}  // namespace
}  // namespace events
