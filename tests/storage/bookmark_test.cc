#include <random>

#include "storage/bookmark_table.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::Eq;
using ::testing::Optional;

class Bookmark : public StoreTest {
 protected:
  base::Result<std::optional<std::string>> bookmark(const std::string& machine = "host1",
                                                    const std::string& subscription = "baseline") {
    return wait(store().find_bookmark(subscription, machine));
  }
  void set(const std::string& machine, const std::string& text, const std::string& subscription = "baseline") {
    storage::DeliveryUpdate update;
    update.subscription = subscription;
    update.machine = machine;
    update.bookmark = text;
    update.heartbeat = at(0);
    ASSERT_THAT(wait(store().update_delivery(std::move(update))), IsOk());
  }
  /// Every bookmark is what the state on the disk says.
  void expect_as_stored(const std::vector<std::string>& subscriptions, const std::vector<std::string>& machines) {
    for (const auto& subscription : subscriptions) {
      for (const auto& machine : machines) {
        const auto state = wait(store().find_delivery_state(subscription, machine));
        ASSERT_THAT(state, IsOk());
        EXPECT_THAT(bookmark(machine, subscription), IsOkAndHolds(Eq(*state ? (*state)->bookmark : std::nullopt)))
            << subscription << " " << machine;
      }
    }
  }
};

TEST_F(Bookmark, OfAStrangerIsNothing) {
  EXPECT_THAT(bookmark(), IsOkAndHolds(Eq(std::nullopt)));
}

TEST_F(Bookmark, IsThatOfTheLastBatch) {
  auto batch = make_batch(make_events(1, 3));
  batch.bookmark = "<BookmarkList><Bookmark Channel=\"Security\"  RecordId=\"3\" IsCurrent=\"true\"/></BookmarkList>";
  ASSERT_THAT(deliver(batch), IsOk());
  EXPECT_THAT(bookmark(), IsOkAndHolds(Eq(batch.bookmark)));
  auto without = make_batch(make_events(4, 5));
  without.bookmark.reset();
  ASSERT_THAT(deliver(without), IsOk());
  EXPECT_THAT(bookmark(), IsOkAndHolds(Eq(batch.bookmark)));
  batch.bookmark = "next";
  ASSERT_THAT(deliver(batch), IsOk());
  EXPECT_THAT(bookmark(), IsOkAndHolds(Optional(Eq("next"))));
}

TEST_F(Bookmark, SurvivesAReopen) {
  set("host1", "first");
  set("host2", "second");
  reopen();
  EXPECT_THAT(bookmark("host1"), IsOkAndHolds(Optional(Eq("first"))));
  EXPECT_THAT(bookmark("host2"), IsOkAndHolds(Optional(Eq("second"))));
}

TEST_F(Bookmark, OfARefusedBatchIsNotSeen) {
  set("host1", "before");
  configure("ForwardedEvents", 1 << 20, false, false);
  auto batch = make_batch(make_events(1, 3));
  batch.bookmark = "after";
  ASSERT_THAT(deliver(batch), IsError(Errc::LogDisabled));
  EXPECT_THAT(bookmark(), IsOkAndHolds(Optional(Eq("before"))));
}

