#include "engine/wsman/eventing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "engine/wsman/names.h"
#include "tests/support/matchers.h"

namespace wsman {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

constexpr std::string_view kThumbprint = "1F0A0203040506070809000102030405060708AB";

Result<SubscribeRequest> read(const std::string& text) {
  auto document = xml::Document::parse(text);
  EXPECT_TRUE(document.ok()) << document.error().message() << "\n" << text;
  return read_subscribe(document->root());
}

SubscribeRequest full_request() {
  SubscribeRequest request;
  request.resource_uri = resource::kEventLog;
  request.mode = kModeEvents;
  request.notify_to.address = "https://wec.lab.example:5986/wsman/subscriptions/5D0F3C11-3333-4F4E-8B77-0A0B0C0D0E0F";
  request.notify_to.identifier = "5D0F3C11-3333-4F4E-8B77-0A0B0C0D0E0F";
  request.notify_to.profile = std::string(kProfilePrefix) + "https/mutual";
  request.notify_to.issuer_thumbprints = {std::string(kThumbprint), std::string(40, 'C')};
  request.end_to.address = request.notify_to.address;
  request.end_to.identifier = request.notify_to.identifier;
  request.heartbeats = minutes(15);
  request.retry_interval = seconds(10);
  request.retry_total = 7;
  request.max_elements = 20;
  request.max_time = milliseconds(1500);
  request.max_envelope_size = 153'600;
  request.oversize = OversizePolicy::Skip;
  request.locale = "de-DE";
  request.content_encoding = "UTF-8";
  request.dialect = kEventQueryDialect;
  request.filter = "<QueryList><Query Id='0'><Select Path='System'>*[System[(Level&lt;3)]]</Select></Query></QueryList>";
  request.bookmark = "<BookmarkList><Bookmark Channel='System' RecordId='9041' IsCurrent='true'/></BookmarkList>";
  request.subscription_name = "Servers & <more>";
  request.compression = true;
  request.content_format = "RenderedText";
  request.ignore_channel_error = true;
  request.read_existing_events = true;
  return request;
}

/// A message in the shape that a Windows collector sends, cut to what a test varies.
std::string message(const std::string& delivery, const std::string& rest = {}, const std::string& options = {}) {
  return "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' "
         "xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' "
         "xmlns:e='http://schemas.xmlsoap.org/ws/2004/08/eventing' "
         "xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd' "
         "xmlns:p='http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd'>"
         "<s:Header><w:ResourceURI s:mustUnderstand='true'>http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog"
         "</w:ResourceURI><w:OptionSet xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>" +
         options + "</w:OptionSet></s:Header><s:Body><e:Subscribe>" + delivery + rest +
         "</e:Subscribe></s:Body></s:Envelope>";
}
std::string delivery(const std::string& inside) {
  return "<e:Delivery Mode='http://schemas.dmtf.org/wbem/wsman/1/wsman/Events'>" + inside + "</e:Delivery>";
}
const char* const kNotifyTo =
    "<e:NotifyTo><a:Address>HTTP://wec.lab.example:5985/wsman/subscriptions/A/1</a:Address><a:ReferenceProperties>"
    "<e:Identifier>A</e:Identifier></a:ReferenceProperties></e:NotifyTo>";

TEST(Subscribe, ReadsBackWhatItWrote) {
  const SubscribeRequest sent = full_request();
  const auto read_back = read(write_subscribe(sent));
  ASSERT_TRUE(read_back.ok()) << read_back.error().reason;
  const SubscribeRequest& got = *read_back;
  EXPECT_EQ(got.resource_uri, sent.resource_uri);
  EXPECT_EQ(got.mode, sent.mode);
  EXPECT_EQ(got.notify_to.address, sent.notify_to.address);
  EXPECT_EQ(got.notify_to.identifier, sent.notify_to.identifier);
  EXPECT_EQ(got.notify_to.profile, sent.notify_to.profile);
  EXPECT_EQ(got.notify_to.issuer_thumbprints, sent.notify_to.issuer_thumbprints);
  EXPECT_EQ(got.end_to.address, sent.end_to.address);
  EXPECT_EQ(got.end_to.identifier, sent.end_to.identifier);
  EXPECT_EQ(got.heartbeats, sent.heartbeats);
  EXPECT_EQ(got.retry_interval, sent.retry_interval);
  EXPECT_EQ(got.retry_total, sent.retry_total);
  EXPECT_EQ(got.max_elements, sent.max_elements);
  EXPECT_EQ(got.max_time, sent.max_time);
  EXPECT_EQ(got.max_envelope_size, sent.max_envelope_size);
  EXPECT_EQ(got.oversize, sent.oversize);
  EXPECT_EQ(got.locale, sent.locale);
  EXPECT_EQ(got.content_encoding, sent.content_encoding);
  EXPECT_EQ(got.dialect, sent.dialect);
  EXPECT_EQ(got.filter, sent.filter);
  EXPECT_EQ(got.bookmark, sent.bookmark);
  EXPECT_TRUE(got.send_bookmarks);
  EXPECT_EQ(got.subscription_name, sent.subscription_name);
  EXPECT_TRUE(got.compression);
  EXPECT_TRUE(got.cdata);
  EXPECT_EQ(got.content_format, "RenderedText");
  EXPECT_TRUE(got.ignore_channel_error);
  EXPECT_TRUE(got.read_existing_events);
}

TEST(Subscribe, ReadsBackWhatIsLeftOut) {
  SubscribeRequest sent;
  sent.resource_uri = resource::kEventLog;
  sent.mode = kModePull;
  sent.filter = "*[System[Level<3]]";
  sent.cdata = false;
  sent.send_bookmarks = false;
  const auto got = read(write_subscribe(sent));
  ASSERT_TRUE(got.ok()) << got.error().reason;
  EXPECT_EQ(got->mode, kModePull);
  EXPECT_EQ(got->notify_to.address, "");
  EXPECT_EQ(got->heartbeats, std::nullopt);
  EXPECT_EQ(got->max_elements, std::nullopt);
  EXPECT_EQ(got->max_time, std::nullopt);
  EXPECT_EQ(got->bookmark, std::nullopt);
  EXPECT_EQ(got->filter, "*[System[Level<3]]");
  EXPECT_FALSE(got->send_bookmarks);
  EXPECT_FALSE(got->cdata);
  EXPECT_FALSE(got->compression);
  EXPECT_FALSE(got->ignore_channel_error);
  EXPECT_FALSE(got->read_existing_events);
}

TEST(Subscribe, WritesWhatWindowsExpects) {
  const std::string text = write_subscribe(full_request());
  auto document = xml::Document::parse(text);
  ASSERT_THAT(document, test_support::IsOk());
  const xml::Element header = document->root().child(ns::kSoap, "Header");
  for (const auto& [space, name] : {std::pair{ns::kWsman, "ResourceURI"}, std::pair{ns::kAddressing, "Action"},
                                    std::pair{ns::kWsman, "MaxEnvelopeSize"}}) {
    EXPECT_EQ(header.child(space, name).attribute(ns::kSoap, "mustUnderstand"), "true") << name;
  }
  EXPECT_EQ(header.child(ns::kAddressing, "Action").text(), action::kSubscribe);
  EXPECT_EQ(header.child(ns::kAddressing, "To").text(), kAnonymous);
  EXPECT_THAT(header.child(ns::kAddressing, "MessageID").text(), ::testing::MatchesRegex("uuid:[0-9A-F-]{36}"));
  const xml::Element options = header.child(ns::kWsman, "OptionSet");
  EXPECT_EQ(options.child_count(), 6u);
  const xml::Element subscribe = document->root().child(ns::kSoap, "Body").child(ns::kEventing, "Subscribe");
  std::vector<std::string> order;
  for (const xml::Element child : subscribe.children()) order.emplace_back(child.local_name());
  EXPECT_THAT(order, ElementsAre("EndTo", "Delivery", "Filter", "Bookmark", "SendBookmarks"));
  order.clear();
  for (const xml::Element child : subscribe.child("Delivery").children()) order.emplace_back(child.local_name());
  EXPECT_THAT(order, ElementsAre("Heartbeats", "NotifyTo", "ConnectionRetry", "MaxElements", "MaxTime", "MaxEnvelopeSize",
                                 "Locale", "DataLocale", "ContentEncoding"));
  EXPECT_THAT(text, HasSubstr("PT900.000S"));
  EXPECT_THAT(text, Not(HasSubstr("MustComply")));
}

TEST(Subscribe, KeepsAllReferencePropertiesOfBothContainers) {
  const auto got = read(message(delivery(
      "<e:NotifyTo><a:Address>http://h:5985/x</a:Address><a:ReferenceProperties><e:Identifier> A-1 </e:Identifier>"
      "</a:ReferenceProperties><a:ReferenceParameters><Revision xmlns=''>7</Revision><e:Identifier>A-1</e:Identifier>"
      "</a:ReferenceParameters></e:NotifyTo>")));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->notify_to.identifier, "A-1");
  EXPECT_THAT(got->notify_to.reference_properties, ::testing::SizeIs(3));
  EXPECT_THAT(got->notify_to.reference_properties[0], HasSubstr("xmlns:e='http://schemas.xmlsoap.org/ws/2004/08/eventing'"));
  EXPECT_THAT(got->notify_to.reference_properties[1], HasSubstr("Revision"));
  // Written again they are the same, with no second Identifier.
  const auto again = read(write_subscribe(*got));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->notify_to.reference_properties, got->notify_to.reference_properties);
}

