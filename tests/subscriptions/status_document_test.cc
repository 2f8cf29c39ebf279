#include "subscriptions/status_document.h"

#include <gmock/gmock.h>

#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "engine/xml/document.h"
#include "tests/support/matchers.h"

namespace subscriptions {
namespace {

using test_support::IsError;
using test_support::IsOk;

SourceStatus source() {
  SourceStatus source;
  source.address = "a.example.org";
  source.status = RunTimeStatus::Trying;
  source.delivery.machine = source.address;
  source.delivery.address = "192.0.2.7";
  source.delivery.last_error = 5;
  source.delivery.error_message = "<f:WSManFault xmlns:f='x'/> & more";
  source.delivery.error_time = base::parse_datetime("2024-05-01T10:00:00.5Z");
  source.delivery.last_heartbeat = base::parse_datetime("2024-05-01T10:15:30.123Z");
  source.delivery.events = 7;
  source.delivery.dropped = 2;
  return source;
}

void expect_source(const SourceStatus& read) {
  EXPECT_EQ(read.address, "a.example.org");
  EXPECT_EQ(read.status, RunTimeStatus::Trying);
  EXPECT_EQ(read.delivery.address, "192.0.2.7");
  EXPECT_EQ(read.delivery.last_error, 5u);
  EXPECT_EQ(read.delivery.error_message, source().delivery.error_message);
  EXPECT_EQ(read.delivery.error_time, source().delivery.error_time);
  EXPECT_EQ(read.delivery.last_heartbeat, source().delivery.last_heartbeat);
  EXPECT_EQ(read.delivery.last_event, std::nullopt);
  EXPECT_EQ(read.delivery.events, 7u);
  EXPECT_EQ(read.delivery.dropped, 2u);
}

TEST(StatusDocument, IsReadAsItWasWritten) {
  SubscriptionStatus status;
  status.id = "linux-baseline";
  status.status = RunTimeStatus::Disabled;
  status.sources.push_back(source());
  const auto document = xml::Document::parse(write_status(status));
  ASSERT_THAT(document, IsOk());
  const auto read = read_status(document->root());
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->id, "linux-baseline");
  EXPECT_EQ(read->status, RunTimeStatus::Disabled);
  ASSERT_EQ(read->sources.size(), 1u);
  expect_source(read->sources[0]);
}

TEST(StatusDocument, ASourceAloneIsReadToo) {
  const auto document = xml::Document::parse(write_source_status(source()));
  ASSERT_THAT(document, IsOk());
  const auto read = read_status(document->root());
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->id, "");
  ASSERT_EQ(read->sources.size(), 1u);
  expect_source(read->sources[0]);
}

TEST(StatusDocument, RefusesAnythingElse) {
  const auto document = xml::Document::parse("<SubscriptionStatus/>");
  ASSERT_THAT(document, IsOk());
  EXPECT_THAT(read_status(document->root()), IsError(base::Win32::InvalidData));
  EXPECT_THAT(read_status(xml::Element()), IsError(base::Win32::InvalidData));
}

}  // namespace
}  // namespace subscriptions
