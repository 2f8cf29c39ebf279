#include "subscriptions/offer.h"

#include <gmock/gmock.h>

#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "events/bookmark.h"
#include "tests/subscriptions/definitions.h"
#include "tests/support/matchers.h"

namespace subscriptions {
namespace {

using std::chrono::milliseconds;
using test_support::IsError;
using test_support::IsOk;
using test_support::IsOkAndHolds;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Optional;

constexpr std::string_view kTo = "https://collector.example.org:5986/wsman/SubscriptionManager/WEC";

base::Result<std::string> address(const Subscription& subscription, const OfferOptions& options, std::string_view to = kTo) {
  return delivery_address(subscription, machine("a.lab.example.org"), options, "ID", to);
}

wsman::OfferedSubscription offer(const Subscription& subscription, const OfferOptions& options = {},
                                 const std::optional<std::string>& bookmark = {}) {
  return *make_offer(subscription, offer_basis(subscription), machine("a.lab.example.org"), options, kTo, bookmark);
}

TEST(DeliveryAddress, IsAtTheHostThatTheMachineUsed) {
  EXPECT_THAT(address(sample(), {}), IsOkAndHolds("https://collector.example.org:5986/wsman/subscriptions/ID"));
  EXPECT_THAT(address(sample(), {}, "HTTPS://[2001:db8::7]:5986/wsman"),
              IsOkAndHolds("https://[2001:db8::7]:5986/wsman/subscriptions/ID"));
}

TEST(DeliveryAddress, PrefersTheConfiguredNameAndKeepsThePort) {
  OfferOptions options;
  options.public_authority = "wec.example.org";
  EXPECT_THAT(address(sample(), options), IsOkAndHolds("https://wec.example.org:5986/wsman/subscriptions/ID"));
  options.public_authority = "wec.example.org:443";
  EXPECT_THAT(address(sample(), options), IsOkAndHolds("https://wec.example.org:443/wsman/subscriptions/ID"));
}

TEST(DeliveryAddress, PrefersTheDefinitionsHostAndPort) {
  OfferOptions options;
  options.public_authority = "wec.example.org";
  Subscription subscription = sample();
  subscription.host_name = "second.example.org";
  subscription.transport_port = 6000;
  EXPECT_THAT(address(subscription, options), IsOkAndHolds("https://second.example.org:6000/wsman/subscriptions/ID"));
}

TEST(DeliveryAddress, IsHttpsForACertificateWhateverTheDefinitionSays) {
  Subscription subscription = sample();
  subscription.transport_name = "http";
  subscription.transport_port = 5985;
  EXPECT_THAT(address(subscription, {}), IsOkAndHolds("https://collector.example.org:5986/wsman/subscriptions/ID"));
}

TEST(DeliveryAddress, NeedsAHostFromSomewhere) {
  EXPECT_THAT(address(sample(), {}, "here"), IsError(base::Win32::InvalidParameter));
  EXPECT_THAT(address(sample(), {}, "https:///wsman"), IsError(base::Win32::InvalidParameter));
  EXPECT_THAT(address(sample(), {}, "https://a b:1/wsman"), IsError(base::Win32::InvalidParameter));
  EXPECT_THAT(address(sample(), {}, "https://user@host/wsman"), IsError(base::Win32::InvalidParameter));
  EXPECT_THAT(address(sample(), {}, "https://host:port/wsman"), IsError(base::Win32::InvalidParameter));
}

TEST(StartingBookmark, IsTheStoredOneElseEarliestElseNone) {
  Subscription subscription = sample();
  EXPECT_THAT(starting_bookmark(subscription, "<BookmarkList/>"), Optional(Eq("<BookmarkList/>")));
  EXPECT_THAT(starting_bookmark(subscription, std::nullopt), Optional(Eq(events::kEarliestBookmark)));
  subscription.read_existing_events = false;
  EXPECT_THAT(starting_bookmark(subscription, "<BookmarkList/>"), Optional(Eq("<BookmarkList/>")));
  EXPECT_EQ(starting_bookmark(subscription, std::nullopt), std::nullopt);
}

TEST(Offer, SaysWhatTheDefinitionSays) {
  const auto offered = offer(sample());
  EXPECT_EQ(offered.version, source_visible_version(sample()));
  const wsman::SubscribeRequest& subscribe = offered.subscribe;
  EXPECT_EQ(subscribe.resource_uri, "http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog");
  EXPECT_EQ(subscribe.mode, wsman::kModeEvents);
  EXPECT_EQ(subscribe.subscription_name, "linux-baseline");
  EXPECT_THAT(subscribe.heartbeats, Optional(milliseconds(3'600'000)));
  EXPECT_THAT(subscribe.max_time, Optional(milliseconds(30'000)));
  EXPECT_EQ(subscribe.max_elements, std::nullopt);
  EXPECT_EQ(subscribe.retry_total, 5u);
  EXPECT_EQ(subscribe.retry_interval, milliseconds(60'000));
  EXPECT_EQ(subscribe.dialect, wsman::kEventQueryDialect);
  EXPECT_EQ(subscribe.content_format, "RenderedText");
  EXPECT_EQ(subscribe.locale, "en-US");
  EXPECT_TRUE(subscribe.cdata);
  EXPECT_TRUE(subscribe.ignore_channel_error);
  EXPECT_TRUE(subscribe.read_existing_events);
  EXPECT_TRUE(subscribe.send_bookmarks);
  EXPECT_FALSE(subscribe.compression);
}

TEST(Offer, CallsEventsRaw) {
  Subscription subscription = sample();
  subscription.content_format = ContentFormat::Events;
  EXPECT_EQ(offer(subscription).subscribe.content_format, "Raw");
}

TEST(Offer, AsksForMutualTlsWithTheIssuerThatIsAllowed) {
  const auto notify = offer(sample()).subscribe.notify_to;
  EXPECT_EQ(notify.profile, "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual");
  EXPECT_THAT(notify.issuer_thumbprints, ElementsAre(kIssuer));
  EXPECT_EQ(notify.identifier, identifier_of(sample()));
  EXPECT_EQ(notify.address, "https://collector.example.org:5986/wsman/subscriptions/" + identifier_of(sample()));
  EXPECT_EQ(offer(sample()).subscribe.end_to.address, notify.address);
}

TEST(Offer, FollowsTheCollectorsSettings) {
  OfferOptions options;
  options.max_envelope_size = 150 * 1024;
  options.content_encoding = "UTF-8";
  options.offer_sldc = true;
  const auto subscribe = offer(sample(), options).subscribe;
  EXPECT_EQ(subscribe.max_envelope_size, 150u * 1024);
  EXPECT_EQ(subscribe.content_encoding, "UTF-8");
  EXPECT_TRUE(subscribe.compression);
  options.max_envelope_size = 4 << 20;
  EXPECT_EQ(offer(sample(), options).subscribe.max_envelope_size, 512'000u);
}

TEST(Offer, TellsMaxElementsWhereMaxItemsWasGiven) {
  Subscription subscription = sample();
  subscription.mode = ConfigurationMode::Custom;
  subscription.max_items = 25;
  EXPECT_THAT(offer(subscription).subscribe.max_elements, Optional(25u));
}

TEST(Offer, IsReadAsItWasWritten) {
  const auto written =
      offer(sample(), {}, "<BookmarkList><Bookmark Channel='a' RecordId='7' IsCurrent='true'/></BookmarkList>");
  const auto document = xml::Document::parse(wsman::write_offer(written));
  ASSERT_THAT(document, IsOk());
  const auto read = wsman::read_offer(document->root());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->version, written.version);
  EXPECT_EQ(read->subscribe.notify_to.identifier, identifier_of(sample()));
  EXPECT_EQ(read->subscribe.notify_to.reference_properties.size(), 1u);
  EXPECT_THAT(read->subscribe.notify_to.issuer_thumbprints, ElementsAre(kIssuer));
  EXPECT_EQ(read->subscribe.heartbeats, written.subscribe.heartbeats);
}

}  // namespace
}  // namespace subscriptions
