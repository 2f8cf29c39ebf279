// Files as Windows writes them, and as people publish them. Source: wecutil, section 5.

#include <gmock/gmock.h>

#include "engine/base/utf16.h"
#include "engine/base/win32.h"
#include "subscriptions/subscription.h"
#include "tests/support/matchers.h"

namespace subscriptions {
namespace {

using base::Win32;
using std::chrono::milliseconds;
using test_support::IsError;
using test_support::IsOk;
using test_support::IsOkAndHolds;
using ::testing::Eq;
using ::testing::HasSubstr;

/// The shape of `wecutil gs /f:xml`: tabs, an upper-case transport, a Delivery beside a preset, a query among blanks, empty
/// lists, an SDDL of Event Viewer's.
constexpr std::string_view kExported =
    "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n"
    "<Subscription xmlns=\"http://schemas.microsoft.com/2006/03/windows/events/subscription\">\r\n"
    "\t<SubscriptionId>Account lockouts</SubscriptionId>\r\n"
    "\t<SubscriptionType>SourceInitiated</SubscriptionType>\r\n"
    "\t<Description>M\xC3\xA4rz</Description>\r\n"
    "\t<Enabled>true</Enabled>\r\n"
    "\t<Uri>http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog</Uri>\r\n"
    "\t<ConfigurationMode>Custom</ConfigurationMode>\r\n"
    "\t<Delivery Mode=\"Push\">\r\n"
    "\t\t<Batching>\r\n\t\t\t<MaxItems>5</MaxItems>\r\n\t\t\t<MaxLatencyTime>900000</MaxLatencyTime>\r\n\t\t</Batching>\r\n"
    "\t\t<PushSettings>\r\n\t\t\t<Heartbeat Interval=\"1800000\"/>\r\n\t\t</PushSettings>\r\n"
    "\t</Delivery>\r\n"
    "\t<Expires>2030-01-02T03:04:05.678Z</Expires>\r\n"
    "\t<Query>\r\n\t\t<![CDATA[\r\n<QueryList>\r\n  <Query Id=\"0\" Path=\"Security\">\r\n"
    "    <Select>*[System[(EventID=4740)]]</Select>\r\n  </Query>\r\n</QueryList>\r\n\t\t]]>\r\n\t</Query>\r\n"
    "\t<ReadExistingEvents>false</ReadExistingEvents>\r\n"
    "\t<TransportName>HTTP</TransportName>\r\n"
    "\t<ContentFormat>Events</ContentFormat>\r\n"
    "\t<Locale Language=\"en-US\"/>\r\n"
    "\t<LogFile>ForwardedEvents</LogFile>\r\n"
    "\t<PublisherName>Microsoft-Windows-EventCollector</PublisherName>\r\n"
    "\t<AllowedSourceNonDomainComputers>\r\n\t\t<AllowedIssuerCAList>\r\n\t\t</AllowedIssuerCAList>\r\n"
    "\t</AllowedSourceNonDomainComputers>\r\n"
    "\t<AllowedSourceDomainComputers>O:NSG:BAD:P(A;;GA;;;DC)(A;;GA;;;DD)S:</AllowedSourceDomainComputers>\r\n"
    "</Subscription>\r\n";

base::Result<Subscription> loaded(std::string bytes) {
  auto text = decode_subscription_file(std::move(bytes));
  if (!text.ok()) return std::move(text).error();
  auto subscription = parse_subscription(*text);
  if (!subscription.ok()) return subscription;
  if (auto valid = validate(*subscription); !valid.ok()) return std::move(valid).error();
  return subscription;
}

std::string swapped(std::string bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) std::swap(bytes[i], bytes[i + 1]);
  return bytes;
}

TEST(ExportedSubscription, LoadsUnchangedInEveryEncoding) {
  const std::string marked = base::utf8_to_utf16le_with_mark(kExported);
  const std::string utf8(kExported);
  for (const std::string& bytes :
       {utf8, "\xEF\xBB\xBF" + utf8, marked, marked.substr(2), swapped(marked), swapped(marked).substr(2)}) {
    const auto subscription = loaded(bytes);
    ASSERT_THAT(subscription, IsOk());
    EXPECT_EQ(subscription->id, "Account lockouts");
    EXPECT_EQ(subscription->description, "M\xC3\xA4rz");
    EXPECT_EQ(subscription->max_items, 5u);
    EXPECT_EQ(subscription->max_latency, milliseconds(900'000));
    EXPECT_EQ(subscription->heartbeat, milliseconds(1'800'000));
    EXPECT_EQ(format_expires(*subscription->expires), "2030-01-02T03:04:05.678Z");
    EXPECT_EQ(subscription->transport_name, "http");
    EXPECT_EQ(subscription->locale, "");
    EXPECT_EQ(subscription->allowed_domain_computers, "O:NSG:BAD:P(A;;GA;;;DC)(A;;GA;;;DD)S:");
    EXPECT_THAT(subscription->query, HasSubstr("EventID=4740"));
  }
}

TEST(ExportedSubscription, IsThatOfWindowsAgainWhenItIsWritten) {
  const auto subscription = loaded(std::string(kExported));
  ASSERT_THAT(subscription, IsOk());
  const auto again = parse_subscription(to_xml(*subscription));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(to_xml(*again), to_xml(*subscription));
  EXPECT_EQ(source_visible_version(*again), source_visible_version(*subscription));
}

TEST(ExportedSubscription, OfBrokenEncodingIsRefused) {
  std::string marked = base::utf8_to_utf16le_with_mark(kExported);
  EXPECT_THAT(decode_subscription_file(marked.substr(0, marked.size() - 1)), IsError(Win32::InvalidData));
  EXPECT_THAT(decode_subscription_file(std::string("\xFF\xFE<\0\x00\xD8", 6)), IsError(Win32::InvalidData));
  EXPECT_THAT(decode_subscription_file("<a>\xE4</a>"), IsError(Win32::InvalidData));
  EXPECT_THAT(decode_subscription_file(""), IsOkAndHolds(Eq("")));
}

std::string with(std::string_view inside, std::string_view root_attributes = {}) {
  return "<Subscription xmlns=\"http://schemas.microsoft.com/2006/03/windows/events/subscription\"" +
         std::string(root_attributes) + "><SubscriptionId>s</SubscriptionId>" + std::string(inside) + "</Subscription>";
}

TEST(ExportedSubscription, MayHoldWhatSaysNothing) {
  for (const std::string_view harmless :
       {"<SomethingNew/>", "<SomethingNew> \r\n </SomethingNew>", "<x:Other xmlns:x=\"urn:other\" a=\"b\">text</x:Other>",
        "<!-- a comment -->", "<Delivery Mode=\"Push\"><Batching><MaxSize>16000</MaxSize></Batching></Delivery>",
        "<EventSources/>", "<AllowedSourceNonDomainComputers/>", "<Locale/>"}) {
    EXPECT_THAT(parse_subscription(with(harmless)), IsOk()) << harmless;
  }
  EXPECT_THAT(parse_subscription(with("",
                                      " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                                      "xsi:schemaLocation=\"a b\"")),
              IsOk());
}

TEST(ExportedSubscription, MayNotHoldWhatIsNotKnownAndAsksForSomething) {
  for (const std::string_view unknown :
       {"<SomethingNew>5</SomethingNew>", "<SomethingNew a=\"b\"/>", "<SomethingNew><Inner/></SomethingNew>",
        "<Delivery Mode=\"Push\"><PushSettings><HeartbeatInterval>60000</HeartbeatInterval></PushSettings></Delivery>"}) {
    EXPECT_THAT(parse_subscription(with(unknown)), IsError(Win32::InvalidParameter, "no such element")) << unknown;
  }
}

TEST(ExportedSubscription, MayHaveTheAddressesThatDocumentationPrints) {
  EXPECT_EQ(parse_subscription(with("<Uri>https://schemas.microsoft.com/wbem/wsman/1/windows/EventLog</Uri>"))->uri,
            "http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog");
}

TEST(ExportedSubscription, HasItsUsersReadWithTheirPasswords) {
  const auto subscription = parse_subscription(with(
      "<CommonUserName>u</CommonUserName><CommonPassword> * </CommonPassword><EventSources><EventSource><Address>a</Address>"
      "<UserName>v</UserName><Password> se cret </Password></EventSource></EventSources>"));
  ASSERT_THAT(subscription, IsOk());
  EXPECT_EQ(subscription->common_password, kKeptPassword);
  EXPECT_EQ(subscription->sources[0].password, " se cret ");
  EXPECT_THAT(to_xml(*subscription, Passwords::Given), HasSubstr("<Password> se cret </Password>"));
  EXPECT_THAT(to_xml(*subscription, Passwords::Marked), HasSubstr("<Password>*</Password>"));
}

TEST(ExportedSubscription, KeepsWhatWindowsHasNoElementFor) {
  Subscription subscription = *parse_subscription(with(""));
  subscription.append_port_to_spn = true;
  EXPECT_TRUE(parse_subscription(to_xml(subscription))->append_port_to_spn);
}

}  // namespace
}  // namespace subscriptions
