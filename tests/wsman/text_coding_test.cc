#include <gtest/gtest.h>

#include "engine/wsman/envelope.h"
#include "tests/support/matchers.h"
#include "tests/wsman/messages.h"

namespace wsman {
namespace {

using test_support::IsFault;
using test_support::IsOkAndHolds;
using ::testing::Eq;
using namespace std::string_literals;

Result<std::string> decoded(std::string_view bytes, std::string_view content_type, Charset expected) {
  Charset charset = expected == Charset::Utf8 ? Charset::Utf16 : Charset::Utf8;
  auto text = decode_text(bytes, content_type, charset);
  EXPECT_TRUE(!text.ok() || charset == expected);
  return text;
}

TEST(TextCoding, MarkDecidesBeforeTheCharset) {
  EXPECT_THAT(decoded("\xFF\xFE<\0a\0"s, "application/soap+xml;charset=UTF-8", Charset::Utf16), IsOkAndHolds(Eq("<a")));
  EXPECT_THAT(decoded("\xFE\xFF\0<\0a"s, "", Charset::Utf16), IsOkAndHolds(Eq("<a")));
  EXPECT_THAT(decoded("\xEF\xBB\xBF<a", "application/soap+xml;charset=UTF-16", Charset::Utf8), IsOkAndHolds(Eq("<a")));
}

TEST(TextCoding, CharsetIsReadLeniently) {
  EXPECT_THAT(decoded("<\0a\0"s, "application/soap+xml; Charset = \"utf-16\"", Charset::Utf16), IsOkAndHolds(Eq("<a")));
  EXPECT_THAT(decoded("<a", "application/soap+xml;action=\"x\";charset='UTF-8'", Charset::Utf8), IsOkAndHolds(Eq("<a")));
  EXPECT_THAT(decoded("\0<\0a"s, "text/xml;charset=utf-16", Charset::Utf16), IsOkAndHolds(Eq("<a")));
}

TEST(TextCoding, WithoutMarkAndCharsetTheSecondByteDecides) {
  EXPECT_THAT(decoded("<\0a\0"s, "application/soap+xml", Charset::Utf16), IsOkAndHolds(Eq("<a")));
  EXPECT_THAT(decoded("<a", "application/soap+xml", Charset::Utf8), IsOkAndHolds(Eq("<a")));
  EXPECT_THAT(decoded("", "", Charset::Utf8), IsOkAndHolds(Eq("")));
}

TEST(TextCoding, UnknownCharsetIsAFault) {
  Charset charset{};
  EXPECT_THAT(decode_text("<a/>", "application/soap+xml;charset=ISO-8859-1", charset), IsFault(FaultCode::CharacterSet));
}

TEST(TextCoding, DeclarationThatDisagreesIsAFault) {
  Charset charset{};
  EXPECT_THAT(decode_text("<?xml version='1.0' encoding='UTF-16'?><a/>", "a/b;charset=UTF-8", charset),
              IsFault(FaultCode::CharacterSet));
  EXPECT_THAT(decoded("<?xml version=\"1.0\" encoding=\"utf-8\"?><a/>", "a/b;charset=UTF-8", Charset::Utf8),
              IsOkAndHolds(Eq("<?xml version=\"1.0\" encoding=\"utf-8\"?><a/>")));
}

TEST(TextCoding, BrokenTextIsRepaired) {
  EXPECT_THAT(decoded("\xFF\xFE\x00\xD8<\0"s, "", Charset::Utf16), IsOkAndHolds(Eq("\xEF\xBF\xBD<")));
  EXPECT_THAT(decoded("\xFF\xFE<\0a"s, "", Charset::Utf16), IsOkAndHolds(Eq("<\xEF\xBF\xBD")));
  EXPECT_THAT(decoded("a\xC0\x80", "", Charset::Utf8), IsOkAndHolds(Eq("a\xEF\xBF\xBD\xEF\xBF\xBD")));
}

TEST(TextCoding, EncodesWithTheMark) {
  EXPECT_EQ(encode_text("a", Charset::Utf16), "\xFF\xFE"s + "a\0"s);
  EXPECT_EQ(encode_text("a\xC3\xA4", Charset::Utf8), "a\xC3\xA4");
  EXPECT_EQ(content_type_of(Charset::Utf16), "application/soap+xml;charset=UTF-16");
}

}  // namespace
}  // namespace wsman
