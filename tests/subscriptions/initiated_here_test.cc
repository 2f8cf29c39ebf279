// Collector-initiated subscriptions in the manager: passwords, attempts, retries.

#include <gmock/gmock.h>

#include "engine/base/win32.h"
#include "tests/subscriptions/manager_fixture.h"

namespace subscriptions {
namespace {

using base::Win32;
using test_support::IsError;
using test_support::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class FakeConnector final : public Connector {
 public:
  void definition_changed(const std::string& id) override { changed.push_back(id); }
  void retry(const std::string& id, const std::vector<std::string>& addresses) override {
    retried = addresses;
    retried.insert(retried.begin(), id);
  }
  std::vector<std::string> changed;
  std::vector<std::string> retried;
};

class InitiatedHere : public ManagerFixture {
 protected:
  static Subscription pull() {
    Subscription subscription;
    subscription.id = "Pull";
    subscription.query = sample().query;
    subscription.credentials_type = "Basic";
    subscription.sources = {EventSource{"a.example.org", true, "reader", "hunter2"}, EventSource{"B.example.org", true, {}},
                            EventSource{"c.example.org", false, {}}};
    subscription.common_user_name = "everyone";
    subscription.common_password = "sesame";
    return subscription;
  }
  base::Result<Credentials> credentials(std::string address) {
    return wait(manager_->credentials("pull", std::move(address)));
  }
  std::string password_at(std::string address) {
    const auto found = credentials(std::move(address));
    return found.ok() ? found->user_name + ":" + found->password : "error " + std::to_string(found.error().code.value());
  }
  base::Result<Change> check(Subscription subscription) { return wait(manager_->check(std::move(subscription))); }
  SubscriptionStatus status() { return *wait(manager_->status("pull")); }
  SourceStatus source(std::size_t at) { return status().sources.at(at); }

