#include "engine/service/addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using service::AddressFilters;
using service::BindAddress;
using service::HostAddress;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<HostAddress> kHost = {{"127.0.0.1", false, ""},
                                        {"192.0.2.7", false, "00-11-22-33-44-55"},
                                        {"::1", true, ""},
                                        {"fe80::1%eth0", true, "00-11-22-33-44-55"}};

TEST(ListenerAddresses, StarIsAllThatTheFiltersAllow) {
  EXPECT_THAT(service::addresses_of("*", {}, kHost), ElementsAre("127.0.0.1", "192.0.2.7", "::1", "fe80::1%eth0"));
  EXPECT_THAT(service::addresses_of("*", {"192.0.2.1-192.0.2.9", ""}, kHost), ElementsAre("192.0.2.7"));
  EXPECT_THAT(service::addresses_of("*", {"", "fe80::1-fe80::1"}, kHost), ElementsAre("fe80::1%eth0"));
}

TEST(ListenerAddresses, MacIsItsInterface) {
  EXPECT_THAT(service::addresses_of("MAC:00-11-22-33-44-55", {}, kHost), ElementsAre("192.0.2.7", "fe80::1%eth0"));
  EXPECT_THAT(service::addresses_of("MAC:00-11-22-33-44-56", {}, kHost), IsEmpty());
}

TEST(ListenerAddresses, StarBindsOnceWhereItCan) {
  EXPECT_THAT(service::bind_addresses("*", {}, kHost), ElementsAre(BindAddress{"::", false}));
  EXPECT_THAT(service::bind_addresses("*", {"*", ""}, kHost), ElementsAre(BindAddress{"0.0.0.0", false}));
  EXPECT_THAT(service::bind_addresses("*", {"", "*"}, kHost), ElementsAre(BindAddress{"::", true}));
  EXPECT_THAT(service::bind_addresses("*", {"127.0.0.1-127.0.0.1", "*"}, kHost),
              ElementsAre(BindAddress{"::", true}, BindAddress{"127.0.0.1", false}));
  EXPECT_THAT(service::bind_addresses("*", {"", ""}, kHost), IsEmpty());
}

TEST(ListenerAddresses, SingleAddressIsBoundUnlessAFilterForbidsIt) {
  EXPECT_THAT(service::bind_addresses("IP:203.0.113.7", {}, kHost), ElementsAre(BindAddress{"203.0.113.7", false}));
  EXPECT_THAT(service::bind_addresses("IP:203.0.113.7", {"192.0.2.1-192.0.2.9", "*"}, kHost), IsEmpty());
}

TEST(ListenerAddresses, WildcardCoversItsFamilies) {
  EXPECT_TRUE(service::covers({"::", false}, {"192.0.2.7", false}));
  EXPECT_TRUE(service::covers({"::", false}, {"::1", false}));
  EXPECT_FALSE(service::covers({"::", true}, {"192.0.2.7", false}));
  EXPECT_TRUE(service::covers({"0.0.0.0", false}, {"192.0.2.7", false}));
  EXPECT_FALSE(service::covers({"0.0.0.0", false}, {"::1", false}));
  EXPECT_FALSE(service::covers({"192.0.2.7", false}, {"192.0.2.8", false}));
}

}  // namespace
