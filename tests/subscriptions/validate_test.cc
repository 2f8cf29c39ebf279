#include <gmock/gmock.h>

#include <functional>

#include "engine/base/win32.h"
#include "subscriptions/subscription.h"
#include "tests/subscriptions/definitions.h"
#include "tests/support/matchers.h"

namespace subscriptions {
namespace {

using base::Win32;
using std::chrono::milliseconds;
using test_support::IsError;
using test_support::IsOk;
using ::testing::ElementsAre;

base::Result<void> validated(const std::function<void(Subscription&)>& change) {
  Subscription subscription = sample();
  change(subscription);
  return validate(subscription);
}

Subscription collector_initiated() {
  Subscription subscription;
  subscription.id = "pull";
  subscription.query = sample().query;
  return subscription;
}

TEST(ValidateSubscription, AcceptsTheSamples) {
  Subscription source_initiated = sample();
  EXPECT_THAT(validate(source_initiated), IsOk());
  Subscription pull = collector_initiated();
  EXPECT_THAT(validate(pull), IsOk());
}

TEST(ValidateSubscription, WantsAnIdAUriAndALog) {
  EXPECT_THAT(validated([](auto& s) { s.id.clear(); }), IsError(Win32::InvalidParameter, "SubscriptionId"));
  EXPECT_THAT(validated([](auto& s) { s.id = std::string(256, 'a'); }), IsError(Win32::InvalidParameter, "SubscriptionId"));
  EXPECT_THAT(validated([](auto& s) { s.id = "a\nb"; }), IsError(Win32::InvalidParameter, "SubscriptionId"));
  EXPECT_THAT(validated([](auto& s) { s.uri.clear(); }), IsError(Win32::InvalidParameter, "Uri"));
  EXPECT_THAT(validated([](auto& s) { s.log_file.clear(); }), IsError(Win32::InvalidParameter, "LogFile"));
  EXPECT_THAT(validated([](auto& s) { s.publisher_name.clear(); }), IsError(Win32::InvalidParameter, "PublisherName"));
}

TEST(ValidateSubscription, AllowsSpacesInsideAnId) {
  EXPECT_THAT(validated([](auto& s) { s.id = "Account lockouts"; }), IsOk());
  EXPECT_THAT(validated([](auto& s) { s.id = " padded"; }), IsError(Win32::InvalidParameter, "SubscriptionId"));
}

TEST(ValidateSubscription, WantsAQuery) {
  EXPECT_THAT(validated([](auto& s) { s.query.clear(); }), IsError(Win32::InvalidParameter, "Query"));
}

TEST(ValidateSubscription, SaysWhereAnExpressionIsWrong) {
  EXPECT_THAT(validated([](auto& s) {
                s.query = "<QueryList><Query Id='0'><Select Path='System'>*[System[</Select></Query></QueryList>";
              }),
              IsError(Win32::EvtInvalidQuery, "position"));
}

TEST(ValidateSubscription, RefusesAQueryThatIsNoXml) {
  EXPECT_THAT(validated([](auto& s) { s.query = "<QueryList><Query>"; }), IsError(Win32::EvtMalformedXml, "Query"));
}

TEST(ValidateSubscription, RefusesAnExpressionThatNamesNoLog) {
  EXPECT_THAT(validated([](auto& s) { s.query = "*[System[Level=2]]"; }), IsError(Win32::EvtInvalidQuery, "QueryList"));
  EXPECT_THAT(validated([](auto& s) { s.query = "<QueryList><Query Id='0'><Select>*</Select></Query></QueryList>"; }),
              IsError(Win32::EvtInvalidQuery));
}

std::string query_of_channels(int count) {
  std::string text = "<QueryList><Query Id='0'>";
  for (int i = 0; i < count; ++i) text += "<Select Path='Log" + std::to_string(i) + "'>*</Select>";
  return text + "</Query></QueryList>";
}

TEST(ValidateSubscription, AllowsAtMost256Channels) {
  EXPECT_THAT(validated([](auto& s) { s.query = query_of_channels(256); }), IsOk());
  EXPECT_THAT(validated([](auto& s) { s.query = query_of_channels(257); }), IsError(Win32::EvtInvalidQuery, "256"));
}

TEST(ValidateSubscription, TakesDeliverySettingsInCustomModeOnly) {
  EXPECT_THAT(validated([](auto& s) { s.max_items = 1; }), IsError(Win32::InvalidParameter, "Custom"));
  EXPECT_THAT(validated([](auto& s) { s.heartbeat = milliseconds(1); }), IsError(Win32::InvalidParameter, "Custom"));
  EXPECT_THAT(validated([](auto& s) {
                s.mode = ConfigurationMode::Custom;
                s.max_items = 1;
                s.heartbeat = milliseconds(1);
              }),
              IsOk());
  EXPECT_THAT(validated([](auto& s) {
                s.mode = ConfigurationMode::Custom;
                s.heartbeat = milliseconds(0);
              }),
              IsError(Win32::InvalidParameter, "Heartbeat"));
}

TEST(ValidateSubscription, RefusesASourceInitiatedPull) {
  EXPECT_THAT(validated([](auto& s) {
                s.mode = ConfigurationMode::Custom;
                s.delivery_mode = DeliveryMode::Pull;
              }),
              IsError(Win32::InvalidParameter, "Delivery/@Mode"));
}

TEST(ValidateSubscription, RefusesAHostNameForAPull) {
  Subscription pull = collector_initiated();
  pull.host_name = "collector.example.org";
  EXPECT_THAT(validate(pull), IsError(Win32::InvalidParameter, "HostName"));
  EXPECT_THAT(validated([](auto& s) { s.host_name = "collector.example.org"; }), IsOk());
  EXPECT_THAT(validated([](auto& s) { s.host_name = "collector/../x"; }), IsError(Win32::InvalidParameter, "HostName"));
}

TEST(ValidateSubscription, TakesALocaleWithRenderedTextOnly) {
  EXPECT_THAT(validated([](auto& s) { s.content_format = ContentFormat::Events; }),
              IsError(Win32::InvalidParameter, "Locale"));
  EXPECT_THAT(validated([](auto& s) { s.locale = "english please"; }), IsError(Win32::InvalidParameter, "Locale"));
}

TEST(ValidateSubscription, RefusesCredentialsOfASourceInitiatedOne) {
  EXPECT_THAT(validated([](auto& s) { s.credentials_type = "Default"; }),
              IsError(Win32::InvalidParameter, "CredentialsType"));
  EXPECT_THAT(validated([](auto& s) { s.common_user_name = "u"; }), IsError(Win32::InvalidParameter, "CommonUserName"));
  EXPECT_THAT(validated([](auto& s) {
                s.sources = {EventSource{"a", true, "u"}};
              }),
              IsError(Win32::InvalidParameter, "UserName"));
}

TEST(ValidateSubscription, KnowsTheCredentialsTypes) {
  Subscription pull = collector_initiated();
  pull.credentials_type = "localmachine";
  EXPECT_THAT(validate(pull), IsOk());
  EXPECT_EQ(pull.credentials_type, "LocalMachine");
  pull.credentials_type = "Kerberos";
  EXPECT_THAT(validate(pull), IsError(Win32::InvalidParameter, "CredentialsType"));
}

TEST(ValidateSubscription, RefusesAdmissionListsOfACollectorInitiatedOne) {
  Subscription pull = collector_initiated();
  pull.allowed_subjects = {"*"};
  EXPECT_THAT(validate(pull), IsError(Win32::InvalidParameter, "source-initiated"));
}

TEST(ValidateSubscription, MakesThumbprintsPlain) {
  Subscription subscription = sample();
  subscription.allowed_issuers = {
      "\xE2\x80\x8E"
      "01 23 45 67 89 ab cd ef 01 23 45 67 89 ab cd ef 01 23 45 67",
      "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67"};
  ASSERT_THAT(validate(subscription), IsOk());
  EXPECT_THAT(subscription.allowed_issuers, ElementsAre(kIssuer, kIssuer));
}

TEST(ValidateSubscription, RefusesWhatIsNoThumbprint) {
  EXPECT_THAT(validated([](auto& s) { s.allowed_issuers = {"0123"}; }), IsError(Win32::InvalidParameter, "0123"));
  EXPECT_THAT(validated([](auto& s) { s.allowed_issuers = {std::string(40, 'g')}; }),
              IsError(Win32::InvalidParameter, "IssuerCA"));
}

TEST(ValidateSubscription, RefusesWhatIsNoSubject) {
  EXPECT_THAT(validated([](auto& s) { s.allowed_subjects = {"a, b"}; }), IsError(Win32::InvalidParameter, "Subject"));
  EXPECT_THAT(validated([](auto& s) { s.denied_subjects = {""}; }), IsError(Win32::InvalidParameter, "DeniedSubjectList"));
}

TEST(ValidateSubscription, RefusesWhatIsNoSddl) {
  EXPECT_THAT(validated([](auto& s) { s.allowed_domain_computers = "everybody"; }),
              IsError(Win32::InvalidParameter, "SDDL"));
  EXPECT_THAT(validated([](auto& s) { s.allowed_domain_computers = "O:NSG:BAD:P(A;;GA;;;DC)S:"; }), IsOk());
}

TEST(ValidateSubscription, PutsIpV6AddressesIntoBrackets) {
  Subscription subscription = sample();
  subscription.sources = {EventSource{"2001:db8::7", true, {}}, EventSource{"[2001:db8::8]", true, {}},
                          EventSource{"192.0.2.1", true, {}}, EventSource{"HOST7", true, {}}};
  ASSERT_THAT(validate(subscription), IsOk());
  EXPECT_EQ(subscription.sources[0].address, "[2001:db8::7]");
  EXPECT_EQ(subscription.sources[1].address, "[2001:db8::8]");
}

TEST(ValidateSubscription, RefusesWhatIsNoAddress) {
  const auto with = [](std::string address) {
    return validated([&](auto& s) { s.sources = {EventSource{address, true, {}}}; });
  };
  EXPECT_THAT(with("a:b"), IsError(Win32::InvalidParameter, "Address"));
  EXPECT_THAT(with("[2001:db8::]:5985"), IsError(Win32::InvalidParameter, "Address"));
  EXPECT_THAT(with("http://a"), IsError(Win32::InvalidParameter, "Address"));
  EXPECT_THAT(with(""), IsError(Win32::InvalidParameter, "Address"));
}

TEST(ValidateSubscription, RefusesASourceListedTwice) {
  EXPECT_THAT(validated([](auto& s) {
                s.sources = {EventSource{"a.example.org", true, {}}, EventSource{"A.example.org", false, {}}};
              }),
              IsError(Win32::InvalidParameter, "more than once"));
}

TEST(ValidateSubscription, RefusesAnotherDialectOrTransport) {
  EXPECT_THAT(validated([](auto& s) { s.dialect = "WQL"; }), IsError(Win32::InvalidParameter, "Dialect"));
  EXPECT_THAT(validated([](auto& s) { s.transport_name = "smtp"; }), IsError(Win32::InvalidParameter, "TransportName"));
  EXPECT_THAT(validated([](auto& s) { s.transport_port = 0; }), IsError(Win32::InvalidParameter, "TransportPort"));
}

}  // namespace
}  // namespace subscriptions
