#include <gmock/gmock.h>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "subscriptions/subscription.h"
#include "tests/subscriptions/definitions.h"
#include "tests/support/matchers.h"

namespace subscriptions {
namespace {

using base::Win32;
using std::chrono::milliseconds;
using test_support::IsError;
using test_support::IsOk;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;

// The two samples of wecutil, section 5.
constexpr std::string_view kCollectorInitiated = R"(<?xml version="1.0" encoding="UTF-8"?>
<Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">
  <SubscriptionId>db-hosts-pull</SubscriptionId>
  <SubscriptionType>CollectorInitiated</SubscriptionType>
  <Description>Errors from the database hosts</Description>
  <Enabled>true</Enabled>
  <Uri>http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog</Uri>
  <ConfigurationMode>Custom</ConfigurationMode>
  <Delivery Mode="Pull">
    <Batching><MaxItems>50</MaxItems><MaxLatencyTime>60000</MaxLatencyTime></Batching>
    <PushSettings><Heartbeat Interval="30000"/></PushSettings>
  </Delivery>
  <Query><![CDATA[<QueryList><Query Id="0"><Select Path="System">*[System[(Level=1 or Level=2)]]</Select></Query></QueryList>]]></Query>
  <ReadExistingEvents>false</ReadExistingEvents>
  <TransportName>https</TransportName>
  <TransportPort>5986</TransportPort>
  <ContentFormat>Events</ContentFormat>
  <LogFile>ForwardedEvents</LogFile>
  <PublisherName>Microsoft-Windows-EventCollector</PublisherName>
  <CredentialsType>Basic</CredentialsType>
  <EventSources>
    <EventSource Enabled="true"><Address>db1.example.org</Address><UserName>collector</UserName><Password>*</Password></EventSource>
    <EventSource Enabled="false"><Address>[2001:db8::7]</Address></EventSource>
  </EventSources>
</Subscription>
)";

/// A document with the least that a definition needs, and `more` behind it.
std::string document_with(std::string_view more) {
  return std::string(R"(<Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">)") +
         "<SubscriptionId>s</SubscriptionId><SubscriptionType>SourceInitiated</SubscriptionType>" + std::string(more) +
         "</Subscription>";
}

TEST(ParseSubscription, ReadsEveryElementOfACollectorInitiatedOne) {
  const auto parsed = parse_subscription(kCollectorInitiated);
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->id, "db-hosts-pull");
  EXPECT_EQ(parsed->type, Type::CollectorInitiated);
  EXPECT_EQ(parsed->description, "Errors from the database hosts");
  EXPECT_EQ(parsed->mode, ConfigurationMode::Custom);
  EXPECT_THAT(parsed->delivery_mode, Optional(DeliveryMode::Pull));
  EXPECT_THAT(parsed->max_items, Optional(50u));
  EXPECT_THAT(parsed->max_latency, Optional(milliseconds(60'000)));
  EXPECT_THAT(parsed->heartbeat, Optional(milliseconds(30'000)));
  EXPECT_EQ(parsed->transport_name, "https");
  EXPECT_THAT(parsed->transport_port, Optional(5986));
  EXPECT_EQ(parsed->content_format, ContentFormat::Events);
  EXPECT_EQ(parsed->credentials_type, "Basic");
  ASSERT_EQ(parsed->sources.size(), 2u);
  EXPECT_EQ(parsed->sources[0].address, "db1.example.org");
  EXPECT_EQ(parsed->sources[0].user_name, "collector");
  EXPECT_TRUE(parsed->sources[0].enabled);
  EXPECT_EQ(parsed->sources[1].address, "[2001:db8::7]");
  EXPECT_FALSE(parsed->sources[1].enabled);
}

TEST(ParseSubscription, ReadsEveryElementOfASourceInitiatedOne) {
  const auto parsed = parse_subscription(kSourceInitiatedSample);
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->type, Type::SourceInitiated);
  EXPECT_EQ(parsed->mode, ConfigurationMode::MinLatency);
  EXPECT_EQ(parsed->query,
            R"(<QueryList><Query Id="0"><Select Path="Linux-Audit/Operational">*</Select></Query></QueryList>)");
  EXPECT_TRUE(parsed->read_existing_events);
  EXPECT_EQ(parsed->content_format, ContentFormat::RenderedText);
  EXPECT_EQ(parsed->locale, "en-US");
  EXPECT_THAT(parsed->allowed_issuers, ElementsAre("0123456789ABCDEF0123456789ABCDEF01234567"));
  EXPECT_THAT(parsed->allowed_subjects, ElementsAre("*.lab.example.org"));
  EXPECT_THAT(parsed->denied_subjects, ElementsAre("kiosk*.lab.example.org"));
  EXPECT_THAT(parsed->allowed_domain_computers, IsEmpty());
}

TEST(ParseSubscription, TakesDefaultsForWhatIsNotThere) {
  const auto parsed = parse_subscription(
      R"(<Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">
         <SubscriptionId>s</SubscriptionId></Subscription>)");
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->type, Type::CollectorInitiated);
  EXPECT_TRUE(parsed->enabled);
  EXPECT_EQ(parsed->uri, "http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog");
  EXPECT_EQ(parsed->mode, ConfigurationMode::Normal);
  EXPECT_FALSE(parsed->read_existing_events);
  EXPECT_EQ(parsed->transport_name, "http");
  EXPECT_EQ(parsed->content_format, ContentFormat::RenderedText);
  EXPECT_EQ(parsed->log_file, "ForwardedEvents");
  EXPECT_EQ(parsed->publisher_name, "Microsoft-Windows-EventCollector");
  EXPECT_EQ(parsed->expires, std::nullopt);
}

TEST(ParseSubscription, TakesElementsInAnyOrder) {
  const auto parsed = parse_subscription(
      R"(<Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">
         <EventSources><EventSource Enabled="false"><Address>a</Address></EventSource></EventSources>
         <LogFile>Other</LogFile><SubscriptionType>SourceInitiated</SubscriptionType>
         <SubscriptionId>late</SubscriptionId></Subscription>)");
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->id, "late");
  EXPECT_EQ(parsed->log_file, "Other");
  EXPECT_EQ(parsed->sources.size(), 1u);
}

TEST(ParseSubscription, TakesEnumeratedValuesAndBooleansInAnyCase) {
  const auto parsed = parse_subscription(
      document_with("<Enabled>FALSE</Enabled><ConfigurationMode>custom</ConfigurationMode><Delivery Mode=\"PUSH\"/>"
                    "<TransportName>HTTPS</TransportName><ContentFormat>renderedtext</ContentFormat>"
                    "<ReadExistingEvents>1</ReadExistingEvents>"));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_FALSE(parsed->enabled);
  EXPECT_EQ(parsed->mode, ConfigurationMode::Custom);
  EXPECT_THAT(parsed->delivery_mode, Optional(DeliveryMode::Push));
  EXPECT_EQ(parsed->transport_name, "https");
  EXPECT_TRUE(parsed->read_existing_events);
}

TEST(ParseSubscription, PassesOverALocaleBesideEvents) {
  const auto parsed = parse_subscription(document_with("<Locale Language=\"en-US\"/><ContentFormat>Events</ContentFormat>"));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->content_format, ContentFormat::Events);
  EXPECT_EQ(parsed->locale, "");
}

TEST(ParseSubscription, SkipsAByteOrderMark) {
  EXPECT_THAT(parse_subscription("\xEF\xBB\xBF" + std::string(kSourceInitiatedSample)), IsOk());
}

TEST(ParseSubscription, TakesTheNamespaceWithHttpsToo) {
  EXPECT_THAT(parse_subscription(R"(<Subscription xmlns="https://schemas.microsoft.com/2006/03/windows/events/subscription">
                                    <SubscriptionId>s</SubscriptionId></Subscription>)"),
              IsOk());
}

TEST(ParseSubscription, RefusesAnotherRootOrNamespace) {
  EXPECT_THAT(parse_subscription("<Subscription><SubscriptionId>s</SubscriptionId></Subscription>"),
              IsError(Win32::InvalidParameter, "namespace"));
  EXPECT_THAT(parse_subscription(R"(<Query xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription"/>)"),
              IsError(Win32::InvalidParameter, "Subscription"));
}

TEST(ParseSubscription, NamesAnUnknownElement) {
  EXPECT_THAT(parse_subscription(document_with("<Colour>red</Colour>")), IsError(Win32::InvalidParameter, "Colour"));
  EXPECT_THAT(parse_subscription(document_with("<Delivery><Batching><Max>1</Max></Batching></Delivery>")),
              IsError(Win32::InvalidParameter, "Max"));
  EXPECT_THAT(parse_subscription(document_with("<EventSources><EventSource><Port>1</Port></EventSource></EventSources>")),
              IsError(Win32::InvalidParameter, "Port"));
}

TEST(ParseSubscription, IgnoresElementsOfAForeignNamespace) {
  EXPECT_THAT(parse_subscription(document_with("<x:Colour xmlns:x='urn:x'>red</x:Colour>")), IsOk());
}

TEST(ParseSubscription, NamesAnElementThatIsThereTwice) {
  EXPECT_THAT(parse_subscription(document_with("<LogFile>a</LogFile><LogFile>b</LogFile>")),
              IsError(Win32::InvalidParameter, "LogFile"));
}

TEST(ParseSubscription, NamesTheElementOfAWrongValue) {
  const auto refused = [](std::string_view element, std::string_view name) {
    EXPECT_THAT(parse_subscription(document_with(element)), IsError(Win32::InvalidParameter, std::string(name)));
  };
  refused("<Enabled>yes</Enabled>", "Enabled");
  refused("<SubscriptionType>Both</SubscriptionType>", "SubscriptionType");
  refused("<ConfigurationMode>Fast</ConfigurationMode>", "ConfigurationMode");
  refused("<Delivery Mode=\"Fetch\"/>", "Mode");
  refused("<Delivery><Batching><MaxItems>many</MaxItems></Batching></Delivery>", "MaxItems");
  refused("<Delivery><Batching><MaxItems>0</MaxItems></Batching></Delivery>", "MaxItems");
  refused("<Delivery><Batching><MaxItems>4294967296</MaxItems></Batching></Delivery>", "MaxItems");
  refused("<Delivery><Batching><MaxLatencyTime>-1</MaxLatencyTime></Batching></Delivery>", "MaxLatencyTime");
  refused("<Delivery><PushSettings><Heartbeat/></PushSettings></Delivery>", "Heartbeat");
  refused("<Delivery><PushSettings><Heartbeat Interval='PT30S'/></PushSettings></Delivery>", "Heartbeat");
  refused("<TransportName>ftp</TransportName>", "TransportName");
  refused("<TransportPort>65536</TransportPort>", "TransportPort");
  refused("<ContentFormat>Text</ContentFormat>", "ContentFormat");
  refused("<Expires>tomorrow</Expires>", "Expires");
  refused("<EventSources><EventSource Enabled='maybe'><Address>a</Address></EventSource></EventSources>", "Enabled");
  refused("<EventSources><EventSource/></EventSources>", "Address");
}

TEST(ParseSubscription, AnElementWithoutTextLeavesTheDefault) {
  const auto parsed = parse_subscription(document_with("<Enabled></Enabled><Expires/><LogFile> </LogFile>"));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_TRUE(parsed->enabled);
  EXPECT_EQ(parsed->log_file, "ForwardedEvents");
}

TEST(ParseSubscription, TakesALiteralQueryList) {
  const auto parsed = parse_subscription(document_with(
      "<Query><QueryList><Query Id='0'><Select Path='System'>*[System[Level&lt;3]]</Select></Query></QueryList></Query>"));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_THAT(parsed->query, HasSubstr("*[System[Level&lt;3]]"));
  EXPECT_THAT(parsed->query, Not(HasSubstr("xmlns")));
}

TEST(ParseSubscription, IgnoresADeliveryBesideAPresetMode) {
  const auto parsed =
      parse_subscription(document_with("<ConfigurationMode>MinLatency</ConfigurationMode><Delivery Mode=\"Pull\"><Batching>"
                                       "<MaxItems>7</MaxItems><MaxLatencyTime>5</MaxLatencyTime></Batching>"
                                       "<PushSettings><Heartbeat Interval=\"9\"/></PushSettings></Delivery>"));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->delivery_mode, std::nullopt);
  EXPECT_EQ(parsed->max_items, std::nullopt);
  EXPECT_EQ(parsed->resolved_max_latency(), milliseconds(30'000));
  EXPECT_EQ(parsed->resolved_heartbeat(), milliseconds(3'600'000));
}

TEST(ParseSubscription, TakesTheOtherNameOfTheSddlElement) {
  const auto parsed = parse_subscription(document_with("<AllowedSourceSDDL>O:NSG:NSD:(A;;GA;;;DC)</AllowedSourceSDDL>"));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->allowed_domain_computers, "O:NSG:NSD:(A;;GA;;;DC)");
  EXPECT_THAT(parse_subscription(document_with("<AllowedSourceSDDL>O:NS</AllowedSourceSDDL>"
                                               "<AllowedSourceDomainComputers>O:NS</AllowedSourceDomainComputers>")),
              IsError(Win32::InvalidParameter, "more than once"));
}

TEST(ParseSubscription, ReadsExpiresUpToTheYear3000) {
  const auto soon = parse_subscription(document_with("<Expires>2030-01-01T00:00:00.000Z</Expires>"));
  ASSERT_THAT(soon, IsOk());
  ASSERT_TRUE(soon->expires.has_value());
  EXPECT_EQ(base::format_utc(*soon->expires, 0), "2030-01-01T00:00:00Z");
  const auto last = parse_subscription(document_with("<Expires>3000-12-31T23:59:59.999Z</Expires>"));
  ASSERT_THAT(last, IsOk());
  EXPECT_THAT(to_xml(*last), HasSubstr("<Expires>3000-12-31T23:59:59.999Z</Expires>"));
  EXPECT_THAT(parse_subscription(document_with("<Expires>3001-01-01T00:00:00Z</Expires>")),
              IsError(Win32::InvalidParameter, "Expires"));
}

TEST(ParseSubscription, SaysWhereMalformedXmlIs) {
  EXPECT_THAT(parse_subscription("<Subscription><a></Subscription>"), IsError(Win32::EvtMalformedXml));
  EXPECT_THAT(parse_subscription(""), IsError(Win32::EvtMalformedXml));
  EXPECT_THAT(parse_subscription("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"), IsError(Win32::EvtMalformedXml));
}

TEST(ParseSubscription, RefusesADocumentThatIsCutAnywhere) {
  const std::string_view whole = base::trimmed(kCollectorInitiated);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(parse_subscription(whole.substr(0, length)), IsError(Win32::EvtMalformedXml)) << length;
  }
}

TEST(ParseSubscription, RefusesADocumentThatIsNestedTooDeep) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_THAT(parse_subscription(document_with(deep)), IsError(Win32::EvtMalformedXml));
}

TEST(ParseSubscription, BoundsTheLists) {
  std::string subjects;
  for (int i = 0; i < 20'001; ++i) subjects += "<Subject>a</Subject>";
  EXPECT_THAT(parse_subscription(document_with("<AllowedSourceNonDomainComputers><AllowedSubjectList>" + subjects +
                                               "</AllowedSubjectList></AllowedSourceNonDomainComputers>")),
              IsError(Win32::InvalidParameter, "too many"));
}

}  // namespace
}  // namespace subscriptions
