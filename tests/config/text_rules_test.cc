#include "engine/config/text_rules.h"

#include <gtest/gtest.h>

#include <array>

namespace {

TEST(TextRules, UrlPrefixIsPartsOfWordCharactersJoinedBySlashes) {
  EXPECT_TRUE(config::is_url_prefix("wsman"));
  EXPECT_TRUE(config::is_url_prefix("a_1/B2"));
  for (const char* wrong : {"", "/wsman", "wsman/", "a//b", "ws man", "ws-man"})
    EXPECT_FALSE(config::is_url_prefix(wrong)) << wrong;
}

TEST(TextRules, TrustedHostsIsAStarOrAListOfNamesAndPatterns) {
  for (const char* right : {"", "*", "a.example.org", "*.example.org, web*", "<local>,192.0.2.7,[2001:db8::7]"}) {
    EXPECT_TRUE(config::is_trusted_hosts(right)) << right;
  }
  for (const char* wrong : {"*,a", "a*b", "*a*", "a,,b", "a b", "a\n*", "a b*"})
    EXPECT_FALSE(config::is_trusted_hosts(wrong)) << wrong;
}

TEST(TextRules, FilterIsAListOfRangesThatDoNotRunBackwards) {
  for (const char* right :
       {"", "*", "192.0.2.1-192.0.2.9", "10.0.0.0-10.255.255.255, 192.0.2.1-192.0.2.1", "*,10.0.0.1-10.0.0.2"}) {
    EXPECT_TRUE(config::is_ipv4_filter(right)) << right;
  }
  for (const char* wrong : {"192.0.2.1", "192.0.2.9-192.0.2.1", "a-b", "192.0.2.1-192.0.2.9,", "::1-::2"}) {
    EXPECT_FALSE(config::is_ipv4_filter(wrong)) << wrong;
  }
  EXPECT_TRUE(config::is_ipv6_filter("[2001:db8::1]-[2001:db8::ff], ::1-::1"));
  EXPECT_FALSE(config::is_ipv6_filter("::2-::1"));
  EXPECT_FALSE(config::is_ipv4_filter(std::string(1025, ' ')));
}

TEST(TextRules, FilterLetsTheAddressesOfItsRangesThrough) {
  EXPECT_TRUE(config::is_in_filter("*", "192.0.2.7"));
  EXPECT_TRUE(config::is_in_filter("10.0.0.1-10.0.0.2, *", "192.0.2.7"));
  EXPECT_FALSE(config::is_in_filter("", "192.0.2.7"));
  const std::string two = "10.0.0.1-10.0.0.2,192.0.2.7-192.0.2.9";
  for (const char* in : {"10.0.0.1", "10.0.0.2", "192.0.2.8"}) EXPECT_TRUE(config::is_in_filter(two, in)) << in;
  for (const char* out : {"10.0.0.0", "10.0.0.3", "192.0.2.10", "x"}) EXPECT_FALSE(config::is_in_filter(two, out)) << out;
  EXPECT_TRUE(config::is_in_filter("[2001:db8::1]-[2001:db8::ff]", "2001:db8::a"));
  EXPECT_FALSE(config::is_in_filter("2001:db8::1-2001:db8::ff", "2001:db8::1:0"));
}

TEST(TextRules, ThumbprintHasFortyHexadecimalDigits) {
  EXPECT_TRUE(config::is_thumbprint_or_empty(""));
  EXPECT_TRUE(config::is_thumbprint_or_empty("12 12131238d84023982e381f20391a2935301923"));
  EXPECT_FALSE(config::is_thumbprint_or_empty("1212"));
  EXPECT_FALSE(config::is_thumbprint_or_empty("g212131238d84023982e381f20391a2935301923"));
}

TEST(TextRules, HostIsADnsNameOrAnAddress) {
  for (const char* right : {"a", "web-1.example.org", "192.0.2.7", "::1", "[::1]"})
    EXPECT_TRUE(config::is_host(right)) << right;
  for (const char* wrong : {"", "-a", "a-", "a..b", "a b", "a/b", "[::1", "a:1"})
    EXPECT_FALSE(config::is_host(wrong)) << wrong;
  EXPECT_FALSE(config::is_host(std::string(64, 'a')));
}

TEST(TextRules, AuthorityMayEndInAPort) {
  EXPECT_TRUE(config::is_authority("a.example.org:5986"));
  EXPECT_TRUE(config::is_authority("[::1]:5986"));
  for (const char* wrong : {"a:", "a:0", "a:65536", "a:1x", ":5986"}) EXPECT_FALSE(config::is_authority(wrong)) << wrong;
}

TEST(TextRules, ChannelIsPrintableWithoutWildcards) {
  EXPECT_TRUE(config::is_channel("Linux-Syslog/Operational"));
  for (const char* wrong : {"", " a", "a ", "a*", "a\nb", "a\\b"}) EXPECT_FALSE(config::is_channel(wrong)) << wrong;
  EXPECT_FALSE(config::is_channel(std::string(256, 'a')));
}

TEST(TextRules, EditDistanceCountsChangesAndPassesOverCapitals) {
  EXPECT_EQ(config::edit_distance("port", "PORT"), 0u);
  EXPECT_EQ(config::edit_distance("Prot", "Port"), 2u);
  EXPECT_EQ(config::edit_distance("", "abc"), 3u);
}

TEST(TextRules, NearestNameIsNothingWhereNoneIsNear) {
  const std::array<std::string, 2> names = {"Basic", "Kerberos"};
  EXPECT_EQ(config::nearest_name("basci", names), "Basic");
  EXPECT_EQ(config::nearest_name("Certificate", names), "");
}

}  // namespace
