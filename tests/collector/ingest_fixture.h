// A collector's ingest over real stores, and the deliveries of one machine.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "collector/ingest.h"
#include "storage/state_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace collector {

inline constexpr const char* kIssuer = "0123456789ABCDEF0123456789ABCDEF01234567";
inline constexpr const char* kBookmark =
    "<BookmarkList><Bookmark Channel=\"System\" RecordId=\"7\" IsCurrent=\"true\"/></BookmarkList>";

/// Record `record` of the machine's System log.
inline std::string event(int record) {
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
    losses_ = std::move(subscriptions::LossLedger::open(*state_)).value();
    watch_ = std::make_unique<RecordWatch>(*events_, *losses_, pool_, clock_, "collector.lab.example");
    ingest_ = std::make_unique<Ingest>(*manager_, *events_, *watch_, clock_);
    if (manager_->ids().empty()) {
      subscriptions::Subscription subscription;
      subscription.id = "all";
      subscription.type = subscriptions::Type::SourceInitiated;
      subscription.query = "<QueryList><Query Id='0'><Select Path='System'>*</Select></Query></QueryList>";
      subscription.allowed_issuers = {kIssuer};
      subscription.allowed_subjects = {"*.lab.example"};
      EXPECT_THAT(test_support::run_on(loop_.executor(), manager_->create(subscription)), test_support::IsOk());
    }
    identifier_ = subscriptions::identifier_of(*manager_->find("all"));
  }
  void close() { test_support::run_on(loop_.executor(), events_->stop()); }

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
    return test_support::run_on(loop_.executor(), ingest_->deliver(std::move(delivery)));
  }

  std::vector<storage::StoredEvent> stored(const std::string& log = "ForwardedEvents") {
    storage::ReadRequest request;
    request.query = std::move(events::Query::parse_xpath(log, "*")).value();
    request.ignore_missing_logs = true;
    request.budget.items = 1000;
    return std::move(test_support::run_on(loop_.executor(), events_->read(std::move(request)))).value().events;
  }
  storage::DeliveryState state() {
    auto found = test_support::run_on(loop_.executor(), events_->find_delivery_state("all", "host7.lab.example"));
    return found.ok() && *found ? **found : storage::DeliveryState{};
  }

  test_support::Loop loop_;
  test_support::FakeClock clock_;
  test_support::TemporaryDirectory directory_;
  base::BlockingPool pool_{1};
  std::unique_ptr<storage::StateStore> state_;
  std::unique_ptr<storage::EventStore> events_;
  std::unique_ptr<subscriptions::Manager> manager_;
  std::unique_ptr<subscriptions::LossLedger> losses_;
  std::unique_ptr<RecordWatch> watch_;
  std::unique_ptr<Ingest> ingest_;
  std::string identifier_;
};

}  // namespace collector
