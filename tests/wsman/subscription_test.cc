#include "tests/wsman/subscription_fixture.h"

namespace wsman_test {
namespace {

namespace action = wsman::action;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class Subscribing : public SubscriptionTest {
 protected:
  FaultCode fault_of(const RequestText& request, wsman::Caller caller = administrator()) {
    return service_.fault_of(request, std::move(caller));
  }
  std::uint32_t number_of(const RequestText& request) {
    const auto fault = service_.send(request).fault();
    return fault ? wsman::windows_code_of(*fault) : 0;
  }
  std::string expires_of(const wsman::Envelope& reply) {
    return std::string(reply.body().child(wsman::ns::kEventing, "Expires").text());
  }
};

TEST_F(Subscribing, IsAnsweredAsWindowsDoes) {
  const wsman::Envelope reply = service_.send(subscribe_request(wsman::kModePull));
  EXPECT_EQ(reply.headers.action, "http://schemas.xmlsoap.org/ws/2004/08/eventing/SubscribeResponse");
  EXPECT_THAT(body_of(reply),
              MatchesRegex("<e:SubscribeResponse.*><e:SubscriptionManager><a:Address>http://wec.lab.example:5985/wsman"
                           "</a:Address><a:ReferenceProperties><w:ResourceURI>urn:test:things</w:ResourceURI>"
                           "<e:Identifier>uuid:[0-9A-F-]+</e:Identifier></a:ReferenceProperties></e:SubscriptionManager>"
                           "<e:Expires>PT0.000S</e:Expires><n:EnumerationContext>uuid:[0-9A-F-]+</n:EnumerationContext>"
                           "</e:SubscribeResponse>"));
}

TEST_F(Subscribing, GivesNoContextWhereEventsArePushed) {
  EXPECT_THAT(body_of(service_.send(subscribe_request(wsman::kModeEvents, kNotifyTo))),
              Not(HasSubstr("EnumerationContext")));
}

TEST_F(Subscribing, RefusesAnotherModeAndNamesItsOwn) {
  const auto fault = service_.send(subscribe_request("urn:test:pigeon", kNotifyTo)).fault();
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->code, FaultCode::DeliveryModeRequestedUnavailable);
  EXPECT_EQ(wsman::windows_code_of(*fault), 2150858782u);
}

TEST_F(Subscribing, WantsAPlaceForEventsThatArePushed) {
  EXPECT_EQ(number_of(subscribe_request(wsman::kModeEvents)), 2150858912u);
}

TEST_F(Subscribing, RefusesAnAddressWhereNothingMayBeSent) {
  routes_.refuses = FaultCode::UnusableAddress;
  EXPECT_EQ(number_of(subscribe_request(wsman::kModePush, kNotifyTo)), 2150858901u);
  EXPECT_EQ(service_.dispatcher.open_subscriptions(), 0u);
}

TEST_F(Subscribing, RefusesAnEnvelopeThatHoldsNoEvent) {
  const std::string small = std::string(kNotifyTo) + "<w:MaxEnvelopeSize>500</w:MaxEnvelopeSize>";
  EXPECT_EQ(fault_of(subscribe_request(wsman::kModeEvents, small)), FaultCode::InvalidMessage);
}

TEST_F(Subscribing, RefusesWhatTheResourceRefuses) {
  service_.resource.make_subscription = [](const wsman::SubscribeRequest&) {
    return wsman::Result<std::unique_ptr<wsman::Enumerator>>(wsman::make_fault(FaultCode::BookmarkFormat));
  };
  EXPECT_EQ(number_of(subscribe_request(wsman::kModePull)), 2150858808u);
}

TEST_F(Subscribing, RefusesAResourceWithoutEvents) {
  service_.resource.make_subscription = nullptr;
  EXPECT_EQ(fault_of(subscribe_request(wsman::kModePull)), FaultCode::ActionNotSupported);
}

TEST_F(Subscribing, RefusesAnotherBody) {
  EXPECT_EQ(fault_of(subscribe_request(wsman::kModePull).body("<e:Renew/>")), FaultCode::ActionMismatch);
  EXPECT_EQ(fault_of(subscribe_request(wsman::kModePull).body("")), FaultCode::InvalidMessage);
}

TEST_F(Subscribing, RefusesAnOptionThatItInsistsOnAndIsNotKnown) {
  EXPECT_EQ(fault_of(subscribe_request(wsman::kModePull)
                         .block("w:OptionSet",
                                "<w:OptionSet><w:Option Name=\"Odd\" MustComply=\"true\">1</w:Option></w:OptionSet>")),
            FaultCode::OptionsNotSupported);
}

TEST_F(Subscribing, RefusesWhoeverMayNotRead) {
  service_.resource.allowed = false;
  EXPECT_EQ(fault_of(subscribe_request(wsman::kModePull)), FaultCode::AccessDenied);
}

TEST_F(Subscribing, RefusesAnExpiryThatIsNoneOrOver) {
  for (const char* wrong : {"PT0S", "-PT5S", "tomorrow", "2024-05-01T09:59:59Z"}) {
    EXPECT_EQ(number_of(subscribe_request(wsman::kModePull, "", "<e:Expires>" + std::string(wrong) + "</e:Expires>")),
              2150858783u)
        << wrong;
  }
}

TEST_F(Subscribing, GrantsADurationOrATime) {
  EXPECT_EQ(expires_of(service_.send(subscribe_request(wsman::kModePull, "", "<e:Expires>PT90S</e:Expires>"))), "PT90.000S");
  // The clock stands at 10:00.
  EXPECT_EQ(
      expires_of(service_.send(subscribe_request(wsman::kModePull, "", "<e:Expires>2024-05-01T10:10:00Z</e:Expires>"))),
      "PT600.000S");
}

TEST_F(Subscribing, GrantsNoMoreThanAYear) {
  EXPECT_EQ(expires_of(service_.send(subscribe_request(wsman::kModePull, "", "<e:Expires>P5Y</e:Expires>"))),
            "PT31536000.000S");
}

// ---------------------------------------------------------------- its manager

TEST_F(Subscribing, TellsHowLongItStillLives) {
  const std::string id = pull_mode("", "<e:Expires>PT90S</e:Expires>");
  service_.clock.advance(seconds(30));
  const auto reply = service_.send(to_manager(action::kGetStatus, id, "<e:GetStatus/>"));
  EXPECT_EQ(body_of(reply).find("<e:GetStatusResponse"), 0u);
  EXPECT_EQ(expires_of(reply), "PT60.000S");
}

TEST_F(Subscribing, IsRenewedFromNowOn) {
  const std::string id = pull_mode("", "<e:Expires>PT90S</e:Expires>");
  service_.clock.advance(seconds(60));
  const auto reply = service_.send(to_manager(action::kRenew, id, "<e:Renew><e:Expires>PT100S</e:Expires></e:Renew>"));
  EXPECT_EQ(body_of(reply).find("<e:RenewResponse"), 0u);
  EXPECT_EQ(expires_of(reply), "PT100.000S");
  service_.clock.advance(seconds(99));
  EXPECT_EQ(expires_of(service_.send(to_manager(action::kGetStatus, id, "<e:GetStatus/>"))), "PT1.000S");
}

TEST_F(Subscribing, IsGoneOnceItHasExpired) {
  const std::string id = pull_mode("", "<e:Expires>PT90S</e:Expires>");
  service_.clock.advance(seconds(90));
  EXPECT_EQ(fault_of(to_manager(action::kRenew, id, "<e:Renew/>")), FaultCode::UnableToRenew);
  EXPECT_EQ(fault_of(to_manager(action::kGetStatus, id, "<e:GetStatus/>")), FaultCode::ResourceNotFound);
  EXPECT_EQ(fault_of(pull_request(id)), FaultCode::InvalidEnumerationContext);
  service_.dispatcher.expire_contexts();
  EXPECT_EQ(service_.dispatcher.open_subscriptions(), 0u);
}

TEST_F(Subscribing, RefusesToRenewForNoTime) {
  const std::string id = pull_mode("", "<e:Expires>PT90S</e:Expires>");
  EXPECT_EQ(number_of(to_manager(action::kRenew, id, "<e:Renew><e:Expires>PT0S</e:Expires></e:Renew>")), 2150858783u);
}

TEST_F(Subscribing, IsNobodyElses) {
  const std::string id = pull_mode();
  EXPECT_EQ(fault_of(to_manager(action::kRenew, id, "<e:Renew/>"), administrator("other")), FaultCode::UnableToRenew);
  EXPECT_EQ(fault_of(to_manager(action::kGetStatus, id, "<e:GetStatus/>"), administrator("other")),
            FaultCode::ResourceNotFound);
  EXPECT_EQ(fault_of(to_manager(action::kUnsubscribe, id, "<e:Unsubscribe/>"), administrator("other")),
            FaultCode::ResourceNotFound);
  EXPECT_EQ(fault_of(pull_request(id), administrator("other")), FaultCode::InvalidEnumerationContext);
  EXPECT_EQ(service_.dispatcher.open_subscriptions(), 1u);
}

TEST_F(Subscribing, IsNamedByAnIdentifier) {
  EXPECT_EQ(fault_of(to_manager(action::kUnsubscribe, "", "<e:Unsubscribe/>")), FaultCode::InvalidMessage);
  EXPECT_EQ(number_of(to_manager(action::kUnsubscribe, "uuid:none", "<e:Unsubscribe/>")), 2150858752u);
}

TEST_F(Subscribing, EndsWithUnsubscribe) {
  const std::string id = pull_mode();
  const auto reply = service_.send(to_manager(action::kUnsubscribe, id, "<e:Unsubscribe/>"));
  EXPECT_EQ(reply.headers.action, "http://schemas.xmlsoap.org/ws/2004/08/eventing/UnsubscribeResponse");
  EXPECT_FALSE(reply.body());
  EXPECT_EQ(fault_of(pull_request(id)), FaultCode::InvalidEnumerationContext);
  EXPECT_EQ(service_.dispatcher.open_subscriptions(), 0u);
}

TEST_F(Subscribing, EndsWithReleaseOfItsContext) {
  const std::string id = pull_mode();
  const auto release =
      to_manager(action::kRelease, "", "<n:Release><n:EnumerationContext>" + id + "</n:EnumerationContext></n:Release>");
  EXPECT_EQ(service_.send(release).headers.action, "http://schemas.xmlsoap.org/ws/2004/09/enumeration/ReleaseResponse");
  EXPECT_EQ(service_.dispatcher.open_subscriptions(), 0u);
}

TEST_F(Subscribing, IsForgottenWhereNobodyPullsIt) {
  pull_mode();
  service_.clock.advance(std::chrono::minutes(59));
  service_.dispatcher.expire_contexts();
  EXPECT_EQ(service_.dispatcher.open_subscriptions(), 1u);
  service_.clock.advance(std::chrono::minutes(1));
  service_.dispatcher.expire_contexts();
  EXPECT_EQ(service_.dispatcher.open_subscriptions(), 0u);
}

// ---------------------------------------------------------------- limits

wsman::DispatcherOptions few() {
  wsman::DispatcherOptions options;
  options.max_subscriptions = 8;
  options.max_pushed_subscriptions = 3;
  return options;
}

class Limited : public SubscriptionTest {
 protected:
  Limited() : SubscriptionTest(few()) {}
};

TEST_F(Limited, AQuarterOfAllSubscriptionsIsOneUsers) {
  pull_mode();
  pull_mode();
  EXPECT_EQ(service_.fault_of(subscribe_request(wsman::kModePull)), FaultCode::QuotaLimit);
  subscribe(subscribe_request(wsman::kModePull), administrator("other"));
}

TEST_F(Limited, AllUsersTogetherHaveOnlySoMany) {
  for (int user = 0; user < 8; ++user) subscribe(subscribe_request(wsman::kModePull), administrator(std::to_string(user)));
  EXPECT_EQ(service_.fault_of(subscribe_request(wsman::kModePull), administrator("ninth")), FaultCode::QuotaLimit);
}

TEST_F(Limited, OnlySoManyHoldConnections) {
  for (int user = 0; user < 3; ++user) {
    subscribe(subscribe_request(wsman::kModeEvents, kNotifyTo), administrator(std::to_string(user)));
  }
  EXPECT_EQ(service_.fault_of(subscribe_request(wsman::kModeEvents, kNotifyTo), administrator("fourth")),
            FaultCode::QuotaLimit);
  subscribe(subscribe_request(wsman::kModePull), administrator("fourth"));
}

TEST_F(Limited, AnEndMakesRoom) {
  pull_mode();
  const std::string id = pull_mode();
  service_.send(to_manager(action::kUnsubscribe, id, "<e:Unsubscribe/>"));
  pull_mode();
}

wsman::DispatcherOptions two_operations() {
  wsman::DispatcherOptions options;
  options.max_operations_per_user = 2;
  return options;
}

class Operations : public SubscriptionTest {
 protected:
  Operations() : SubscriptionTest(two_operations()) {}
};

TEST_F(Operations, AnOpenSubscriptionIsOneOfItsUsers) {
  pull_mode();
  pull_mode();
  const auto fault = service_.send(subscribe_request(wsman::kModePull)).fault();
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(wsman::windows_code_of(*fault), 2150859174u);
}

TEST(SubscriptionsWithoutRoutes, CanBePulledOnly) {
  test_support::Service service;
  Happenings happenings(service.clock);
  service.resource.make_subscription = [&](const wsman::SubscribeRequest&) {
    return wsman::Result<std::unique_ptr<wsman::Enumerator>>(happenings.subscribe());
  };
  const auto request = [](std::string_view mode, std::string_view inside) {
    RequestText text(action::kSubscribe);
    text.resource(test_support::kFakeUri);
    return text.body("<e:Subscribe><e:Delivery Mode=\"" + std::string(mode) + "\">" + std::string(inside) +
                     "</e:Delivery></e:Subscribe>");
  };
  EXPECT_EQ(service.fault_of(request(wsman::kModePush, kNotifyTo)), FaultCode::DeliveryModeRequestedUnavailable);
  EXPECT_FALSE(service.send(request(wsman::kModePull, "")).fault());
}

}  // namespace
}  // namespace wsman_test
