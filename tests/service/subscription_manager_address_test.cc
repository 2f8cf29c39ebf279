#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/service/settings.h"
#include "tests/support/matchers.h"

namespace {

using service::parse_subscription_manager;
using test_support::IsError;
using test_support::IsOk;

TEST(SubscriptionManagerAddress, WindowsPolicyStringIsRead) {
  const auto address = parse_subscription_manager(
      "Server=HTTPS://wec.lab.example:5986/wsman/SubscriptionManager/WEC,Refresh=60,"
      "IssuerCA=12 12131238d84023982e381f20391a2935301923");
  ASSERT_THAT(address, IsOk());
  EXPECT_EQ(address->url, "https://wec.lab.example:5986/wsman/SubscriptionManager/WEC");
  EXPECT_EQ(address->refresh, std::chrono::seconds(60));
  EXPECT_EQ(address->issuer_ca, "1212131238D84023982E381F20391A2935301923");
}

TEST(SubscriptionManagerAddress, KeysComeInAnyCaseAndOrder) {
  const auto address = parse_subscription_manager(" refresh = 5 , SERVER = http://wec/wsman/SubscriptionManager/WEC ,");
  ASSERT_THAT(address, IsOk());
  EXPECT_EQ(address->url, "http://wec:5985/wsman/SubscriptionManager/WEC");
  EXPECT_EQ(address->refresh, std::chrono::seconds(5));
}

TEST(SubscriptionManagerAddress, PortPathAndRefreshHaveDefaults) {
  const auto address = parse_subscription_manager("Server=https://[2001:db8::7]");
  ASSERT_THAT(address, IsOk());
  EXPECT_EQ(address->url, "https://[2001:db8::7]:5986/wsman/SubscriptionManager/WEC");
  EXPECT_EQ(address->refresh, std::chrono::seconds(900));
  EXPECT_EQ(address->issuer_ca, "");
}

TEST(SubscriptionManagerAddress, WhatIsWrongIsSaid) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "Server= is missing"},
      {"Refresh=60", "Server= is missing"},
      {"https://wec", "is not KEY=VALUE"},
      {"Server=wec", "is not an address"},
      {"Server=ftp://wec", "is not an address"},
      {"Server=https://", "is not an address"},
      {"Server=https://user@wec", "is not an address"},
      {"Server=https://wec:0", "is not an address"},
      {"Server=https://2001:db8::7", "is not an address"},
      {"Server=https://wec/a b", "is not an address"},
      {"Server=https://wec/?q", "is not an address"},
      {"Server=https://wec,Refresh=0", "valid: 1 to 31536000 seconds"},
      {"Server=https://wec,Refresh=1h", "valid: 1 to 31536000 seconds"},
      {"Server=https://wec,IssuerCA=1234", "40 hexadecimal digits"},
      {"Server=https://wec,IssuerCA=", "40 hexadecimal digits"},
      {"Server=http://wec,IssuerCA=1212131238d84023982e381f20391a2935301923", "without https"},
      {"Server=https://wec,Server=https://wec", "is there a second time"},
      {"Server=https://wec,Refrsh=1", "unknown key"},
  };
  for (const auto& [text, wrong] : cases) {
    EXPECT_THAT(parse_subscription_manager(text), IsError(std::errc::invalid_argument, wrong)) << text;
  }
  EXPECT_THAT(parse_subscription_manager("Server=https://wec/" + std::string(2048, 'a')),
              IsError(std::errc::invalid_argument));
}

}  // namespace
