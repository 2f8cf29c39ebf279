// A client at sources of other makes: what they differ in does not show.

#include <gtest/gtest.h>

#include <regex>

#include "engine/base/win32.h"
#include "tests/fakes/openwsman_source.h"
#include "tests/fakes/windows_source.h"
#include "tests/wsman/source_client.h"

namespace wsman {
namespace {

using fakes::OpenwsmanSource;
using fakes::SourceLog;
using fakes::SourceServerOptions;
using fakes::WindowsSource;
using fakes::WindowsSourceOptions;
using source_client::event_log_request;
using source_client::indication_request;
using source_client::messages_of;
using source_client::SourceClient;
using test_support::IsError;
using test_support::IsOk;
using ::testing::ElementsAre;

std::string vendor_of(const Envelope& answer) {
  return answer.body().child("ProductVendor").text();
}

source_client::Options utf16() {
  source_client::Options options;
  options.charset = Charset::Utf16;
  return options;
}

// ---------------------------------------------------------------- Windows

TEST(WindowsAsSource, SaysWhoItIs) {
  SourceLog log;
  WindowsSource source(log);
  SourceClient client(source.url(), utf16());
  auto answer = client.run(client->identify());
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(vendor_of(*answer), "Microsoft Corporation");
}

TEST(WindowsAsSource, ReferencePropertiesAreEchoedAndZeroMeansNoEnd) {
  SourceLog log;
  WindowsSource source(log);
  SourceClient client(source.url(), utf16());
  auto subscribed = client.subscribe(event_log_request());
  ASSERT_THAT(subscribed, IsOk());
  EXPECT_FALSE(subscribed->identifier.empty());
  EXPECT_EQ(subscribed->expires, std::nullopt);
  EXPECT_THAT(client.run(client->unsubscribe(*subscribed)), IsOk());
  EXPECT_EQ(source.subscriptions(), 0u);
}

TEST(WindowsAsSource, EventsComeInEachForm) {
  for (const auto items :
       {WindowsSourceOptions::Items::Cdata, WindowsSourceOptions::Items::Inline, WindowsSourceOptions::Items::Bare}) {
    for (const bool in_header : {true, false}) {
      SourceLog log;
      for (const char* message : {"one", "zwei \xC3\xA4", "t<r>ois"}) log.write(message);
      WindowsSourceOptions how;
      how.items = items;
      how.bookmark_in_header = in_header;
      WindowsSource source(log, {}, how);
      SourceClient client(source.url(), utf16());
      auto subscribed = client.subscribe(event_log_request());
      ASSERT_THAT(subscribed, IsOk());
      auto first = client.pull(*subscribed, 2);
      ASSERT_THAT(first, IsOk());
      EXPECT_THAT(messages_of(first->events), ElementsAre("one", "zwei \xC3\xA4"));
      ASSERT_TRUE(first->bookmark);
      // In the body it has been written anew.
      EXPECT_EQ(std::regex_replace(*first->bookmark, std::regex("'"), "\""), log.bookmark_at(2));
      // Another context, by now.
      auto second = client.pull(*subscribed, 2);
      ASSERT_THAT(second, IsOk());
      EXPECT_THAT(messages_of(second->events), ElementsAre("t<r>ois"));
      EXPECT_FALSE(second->end);
    }
  }
}

TEST(WindowsAsSource, NothingInTimeIsNoErrorAndTheContextLives) {
  SourceLog log;
  WindowsSource source(log);
  SourceClient client(source.url(), utf16());
  auto subscribed = client.subscribe(event_log_request());
  ASSERT_THAT(subscribed, IsOk());
  auto nothing = client.pull(*subscribed);
  ASSERT_THAT(nothing, IsOk());
  EXPECT_TRUE(nothing->events.empty());
  EXPECT_FALSE(nothing->end);
  log.write("late");
  auto late = client.pull(*subscribed);
  ASSERT_THAT(late, IsOk());
  EXPECT_THAT(messages_of(late->events), ElementsAre("late"));
}

TEST(WindowsAsSource, GoesOnAtTheBookmark) {
  SourceLog log;
  for (const char* message : {"one", "two", "three"}) log.write(message);
  WindowsSource source(log);
  SourceClient client(source.url(), utf16());
  auto subscribed = client.subscribe(event_log_request());
  ASSERT_THAT(subscribed, IsOk());
  auto first = client.pull(*subscribed, 2);
  ASSERT_THAT(first, IsOk());
  source.forget_subscriptions();
  EXPECT_THAT(client.pull(*subscribed),
              IsError(base::win32_code(row_of(FaultCode::InvalidEnumerationContext).windows_code)));
  auto again = event_log_request();
  again.bookmark = first->bookmark;
  subscribed = client.subscribe(again);
  ASSERT_THAT(subscribed, IsOk());
  auto rest = client.pull(*subscribed);
  ASSERT_THAT(rest, IsOk());
  EXPECT_THAT(messages_of(rest->events), ElementsAre("three"));
}

TEST(WindowsAsSource, RenewsNothing) {
  SourceLog log;
  WindowsSource source(log);
  SourceClient client(source.url(), utf16());
  auto subscribed = client.subscribe(event_log_request());
  ASSERT_THAT(subscribed, IsOk());
  EXPECT_THAT(client.run(client->renew(*subscribed, "PT60S")),
              IsError(base::win32_code(row_of(FaultCode::UnableToRenew).windows_code)));
}

TEST(WindowsAsSource, RefusesABookmarkThatIsNone) {
  SourceLog log;
  WindowsSource source(log);
  SourceClient client(source.url(), utf16());
  auto request = event_log_request();
  request.bookmark = "<NoList/>";
  EXPECT_THAT(client.subscribe(request), IsError(base::win32_code(row_of(FaultCode::InvalidBookmark).windows_code)));
}

// ---------------------------------------------------------------- openwsman

SourceServerOptions with_password() {
  SourceServerOptions options;
  options.user = "wsman";
  options.password = "secret";
  return options;
}

source_client::Options known() {
  source_client::Options options;
  options.user = "wsman";
  options.password = "secret";
  return options;
}

TEST(OpenwsmanAsSource, SaysWhoItIsToThoseItKnows) {
  SourceLog log;
  OpenwsmanSource source(log, with_password());
  SourceClient client(source.url(), known());
  auto answer = client.run(client->identify());
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(vendor_of(*answer), "Openwsman Project");
  SourceClient stranger(source.url());
  EXPECT_THAT(stranger.run(stranger->identify()), IsError(base::Win32::AccessDenied));
}

TEST(OpenwsmanAsSource, UnknownResourceIsNamedThoughTheStatusIs503) {
  SourceLog log;
  OpenwsmanSource source(log);
  SourceClient client(source.url());
  auto request = indication_request();
  request.resource_uri = resource::kEventLog;
  EXPECT_THAT(client.subscribe(request), IsError(base::win32_code(row_of(FaultCode::InvalidResourceUri).windows_code)));
}

TEST(OpenwsmanAsSource, OtherDialectsAreAFault) {
  SourceLog log;
  OpenwsmanSource source(log);
  SourceClient client(source.url());
  auto request = indication_request();
  request.dialect = kEventQueryDialect;
  EXPECT_THAT(client.subscribe(request),
              IsError(base::win32_code(row_of(FaultCode::EventFilteringNotSupported).windows_code)));
}

TEST(OpenwsmanAsSource, AnEventComesWithoutItemsAndUnderAnActionOfItsOwn) {
  SourceLog log;
  OpenwsmanSource source(log);
  SourceClient client(source.url());
  auto subscribed = client.subscribe(indication_request());
  ASSERT_THAT(subscribed, IsOk());
  EXPECT_FALSE(subscribed->context.empty());
  log.write("one");
  log.write("two");
  auto first = client.pull(*subscribed);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(messages_of(first->events), ElementsAre("one"));
  EXPECT_FALSE(first->bookmark);
  auto second = client.pull(*subscribed);
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(messages_of(second->events), ElementsAre("two"));
  EXPECT_EQ(source.connections(), 3u);  // each closed behind its answer
}

TEST(OpenwsmanAsSource, AnIndicationIsTakenAsItIs) {
  const std::string indication =
      "<p:CIM_AlertIndication xmlns:p='http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_AlertIndication'>"
      "<p:AlertType>5</p:AlertType></p:CIM_AlertIndication>";
  SourceLog log;
  OpenwsmanSource source(log);
  SourceClient client(source.url());
  auto subscribed = client.subscribe(indication_request());
  ASSERT_THAT(subscribed, IsOk());
  log.write_raw(indication);
  auto pulled = client.pull(*subscribed);
  ASSERT_THAT(pulled, IsOk());
  ASSERT_EQ(pulled->events.size(), 1u);
  auto document = xml::Document::parse(pulled->events.front());
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->root().local_name(), "CIM_AlertIndication");
}

TEST(OpenwsmanAsSource, NothingThereIsNoErrorThoughTheStatusIs408) {
  SourceLog log;
  OpenwsmanSource source(log);
  SourceClient client(source.url());
  auto subscribed = client.subscribe(indication_request());
  ASSERT_THAT(subscribed, IsOk());
  auto nothing = client.pull(*subscribed);
  ASSERT_THAT(nothing, IsOk());
  EXPECT_TRUE(nothing->events.empty());
}

TEST(OpenwsmanAsSource, RenewsAndEnds) {
  SourceLog log;
  OpenwsmanSource source(log);
  SourceClient client(source.url());
  auto request = indication_request();
  request.expires = "PT60S";
  auto subscribed = client.subscribe(request);
  ASSERT_THAT(subscribed, IsOk());
  EXPECT_EQ(subscribed->expires, std::chrono::seconds(60));
  EXPECT_THAT(client.run(client->renew(*subscribed, "PT90S")), IsOk());
  EXPECT_EQ(subscribed->expires, std::chrono::seconds(90));
  EXPECT_THAT(client.run(client->unsubscribe(*subscribed)), IsOk());
  EXPECT_EQ(source.subscriptions(), 0u);
  EXPECT_THAT(client.run(client->renew(*subscribed, "PT90S")),
              IsError(base::win32_code(row_of(FaultCode::UnableToRenew).windows_code)));
}

}  // namespace
}  // namespace wsman
