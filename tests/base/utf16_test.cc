#include "engine/base/utf16.h"

#include <gtest/gtest.h>

namespace {

using base::Utf16Order;

std::string little_endian(std::u16string_view units) {
  std::string bytes;
  for (const char16_t unit : units) {
    bytes += static_cast<char>(unit & 0xFF);
    bytes += static_cast<char>(unit >> 8);
  }
  return bytes;
}

std::string big_endian(std::u16string_view units) {
  std::string bytes = little_endian(units);
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) std::swap(bytes[i], bytes[i + 1]);
  return bytes;
}

std::string utf8(std::u8string_view text) {
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

TEST(Utf16, BothByteOrdersAreDecoded) {
  const std::string text = utf8(u8"plain ASCII, äöü, 漢字, 𝄞, end");
  const std::u16string units = u"plain ASCII, äöü, 漢字, 𝄞, end";
  EXPECT_EQ(base::utf16_to_utf8(little_endian(units), Utf16Order::LittleEndian).text, text);
  EXPECT_EQ(base::utf16_to_utf8(big_endian(units), Utf16Order::BigEndian).text, text);
}

TEST(Utf16, EveryLengthAndPlaceOfACharacterOutsideAsciiIsDecoded) {
  for (std::size_t length = 0; length < 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      std::u16string units(length, u'x');
      units[at] = u'ß';
      const std::string expected = std::string(at, 'x') + utf8(u8"ß") + std::string(length - at - 1, 'x');
      const auto decoded = base::utf16_to_utf8(little_endian(units), Utf16Order::LittleEndian);
      ASSERT_EQ(decoded.text, expected);
      ASSERT_EQ(decoded.replaced, 0u);
    }
  }
}

TEST(Utf16, LongTextsGrowBeyondTheFirstGuess) {
  const std::u16string units(100'000, u'漢');
  EXPECT_EQ(base::utf16_to_utf8(little_endian(units), Utf16Order::LittleEndian).text.size(), 300'000u);
}

TEST(Utf16, LoneSurrogatesAndAnOddByteAreReplacedAndCounted) {
  const std::u16string units = {u'a', 0xD800, u'b', 0xDC00, 0xD834};
  const auto decoded = base::utf16_to_utf8(little_endian(units) + "x", Utf16Order::LittleEndian);
  EXPECT_EQ(decoded.text, utf8(u8"a\uFFFDb\uFFFD\uFFFD\uFFFD"));
  EXPECT_EQ(decoded.replaced, 4u);
}

TEST(Utf16, EncodingWritesTheMarkAndSurrogatePairs) {
  EXPECT_EQ(base::utf8_to_utf16le_with_mark(utf8(u8"aß𝄞")), "\xFF\xFE" + little_endian(u"aß𝄞"));
  EXPECT_EQ(base::utf8_to_utf16le_with_mark("\xC3"), "\xFF\xFE" + little_endian(u"\uFFFD"));
}

TEST(Utf16, EncodingIsTheSameWhereverPlainRunsEnd) {
  // The encoder takes four plain characters at a time.
  for (std::size_t before = 0; before < 20; ++before) {
    for (std::size_t behind = 0; behind < 6; ++behind) {
      const std::string text = std::string(before, 'a') + utf8(u8"ß") + std::string(behind, 'z');
      const std::u16string units = std::u16string(before, u'a') + u"ß" + std::u16string(behind, u'z');
      EXPECT_EQ(base::utf8_to_utf16le_with_mark(text), "\xFF\xFE" + little_endian(units));
    }
  }
}

TEST(Utf8, IllFormedSequencesAreFound) {
  EXPECT_TRUE(base::is_valid_utf8(utf8(u8"long enough for eight at a time: ß漢𝄞\U0010FFFF")));
  for (const char* text : {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "12345678\xFF"}) {
    EXPECT_FALSE(base::is_valid_utf8(text));
  }
}

TEST(Utf8, RepairReplacesWhatIsIllFormedAndCountsIt) {
  const auto repaired = base::repaired_utf8(
      "a\x80"
      "b\xC3");
  EXPECT_EQ(repaired.text, utf8(u8"a\uFFFDb\uFFFD"));
  EXPECT_EQ(repaired.replaced, 2u);
}

TEST(XmlCharacters, ForbiddenOnesAreReplacedAndCounted) {
  std::string text = utf8(u8"a\u0001\t\n\r\u001Fb\uFFFE\uFFFF\uFFFD");
  EXPECT_EQ(base::replace_forbidden_xml_characters(text), 4u);
  EXPECT_EQ(text, utf8(u8"a\uFFFD\t\n\r\uFFFDb\uFFFD\uFFFD\uFFFD"));
}

TEST(XmlCharacters, CleanTextIsLeftAlone) {
  std::string text = utf8(u8"tab\t, line\n, ｱ (U+FF71), \uFFFC");
  const std::string before = text;
  EXPECT_EQ(base::replace_forbidden_xml_characters(text), 0u);
  EXPECT_EQ(text, before);
}

TEST(Utf16Length, CountsCodeUnits) {
  EXPECT_EQ(base::utf16_length(utf8(u8"aß漢𝄞")), 5u);
  EXPECT_EQ(base::utf16_length(""), 0u);
  EXPECT_EQ(base::utf16_length(utf8(u8"twelve bytes𝄞𝄞 and nine ß")), 27u);
}

}  // namespace
