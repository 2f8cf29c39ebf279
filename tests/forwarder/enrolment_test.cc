#include "forwarder/enrolment.h"

#include "tests/forwarder/feed_fixture.h"

namespace forwarder_test {
namespace {

namespace action = wsman::action;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kFirst = "5D0F3C11-3333-4F4E-8B77-0A0B0C0D0E0F";
const std::string kSecond = "6E1F4D22-4444-4F4E-8B77-0A0B0C0D0E0F";

class EnrolmentTest : public ForwarderTest {
 protected:
  EnrolmentTest() {
    make_log("Application");
    forwarder::EnrolmentOptions options;
    options.manager.url = "https://wec.lab.example:5986/wsman/SubscriptionManager/WEC";
    options.manager.refresh = seconds(60);
    options.computer = "host7.lab.example";
    enrolment_ = std::make_unique<forwarder::Enrolment>(
        loop_.executor(), options, [this] { return collector_.connect(); }, connector(), *store_, *state_, pool_, clock_);
    tasks_ = std::make_unique<base::TaskGroup>(loop_.executor());
  }
  ~EnrolmentTest() override { stop(); }

  void start() { tasks_->spawn("enrolment", enrolment_->run()); }
  void stop() {
    if (!tasks_) return;
    wait(tasks_->stop());
    wait(enrolment_->stop());
    tasks_.reset();
  }
  /// Lets the time of the next refresh come, and waits for the request.
  void refresh() {
    const std::size_t before = collector_.received(action::kEnumerate).size();
    advance_until([&] { return collector_.received(action::kEnumerate).size() > before; }, seconds(5));
  }
  std::vector<std::string> started() const {
    std::vector<std::string> identifiers;
    for (const auto& message : collector_.received(action::kHeartbeat)) identifiers.push_back(message.headers.identifier);
    return identifiers;
  }
  std::vector<std::string> ended() const {
    std::vector<std::string> identifiers;
    for (const auto& message : collector_.received(action::kSubscriptionEnd))
      identifiers.push_back(message.headers.identifier);
    return identifiers;
  }
  bool eventually_started(std::size_t count) {
    return eventually([&] { return started().size() >= count; });
  }