  FakeConnector connector_;
};

TEST_F(InitiatedHere, PasswordsAreKeptAndNotTold) {
  ASSERT_THAT(create(pull()), IsOk());
  reopen();
  const Subscription told = *manager_->find("pull");
  EXPECT_EQ(told.sources[0].password, kKeptPassword);
  EXPECT_EQ(told.common_password, kKeptPassword);
  EXPECT_THAT(state_->list("subscription")->at(0).second, Not(HasSubstr("hunter2")));
  EXPECT_EQ(password_at("a.example.org"), "reader:hunter2");
  EXPECT_EQ(password_at("b.example.org"), "everyone:sesame") << "a source without a user has the common one";
  EXPECT_EQ(credentials("a.example.org")->type, "Basic");
  EXPECT_THAT(credentials("z.example.org"), IsError(Win32::FileNotFound));
}

TEST_F(InitiatedHere, AUserKeepsThePasswordUntilTheUserChanges) {
  ASSERT_THAT(create(pull()), IsOk());
  Subscription changed = pull();
  changed.sources[0].password.clear();
  changed.common_password = kKeptPassword;
  changed.description = "new";
  ASSERT_THAT(set(changed), IsOk());
  EXPECT_EQ(password_at("a.example.org"), "reader:hunter2");
  EXPECT_EQ(password_at("b.example.org"), "everyone:sesame");
  changed.sources[0].user_name = "writer";
  ASSERT_THAT(set(changed), IsOk());
  EXPECT_EQ(password_at("a.example.org"), "error 15084");
  changed.sources[0].password = "again";
  ASSERT_THAT(set(changed), IsOk());
  EXPECT_EQ(password_at("a.example.org"), "writer:again");
}

TEST_F(InitiatedHere, PasswordsGoWithWhatNeedsThem) {
  ASSERT_THAT(create(pull()), IsOk());
  Subscription changed = pull();
  changed.sources.erase(changed.sources.begin());
  ASSERT_THAT(set(changed), IsOk());
  EXPECT_THAT(*state_->list("subscription-secret"), SizeIs(1));
  ASSERT_THAT(remove("pull"), IsOk());
  EXPECT_THAT(*state_->list("subscription-secret"), IsEmpty());
}

TEST_F(InitiatedHere, APasswordThatIsToBeKeptMustBeThere) {
  Subscription kept = pull();
  kept.sources[0].password = kKeptPassword;
  EXPECT_THAT(create(kept), IsError(Win32::EcCredentialNotFound, "reader"));
  EXPECT_THAT(manager_->ids(), IsEmpty());
}

TEST_F(InitiatedHere, WhatACrashLeftOfPasswordsGoesAtTheNextStart) {
  ASSERT_THAT(state_->put("subscription-secret", "gone\na.example.org", "x"), IsOk());
  ASSERT_THAT(create(pull()), IsOk());
  reopen();
  EXPECT_THAT(*state_->list("subscription-secret"), SizeIs(2));
}

TEST_F(InitiatedHere, CheckTellsWhatStoringWouldDo) {
  EXPECT_EQ(*check(pull()), Change::Create);
  EXPECT_THAT(manager_->ids(), IsEmpty());
  ASSERT_THAT(create(pull()), IsOk());
  EXPECT_EQ(*check(pull()), Change::None);
  Subscription changed = pull();
  changed.sources[0].password = "other";
  EXPECT_EQ(*check(changed), Change::Change) << "a password is a change though it is not shown";
  changed = pull();
  changed.sources[0].password.clear();
  EXPECT_EQ(*check(changed), Change::None);
  changed.description = "new";
  EXPECT_EQ(*check(changed), Change::Change);
  changed.type = Type::SourceInitiated;
  EXPECT_THAT(check(changed), IsError(Win32::InvalidParameter));
  EXPECT_EQ(manager_->find("pull")->description, "");
}

TEST_F(InitiatedHere, WithoutAConnectorItIsInactiveAndSaysWhy) {
  ASSERT_THAT(create(pull()), IsOk());
  EXPECT_EQ(status().status, RunTimeStatus::Inactive);
  EXPECT_EQ(status().last_error, 15080u);
  EXPECT_THAT(status().error_message, HasSubstr("does not subscribe"));
  EXPECT_EQ(source(0).status, RunTimeStatus::Inactive);
  EXPECT_EQ(source(2).status, RunTimeStatus::Disabled);
  EXPECT_THAT(wait(manager_->retry("pull", {})), IsError(Win32::EcSubscriptionCannotActivate));
}

TEST_F(InitiatedHere, AttemptsShowInTheStatusAndSurviveARestart) {
  ASSERT_THAT(create(pull()), IsOk());
  manager_->set_connector(&connector_);
  EXPECT_EQ(status().status, RunTimeStatus::Active) << "enabled and running, whatever its sources do";
  EXPECT_EQ(status().last_error, 0u);
  EXPECT_EQ(source(0).status, RunTimeStatus::Trying);
  SourceAttempt attempt;
  attempt.error = 2150858770;
  attempt.message = "<f:WSManFault> & no";
  attempt.error_time = clock_.wall();
  attempt.next_retry = clock_.wall() + std::chrono::minutes(5);
  ASSERT_THAT(wait(manager_->report("pull", "A.example.org", attempt)), IsOk());
  attempt.status = RunTimeStatus::Active;
  attempt.error = 0;
  ASSERT_THAT(wait(manager_->report("pull", "b.example.org", attempt)), IsOk());
  manager_->set_connector(nullptr);
  reopen();
  manager_->set_connector(&connector_);
  EXPECT_EQ(source(0).status, RunTimeStatus::Trying);
  EXPECT_EQ(source(0).delivery.last_error, 2150858770u);
  EXPECT_EQ(source(0).delivery.error_message, "<f:WSManFault> & no");
  EXPECT_EQ(source(0).delivery.error_time, clock_.wall());
  EXPECT_EQ(source(0).next_retry, clock_.wall() + std::chrono::minutes(5));
  EXPECT_EQ(source(1).status, RunTimeStatus::Active);
}

TEST_F(InitiatedHere, AttemptsGoWithTheirSources) {
  ASSERT_THAT(create(pull()), IsOk());
  manager_->set_connector(&connector_);
  for (const std::string address : {"a.example.org", "c.example.org", "z.example.org"}) {
    ASSERT_THAT(wait(manager_->report("pull", address, {})), IsOk());
  }
  EXPECT_THAT(*state_->list("subscription-attempt"), SizeIs(1)) << "c is disabled, z is not listed";
  Subscription disabled = pull();
  disabled.enabled = false;
  ASSERT_THAT(set(disabled), IsOk());
  EXPECT_THAT(*state_->list("subscription-attempt"), IsEmpty());
  EXPECT_EQ(status().status, RunTimeStatus::Disabled);
  EXPECT_EQ(source(0).status, RunTimeStatus::Inactive) << "wecutil, section 1, row 10";
}

TEST_F(InitiatedHere, ASourceThatWasTakenOutIsNotShown) {
  ASSERT_THAT(create(pull()), IsOk());
  for (const std::string address : {"a.example.org", "gone.example.org"}) {
    storage::DeliveryUpdate update;
    update.subscription = "Pull";
    update.machine = address;
    update.heartbeat = clock_.wall();
    ASSERT_THAT(wait(events_->update_delivery(std::move(update))), IsOk());
  }
  std::vector<std::string> shown;
  for (const SourceStatus& each : status().sources) shown.push_back(each.address);
  EXPECT_THAT(shown, ElementsAre("a.example.org", "B.example.org", "c.example.org"));
}

TEST_F(InitiatedHere, TheConnectorHearsOfEveryChange) {
  manager_->set_connector(&connector_);
  ASSERT_THAT(create(pull()), IsOk());
  ASSERT_THAT(set(pull()), IsOk());
  ASSERT_THAT(remove("pull"), IsOk());
  EXPECT_THAT(connector_.changed, ElementsAre("Pull", "Pull", "Pull"));
}

TEST_F(InitiatedHere, RetryIsForEnabledSources) {
  ASSERT_THAT(create(pull()), IsOk());
  manager_->set_connector(&connector_);
  ASSERT_THAT(wait(manager_->retry("PULL", {})), IsOk());
  EXPECT_THAT(connector_.retried, ElementsAre("Pull", "a.example.org", "B.example.org"));
  ASSERT_THAT(wait(manager_->retry("pull", {"b.EXAMPLE.org", "c.example.org"})), IsOk());
  EXPECT_THAT(connector_.retried, ElementsAre("Pull", "B.example.org"));
  EXPECT_THAT(wait(manager_->retry("pull", {"c.example.org"})), IsError(Win32::EcSubscriptionCannotActivate, "enabled"));
  EXPECT_THAT(wait(manager_->retry("pull", {"z"})), IsError(Win32::NotFound, "z"));
  EXPECT_THAT(wait(manager_->retry("other", {})), IsError(Win32::FileNotFound));
  Subscription disabled = pull();
  disabled.enabled = false;
  ASSERT_THAT(set(disabled), IsOk());
  EXPECT_THAT(wait(manager_->retry("pull", {})), IsError(Win32::EcSubscriptionCannotActivate, "disabled"));
}

TEST_F(InitiatedHere, RetryHasNothingToDoWhereSourcesComeByThemselves) {
  ASSERT_THAT(create(sample()), IsOk());
  EXPECT_THAT(wait(manager_->retry("linux-baseline", {})), IsOk());
  EXPECT_THAT(wait(manager_->retry("linux-baseline", {"a"})), IsError(Win32::InvalidParameter));
}

TEST_F(InitiatedHere, RefusesACircle) {
  for (const std::string own : {"localhost", "127.0.0.1", "::1", "collector", "COLLECTOR.example.org"}) {
    Subscription circle = pull();
    circle.query = "<QueryList><Query Id='0'><Select Path='forwardedevents'>*</Select></Query></QueryList>";
    EXPECT_THAT(create(circle), IsOk());
    EXPECT_THAT(remove("pull"), IsOk());
    circle.sources.push_back(EventSource{own, true, {}});
    EXPECT_THAT(create(circle), IsError(Win32::EcCircularForwarding)) << own;
  }
}

}  // namespace
}  // namespace subscriptions
