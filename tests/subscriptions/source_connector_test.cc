// Sources that are subscribed at: what they are asked, and what becomes of their answers.

#include <gmock/gmock.h>

#include "engine/base/win32.h"
#include "tests/subscriptions/source_fixture.h"

namespace subscriptions {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using test_support::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using wsman::FaultCode;

constexpr std::uint32_t kNoHeartbeat = 2150858763;
constexpr std::uint32_t kClosed = 2150858760;
constexpr std::uint32_t kCannotConnect = 2150858770;
constexpr std::uint32_t kUnableToRenew = 2150858788;
constexpr const char* kFirst =
    "<BookmarkList><Bookmark Channel=\"System\" RecordId=\"7\" IsCurrent=\"true\"/></BookmarkList>";

std::string mode_in(const std::string& subscribe) {
  const auto begin = subscribe.find("Mode=\"") + 6;
  const std::string uri = subscribe.substr(begin, subscribe.find('"', begin) - begin);
  return uri.substr(uri.rfind('/') + 1);
}

using SourcesPulled = SourcesFixture;
using SourcesPushing = SourcesFixture;
using SourcesTried = SourcesFixture;

TEST_F(SourcesPulled, EventsAreStoredUnderTheAddressOfTheSource) {
  source().on_pull(ScriptedSource::events({"<one/>", "<two/>"}, kFirst));
  source().on_pull(ScriptedSource::events({"<three/>"}, kFirst));
  ASSERT_THAT(create(definition()), IsOk());
  EXPECT_TRUE(takes({"a.example.org <one/>", "a.example.org <two/>", "a.example.org <three/>"}));
  EXPECT_TRUE(becomes(RunTimeStatus::Active));
  EXPECT_THAT(source().asked("/Pull").front(), HasSubstr("<n:MaxElements>7</n:MaxElements>"));
  EXPECT_EQ(mode_in(source().asked("/Subscribe").front()), "Pull");
  EXPECT_EQ(connector_->sessions(), 1u) << "a disabled source is left alone";
}

TEST_F(SourcesPulled, NothingInTimeIsNoFailure) {
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(asks("/Pull", 1));
  pass(minutes(1));
  ASSERT_TRUE(asks("/Pull", 2));
  EXPECT_EQ(source().count("/Subscribe"), 1u);
  EXPECT_EQ(status().delivery.last_error, 0u);
}

TEST_F(SourcesPulled, AContextThatIsGoneIsSubscribedAnewAtTheStoredBookmark) {
  source().on_pull(ScriptedSource::events({"<one/>"}, kFirst));
  source().on_pull(ScriptedSource::refusal(FaultCode::InvalidEnumerationContext));
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(fails_with(2150858779));
  EXPECT_EQ(status().status, RunTimeStatus::Trying);
  pass(seconds(2));
  ASSERT_TRUE(asks("/Subscribe", 2));
  EXPECT_THAT(source().asked("/Subscribe").back(), HasSubstr(kFirst));
  EXPECT_THAT(source().asked("/Subscribe").front(), Not(HasSubstr("Bookmark>")));
  EXPECT_TRUE(becomes(RunTimeStatus::Active));
  EXPECT_EQ(source().count("/Unsubscribe"), 0u) << "there is nothing to end";
}

TEST_F(SourcesPulled, WhatCouldNotBeStoredIsAskedForAgain) {
  source().on_pull(ScriptedSource::events({"<one/>"}, kFirst));
  source().on_pull(ScriptedSource::events({"<two/>"}, "<BookmarkList/>"));
  intake_.set_full(true);
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(fails_with(2150858772));
  intake_.set_full(false);
  pass(seconds(2));
  ASSERT_TRUE(asks("/Subscribe", 2));
  EXPECT_THAT(source().asked("/Subscribe").back(), Not(HasSubstr("Bookmark>"))) << "nothing was stored";
  EXPECT_EQ(source().count("/Unsubscribe"), 1u) << "the first one would go on beside it";
  EXPECT_TRUE(takes({"a.example.org <two/>"}));
}

TEST_F(SourcesPulled, TheEndOfASequenceIsTheEndOfTheSubscription) {
  source().on_pull(ScriptedSource::end());
  ASSERT_THAT(create(definition()), IsOk());
  EXPECT_TRUE(fails_with(kClosed));
  pass(seconds(2));
  EXPECT_TRUE(asks("/Subscribe", 2));
}

TEST_F(SourcesPulled, ASourceThatAnswersAtOnceIsNotAskedWithoutPause) {
  for (int i = 0; i < 3; ++i) source().on_pull(ScriptedSource::refusal(FaultCode::TimedOut));
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(asks("/Pull", 1));
  for (std::size_t asked = 2; asked < 4; ++asked) {
    pass(minutes(1));
    ASSERT_TRUE(asks("/Pull", asked));
    EXPECT_EQ(source().count("/Pull"), asked);
  }
}

TEST_F(SourcesPulled, ItIsProlongedBeforeItExpires) {
  source().set_vendor("Muster");
  source().set_expires("PT10M");
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(asks("/Pull", 1));
  EXPECT_THAT(source().asked("/Subscribe").front(), HasSubstr("<e:Expires>PT600.000S</e:Expires>"));
  for (std::size_t pulls = 2; pulls < 7; ++pulls) {
    pass(minutes(1));
    ASSERT_TRUE(asks("/Pull", pulls));
  }
  EXPECT_EQ(source().count("/Renew"), 1u);
  EXPECT_EQ(source().count("/Subscribe"), 1u);
}

TEST_F(SourcesPulled, WhereItIsNotProlongedItIsSubscribedAnew) {
  source().set_expires("PT2M");
  source().on_renew(ScriptedSource::refusal(FaultCode::UnableToRenew));
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(asks("/Pull", 1));
  pass(minutes(1));
  ASSERT_TRUE(fails_with(kUnableToRenew));
  pass(seconds(2));
  ASSERT_TRUE(asks("/Subscribe", 2));
  EXPECT_TRUE(becomes(RunTimeStatus::Active));
}

TEST_F(SourcesPulled, EachEndTellsTheSource) {
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(asks("/Pull", 1));
  Subscription disabled = definition();
  disabled.enabled = false;
  ASSERT_THAT(set(disabled), IsOk());
  ASSERT_TRUE(asks("/Unsubscribe", 1));
  ASSERT_THAT(set(definition()), IsOk());
  ASSERT_TRUE(asks("/Subscribe", 2));
  ASSERT_THAT(remove("here"), IsOk());
  ASSERT_TRUE(asks("/Unsubscribe", 2));
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(asks("/Subscribe", 3));
  stop();
  EXPECT_EQ(source().count("/Unsubscribe"), 3u);
  EXPECT_EQ(connector_->sessions(), 0u);
  start();
}

TEST_F(SourcesPulled, OnlyWhatTheSourceSeesMakesANewSubscription) {
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(asks("/Pull", 1));
  Subscription changed = definition();
  changed.description = "new";
  changed.sources.push_back(EventSource{"c.example.org", true, {}});
  ASSERT_THAT(set(changed), IsOk());
  ASSERT_TRUE(test_support::eventually([&] { return routes_.at("c.example.org").count("/Subscribe") == 1; }));
  EXPECT_EQ(source().count("/Subscribe"), 1u);
  changed.read_existing_events = true;
  ASSERT_THAT(set(changed), IsOk());
  ASSERT_TRUE(asks("/Subscribe", 2));
  EXPECT_TRUE(asks("/Unsubscribe", 1));
}

TEST_F(SourcesPulled, AnExpiredSubscriptionIsEndedAtItsTime) {
  Subscription subscription = definition();
  subscription.expires = clock_.wall() + seconds(30);
  ASSERT_THAT(create(subscription), IsOk());
  ASSERT_TRUE(asks("/Pull", 1));
  pass(minutes(1));
  EXPECT_TRUE(asks("/Unsubscribe", 1));
  // The session rests: the clock may have been wrong.
  pass(minutes(5));
  EXPECT_EQ(source().count("/Subscribe"), 1u);
}

TEST_F(SourcesPulled, ItIsOpenwsmanThatHearsOnlyWhatTheSpecificationKnows) {
  source().set_vendor("Openwsman Project");
  Subscription subscription = definition();
  subscription.dialect = std::string(wsman::kWqlDialect);
  subscription.query = "SELECT * FROM CIM_AlertIndication";
  ASSERT_THAT(create(subscription), IsOk());
  ASSERT_TRUE(asks("/Subscribe", 1));
  const std::string asked = source().asked("/Subscribe").front();
  EXPECT_THAT(asked, HasSubstr(std::string("<w:Filter Dialect=\"") + std::string(wsman::kWqlDialect) +
                               "\">SELECT * FROM CIM_AlertIndication</w:Filter>"));
  EXPECT_THAT(asked, Not(HasSubstr("Bookmark")));
  EXPECT_THAT(asked, Not(HasSubstr("ContentEncoding")));
}

TEST_F(SourcesPushing, TheSourceIsToldWhereAndUnderWhichName) {
  ASSERT_THAT(create(definition(DeliveryMode::Push)), IsOk());
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  const std::string asked = source().asked("/Subscribe").front();
  EXPECT_EQ(mode_in(asked), "Events");
  EXPECT_THAT(asked, HasSubstr("<w:Heartbeats>PT60.000S</w:Heartbeats>"));
  EXPECT_THAT(asked, HasSubstr("<w:MaxElements>7</w:MaxElements><w:MaxTime>PT30.000S</w:MaxTime>"));
  EXPECT_THAT(asked, HasSubstr("<e:Identifier>" + source_identifier_of("here", "A.example.org") + "</e:Identifier>"));
  EXPECT_THAT(path(), HasSubstr(source_identifier_of("here", "a.example.org")));
  EXPECT_THAT(asked, HasSubstr("secprofile/https/mutual"));
}

TEST_F(SourcesPushing, AWayToDeliverThatIsNotThereGivesPlaceToASimplerOne) {
  source().on_subscribe(ScriptedSource::refusal(FaultCode::DeliveryModeRequestedUnavailable));
  source().on_subscribe(ScriptedSource::refusal(FaultCode::DeliveryModeRequestedUnavailable));
  ASSERT_THAT(create(definition(DeliveryMode::Push)), IsOk());
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  const auto asked = source().asked("/Subscribe");
  ASSERT_THAT(asked, SizeIs(3));
  EXPECT_EQ(mode_in(asked[1]), "PushWithAck");
  EXPECT_EQ(mode_in(asked[2]), "Push");
  EXPECT_THAT(asked[2], Not(HasSubstr("MaxElements")));
}

TEST_F(SourcesPushing, SilenceIsTheEndAndASignOfLifeIsNot) {
  ASSERT_THAT(create(definition(DeliveryMode::Push)), IsOk());
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  pass(seconds(50));
  manager_->tell_heard(*manager_->admit_source("here", "a.example.org"), {});
  pass(seconds(50));
  EXPECT_EQ(status().status, RunTimeStatus::Active);
  // The session looks again at the time that it was awake for last.
  ASSERT_TRUE(test_support::eventually([&] {
    clock_.advance(seconds(5));
    return status().delivery.last_error == kNoHeartbeat;
  }));
  pass(seconds(2));
  ASSERT_TRUE(asks("/Subscribe", 2));
  EXPECT_EQ(source().count("/Unsubscribe"), 1u);
}

// A source that was killed has forgotten the subscription, and looks like one that has nothing to say.
TEST_F(SourcesPushing, ARetrySubscribesAnewThoughItIsActive) {
  ASSERT_THAT(create(definition(DeliveryMode::Push)), IsOk());
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  ASSERT_THAT(wait(manager_->retry("here", {"a.example.org"})), IsOk());
  ASSERT_TRUE(asks("/Subscribe", 2));
  EXPECT_EQ(source().count("/Unsubscribe"), 1u);
  EXPECT_TRUE(becomes(RunTimeStatus::Active));
  EXPECT_EQ(status().delivery.last_error, 0u);
}

TEST_F(SourcesPushing, AnEndThatTheSourceTellsIsToldOn) {
  ASSERT_THAT(create(definition(DeliveryMode::Push)), IsOk());
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  SourceNews news;
  news.ended = true;
  news.code = 1717;
  news.message = "stopping";
  manager_->tell_heard(*manager_->admit_source("here", "a.example.org"), news);
  ASSERT_TRUE(fails_with(1717));
  EXPECT_THAT(status().delivery.error_message, HasSubstr("stopping"));
  pass(seconds(2));
  ASSERT_TRUE(asks("/Subscribe", 2));
  EXPECT_EQ(source().count("/Unsubscribe"), 0u);
}

TEST_F(SourcesPushing, OnlyTheSourceItselfMayDeliver) {
  ASSERT_THAT(create(definition(DeliveryMode::Push)), IsOk());
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  const std::string identifier = source_identifier_of("here", "a.example.org");
  const std::string current = path();
  const auto admitted = manager_->admit(machine("A.example.ORG"), identifier, current);
  ASSERT_TRUE(admitted.ok());
  EXPECT_EQ(admitted->machine, "a.example.org");
  EXPECT_EQ(admitted->subscription, "Here");
  auth::Principal user;
  user.scheme = auth::Principal::Scheme::Basic;
  user.name = "a.example.org";
  EXPECT_TRUE(manager_->admit(user, {}, current).ok()) << "the path has the identifier, too";
  user.name = "a";
  EXPECT_EQ(manager_->admit(user, identifier, current).error().code, FaultCode::AccessDenied);
  for (const char* name : {"b.example.org", "a", "evil-a.example.org", "a.example.org.evil"}) {
    EXPECT_EQ(manager_->admit(machine(name), identifier, current).error().code, FaultCode::AccessDenied) << name;
  }
  user.scheme = auth::Principal::Scheme::LocalPeer;
  user.name = "a.example.org";
  EXPECT_EQ(manager_->admit(user, identifier, current).error().code, FaultCode::AccessDenied);
  EXPECT_EQ(manager_->admit(machine("b.example.org"), source_identifier_of("here", "b.example.org"), {}).error().code,
            FaultCode::DeliveryRefused)
      << "a disabled source";
  EXPECT_EQ(manager_->admit(machine("a.example.org"), identifier_of(definition()), {}).error().code, FaultCode::AccessDenied)
      << "the subscription's own identifier is for those that come by themselves";
}

TEST_F(SourcesPushing, WhatAnEarlierSubscriptionDeliversIsRefused) {
  ASSERT_THAT(create(definition(DeliveryMode::Push)), IsOk());
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  const std::string identifier = source_identifier_of("here", "a.example.org");
  const std::string old = path();
  stop();
  start();
  ASSERT_TRUE(asks("/Subscribe", 2));
  EXPECT_NE(path(), old);
  EXPECT_TRUE(manager_->admit(machine("a.example.org"), identifier, path()).ok());
  EXPECT_EQ(manager_->admit(machine("a.example.org"), identifier, old).error().code, FaultCode::DeliveryRefused);
}

TEST_F(SourcesPushing, OpenwsmanGetsTheAckThatItKnows) {
  source().set_vendor("Openwsman Project");
  ASSERT_THAT(create(definition(DeliveryMode::Push)), IsOk());
  ASSERT_TRUE(becomes(RunTimeStatus::Active));
  const std::string identifier = source_identifier_of("here", "a.example.org");
  EXPECT_EQ(manager_->ack_action(identifier, {}), "http://schemas.xmlsoap.org/wbmem/wsman/1/wsman/Ack");
  EXPECT_EQ(manager_->ack_action({}, path()), "http://schemas.xmlsoap.org/wbmem/wsman/1/wsman/Ack");
  EXPECT_EQ(manager_->ack_action("unknown", "/wsman"), wsman::action::kAck);
  EXPECT_THAT(source().asked("/Subscribe").front(), Not(HasSubstr("Policy>")));
}

TEST_F(SourcesTried, EverMoreSeldomAndInactiveInTheEnd) {
  source().set_reachable(false);
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(fails_with(kCannotConnect));
  for (const auto& [pause, status_after] : {std::pair{minutes(1), RunTimeStatus::Trying},
                                            {minutes(5), RunTimeStatus::Trying},
                                            {minutes(15), RunTimeStatus::Trying},
                                            {minutes(60), RunTimeStatus::Inactive},
                                            {minutes(60), RunTimeStatus::Inactive}}) {
    const auto now = status();
    EXPECT_THAT(now.delivery.error_message, HasSubstr("nobody listens"));
    ASSERT_TRUE(now.next_retry);
    const auto wait = *now.next_retry - clock_.wall();
    EXPECT_GE(wait, std::chrono::nanoseconds(pause) * 9 / 10);
    EXPECT_LE(wait, std::chrono::nanoseconds(pause) * 11 / 10);
    const auto before = now.delivery.error_time;
    pass(wait + seconds(1));
    ASSERT_TRUE(test_support::eventually([&] { return status().delivery.error_time != before; }));
    EXPECT_EQ(status().status, status_after);
  }
  source().set_reachable(true);
  pass(minutes(70));
  EXPECT_TRUE(becomes(RunTimeStatus::Active));
}

TEST_F(SourcesTried, WhoCannotBeReachedIsNotAskedTwice) {
  source().set_reachable(false);
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(fails_with(kCannotConnect));
  EXPECT_EQ(source().count("/Subscribe"), 0u);
}

TEST_F(SourcesTried, ARetryDoesNotWait) {
  source().set_reachable(false);
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(fails_with(kCannotConnect));
  source().set_reachable(true);
  ASSERT_THAT(wait(manager_->retry("here", {"a.example.org"})), IsOk());
  EXPECT_TRUE(becomes(RunTimeStatus::Active));
  EXPECT_EQ(status().delivery.last_error, 0u);
  EXPECT_FALSE(status().next_retry);
}

TEST_F(SourcesTried, ADefinitionThatChangesIsTriedAtOnce) {
  source().set_reachable(false);
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(fails_with(kCannotConnect));
  source().set_reachable(true);
  Subscription changed = definition();
  changed.description = "another password, say, which nobody can see here";
  ASSERT_THAT(set(changed), IsOk());
  EXPECT_TRUE(becomes(RunTimeStatus::Active));
}

TEST_F(SourcesTried, ARefusalIsNoReasonToHurry) {
  source().on_pull(ScriptedSource::refusal(FaultCode::InvalidEnumerationContext));
  source().on_subscribe(ScriptedSource::Answer{
      std::nullopt,
      "<e:SubscribeResponse><e:SubscriptionManager><a:Address>http://source/wsman</a:Address></e:SubscriptionManager>"
      "<n:EnumerationContext>C</n:EnumerationContext></e:SubscribeResponse>",
      {}});
  source().on_subscribe(ScriptedSource::refusal(FaultCode::AccessDenied));
  ASSERT_THAT(create(definition()), IsOk());
  ASSERT_TRUE(fails_with(2150858779));
  pass(seconds(2));
  ASSERT_TRUE(fails_with(5));
  EXPECT_GE(*status().next_retry - clock_.wall(), seconds(54));
}

TEST_F(SourcesTried, AWayToLogOnThatIsNotThereIsSaidOnce) {
  Subscription subscription = definition();
  subscription.credentials_type = "Digest";
  ASSERT_THAT(create(subscription), IsOk());
  ASSERT_TRUE(fails_with(50));
  EXPECT_EQ(status().status, RunTimeStatus::Inactive);
  EXPECT_FALSE(status().next_retry);
  EXPECT_EQ(source().count("/Subscribe"), 0u);
}

TEST_F(SourcesTried, ABadSourceDoesNotHinderTheOthers) {
  source().set_reachable(false);
  Subscription subscription = definition();
  for (int i = 0; i < 100; ++i) {
    subscription.sources.push_back(EventSource{"s" + std::to_string(i) + ".example.org", true, {}});
  }
  ASSERT_THAT(create(subscription), IsOk());
  ASSERT_TRUE(test_support::eventually([&] {
    for (int i = 0; i < 100; ++i) {
      if (routes_.at("s" + std::to_string(i) + ".example.org").count("/Pull") == 0) return false;
    }
    return true;
  }));
  EXPECT_EQ(connector_->sessions(), 101u);
}

}  // namespace
}  // namespace subscriptions
