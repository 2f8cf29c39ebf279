#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DeliveryState : public StoreTest {
 protected:
  storage::DeliveryState state(const std::string& machine = "host1") {
    auto found = wait(store().find_delivery_state("baseline", machine));
    EXPECT_TRUE(found.ok() && found->has_value());
    return found.ok() && *found ? **found : storage::DeliveryState();
  }
  void update(storage::DeliveryUpdate update) {
    if (update.subscription.empty()) update.subscription = "baseline";
    if (update.machine.empty()) update.machine = "host1";
    ASSERT_THAT(wait(store().update_delivery(std::move(update))), IsOk());
  }
};

TEST_F(DeliveryState, OfAStrangerIsNothing) {
  EXPECT_THAT(wait(store().find_delivery_state("baseline", "host1")), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_THAT(wait(store().delivery_states(std::nullopt)), IsOkAndHolds(IsEmpty()));
}

TEST_F(DeliveryState, MovesWithABatch) {
  auto batch = make_batch(make_events(1, 3));
  batch.bookmark = "<BookmarkList><Bookmark Channel=\"Security\"  RecordId=\"3\" IsCurrent=\"true\"/></BookmarkList>";
  ASSERT_THAT(deliver(batch), IsOk());
  reopen();
  const auto now = state();
  EXPECT_EQ(now.subscription, "baseline");
  EXPECT_EQ(now.machine, "host1");
  EXPECT_EQ(now.address, "192.0.2.7");
  EXPECT_EQ(now.bookmark, batch.bookmark);
  EXPECT_EQ(now.last_heartbeat, at(3600));
  EXPECT_EQ(now.last_event, at(3600));
  EXPECT_EQ(now.last_error, 0u);
  EXPECT_EQ(now.error_time, std::nullopt);
  EXPECT_EQ(now.events, 3u);
  EXPECT_EQ(now.dropped, 0u);
}

TEST_F(DeliveryState, BatchWithoutBookmarkLeavesTheBookmark) {
  auto batch = make_batch(make_events(1, 1));
  batch.bookmark = "first";
  ASSERT_THAT(deliver(std::move(batch)), IsOk());
  ASSERT_THAT(deliver(make_events(2, 2)), IsOk());
  EXPECT_EQ(state().bookmark, "first");
  EXPECT_EQ(state().events, 2u);
}

TEST_F(DeliveryState, RepeatedBatchMovesTheBookmarkAndCountsNothing) {
  ASSERT_THAT(deliver(make_events(1, 3)), IsOk());
  auto again = make_batch(make_events(1, 3));
  again.bookmark = "second";
  again.received = at(7200);
  ASSERT_THAT(deliver(std::move(again)), IsOk());
  EXPECT_EQ(state().bookmark, "second");
  EXPECT_EQ(state().last_heartbeat, at(7200));
  EXPECT_EQ(state().last_event, at(3600));
  EXPECT_EQ(state().events, 3u);
}

TEST_F(DeliveryState, IsMadeByAnUpdate) {
  storage::DeliveryUpdate made;
  made.address = "192.0.2.9";
  made.heartbeat = at(1);
  update(std::move(made));
  reopen();
  EXPECT_EQ(state().address, "192.0.2.9");
  EXPECT_EQ(state().last_heartbeat, at(1));
  EXPECT_EQ(state().last_event, std::nullopt);
  EXPECT_EQ(state().bookmark, std::nullopt);
}

TEST_F(DeliveryState, WhatAnUpdateDoesNotSetStays) {
  auto batch = make_batch(make_events(1, 1));
  batch.bookmark = "kept";
  ASSERT_THAT(deliver(std::move(batch)), IsOk());
  storage::DeliveryUpdate failed;
  failed.failure = storage::DeliveryUpdate::Failure{1717, "the source is shutting down", at(5)};
  update(std::move(failed));
  storage::DeliveryUpdate dropped;
  dropped.dropped = 4;
  update(dropped);
  update(dropped);
  const auto now = state();
  EXPECT_EQ(now.address, "192.0.2.7");
  EXPECT_EQ(now.bookmark, "kept");
  EXPECT_EQ(now.last_heartbeat, at(3600));
  EXPECT_EQ(now.last_error, 1717u);
  EXPECT_EQ(now.error_message, "the source is shutting down");
  EXPECT_EQ(now.error_time, at(5));
  EXPECT_EQ(now.events, 1u);
  EXPECT_EQ(now.dropped, 8u);
}

TEST_F(DeliveryState, FailureCodeZeroClearsTheError) {
  storage::DeliveryUpdate failed;
  failed.failure = storage::DeliveryUpdate::Failure{5, "access is denied", at(5)};
  update(std::move(failed));
  storage::DeliveryUpdate cleared;
  cleared.failure = storage::DeliveryUpdate::Failure{0, "ignored", at(6)};
  update(std::move(cleared));
  EXPECT_EQ(state().last_error, 0u);
  EXPECT_EQ(state().error_message, "");
  EXPECT_EQ(state().error_time, std::nullopt);
}

TEST_F(DeliveryState, BookmarkMovesByUpdate) {
  storage::DeliveryUpdate moved;
  moved.bookmark = "<BookmarkList/>";
  update(std::move(moved));
  EXPECT_EQ(state().bookmark, "<BookmarkList/>");
}

TEST_F(DeliveryState, StatesAreSortedBySubscriptionAndMachine) {
  for (const auto& [subscription, machine] :
       std::vector<std::pair<std::string, std::string>>{{"b", "x"}, {"a", "z"}, {"b", "a"}, {"a", "y"}}) {
    storage::DeliveryUpdate made;
    made.subscription = subscription;
    made.machine = machine;
    update(std::move(made));
  }
  const auto names = [](const std::vector<storage::DeliveryState>& states) {
    std::string text;
    for (const auto& state : states) text += state.subscription + state.machine + " ";
    return text;
  };
  const auto all = wait(store().delivery_states(std::nullopt));
  ASSERT_THAT(all, IsOk());
  EXPECT_EQ(names(*all), "ay az ba bx ");
  const auto some = wait(store().delivery_states("b"));
  ASSERT_THAT(some, IsOk());
  EXPECT_EQ(names(*some), "ba bx ");
}

TEST_F(DeliveryState, OfAForgottenSubscriptionIsGoneAndItsEventsStay) {
  ASSERT_THAT(deliver(make_events(1, 3)), IsOk());
  storage::DeliveryUpdate other;
  other.subscription = "other";
  update(std::move(other));
  ASSERT_THAT(wait(store().forget_subscription("baseline")), IsOk());
  EXPECT_THAT(wait(store().delivery_states("baseline")), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(wait(store().delivery_states(std::nullopt)), IsOkAndHolds(SizeIs(1)));
  const auto events = all_of();
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0].subscription, "baseline");
}

TEST_F(DeliveryState, OfMachinesIsForgottenButNotOfOneHeardOfSince) {
  for (const auto& [machine, heard] : std::vector<std::pair<std::string, int>>{{"a", 100}, {"b", 100}, {"c", 200}}) {
    storage::DeliveryUpdate made;
    made.machine = machine;
    made.heartbeat = at(heard);
    update(std::move(made));
  }
  storage::DeliveryUpdate failed;
  failed.machine = "b";
  failed.failure = storage::DeliveryUpdate::Failure{5, "no", at(200)};
  update(std::move(failed));
  ASSERT_THAT(wait(store().forget_machines("baseline", {"a", "b", "c", "unknown"}, at(150))), IsOk());
  const auto left = wait(store().delivery_states("baseline"));
  ASSERT_THAT(left, IsOkAndHolds(SizeIs(2)));
  EXPECT_EQ((*left)[0].machine, "b");
  EXPECT_EQ((*left)[1].machine, "c");
}

TEST_F(DeliveryState, UpdateAfterStopIsRefused) {
  wait(store().stop());
  EXPECT_THAT(wait(store().update_delivery({})), IsError(Errc::Stopped));
}

}  // namespace
}  // namespace storage_test