TEST(Subscribe, ReadsAWindowsMessage) {
  const auto got = read(message(
      "<e:EndTo><a:Address>HTTP://wec.lab.example:5985/wsman/subscriptions/A/1</a:Address><a:ReferenceProperties>"
      "<e:Identifier>A</e:Identifier></a:ReferenceProperties></e:EndTo>" +
          delivery("<w:Heartbeats>PT3600.000S</w:Heartbeats>" + std::string(kNotifyTo) +
                   "<w:ConnectionRetry Total=\"5\">PT60.0S</w:ConnectionRetry><w:MaxTime>PT30.000S</w:MaxTime>"
                   "<w:MaxEnvelopeSize Policy=\"Notify\">512000</w:MaxEnvelopeSize><w:Locale xml:lang=\"en-US\" "
                   "s:mustUnderstand=\"false\"/><p:DataLocale xml:lang=\"en-US\" s:mustUnderstand=\"false\"/>"
                   "<w:ContentEncoding>UTF-16</w:ContentEncoding>"),
      "<w:Filter Dialect=\"http://schemas.microsoft.com/win/2004/08/events/eventquery\"><QueryList><Query Id=\"0\">"
      "<Select Path=\"System\">*</Select></Query></QueryList></w:Filter>"
      "<w:Bookmark>http://schemas.dmtf.org/wbem/wsman/1/wsman/bookmark/earliest</w:Bookmark><w:SendBookmarks/>",
      "<w:Option Name=\"SubscriptionName\">All</w:Option><w:Option Name=\"Compression\">SLDC</w:Option>"
      "<w:Option Name=\"CDATA\" xsi:nil=\"true\"/><w:Option Name=\"ContentFormat\">RenderedText</w:Option>"
      "<w:Option Name=\"IgnoreChannelError\" xsi:nil=\"true\"/><w:Option Name=\"ReadExistingEvents\">true</w:Option>"));
  ASSERT_TRUE(got.ok()) << got.error().reason;
  EXPECT_EQ(got->notify_to.address, "HTTP://wec.lab.example:5985/wsman/subscriptions/A/1");
  EXPECT_EQ(got->notify_to.profile, "");
  EXPECT_THAT(got->heartbeats, Optional(milliseconds(3'600'000)));
  EXPECT_EQ(got->retry_interval, seconds(60));
  EXPECT_EQ(got->retry_total, 5u);
  EXPECT_THAT(got->max_time, Optional(milliseconds(30'000)));
  EXPECT_EQ(got->max_elements, std::nullopt);
  EXPECT_EQ(got->max_envelope_size, 512'000u);
  EXPECT_EQ(got->locale, "en-US");
  EXPECT_THAT(got->bookmark, Optional(std::string("http://schemas.dmtf.org/wbem/wsman/1/wsman/bookmark/earliest")));
  EXPECT_EQ(got->filter, "<QueryList><Query Id='0'><Select Path='System'>*</Select></Query></QueryList>");
  EXPECT_TRUE(got->compression);
  EXPECT_TRUE(got->cdata);
  EXPECT_TRUE(got->ignore_channel_error);
  EXPECT_TRUE(got->read_existing_events);
}

TEST(Subscribe, DefaultsToPush) {
  const auto got = read(message("<e:Delivery>" + std::string(kNotifyTo) + "</e:Delivery>"));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->mode, kModePush);
  EXPECT_EQ(got->content_encoding, "UTF-16");
  EXPECT_EQ(got->retry_total, 5u);
}

TEST(Subscribe, TakesPrefixesAsTheyAreBound) {
  const auto got = read(
      "<Envelope xmlns='http://www.w3.org/2003/05/soap-envelope'><Body>"
      "<ev:Subscribe xmlns:ev='http://schemas.xmlsoap.org/ws/2004/08/eventing'><ev:Delivery><ev:NotifyTo>"
      "<w:Address "
      "xmlns:w='http://schemas.xmlsoap.org/ws/2004/08/addressing'>http://h/x</w:Address></ev:NotifyTo></ev:Delivery>"
      "</ev:Subscribe></Body></Envelope>");
  ASSERT_TRUE(got.ok()) << got.error().reason;
  EXPECT_EQ(got->notify_to.address, "http://h/x");
}

struct OptionCase {
  const char* option;
  bool set;
};
class BooleanOption : public ::testing::TestWithParam<OptionCase> {};

TEST_P(BooleanOption, IsUnderstood) {
  const auto got = read(message(delivery(kNotifyTo), {}, GetParam().option));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->read_existing_events, GetParam().set) << GetParam().option;
}

INSTANTIATE_TEST_SUITE_P(
    Forms, BooleanOption,
    ::testing::Values(OptionCase{"", false}, OptionCase{"<w:Option Name='ReadExistingEvents' xsi:nil='true'/>", true},
                      OptionCase{"<w:Option Name='ReadExistingEvents' xsi:nil='1'/>", true},
                      OptionCase{"<w:Option Name='ReadExistingEvents' xsi:nil='false'/>", false},
                      OptionCase{"<w:Option Name='ReadExistingEvents'/>", true},
                      OptionCase{"<w:Option Name='ReadExistingEvents'>true</w:Option>", true},
                      OptionCase{"<w:Option Name='readexistingevents'> TRUE </w:Option>", true},
                      OptionCase{"<w:Option Name='ReadExistingEvents'>false</w:Option>", false},
                      OptionCase{"<w:Option Name='ReadExistingEvents' xsi:nil='false'>true</w:Option>", true}));

std::string with_policy(const std::string& address, const std::string& space, const std::string& inside) {
  return message(delivery("<e:NotifyTo><a:Address>" + address + "</a:Address><c:Policy xmlns:c='" + space +
                          "' xmlns:auth='http://schemas.microsoft.com/wbem/wsman/1/authentication'><c:ExactlyOne>" + inside +
                          "</c:ExactlyOne></c:Policy></e:NotifyTo>"));
}
const std::string kKerberos =
    "<c:All><auth:Authentication "
    "Profile='http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/spnego-kerberos'/></c:All>";
std::string certificate(const std::string& thumbprint) {
  return "<c:All><auth:Authentication Profile='http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual'>"
         "<auth:ClientCertificate><auth:Thumbprint Role='issuer'>" +
         thumbprint + "</auth:Thumbprint></auth:ClientCertificate></auth:Authentication></c:All>";
}

TEST(SubscribePolicy, IsReadInBothNamespaces) {
  for (const char* space :
       {"http://schemas.xmlsoap.org/ws/2002/12/policy", "http://schemas.xmlsoap.org/ws/2004/09/policy"}) {
    const auto got = read(with_policy("https://h:5986/x", space, certificate(std::string(kThumbprint))));
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got->notify_to.profile, std::string(kProfilePrefix) + "https/mutual");
    EXPECT_THAT(got->notify_to.issuer_thumbprints, ElementsAre(kThumbprint));
  }
}

TEST(SubscribePolicy, PrefersTheCertificateAmongAlternativesAndKeepsEveryIssuer) {
  const auto got = read(with_policy("HTTPS://h:5986/x", std::string(ns::kPolicy),
                                    kKerberos + certificate("1f 0a 02 03 04 05 06 07 08 09 00 01 02 03 04 05 06 07 08 ab") +
                                        certificate(std::string(40, 'c')) + certificate("not a thumbprint")));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->notify_to.profile, std::string(kProfilePrefix) + "https/mutual");
  EXPECT_THAT(got->notify_to.issuer_thumbprints, ElementsAre(kThumbprint, std::string(40, 'C')));
}

