#include "subscriptions/loss_ledger.h"

#include <gtest/gtest.h>

#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"

namespace subscriptions {
namespace {

using test_support::IsOk;
using test_support::IsOkAndHolds;

class LossLedgerTest : public ::testing::Test {
 protected:
  LossLedgerTest() { open(); }
  void open() {
    ledger_.reset();
    state_.reset();
    state_ = std::move(storage::StateStore::open(directory_.path())).value();
    ledger_ = std::move(LossLedger::open(*state_)).value();
  }
  static Loss loss(std::uint64_t first, std::uint64_t last) {
    Loss loss;
    loss.subscription = "all";
    loss.machine = "host7.lab.example";
    loss.channel = "System";
    loss.log = "ForwardedEvents";
    loss.first = first;
    loss.last = last;
    loss.found = base::WallTime(std::chrono::seconds(1714557600));
    return loss;
  }

  test_support::TemporaryDirectory directory_;
  std::unique_ptr<storage::StateStore> state_;
  std::unique_ptr<LossLedger> ledger_;
};

TEST_F(LossLedgerTest, AddsUpAndSurvivesReopening) {
  EXPECT_THAT(ledger_->add(loss(5, 7)), IsOkAndHolds(true));
  EXPECT_THAT(ledger_->add(loss(10, 10)), IsOkAndHolds(true));
  open();
  const auto totals = ledger_->of_source("ALL", "Host7.Lab.Example");
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals[0].events, 4u);
  EXPECT_EQ(totals[0].gaps, 2u);
  EXPECT_EQ(totals[0].latest.first, 10u);
  EXPECT_EQ(totals[0].latest.channel, "System");
  EXPECT_EQ(totals[0].latest.found, base::WallTime(std::chrono::seconds(1714557600)));
}

TEST_F(LossLedgerTest, AKnownGapCountsOnce) {
  EXPECT_THAT(ledger_->add(loss(5, 7)), IsOkAndHolds(true));
  EXPECT_THAT(ledger_->add(loss(5, 7)), IsOkAndHolds(false));
  EXPECT_EQ(ledger_->events_of_log("forwardedevents"), 3u);
}

TEST_F(LossLedgerTest, AfterARestartSmallNumbersCountAgain) {
  EXPECT_THAT(ledger_->add(loss(5, 7)), IsOkAndHolds(true));
  EXPECT_THAT(ledger_->restart("all", "host7.lab.example", "System"), IsOk());
  EXPECT_THAT(ledger_->add(loss(2, 2)), IsOkAndHolds(true));
  EXPECT_EQ(ledger_->events_of_log("ForwardedEvents"), 4u);
}

TEST_F(LossLedgerTest, SourcesAreToldApart) {
  EXPECT_THAT(ledger_->add(loss(5, 7)), IsOkAndHolds(true));
  auto other = loss(5, 5);
  other.machine = "host8.lab.example";
  EXPECT_THAT(ledger_->add(other), IsOkAndHolds(true));
  ASSERT_EQ(ledger_->of_source("all", "host8.lab.example").size(), 1u);
  EXPECT_EQ(ledger_->of_source("all", "host8.lab.example")[0].events, 1u);
  EXPECT_TRUE(ledger_->of_source("all", "host").empty());
}

TEST_F(LossLedgerTest, ADamagedEntryDoesNotHideTheOthers) {
  EXPECT_THAT(ledger_->add(loss(5, 7)), IsOkAndHolds(true));
  EXPECT_THAT(state_->put("loss", "broken", "<Loss Events='many'/>"), IsOk());
  open();
  EXPECT_EQ(ledger_->events_of_log("ForwardedEvents"), 3u);
}

}  // namespace
}  // namespace subscriptions
