#include "engine/base/encoding.h"

#include <gtest/gtest.h>

#include <set>

namespace {

// RFC 4648, section 10.
constexpr std::pair<const char*, const char*> kBase64[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

TEST(Base64, VectorsOfTheSpecificationGoBothWays) {
  for (const auto& [bytes, text] : kBase64) {
    EXPECT_EQ(base::to_base64(bytes), text);
    EXPECT_EQ(base::parse_base64(text), bytes);
  }
}

TEST(Base64, TextThatIsNotCanonicalIsRefused) {
  for (const char* text : {"Zg", "Zg=", "Zg=a", "Zh==", "Zm9=", "Z===", "====", "Zm 9v", "Zm9v\n", "Zg==Zg==", "Zm-_"}) {
    EXPECT_EQ(base::parse_base64(text), std::nullopt) << text;
  }
}

TEST(Hex, BytesGoBothWays) {
  EXPECT_EQ(base::to_hex(std::string_view("\x00\x7f\xff", 3)), "007FFF");
  EXPECT_EQ(base::parse_hex("007fFF"), std::string("\x00\x7f\xff", 3));
}

TEST(Hex, TextThatIsNotPairsOfDigitsIsRefused) {
  for (const char* text : {"0", "0g", "0x", " 00"}) EXPECT_EQ(base::parse_hex(text), std::nullopt) << text;
}

TEST(Guid, NewOnesAreOfVersionFourAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string guid = base::new_guid();
    EXPECT_EQ(guid.size(), 36u);
    EXPECT_EQ(guid[14], '4') << guid;
    EXPECT_NE(std::string("89AB").find(guid[19]), std::string::npos) << guid;
    seen.insert(guid);
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST(Guid, EveryWayToWriteOneIsRead) {
  constexpr char kGuid[] = "219C5353-5F3D-4CD7-A644-F6B69E57C1C1";
  for (const char* text : {"219c5353-5f3d-4cd7-a644-f6b69e57c1c1", "{219C5353-5F3D-4CD7-A644-F6B69E57C1C1}",
                           "uuid:219C5353-5F3D-4CD7-A644-F6B69E57C1C1", "urn:uuid:219C5353-5F3D-4CD7-A644-F6B69E57C1C1",
                           " UUID:219C5353-5F3D-4CD7-A644-F6B69E57C1C1 "}) {
    EXPECT_EQ(base::parse_guid(text), kGuid) << text;
  }
}

TEST(Guid, WhatIsNoneIsRefused) {
  for (const char* text : {"", "219C5353", "219C53535F3D4CD7A644F6B69E57C1C1", "219C5353-5F3D-4CD7-A644-F6B69E57C1CG",
                           "{219C5353-5F3D-4CD7-A644-F6B69E57C1C1", "219C5353-5F3D-4CD7-A644-F6B69E57C1C1x"}) {
    EXPECT_EQ(base::parse_guid(text), std::nullopt) << text;
  }
}

TEST(EqualSecret, ComparesTheWholeText) {
  EXPECT_TRUE(base::equal_secret("", ""));
  EXPECT_TRUE(base::equal_secret("secret", "secret"));
  EXPECT_FALSE(base::equal_secret("secret", "Secret"));
  EXPECT_FALSE(base::equal_secret("secret", "secre"));
}

TEST(AsciiCase, OnlyAsciiLettersChange) {
  EXPECT_EQ(base::to_lower("ÄbC-1"), "Äbc-1");
  EXPECT_EQ(base::to_upper("äbC-1"), "äBC-1");
  EXPECT_TRUE(base::equal_ignoring_case("WSMan", "wsmAN"));
  EXPECT_FALSE(base::equal_ignoring_case("WSMan", "WSMan "));
  EXPECT_FALSE(base::equal_ignoring_case("@", "`"));
}

TEST(Trimmed, TakesWhiteSpaceOffBothEnds) {
  EXPECT_EQ(base::trimmed(" \t\r\n a b \n"), "a b");
  EXPECT_EQ(base::trimmed("\n "), "");
}

TEST(Wildcard, StarIsAnyTextAndQuestionMarkOneCharacter) {
  EXPECT_TRUE(base::matches_wildcard("*", ""));
  EXPECT_TRUE(base::matches_wildcard("*.lab.example", "WEB1.Lab.Example"));
  EXPECT_TRUE(base::matches_wildcard("web?.*.example", "web1.lab.example"));
  EXPECT_TRUE(base::matches_wildcard("*a*b", "xaxbxb"));
  EXPECT_FALSE(base::matches_wildcard("*.lab.example", "lab.example"));
  EXPECT_FALSE(base::matches_wildcard("web?", "web"));
  EXPECT_FALSE(base::matches_wildcard("", "a"));
}

TEST(Wildcard, ManyStarsDoNotTakeExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  EXPECT_FALSE(base::matches_wildcard(pattern + "b", std::string(2000, 'a')));
}

}  // namespace
