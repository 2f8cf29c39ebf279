
#include <gmock/gmock.h>

#include "engine/base/win32.h"
#include "events/bookmark.h"
#include "tests/subscriptions/manager_fixture.h"

namespace subscriptions {
namespace {

using base::Win32;
using test_support::IsError;
using test_support::IsOk;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

constexpr auto kTo = "https://collector.example.org:5986/wsman/SubscriptionManager/WEC";
constexpr auto kBookmark = "<BookmarkList><Bookmark Channel='a' RecordId='7' IsCurrent='true'/></BookmarkList>";

class ManagerTest : public ManagerFixture {
 protected:
  base::Result<std::vector<wsman::OfferedSubscription>> offered_to(std::string name) {
    return wait(manager_->offered_to(machine(std::move(name)), kTo));
  }
  std::vector<std::string> offered_names(std::string name) {
    const auto offers = offered_to(std::move(name));
    std::vector<std::string> names;
    for (const auto& offer : *offers) names.push_back(offer.subscribe.subscription_name);
    return names;
  }
  SubscriptionStatus status() { return *wait(manager_->status("linux-baseline")); }
  /// name=State of every source.
  std::vector<std::string> source_states() {
    std::vector<std::string> states;
    for (const SourceStatus& source : status().sources) {
      states.push_back(source.address + "=" + std::string(name_of(source.status)));
    }
    return states;
  }
};

TEST_F(ManagerTest, KeepsDefinitionsOverARestart) {
  ASSERT_THAT(create(sample()), IsOk());
  ASSERT_THAT(create(sample("another one")), IsOk());
  const std::string before = to_xml(*manager_->find("linux-baseline"));
  reopen();
  EXPECT_THAT(manager_->ids(), ElementsAre("another one", "linux-baseline"));
  EXPECT_EQ(to_xml(*manager_->find("linux-baseline")), before);
}

TEST_F(ManagerTest, SortsAndComparesIdsWithoutCase) {
  ASSERT_THAT(create(sample("b")), IsOk());
  ASSERT_THAT(create(sample("C")), IsOk());
  ASSERT_THAT(create(sample("A")), IsOk());
  EXPECT_THAT(manager_->ids(), ElementsAre("A", "b", "C"));
  EXPECT_TRUE(manager_->find("a").has_value());
  EXPECT_THAT(create(sample("B")), IsError(Win32::AlreadyExists, "B"));
}

TEST_F(ManagerTest, RefusesWhatIsNotValid) {
  Subscription bad = sample();
  bad.query = "<QueryList><Query Id='0'><Select Path='a'>*[</Select></Query></QueryList>";
  EXPECT_THAT(create(bad), IsError(Win32::EvtInvalidQuery));
  EXPECT_THAT(manager_->ids(), IsEmpty());
}

TEST_F(ManagerTest, RefusesALogThatIsDisabled) {
  storage::LogProperties log;
  log.name = "ForwardedEvents";
  log.enabled = false;
  ASSERT_THAT(wait(events_->set_log(log)), IsOk());
  EXPECT_THAT(create(sample()), IsError(Win32::EcLogDisabled, "ForwardedEvents"));
}

TEST_F(ManagerTest, MakesTheLogOfASubscriptionBeforeItsFirstEvent) {
  Subscription subscription = sample();
  subscription.log_file = "Lab-Linux/Operational";
  ASSERT_THAT(create(subscription), IsOk());
  const auto log = wait(events_->find_log("lab-linux/operational"));
  ASSERT_TRUE(log.ok() && log->has_value());
  EXPECT_EQ((*log)->properties.max_size, 1ull << 30);

  subscription.log_file = "Lab-Other/Operational";
  ASSERT_THAT(set(subscription), IsOk());
  const auto other = wait(events_->find_log("Lab-Other/Operational"));
  EXPECT_TRUE(other.ok() && other->has_value());
}

TEST_F(ManagerTest, LeavesALogThatIsThereAsItIs) {
  storage::LogProperties properties;
  properties.name = "Lab-Linux/Operational";
  properties.max_size = 2u << 20;
  ASSERT_THAT(wait(events_->set_log(properties)), IsOk());
  Subscription subscription = sample();
  subscription.log_file = properties.name;
  ASSERT_THAT(create(subscription), IsOk());
  const auto log = wait(events_->find_log(properties.name));
  ASSERT_TRUE(log.ok() && log->has_value());
  EXPECT_EQ((*log)->properties.max_size, 2u << 20);
}

TEST_F(ManagerTest, ReplacesADefinitionAndKeepsTheSpellingOfItsId) {
  ASSERT_THAT(create(sample()), IsOk());
  Subscription changed = sample("LINUX-BASELINE");
  changed.description = "new";
  ASSERT_THAT(set(changed), IsOk());
  reopen();
  EXPECT_EQ(manager_->find("linux-baseline")->description, "new");
  EXPECT_THAT(manager_->ids(), ElementsAre("linux-baseline"));
}

TEST_F(ManagerTest, DoesNotChangeWhatIsNotThere) {
  EXPECT_THAT(set(sample()), IsError(Win32::FileNotFound, "linux-baseline"));
  EXPECT_THAT(remove("linux-baseline"), IsError(Win32::FileNotFound));
  EXPECT_THAT(wait(manager_->status("linux-baseline")), IsError(Win32::FileNotFound));
}

TEST_F(ManagerTest, DoesNotChangeTheType) {
  ASSERT_THAT(create(sample()), IsOk());
  Subscription pull;
  pull.id = "linux-baseline";
  pull.query = sample().query;
  EXPECT_THAT(set(pull), IsError(Win32::InvalidParameter, "SubscriptionType"));
}

TEST_F(ManagerTest, RemovalForgetsBookmarks) {
  ASSERT_THAT(create(sample()), IsOk());
  hear_from("a.lab.example.org", kBookmark);
  ASSERT_THAT(remove("Linux-Baseline"), IsOk());
  EXPECT_THAT(manager_->ids(), IsEmpty());
  reopen();
  EXPECT_THAT(manager_->ids(), IsEmpty());
  ASSERT_THAT(create(sample()), IsOk());
  EXPECT_THAT(offered_to("a.lab.example.org")->at(0).subscribe.bookmark, Optional(Eq(events::kEarliestBookmark)));
}

TEST_F(ManagerTest, PutsAsideWhatCannotBeReadAnyMore) {
  ASSERT_THAT(create(sample()), IsOk());
  ASSERT_THAT(state_->put("subscription", "broken", "<Subscription"), IsOk());
  reopen();
  EXPECT_THAT(manager_->ids(), ElementsAre("linux-baseline"));
  EXPECT_THAT(create(sample("broken")), IsOk()) << "its id is free again";
  EXPECT_EQ(**state_->find("subscription-unreadable", "broken"), "<Subscription");
}

TEST_F(ManagerTest, OffersWhatAMachineIsAdmittedTo) {
  ASSERT_THAT(create(sample("one")), IsOk());
  Subscription others = sample("two");
  others.allowed_subjects = {"*.example.com"};
  ASSERT_THAT(create(others), IsOk());
  EXPECT_THAT(offered_names("a.lab.example.org"), ElementsAre("one"));
  EXPECT_THAT(offered_names("a.example.com"), ElementsAre("two"));
  EXPECT_THAT(offered_names("a.example.net"), IsEmpty());
}

TEST_F(ManagerTest, OffersNothingDisabledOrExpired) {
  Subscription disabled = sample("disabled");
  disabled.enabled = false;
  ASSERT_THAT(create(disabled), IsOk());
  Subscription expiring = sample("expiring");
  expiring.expires = clock_.wall() + std::chrono::hours(1);
  ASSERT_THAT(create(expiring), IsOk());
  Subscription without_one = sample("without one");
  without_one.sources = {EventSource{"a.lab.example.org", false, {}}};
  ASSERT_THAT(create(without_one), IsOk());
  EXPECT_THAT(offered_names("a.lab.example.org"), ElementsAre("expiring"));
  EXPECT_THAT(offered_names("b.lab.example.org"), ElementsAre("expiring", "without one"));
  clock_.advance(std::chrono::hours(1));
  EXPECT_THAT(offered_names("a.lab.example.org"), IsEmpty());
}

TEST_F(ManagerTest, OffersTheStoredBookmarkOfThatMachine) {
  ASSERT_THAT(create(sample()), IsOk());
  hear_from("a.lab.example.org", kBookmark);
  EXPECT_THAT(offered_to("a.lab.example.org")->at(0).subscribe.bookmark, Optional(Eq(kBookmark)));
  EXPECT_THAT(offered_to("b.lab.example.org")->at(0).subscribe.bookmark, Optional(Eq(events::kEarliestBookmark)));
}

TEST_F(ManagerTest, OffersTheSameVersionAfterARestart) {
  ASSERT_THAT(create(sample()), IsOk());
  const std::string before = offered_to("a.lab.example.org")->at(0).version;
  reopen();
  EXPECT_EQ(offered_to("a.lab.example.org")->at(0).version, before);
  Subscription changed = sample();
  changed.query = "<QueryList><Query Id='0'><Select Path='System'>*</Select></Query></QueryList>";
  ASSERT_THAT(set(changed), IsOk());
  const auto after = offered_to("a.lab.example.org");
  EXPECT_NE(after->at(0).version, before);
  EXPECT_EQ(after->at(0).subscribe.notify_to.identifier, identifier_of(sample()));
}

TEST_F(ManagerTest, AdmitsADeliveryByIdentifierOrPath) {
  ASSERT_THAT(create(sample()), IsOk());
  const std::string identifier = identifier_of(sample());
  const auto by_header = manager_->admit(machine("a.lab.example.org"), identifier, "/wsman/x");
  ASSERT_TRUE(by_header.ok());
  EXPECT_EQ(by_header->subscription, "linux-baseline");
  EXPECT_EQ(by_header->log, "ForwardedEvents");
  EXPECT_TRUE(manager_->admit(machine("a.lab.example.org"), "", "/wsman/subscriptions/" + identifier).ok());
  std::string lower = "{" + identifier + "}";
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  EXPECT_TRUE(manager_->admit(machine("a.lab.example.org"), lower, "").ok());
}

TEST_F(ManagerTest, RefusesDeliveriesWithTheRightFault) {
  Subscription subscription = sample();
  subscription.expires = clock_.wall() + std::chrono::hours(1);
  subscription.sources = {EventSource{"b.lab.example.org", false, {}}};
  ASSERT_THAT(create(subscription), IsOk());
  const std::string identifier = identifier_of(sample());
  const auto fault = [&](std::string name, std::string_view id, std::string_view path) {
    return manager_->admit(machine(std::move(name)), id, path).error().code;
  };
  EXPECT_EQ(fault("a.lab.example.org", "00000000-0000-0000-0000-000000000000", ""),
            wsman::FaultCode::DestinationUnreachable);
  EXPECT_EQ(fault("a.lab.example.org", "", "/wsman"), wsman::FaultCode::DestinationUnreachable);
  EXPECT_EQ(fault("a.lab.example.org", "", ""), wsman::FaultCode::DestinationUnreachable);
  EXPECT_EQ(fault("a.example.com", identifier, ""), wsman::FaultCode::AccessDenied);
  EXPECT_EQ(fault("b.lab.example.org", identifier, ""), wsman::FaultCode::DeliveryRefused);
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(fault("a.lab.example.org", identifier, ""), wsman::FaultCode::DeliveryRefused);
}

TEST_F(ManagerTest, RefusesDeliveriesToADisabledSubscription) {
  Subscription disabled = sample();
  disabled.enabled = false;
  ASSERT_THAT(create(disabled), IsOk());
  const auto admitted = manager_->admit(machine("a.lab.example.org"), identifier_of(sample()), "");
  ASSERT_FALSE(admitted.ok());
  EXPECT_EQ(admitted.error().code, wsman::FaultCode::DeliveryRefused);
}

// wecutil, section 9: Active while heard within the heartbeat interval (an hour for MinLatency).
TEST_F(ManagerTest, ASourceIsActiveUntilItsHeartbeatIsOverdue) {
  ASSERT_THAT(create(sample()), IsOk());
  hear_from("a.lab.example.org");
  EXPECT_THAT(source_states(), ElementsAre("a.lab.example.org=Active"));
  clock_.advance(std::chrono::minutes(65));
  EXPECT_THAT(source_states(), ElementsAre("a.lab.example.org=Active"));
  clock_.advance(std::chrono::minutes(2));
  EXPECT_THAT(source_states(), ElementsAre("a.lab.example.org=Inactive"));
  EXPECT_EQ(status().status, RunTimeStatus::Active) << "enabled and running, whatever its sources do";
}

TEST_F(ManagerTest, ASourceIsListedForThirtyDays) {
  ASSERT_THAT(create(sample()), IsOk());
  hear_from("a.lab.example.org");
  clock_.advance(std::chrono::hours(24 * 30));
  EXPECT_THAT(source_states(), SizeIs(1));
  clock_.advance(std::chrono::minutes(1));
  EXPECT_THAT(source_states(), IsEmpty());
}

TEST_F(ManagerTest, SourcesOfTheDefinitionAreListedToo) {
  Subscription subscription = sample();
  subscription.sources = {EventSource{"b.lab.example.org", false, {}}, EventSource{"A.lab.example.org", true, {}},
                          EventSource{"c.lab.example.org", true, {}}};
  ASSERT_THAT(create(subscription), IsOk());
  hear_from("a.lab.example.org");
  EXPECT_THAT(source_states(),
              ElementsAre("a.lab.example.org=Active", "b.lab.example.org=Disabled", "c.lab.example.org=Inactive"));
}

TEST_F(ManagerTest, ADisabledSubscriptionIsDisabledAndItsSourcesInactive) {
  ASSERT_THAT(create(sample()), IsOk());
  hear_from("a.lab.example.org");
  Subscription disabled = sample();
  disabled.enabled = false;
  ASSERT_THAT(set(disabled), IsOk());
  EXPECT_EQ(status().status, RunTimeStatus::Disabled);
  EXPECT_THAT(source_states(), ElementsAre("a.lab.example.org=Inactive"));
}

TEST_F(ManagerTest, TellsTheLastErrorOfASource) {
  ASSERT_THAT(create(sample()), IsOk());
  storage::DeliveryUpdate update;
  update.subscription = "linux-baseline";
  update.machine = "a.lab.example.org";
  update.failure = storage::DeliveryUpdate::Failure{5004, "The channel cannot be read.", clock_.wall()};
  ASSERT_THAT(wait(events_->update_delivery(std::move(update))), IsOk());
  const auto sources = status().sources;
  ASSERT_THAT(sources, SizeIs(1));
  EXPECT_EQ(sources[0].status, RunTimeStatus::Inactive);
  EXPECT_EQ(sources[0].delivery.last_error, 5004u);
  EXPECT_EQ(sources[0].delivery.error_message, "The channel cannot be read.");
}

TEST_F(ManagerTest, RefusesALogOfAnotherPublisher) {
  storage::LogProperties log;
  log.name = "Other";
  log.owning_publisher = "Lab-Provider";
  ASSERT_THAT(wait(events_->set_log(log)), IsOk());
  Subscription other = sample();
  other.log_file = "Other";
  EXPECT_THAT(create(other), IsError(Win32::InvalidParameter, "Lab-Provider"));
  other.publisher_name = "lab-provider";
  EXPECT_THAT(create(other), IsOk());
}

TEST_F(ManagerTest, ASubscriptionWhoseLogWasDisabledSaysSo) {
  ASSERT_THAT(create(sample()), IsOk());
  EXPECT_EQ(status().last_error, 0u);
  storage::LogProperties log;
  log.name = "ForwardedEvents";
  log.enabled = false;
  ASSERT_THAT(wait(events_->set_log(log)), IsOk());
  EXPECT_EQ(status().status, RunTimeStatus::Inactive);
  EXPECT_EQ(status().last_error, 15081u);
}

TEST_F(ManagerTest, ASourceThatEndedItsSideIsInactiveUntilItIsHeardAgain) {
  ASSERT_THAT(create(sample()), IsOk());
  hear_from("a.lab.example.org");
  storage::DeliveryUpdate ended;
  ended.subscription = "linux-baseline";
  ended.machine = "a.lab.example.org";
  ended.failure = storage::DeliveryUpdate::Failure{1717, "gone", clock_.wall()};
  ASSERT_THAT(wait(events_->update_delivery(ended)), IsOk());
  EXPECT_THAT(source_states(), ElementsAre("a.lab.example.org=Inactive"));
  ended.failure = storage::DeliveryUpdate::Failure{};
  ended.heartbeat = clock_.wall();
  ASSERT_THAT(wait(events_->update_delivery(ended)), IsOk());
  EXPECT_THAT(source_states(), ElementsAre("a.lab.example.org=Active"));
}

TEST_F(ManagerTest, ForgetsSourcesThatWereSilentForLong) {
  ASSERT_THAT(create(sample()), IsOk());
  Subscription lists = *manager_->find("linux-baseline");
  lists.sources = {EventSource{"listed", false, {}}};
  ASSERT_THAT(set(lists), IsOk());
  hear_from("old.lab.example.org", kBookmark);
  hear_from("listed.lab.example.org", kBookmark);
  clock_.advance(std::chrono::hours(24 * 31));
  hear_from("new.lab.example.org", kBookmark);
  EXPECT_EQ(*wait(manager_->forget_silent(std::nullopt, std::chrono::hours(24 * 32))), 0u);
  EXPECT_EQ(*wait(manager_->forget_silent("LINUX-baseline", std::chrono::hours(24 * 30))), 1u);
  EXPECT_FALSE(wait(events_->find_delivery_state("linux-baseline", "old.lab.example.org"))->has_value());
  EXPECT_TRUE(wait(events_->find_delivery_state("linux-baseline", "listed.lab.example.org"))->has_value());
  EXPECT_TRUE(wait(events_->find_delivery_state("linux-baseline", "new.lab.example.org"))->has_value());
  EXPECT_THAT(wait(manager_->forget_silent("other", std::chrono::hours(1))), IsError(Win32::FileNotFound));
}

}  // namespace
}  // namespace subscriptions