  std::unique_ptr<forwarder::Enrolment> enrolment_;
  std::unique_ptr<base::TaskGroup> tasks_;
};

TEST_F(EnrolmentTest, AsksForTheSubscriptionsOfThisMachine) {
  start();
  ASSERT_TRUE(gets(1, action::kEnumerate));
  const auto request = collector_.received(action::kEnumerate).at(0);
  EXPECT_EQ(request.headers.resource_uri, wsman::resource::kSubscriptionList);
  EXPECT_EQ(request.headers.to, "https://wec.lab.example:5986/wsman/SubscriptionManager/WEC");
  EXPECT_EQ(request.headers.machine_id, "host7.lab.example");
}

TEST_F(EnrolmentTest, StartsWhatIsOffered) {
  log({"one"});
  collector_.offer({offer_of(kFirst, "1"), offer_of(kSecond, "2")});
  start();
  ASSERT_TRUE(gets(2, action::kEvents));
  EXPECT_THAT(started(), ::testing::UnorderedElementsAre(kFirst, kSecond));
}

TEST_F(EnrolmentTest, LeavesAnUnchangedOfferAlone) {
  collector_.offer({offer_of(kFirst, "1")});
  start();
  ASSERT_TRUE(eventually_started(1));
  refresh();
  refresh();
  EXPECT_THAT(started(), ElementsAre(kFirst));
  EXPECT_THAT(ended(), IsEmpty());
}

TEST_F(EnrolmentTest, StartsAnOfferThatCameLater) {
  start();
  ASSERT_TRUE(gets(1, action::kEnumerate));
  collector_.offer({offer_of(kFirst, "1")});
  refresh();
  EXPECT_TRUE(eventually_started(1));
}

TEST_F(EnrolmentTest, ReplacesAnOfferWithAnotherVersion) {
  collector_.offer({offer_of(kFirst, "1")});
  start();
  ASSERT_TRUE(eventually_started(1));
  auto changed = offer_of(kFirst, "2");
  changed.subscribe.filter = query_of({"System"});
  make_log("System");
  collector_.offer({changed});
  refresh();
  ASSERT_TRUE(eventually_started(2));
  log({"not this"});
  log({"this"}, "System");
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(collector_.events(), ElementsAre(::testing::HasSubstr("this")));
  EXPECT_EQ(enrolment_->feeds(), 1u);
}

TEST_F(EnrolmentTest, EndsWhatIsNoLongerOffered) {
  collector_.offer({offer_of(kFirst, "1"), offer_of(kSecond, "2")});
  start();
  ASSERT_TRUE(eventually_started(2));
  collector_.offer({offer_of(kSecond, "2")});
  refresh();
  ASSERT_TRUE(gets(1, action::kSubscriptionEnd));
  EXPECT_THAT(ended(), ElementsAre(kFirst));
  const auto message = collector_.received(action::kSubscriptionEnd).at(0);
  EXPECT_EQ(message.end_status, "http://schemas.xmlsoap.org/ws/2004/08/eventing/SourceCancelling");
}

TEST_F(EnrolmentTest, CanBeStoppedAfterItHasEndedAFeed) {
  collector_.offer({offer_of(kFirst, "1")});
  start();
  ASSERT_TRUE(eventually_started(1));
  collector_.offer({offer_of(kFirst, "2")});
  refresh();
  ASSERT_TRUE(eventually_started(2));
  collector_.offer({});
  refresh();
  ASSERT_TRUE(gets(1, action::kSubscriptionEnd));
  stop();
}

TEST_F(EnrolmentTest, StartsARefusedFeedAgain) {
  collector_.answer_once(action::kHeartbeat, FaultCode::DeliveryRefused);
  collector_.offer({offer_of(kFirst, "1")});
  start();
  ASSERT_TRUE(eventually_started(1));
  refresh();
  EXPECT_TRUE(eventually_started(2));
}

TEST_F(EnrolmentTest, StartsAFeedAgainOnceItsChannelIsThere) {
  auto offer = offer_of(kFirst, "1");
  offer.subscribe.filter = query_of({"Later"});
  collector_.offer({offer});
  start();
  ASSERT_TRUE(gets(1, action::kSubscriptionEnd));
  log({"one"}, "Later");
  refresh();
  EXPECT_TRUE(gets(1, action::kEvents));
}

TEST_F(EnrolmentTest, DoesNotTryAgainWhatCannotBeServed) {
  auto offer = offer_of(kFirst, "1");
  offer.subscribe.filter = "<QueryList><Query Id='0'><Select Path='Application'>*[</Select></Query></QueryList>";
  collector_.offer({offer});
  start();
  ASSERT_TRUE(gets(1, action::kSubscriptionEnd));
  refresh();
  refresh();
  EXPECT_THAT(ended(), SizeIs(1));
  offer.version = "2";
  offer.subscribe.filter = query_of({"Application"});
  collector_.offer({offer});
  refresh();
  EXPECT_TRUE(eventually_started(1));
}

TEST_F(EnrolmentTest, TakesOneOfTwoOffersWithTheSameIdentifier) {
  collector_.offer({offer_of(kFirst, "1"), offer_of(kFirst, "2")});
  start();
  ASSERT_TRUE(eventually_started(1));
  refresh();
  refresh();
  EXPECT_THAT(started(), SizeIs(1));
}

TEST_F(EnrolmentTest, TellsOffersWithoutIdentifierApartByTheirAddress) {
  auto first = offer_of(kFirst, "1");
  auto second = offer_of(kSecond, "2");
  for (auto* offer : {&first, &second}) {
    offer->subscribe.notify_to.identifier.clear();
    offer->subscribe.notify_to.reference_properties.clear();
  }
  collector_.offer({first, second});
  start();
  ASSERT_TRUE(eventually_started(2));
  EXPECT_EQ(enrolment_->feeds(), 2u);
}

TEST_F(EnrolmentTest, AsksAgainEverMoreSlowlyWhereNobodyAnswers) {
  collector_.answer_always(action::kEnumerate, Answer::Unreachable);
  start();
  std::size_t requests = 1;
  ASSERT_TRUE(gets(requests, action::kEnumerate));
  for (const int pause : {1, 2, 4, 8, 16, 32, 60, 60}) {
    // Up to a fifth sooner, so that machines do not keep step.
    advance(milliseconds(pause * 800 - 1));
    EXPECT_THAT(collector_.received(action::kEnumerate), SizeIs(requests)) << pause;
    advance(milliseconds(pause * 200 + 1));
    ASSERT_TRUE(gets(++requests, action::kEnumerate)) << pause;
  }
}

TEST_F(EnrolmentTest, RecoversWhenTheManagerAnswersAgain) {
  collector_.answer_once(action::kEnumerate, Answer::Unreachable);
  collector_.answer_once(action::kEnumerate, FaultCode::InternalError);
  collector_.offer({offer_of(kFirst, "1")});
  start();
  advance_until([&] { return !started().empty(); });
  EXPECT_THAT(started(), ElementsAre(kFirst));
}

TEST_F(EnrolmentTest, KeepsItsFeedsWhileTheManagerIsUnreachable) {
  collector_.offer({offer_of(kFirst, "1")});
  start();
  ASSERT_TRUE(eventually_started(1));
  collector_.answer_always(action::kEnumerate, Answer::Unreachable);
  refresh();
  log({"one"});
  EXPECT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(ended(), IsEmpty());
}

TEST_F(EnrolmentTest, TellsTheCollectorThatItStops) {
  collector_.offer({offer_of(kFirst, "1"), offer_of(kSecond, "2")});
  start();
  ASSERT_TRUE(eventually_started(2));
  stop();
  EXPECT_THAT(ended(), ::testing::UnorderedElementsAre(kFirst, kSecond));
  const auto message = collector_.received(action::kSubscriptionEnd).at(0);
  EXPECT_EQ(message.end_status, "http://schemas.xmlsoap.org/ws/2004/08/eventing/SourceShuttingDown");
  EXPECT_EQ(message.end_code, "1717");
}

TEST_F(EnrolmentTest, DoesNotWaitForEachEndOfACollectorThatIsSilent) {
  collector_.offer({offer_of(kFirst, "1"), offer_of(kSecond, "2")});
  start();
  ASSERT_TRUE(eventually_started(2));
  collector_.answer_always(action::kSubscriptionEnd, Answer::Silence);
  wait(tasks_->stop());
  auto stopped = boost::asio::co_spawn(loop_.executor(), enrolment_->stop(), boost::asio::use_future);
  ASSERT_TRUE(gets(1, action::kSubscriptionEnd));
  advance(milliseconds(500), 2);
  stopped.get();
  EXPECT_THAT(ended(), SizeIs(1));
  EXPECT_EQ(enrolment_->feeds(), 0u);
}

TEST_F(EnrolmentTest, RemembersHowFarEachFeedHasCome) {
  collector_.offer({offer_of(kFirst, "1")});
  start();
  ASSERT_TRUE(eventually_started(1));
  log({"one"});
  ASSERT_TRUE(gets(1, action::kEvents));
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() == 2; }));
  stop();
  const auto saved = state_->find("feed", "https://wec.lab.example:5986/wsman/SubscriptionManager/WEC|" + kFirst);
  ASSERT_TRUE(saved.ok() && *saved);
  EXPECT_THAT(**saved, ::testing::HasSubstr("RecordId='1'"));
}

}  // namespace
}  // namespace forwarder_test