struct FaultCase {
  const char* delivery;
  FaultCode code;
  std::uint32_t number;
};
class UnusableSubscribe : public ::testing::TestWithParam<FaultCase> {};

TEST_P(UnusableSubscribe, IsAFault) {
  const auto got = read(message(GetParam().delivery));
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, GetParam().code) << got.error().reason;
  EXPECT_EQ(got.error().windows_code, GetParam().number) << got.error().reason;
}

#define MUSTER_NOTIFY "<e:NotifyTo><a:Address>http://h/x</a:Address></e:NotifyTo>"
INSTANTIATE_TEST_SUITE_P(
    Cases, UnusableSubscribe,
    ::testing::Values(
        FaultCase{"", FaultCode::InvalidMessage, 2150858912},
        FaultCase{"<e:Delivery/>", FaultCode::InvalidMessage, 2150858912},
        FaultCase{"<e:Delivery><e:NotifyTo/></e:Delivery>", FaultCode::InvalidMessage, 2150858913},
        FaultCase{"<e:Delivery><e:NotifyTo><a:Address>ftp://h/x</a:Address></e:NotifyTo></e:Delivery>",
                  FaultCode::InvalidMessage, 2150858914},
        FaultCase{"<e:Delivery><e:NotifyTo><a:Address>http:///x</a:Address></e:NotifyTo></e:Delivery>",
                  FaultCode::InvalidMessage, 2150858914},
        FaultCase{"<e:EndTo><a:Address>nowhere</a:Address></e:EndTo><e:Delivery>" MUSTER_NOTIFY "</e:Delivery>",
                  FaultCode::UnsupportedAddressingMode, 2150858902},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY "<w:Heartbeats>soon</w:Heartbeats></e:Delivery>", FaultCode::InvalidMessage,
                  2150858916},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY "<w:Heartbeats>PT0S</w:Heartbeats></e:Delivery>", FaultCode::InvalidMessage,
                  2150858916},
        FaultCase{"<e:Delivery Mode=''>" MUSTER_NOTIFY "</e:Delivery>", FaultCode::InvalidMessage, 2150858920},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY "<w:MaxTime>PT1S</w:MaxTime></e:Delivery>", FaultCode::UnsupportedFormat,
                  2150858900},
        FaultCase{"<e:Delivery Mode='http://schemas.dmtf.org/wbem/wsman/1/wsman/Pull'><w:MaxElements>2</w:MaxElements>"
                  "</e:Delivery>",
                  FaultCode::UnsupportedFormat, 2150858900},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY "</e:Delivery><w:Filter>*</w:Filter><e:Filter>*</e:Filter>",
                  FaultCode::InvalidMessage, 0},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY "<w:MaxTime>-1</w:MaxTime></e:Delivery>", FaultCode::InvalidMessage, 0},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY "<w:MaxElements>0</w:MaxElements></e:Delivery>", FaultCode::InvalidMessage,
                  0},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY "<w:MaxEnvelopeSize>big</w:MaxEnvelopeSize></e:Delivery>",
                  FaultCode::InvalidMessage, 0},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY "<w:MaxEnvelopeSize Policy='Shrug'>5</w:MaxEnvelopeSize></e:Delivery>",
                  FaultCode::InvalidMessage, 0},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY "<w:ConnectionRetry Total='x'>PT1S</w:ConnectionRetry></e:Delivery>",
                  FaultCode::InvalidMessage, 0},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY "<w:ConnectionRetry Total='0'>PT1S</w:ConnectionRetry></e:Delivery>",
                  FaultCode::InternalError, 2150859103},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY "<w:ContentEncoding>EBCDIC</w:ContentEncoding></e:Delivery>",
                  FaultCode::UnsupportedFeature, 2150859255},
        FaultCase{"<e:Delivery>" MUSTER_NOTIFY
                  "</e:Delivery><w:Filter Dialect='http://www.w3.org/TR/1999/REC-xpath-19991116'>"
                  "*</w:Filter>",
                  FaultCode::FilteringRequestedUnavailable, 0}));
