#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/http/client.h"
#include "tests/support/matchers.h"

namespace {

using http::Url;
using test_support::IsError;

TEST(Url, KnowsThePortsOfWindowsRemoteManagement) {
  EXPECT_EQ(Url::parse("http://collector/")->port, 5985);
  EXPECT_EQ(Url::parse("https://collector/")->port, 5986);
  EXPECT_FALSE(Url::parse("http://collector/")->tls);
  EXPECT_TRUE(Url::parse("HTTPS://collector/")->tls);
}

TEST(Url, TakesItsPartsApart) {
  const auto url = Url::parse("https://collector.lab.example:8443/wsman/SubscriptionManager/WEC?x=1#part");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->host, "collector.lab.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/wsman/SubscriptionManager/WEC?x=1");
  EXPECT_EQ(url->authority(), "collector.lab.example:8443");
}

TEST(Url, HasARootWhereItHasNoPath) {
  EXPECT_EQ(Url::parse("http://collector")->target, "/");
  EXPECT_EQ(Url::parse("http://collector:80?q")->target, "/?q");
}

TEST(Url, KeepsTheBracketsOfAnAddressInHostOnly) {
  const auto url = Url::parse("http://[2001:db8::7]:80/");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->host, "2001:db8::7");
  EXPECT_EQ(url->authority(), "[2001:db8::7]:80");
  EXPECT_EQ(Url::parse("http://[::1]")->authority(), "[::1]:5985");
}

TEST(Url, RefusesWhatItCannotReach) {
  for (const char* text :
       {"", "collector", "ftp://collector/", "http://", "http:///wsman", "http://:5985/", "http://collector:0/",
        "http://collector:65536/", "http://collector:80x/", "http://collector:-1/", "http://[::1/", "http://[::1]x/",
        "http://user:secret@collector/", "http://col lector/", "http://collector/a\r\nX: y"}) {
    EXPECT_THAT(Url::parse(text), IsError(std::errc::invalid_argument)) << text;
  }
}

TEST(Fields, CompareNamesWithoutCase) {
  http::Fields fields;
  fields.add("Content-Type", "first");
  fields.add("content-type", "second");
  EXPECT_EQ(fields.find("CONTENT-TYPE"), "first");
  EXPECT_EQ(fields.find("Content"), std::nullopt);
  EXPECT_EQ(fields.size(), 2u);
}

TEST(Fields, CannotBeMadeToWriteMoreLinesThanThereAreFields) {
  http::Fields fields;
  fields.add("WWW-Authenticate", "Negotiate YII=");
  fields.add("Reason", "a\r\nSet-Cookie: b");
  std::string head;
  fields.append_to(head);
  EXPECT_EQ(head, "WWW-Authenticate: Negotiate YII=\r\nReason: a  Set-Cookie: b\r\n");
}

}  // namespace
