#include "collector/ingest.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/base/win32.h"
#include "storage/state_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace collector {
namespace {

using test_support::IsOk;
using test_support::run_on;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr const char* kIssuer = "0123456789ABCDEF0123456789ABCDEF01234567";
constexpr const char* kBookmark =
    "<BookmarkList><Bookmark Channel=\"System\" RecordId=\"7\" IsCurrent=\"true\"/></BookmarkList>";

std::string event(int record) {
  return "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider "
         "Name='P'/><EventID>1</EventID>"
         "<TimeCreated SystemTime='2024-05-01T10:15:30.1234567Z'/><EventRecordID>" +
         std::to_string(record) + "</EventRecordID><Channel>System</Channel><Computer>host7</Computer></System></Event>";
}

class IngestTest : public ::testing::Test {
 protected:
  IngestTest() { open({}); }
  ~IngestTest() override { close(); }

  void open(std::uint64_t max_file_size) {
    storage::EventStoreOptions options;
    options.clock = &clock_;
    if (max_file_size != 0) options.max_file_size = max_file_size;
    events_ = std::move(storage::EventStore::open(directory_.path(), options)).value();
    state_ = std::move(storage::StateStore::open(directory_.path())).value();
    manager_ = std::move(subscriptions::Manager::open(*state_, *events_, pool_, {}, clock_)).value();
    ingest_ = std::make_unique<Ingest>(*manager_, *events_, clock_);
    if (manager_->ids().empty()) {
      subscriptions::Subscription subscription;
      subscription.id = "all";
      subscription.type = subscriptions::Type::SourceInitiated;
      subscription.query = "<QueryList><Query Id='0'><Select Path='System'>*</Select></Query></QueryList>";
      subscription.allowed_issuers = {kIssuer};
      subscription.allowed_subjects = {"*.lab.example"};
      EXPECT_THAT(run_on(loop_.executor(), manager_->create(subscription)), IsOk());
    }
    identifier_ = subscriptions::identifier_of(*manager_->find("all"));
  }
  void close() { run_on(loop_.executor(), events_->stop()); }

  wsman::Delivery delivery(wsman::Delivery::Kind kind) {
    wsman::Delivery delivery;
    delivery.kind = kind;
    delivery.identifier = identifier_;
    delivery.address = "192.0.2.7:4711";
    delivery.who.scheme = auth::Principal::Scheme::Certificate;
    delivery.who.name = "host7.lab.example";
    delivery.who.names = {"host7.lab.example"};
    delivery.who.issuers = {kIssuer};
    return delivery;
  }
  wsman::Delivery batch(std::vector<std::string> texts) {
    auto made = delivery(wsman::Delivery::Kind::Events);
    made.events = std::move(texts);
    made.bookmark = kBookmark;
    return made;
  }
  wsman::Result<void> deliver(wsman::Delivery delivery) {
    return run_on(loop_.executor(), ingest_->deliver(std::move(delivery)));
  }

  std::vector<storage::StoredEvent> stored() {
    storage::ReadRequest request;
    request.query = std::move(events::Query::parse_xpath("ForwardedEvents", "*")).value();
    request.ignore_missing_logs = true;
    request.budget.items = 1000;
    return std::move(run_on(loop_.executor(), events_->read(std::move(request)))).value().events;
  }
  storage::DeliveryState state() {
    auto found = run_on(loop_.executor(), events_->find_delivery_state("all", "host7.lab.example"));
    return found.ok() && *found ? **found : storage::DeliveryState{};
  }

  test_support::Loop loop_;
  test_support::FakeClock clock_;
  test_support::TemporaryDirectory directory_;
  base::BlockingPool pool_{1};
  std::unique_ptr<storage::StateStore> state_;
  std::unique_ptr<storage::EventStore> events_;
  std::unique_ptr<subscriptions::Manager> manager_;
  std::unique_ptr<Ingest> ingest_;
  std::string identifier_;
};

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