#undef MUSTER_NOTIFY

TEST(Subscribe, RefusesTooManyReferenceProperties) {
  std::string many;
  for (int i = 0; i < 33; ++i) many += "<P" + std::to_string(i) + "/>";
  const auto got = read(message(delivery("<e:NotifyTo><a:Address>http://h/x</a:Address><a:ReferenceProperties>" + many +
                                         "</a:ReferenceProperties></e:NotifyTo>")));
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, FaultCode::InvalidMessage);
}

TEST(Offer, ReadsBackWhatItWrote) {
  OfferedSubscription sent;
  sent.version = "7C1B0E52-2222-4D0E-9A61-5B2F9E0C7A10";
  sent.subscribe = full_request();
  const std::string text = write_offer(sent);
  auto document = xml::Document::parse(text);
  ASSERT_THAT(document, test_support::IsOk());
  EXPECT_EQ(document->root().child(ns::kSubscription, "Version").text(), "uuid:7C1B0E52-2222-4D0E-9A61-5B2F9E0C7A10");
  const auto got = read_offer(document->root());
  ASSERT_TRUE(got.ok()) << got.error().reason;
  EXPECT_EQ(got->version, sent.version);
  EXPECT_EQ(got->subscribe.filter, sent.subscribe.filter);
  EXPECT_EQ(got->subscribe.subscription_name, sent.subscribe.subscription_name);
}

TEST(Offer, NeedsVersionAndEnvelope) {
  const std::string open = "<m:Subscription xmlns:m='http://schemas.microsoft.com/wbem/wsman/1/subscription'>";
  for (const std::string& text : {open + "</m:Subscription>", open + "<m:Version>uuid:</m:Version></m:Subscription>",
                                  open + "<m:Version>uuid:7C1B0E52-2222-4D0E-9A61-5B2F9E0C7A10</m:Version></m:Subscription>",
                                  std::string("<other/>")}) {
    auto document = xml::Document::parse(text);
    ASSERT_THAT(document, test_support::IsOk());
    const auto got = read_offer(document->root());
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_EQ(got.error().code, FaultCode::InvalidMessage);
  }
}

}  // namespace
}  // namespace wsman