TEST_F(Bookmark, GoesWithItsSubscription) {
  set("host1", "a", "baseline");
  set("host1", "b", "suspect");
  ASSERT_THAT(wait(store().forget_subscription("baseline")), IsOk());
  EXPECT_THAT(bookmark("host1", "baseline"), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_THAT(bookmark("host1", "suspect"), IsOkAndHolds(Optional(Eq("b"))));
}

TEST_F(Bookmark, GoesWithAMachineThatIsForgottenAndStaysWithOneThatIsNot) {
  set("silent", "a");
  set("heard", "b");
  storage::DeliveryUpdate heard;
  heard.subscription = "baseline";
  heard.machine = "heard";
  heard.heartbeat = at(200);
  ASSERT_THAT(wait(store().update_delivery(std::move(heard))), IsOk());
  ASSERT_THAT(wait(store().forget_machines("baseline", {"silent", "heard", "unknown"}, at(100))), IsOk());
  EXPECT_THAT(bookmark("silent"), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_THAT(bookmark("heard"), IsOkAndHolds(Optional(Eq("b"))));
}

TEST_F(Bookmark, IsReadFromTheDiskWhereMemoryHasNoRoom) {
  storage::EventStoreOptions options;
  options.max_bookmark_bytes = 1000;
  reopen(options);
  for (int i = 0; i < 20; ++i) set("host" + std::to_string(i), std::string(100, 'a') + std::to_string(i));
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(bookmark("host" + std::to_string(i)), IsOkAndHolds(Optional(Eq(std::string(100, 'a') + std::to_string(i)))));
  }
  EXPECT_THAT(bookmark("stranger"), IsOkAndHolds(Eq(std::nullopt)));
}

TEST_F(Bookmark, IsAsStoredAfterAnyChanges) {
  storage::EventStoreOptions options;
  options.max_bookmark_bytes = 4000;
  reopen(options);
  const std::vector<std::string> subscriptions{"a", "b"};
  const std::vector<std::string> machines{"h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7"};
  std::minstd_rand random(1);
  for (int step = 0; step < 300; ++step) {
    const auto& subscription = subscriptions[random() % subscriptions.size()];
    const auto& machine = machines[random() % machines.size()];
    switch (random() % 10) {
      case 0:
        ASSERT_THAT(wait(store().forget_machines(subscription, {machine}, at(1))), IsOk());
        break;
      case 1:
        ASSERT_THAT(wait(store().forget_subscription(random() % 8 == 0 ? subscription : "unknown")), IsOk());
        break;
      default:
        set(machine, std::string(random() % 900, 'b'), subscription);
    }
    if (step % 100 == 99) reopen(options);
    if (step % 10 == 0) expect_as_stored(subscriptions, machines);
  }
}

TEST(BookmarkTable, ShowsNothingBeforeTheCommit) {
  storage::BookmarkTable table(10'000);
  table.put("baseline", "host1", "first");
  EXPECT_EQ(table.find("baseline", "host1").bookmark, std::nullopt);
  table.rollback();
  table.commit();
  EXPECT_EQ(table.find("baseline", "host1").bookmark, std::nullopt);
  table.put("baseline", "host1", "second");
  table.commit();
  EXPECT_THAT(table.find("baseline", "host1").bookmark, Optional(Eq("second")));
}

TEST(BookmarkTable, StaysWithinItsBytes) {
  storage::BookmarkTable table(10'000);
  for (int i = 0; i < 1000; ++i) table.put("baseline", "host" + std::to_string(i), std::string(100, 'c'));
  table.commit();
  EXPECT_LE(table.bytes(), 10'000u);
  EXPECT_FALSE(table.find("baseline", "stranger").known);
  table.forget_subscription("baseline");
  table.commit();
  EXPECT_EQ(table.bytes(), 0u);
}

TEST(BookmarkTable, KeepsTwentyThousandSourcesOfTwoSubscriptions) {
  storage::BookmarkTable table(storage::EventStoreOptions().max_bookmark_bytes);
  const std::string usual =
      "<BookmarkList><Bookmark Channel=\"Security\" RecordId=\"4294967296\" IsCurrent=\"true\"/><Bookmark "
      "Channel=\"System\" "
      "RecordId=\"4294967296\"/><Bookmark Channel=\"Application\" RecordId=\"4294967296\"/></BookmarkList>";
  for (int i = 0; i < 20'000; ++i) {
    for (const auto* subscription : {"baseline", "suspect"}) {
      table.put(subscription, "source" + std::to_string(i) + ".fleet.example.org", usual);
    }
  }
  table.commit();
  EXPECT_TRUE(table.find("baseline", "stranger").known);
  EXPECT_THAT(table.find("suspect", "source19999.fleet.example.org").bookmark, Optional(Eq(usual)));
}

}  // namespace
}  // namespace storage_test
