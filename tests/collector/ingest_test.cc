#include "collector/ingest.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/base/win32.h"
#include "tests/collector/ingest_fixture.h"

namespace collector {
namespace {

using test_support::IsOk;
using test_support::run_on;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST_F(IngestTest, StoresEventsBookmarkAndHeartbeatTogether) {
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  EXPECT_THAT(stored(), SizeIs(2));
  EXPECT_EQ(state().bookmark, kBookmark);
  EXPECT_EQ(state().last_heartbeat, clock_.wall());
  EXPECT_EQ(stored()[0].machine, "host7.lab.example");
}

TEST_F(IngestTest, StoresABatchThatComesTwiceOnce) {
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  ASSERT_TRUE(deliver(batch({event(6), event(7)})).ok());
  EXPECT_THAT(stored(), SizeIs(2));
}

TEST_F(IngestTest, KeepsAnUnreadableEventRawAndFlagged) {
  ASSERT_TRUE(deliver(batch({event(6), "no event at all", event(7)})).ok());
  const auto all = stored();
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[1].event.quality, events::Quality::Raw);
  EXPECT_EQ(all[1].event.xml, "no event at all");
  EXPECT_EQ(all[2].event.quality, events::Quality::Good);
}

TEST_F(IngestTest, RefusesAPrincipalThatTheSubscriptionDoesNotAdmit) {
  auto foreign = batch({event(6)});
  foreign.who.name = "host7.elsewhere.example";
  foreign.who.names = {"host7.elsewhere.example"};
  const auto outcome = deliver(std::move(foreign));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, wsman::FaultCode::AccessDenied);
  EXPECT_THAT(stored(), SizeIs(0));
}

TEST_F(IngestTest, RefusesADeliveryForAnUnknownSubscription) {
  auto lost = batch({event(6)});
  lost.identifier = "00000000-0000-4000-8000-000000000000";
  const auto outcome = deliver(std::move(lost));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, wsman::FaultCode::DestinationUnreachable);
}

TEST_F(IngestTest, AHeartbeatMovesTheTimeAndClearsTheError) {
  auto end = delivery(wsman::Delivery::Kind::SubscriptionEnd);
  end.end_code = 1717;
  end.end_message = "gone";
  ASSERT_TRUE(deliver(std::move(end)).ok());
  EXPECT_EQ(state().last_error, 1717u);
  clock_.advance(std::chrono::minutes(5));
  ASSERT_TRUE(deliver(delivery(wsman::Delivery::Kind::Heartbeat)).ok());
  EXPECT_EQ(state().last_error, 0u);
  EXPECT_EQ(state().last_heartbeat, clock_.wall());
  EXPECT_EQ(state().bookmark, std::nullopt);
}

TEST_F(IngestTest, CountsWhatTheSourceLeftOut) {
  auto some = batch({event(6)});
  some.dropped = 3;
  ASSERT_TRUE(deliver(std::move(some)).ok());
  EXPECT_EQ(state().dropped, 3u);
}

TEST_F(IngestTest, AFullStoreIsARetryableFaultAndStoresNothing) {
  close();
  open(512 << 10);
  std::vector<std::string> many;
  std::mt19937_64 random(1);  // nothing that could be made smaller
  for (int i = 0; i < 2000; ++i) {
    std::string noise;
    while (noise.size() < 600) noise += std::to_string(random());
    auto one = event(i);
    many.push_back(one.insert(one.find("</Event>"), "<EventData><Data>" + noise + "</Data></EventData>"));
  }
  const auto outcome = deliver(batch(std::move(many)));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, wsman::FaultCode::EndpointUnavailable);
  EXPECT_EQ(wsman::windows_code_of(outcome.error()), static_cast<std::uint32_t>(base::Win32::DiskFull));
  EXPECT_THAT(stored(), SizeIs(0));
  EXPECT_EQ(state().bookmark, std::nullopt);
  EXPECT_TRUE(deliver(batch({event(7)})).ok());
}

TEST_F(IngestTest, ADisabledLogIsARetryableFault) {
  storage::LogProperties log;
  log.name = "ForwardedEvents";
  log.enabled = false;
  ASSERT_THAT(run_on(loop_.executor(), events_->set_log(log)), IsOk());
  const auto outcome = deliver(batch({event(6)}));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, wsman::FaultCode::EndpointUnavailable);
}

}  // namespace
}  // namespace collector
