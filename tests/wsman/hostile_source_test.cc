// A client at sources that answer wrongly: each time an error that says what was wrong, and in time.

#include "tests/fakes/hostile_source.h"

#include <gtest/gtest.h>

#include "engine/base/win32.h"
#include "tests/wsman/source_client.h"

namespace wsman {
namespace {

using fakes::HostileSource;
using fakes::Misdeed;
using source_client::event_log_request;
using source_client::SourceClient;
using test_support::IsError;
using test_support::IsOk;

// Source: wsman-protocol, section 8.4, and the list of error codes.
constexpr std::uint32_t kRelatesToMismatch = 2150858995;
constexpr std::uint32_t kNoBody = 2150858996;
constexpr std::uint32_t kNoData = 2150858997;
constexpr std::uint32_t kNotSoap = 2150858999;
constexpr std::uint32_t kBadContext = 2150858993;
constexpr std::uint32_t kNoManager = 2150859006;
constexpr std::uint32_t kServerError = 2150859120;
constexpr std::uint32_t kRedirect = 2150859024;
constexpr std::uint32_t kTooManyItems = 2150859075;
constexpr std::uint32_t kAccessDenied = 5;

source_client::Options impatient() {
  source_client::Options options;
  options.operation_timeout = std::chrono::milliseconds(300);
  options.network_delay = std::chrono::milliseconds(300);
  return options;
}

/// What the client says of a misdeed at Subscribe, and at the first Pull.
base::Error at_subscribe(Misdeed misdeed) {
  HostileSource source(misdeed, "Subscribe");
  SourceClient client(source.url(), impatient());
  auto subscribed = client.subscribe(event_log_request());
  EXPECT_EQ(source.followed(), 0u);
  return subscribed.ok() ? base::Error() : subscribed.error();
}

base::Error at_pull(Misdeed misdeed) {
  HostileSource source(misdeed, "Pull");
  SourceClient client(source.url(), impatient());
  auto subscribed = client.subscribe(event_log_request());
  EXPECT_THAT(subscribed, IsOk());
  if (!subscribed.ok()) return {};
  auto pulled = client.pull(*subscribed);
  EXPECT_EQ(source.followed(), 0u);
  return pulled.ok() ? base::Error() : pulled.error();
}

MATCHER_P(HasNumber, number, "") {
  *result_listener << arg.message();
  return arg.code == base::win32_code(number) && !arg.message().empty();
}
MATCHER_P(HasCode, code, "") {
  *result_listener << arg.message() << " " << arg.code;
  return arg.code == code && !arg.message().empty();
}

TEST(HostileSource, BehavesWhereItIsTold) {
  EXPECT_FALSE(at_subscribe(Misdeed::None).code);
  EXPECT_FALSE(at_pull(Misdeed::None).code);
}

TEST(HostileSource, SilenceEndsWithTheTime) {
  EXPECT_THAT(at_subscribe(Misdeed::Silence), HasCode(std::errc::timed_out));
  EXPECT_THAT(at_pull(Misdeed::Silence), HasCode(std::errc::timed_out));
  EXPECT_THAT(at_pull(Misdeed::DripBody), HasCode(std::errc::timed_out));
}

TEST(HostileSource, AnEndInTheMiddleIsNoAnswer) {
  for (const Misdeed misdeed : {Misdeed::CloseAtOnce, Misdeed::CloseMidway, Misdeed::CloseUnread}) {
    EXPECT_TRUE(at_subscribe(misdeed).code) << static_cast<int>(misdeed);
  }
  EXPECT_TRUE(at_pull(Misdeed::CloseAtOnce).code);
  EXPECT_TRUE(at_pull(Misdeed::CloseMidway).code);
}

TEST(HostileSource, WhatDoesNotEndIsCutOff) {
  EXPECT_TRUE(at_pull(Misdeed::EndlessBody).code);
  EXPECT_TRUE(at_pull(Misdeed::EndlessHead).code);
  EXPECT_TRUE(at_subscribe(Misdeed::EndlessBody).code);
}

TEST(HostileSource, GarbageIsNoAnswer) {
  EXPECT_TRUE(at_subscribe(Misdeed::NotHttp).code);
  EXPECT_TRUE(at_pull(Misdeed::NotHttp).code);
}

TEST(HostileSource, PagesAreNoSoap) {
  EXPECT_THAT(at_subscribe(Misdeed::Html), HasNumber(kNotSoap));
  EXPECT_THAT(at_pull(Misdeed::Html), HasNumber(kNotSoap));
  EXPECT_THAT(at_pull(Misdeed::HtmlError), HasNumber(kServerError));
}

TEST(HostileSource, RedirectionsAreNotFollowed) {
  for (const Misdeed misdeed : {Misdeed::Moved, Misdeed::MovedTemporarily}) {
    EXPECT_THAT(at_subscribe(misdeed), HasNumber(kRedirect));
    EXPECT_THAT(at_pull(misdeed), HasNumber(kRedirect));
  }
}

TEST(HostileSource, RefusalIsAccessDenied) {
  EXPECT_THAT(at_subscribe(Misdeed::Unauthorised), HasNumber(kAccessDenied));
}

TEST(HostileSource, WhatIsNoEnvelopeIsRefused) {
  for (const Misdeed misdeed : {Misdeed::Unreadable, Misdeed::NotAnEnvelope, Misdeed::NoBody, Misdeed::Doctype}) {
    EXPECT_THAT(at_subscribe(misdeed), HasNumber(row_of(FaultCode::SchemaValidationError).windows_code));
    EXPECT_THAT(at_pull(misdeed), HasNumber(row_of(FaultCode::SchemaValidationError).windows_code));
  }
  EXPECT_TRUE(at_subscribe(Misdeed::Soap11).code);
  for (const Misdeed misdeed : {Misdeed::DeepXml, Misdeed::ManyHeaders}) {
    EXPECT_THAT(at_pull(misdeed), HasNumber(row_of(FaultCode::EncodingLimit).windows_code));
  }
}

TEST(HostileSource, AnAnswerToAnotherMessageIsNone) {
  for (const Misdeed misdeed : {Misdeed::OtherRelatesTo, Misdeed::NoRelatesTo}) {
    EXPECT_THAT(at_subscribe(misdeed), HasNumber(kRelatesToMismatch));
    EXPECT_THAT(at_pull(misdeed), HasNumber(kRelatesToMismatch));
  }
}

TEST(HostileSource, AnEmptyAnswerIsNone) {
  EXPECT_THAT(at_subscribe(Misdeed::Empty), HasNumber(kNoData));
  EXPECT_THAT(at_pull(Misdeed::Empty), HasNumber(kNoData));
  EXPECT_THAT(at_subscribe(Misdeed::EmptyBody), HasNumber(kNoBody));
  EXPECT_THAT(at_pull(Misdeed::EmptyBody), HasNumber(kNoBody));
}

TEST(HostileSource, TheAnswerToSomethingElseIsNone) {
  EXPECT_THAT(at_subscribe(Misdeed::OtherBody), HasNumber(kNoManager));
  EXPECT_THAT(at_pull(Misdeed::OtherBody), HasNumber(kNoBody));
}

TEST(HostileSource, APullSubscriptionNeedsAContextOfReasonableSize) {
  EXPECT_THAT(at_subscribe(Misdeed::NoContext), HasNumber(kBadContext));
  EXPECT_THAT(at_subscribe(Misdeed::HugeContext), HasNumber(kBadContext));
  EXPECT_THAT(at_pull(Misdeed::HugeContext), HasNumber(kBadContext));
}

TEST(HostileSource, WhatIsToBeEchoedHasABound) {
  EXPECT_THAT(at_subscribe(Misdeed::HugeIdentifier), HasNumber(kNoManager));
  EXPECT_THAT(at_subscribe(Misdeed::ManyProperties), HasNumber(kNoManager));
}

TEST(HostileSource, MoreThanWasAskedForIsAnError) {
  EXPECT_THAT(at_pull(Misdeed::TooManyItems), HasNumber(kTooManyItems));
}

TEST(HostileSource, ABookmarkHasABound) {
  EXPECT_THAT(at_pull(Misdeed::HugeBookmark), HasNumber(row_of(FaultCode::EncodingLimit).windows_code));
}

TEST(HostileSource, WhatABookmarkSaysIsNotTheClientsToJudge) {
  HostileSource source(Misdeed::BadBookmark, "Pull");
  SourceClient client(source.url());
  auto subscribed = client.subscribe(event_log_request());
  ASSERT_THAT(subscribed, IsOk());
  auto pulled = client.pull(*subscribed);
  ASSERT_THAT(pulled, IsOk());
  EXPECT_EQ(pulled->bookmark, "no bookmark at all");
}

TEST(HostileSource, AConnectionThatIsClosedWithoutAWordIsNotUsedAgain) {
  HostileSource source(Misdeed::CloseBehind, "");
  SourceClient client(source.url());
  auto subscribed = client.subscribe(event_log_request());
  ASSERT_THAT(subscribed, IsOk());
  // Nothing of this is sent twice by itself.
  for (std::size_t i = 1; i <= 10; ++i) {
    ASSERT_TRUE(test_support::eventually([&] { return source.closed() == i; }));
    EXPECT_THAT(client.pull(*subscribed), IsOk());
  }
}

TEST(HostileSource, TheNextRequestDoesNotSufferFromTheLast) {
  HostileSource source(Misdeed::CloseMidway, "Pull");
  SourceClient client(source.url(), impatient());
  auto subscribed = client.subscribe(event_log_request());
  ASSERT_THAT(subscribed, IsOk());
  EXPECT_FALSE(client.pull(*subscribed).ok());
  source.become(Misdeed::None, "");
  EXPECT_THAT(client.pull(*subscribed), IsOk());
}

}  // namespace
}  // namespace wsman
