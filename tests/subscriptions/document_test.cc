#include <gmock/gmock.h>

#include "engine/base/iso8601.h"
#include "subscriptions/subscription.h"
#include "tests/subscriptions/definitions.h"
#include "tests/support/matchers.h"

namespace subscriptions {
namespace {

using std::chrono::milliseconds;
using test_support::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SubscriptionPresets, AreThoseOfTheTable) {
  Subscription subscription = sample();
  const auto times = [&](ConfigurationMode mode) {
    subscription.mode = mode;
    return std::pair(subscription.resolved_max_latency(), subscription.resolved_heartbeat());
  };
  EXPECT_EQ(times(ConfigurationMode::Normal), std::pair(milliseconds(900'000), milliseconds(900'000)));
  EXPECT_EQ(times(ConfigurationMode::MinLatency), std::pair(milliseconds(30'000), milliseconds(3'600'000)));
  EXPECT_EQ(times(ConfigurationMode::MinBandwidth), std::pair(milliseconds(21'600'000), milliseconds(21'600'000)));
  subscription.max_latency = milliseconds(1);
  subscription.heartbeat = milliseconds(2);
  EXPECT_EQ(times(ConfigurationMode::Custom), std::pair(milliseconds(1), milliseconds(2)));
}

TEST(SubscriptionPresets, NormalIsPulledByTheCollectorAndPushedByTheSource) {
  Subscription subscription;
  subscription.type = Type::CollectorInitiated;
  EXPECT_EQ(subscription.resolved_delivery_mode(), DeliveryMode::Pull);
  EXPECT_EQ(subscription.resolved_max_items(), std::optional(5u));
  subscription.type = Type::SourceInitiated;
  EXPECT_EQ(subscription.resolved_delivery_mode(), DeliveryMode::Push);
  EXPECT_EQ(subscription.resolved_max_items(), std::nullopt);
}

TEST(SubscriptionPresets, PortsFollowTheTransport) {
  Subscription subscription;
  EXPECT_EQ(subscription.resolved_port(), 5985);
  subscription.transport_name = "https";
  EXPECT_EQ(subscription.resolved_port(), 5986);
  subscription.transport_port = 443;
  EXPECT_EQ(subscription.resolved_port(), 443);
}

TEST(SubscriptionXml, IsReadBackAsItWas) {
  Subscription subscription = sample();
  subscription.mode = ConfigurationMode::Custom;
  subscription.delivery_mode = DeliveryMode::Push;
  subscription.max_items = 20;
  subscription.max_latency = milliseconds(1500);
  subscription.heartbeat = milliseconds(40'000);
  subscription.description = "a < b & \"c\"";
  subscription.expires = base::parse_datetime("2030-02-03T04:05:06.789Z");
  subscription.transport_port = 6000;
  subscription.host_name = "collector.example.org";
  subscription.sources = {EventSource{"x.lab.example.org", false, {}}};
  subscription.allowed_domain_computers = "O:NSG:NSD:(A;;GA;;;DC)";
  subscription.query = "<QueryList><!-- ]]> --><Query Id=\"0\"><Select Path=\"a\">*</Select></Query>\n</QueryList>";
  const auto back = parse_subscription(to_xml(subscription));
  ASSERT_THAT(back, IsOk());
  EXPECT_EQ(to_xml(*back), to_xml(subscription));
  EXPECT_EQ(back->query, subscription.query);
  EXPECT_EQ(back->description, subscription.description);
  EXPECT_EQ(back->expires, subscription.expires);
  EXPECT_EQ(back->host_name, subscription.host_name);
  EXPECT_EQ(back->max_items, subscription.max_items);
  EXPECT_EQ(back->sources.size(), 1u);
  EXPECT_EQ(back->denied_subjects, subscription.denied_subjects);
}

TEST(SubscriptionXml, ShowsResolvedValues) {
  const std::string xml = to_xml(sample());
  EXPECT_THAT(xml, HasSubstr(R"(<Delivery Mode="Push">)"));
  EXPECT_THAT(xml, HasSubstr("<MaxLatencyTime>30000</MaxLatencyTime>"));
  EXPECT_THAT(xml, HasSubstr(R"(<Heartbeat Interval="3600000"/>)"));
  EXPECT_THAT(xml, Not(HasSubstr("MaxItems")));
  EXPECT_THAT(xml, HasSubstr("<Query><![CDATA[<QueryList>"));
  EXPECT_THAT(xml, HasSubstr(R"(xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription")"));
}

TEST(SubscriptionXml, NeverHoldsAPassword) {
  const auto parsed = parse_subscription(
      R"(<Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">
         <SubscriptionId>s</SubscriptionId><CommonUserName>u</CommonUserName><CommonPassword>hunter2</CommonPassword>
         <EventSources><EventSource><Address>a</Address><UserName>v</UserName><Password>hunter2</Password></EventSource>
         </EventSources></Subscription>)");
  ASSERT_THAT(parsed, IsOk());
  EXPECT_THAT(to_xml(*parsed) + to_terse(*parsed), Not(HasSubstr("hunter2")));
  EXPECT_EQ(parsed->common_user_name, "u");
}

TEST(SubscriptionXml, NamesTheDefaultSddlOnlyWhereNobodyIsNamed) {
  Subscription subscription = sample();
  EXPECT_THAT(to_xml(subscription), Not(HasSubstr(std::string(kDefaultSourceSddl))));
  subscription.allowed_issuers.clear();
  subscription.allowed_subjects.clear();
  subscription.denied_subjects.clear();
  EXPECT_THAT(to_xml(subscription), HasSubstr(std::string(kDefaultSourceSddl)));
}

// wecutil, section 8.1.
TEST(SubscriptionTerse, HasTheLinesOfWindowsInTheirOrder) {
  Subscription subscription = sample();
  subscription.mode = ConfigurationMode::Custom;
  subscription.max_items = 50;
  subscription.max_latency = milliseconds(30'000);
  subscription.heartbeat = milliseconds(3'600'000);
  subscription.expires = base::parse_datetime("2030-01-01T00:00:00.000Z");
  subscription.query = "<QueryList>\n</QueryList>";
  subscription.allowed_issuers.clear();
  subscription.allowed_subjects.clear();
  subscription.denied_subjects.clear();
  subscription.sources = {EventSource{"a.example.org", true, {}}};
  EXPECT_EQ(to_terse(subscription),
            "Subscription Id: linux-baseline\n"
            "SubscriptionType: SourceInitiated\n"
            "Description: Baseline from every enrolled host\n"
            "Enabled: true\n"
            "Uri: http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog\n"
            "ConfigurationMode: Custom\n"
            "DeliveryMode: Push\n"
            "DeliveryMaxItems: 50\n"
            "DeliveryMaxLatencyTime: 30000\n"
            "HeartbeatInterval: 3600000\n"
            "Expires: 2030-01-01T00:00:00.000Z\n"
            "Query: <QueryList>\n</QueryList>\n"
            "\n"
            "ReadExistingEvents: true\n"
            "TransportName: https\n"
            "ContentFormat: RenderedText\n"
            "Locale: en-US\n"
            "LogFile: ForwardedEvents\n"
            "PublisherName: Microsoft-Windows-EventCollector\n"
            "AllowedIssuerCAList:\n"
            "AllowedSubjectList:\n"
            "DeniedSubjectList:\n"
            "AllowedSourceDomainComputers: O:NSG:NSD:(A;;GA;;;DC)(A;;GA;;;NS)\n"
            "\n"
            "EventSource[0]:\n"
            "\tAddress: a.example.org\n"
            "\tEnabled: true\n");
}

TEST(SubscriptionTerse, ShowsCredentialsInsteadWhereTheCollectorInitiates) {
  Subscription subscription;
  subscription.id = "s";
  subscription.common_user_name = "reader";
  const std::string text = to_terse(subscription);
  EXPECT_THAT(text, HasSubstr("CredentialsType: Default\nCommonUserName: reader\n"));
  EXPECT_THAT(text, Not(HasSubstr("AllowedSubjectList")));
}

}  // namespace
}  // namespace subscriptions
