#include "cli/wecutil_options.h"

#include <gmock/gmock.h>

#include "cli/wecutil.h"
#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "tests/support/matchers.h"

namespace cli {
namespace {

using base::Win32;
using std::chrono::milliseconds;
using subscriptions::ConfigurationMode;
using subscriptions::ContentFormat;
using subscriptions::Subscription;
using subscriptions::Type;
using test_support::IsError;
using test_support::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

base::Result<Arguments> parsed(std::vector<std::string> words) {
  words.insert(words.begin(), "id");
  auto arguments = parse_arguments(*find_command(wecutil_tool(), "ss"), words);
  if (!arguments.ok()) return arguments;
  auto checked = check_set_options(*arguments);
  if (!checked.ok()) return std::move(checked).error();
  return arguments;
}

base::Result<void> apply(Subscription& subscription, std::vector<std::string> words) {
  const auto arguments = parsed(std::move(words));
  if (!arguments.ok()) return arguments.error();
  return apply_set_options(*arguments, subscription,
                           [](const std::string& user) -> base::Result<std::string> { return "typed for " + user; });
}

Subscription source_initiated() {
  Subscription subscription;
  subscription.id = "id";
  subscription.type = Type::SourceInitiated;
  return subscription;
}

TEST(SetOptions, ChangeTheWholeDefinition) {
  Subscription s = source_initiated();
  ASSERT_THAT(apply(s, {"/e:false",
                        "/d:text",
                        "/ex:2030-01-01T00:00:00Z",
                        "/uri:http://example.org/x",
                        "/cm:custom",
                        "/q:<QueryList/>",
                        "/dia:dialect",
                        "/tn:HTTPS",
                        "/tp:6000",
                        "/dmi:5",
                        "/dmlt:1000",
                        "/hi:2000",
                        "/l:de-DE",
                        "/ree",
                        "/lf:Other",
                        "/pn:Publisher",
                        "/hn:wec.example.org",
                        "/ica:0A, 0B",
                        "/as:*.example.org,a",
                        "/ds:b",
                        "/adc:O:NS"}),
              IsOk());
  EXPECT_FALSE(s.enabled);
  EXPECT_EQ(s.description, "text");
  EXPECT_EQ(s.expires, base::parse_datetime("2030-01-01T00:00:00Z"));
  EXPECT_EQ(s.uri, "http://example.org/x");
  EXPECT_EQ(s.mode, ConfigurationMode::Custom);
  EXPECT_EQ(s.query, "<QueryList/>");
  EXPECT_EQ(s.dialect, "dialect");
  EXPECT_EQ(s.transport_name, "https");
  EXPECT_THAT(s.transport_port, Optional(6000));
  EXPECT_THAT(s.max_items, Optional(5u));
  EXPECT_THAT(s.max_latency, Optional(milliseconds(1000)));
  EXPECT_THAT(s.heartbeat, Optional(milliseconds(2000)));
  EXPECT_EQ(s.locale, "de-DE");
  EXPECT_TRUE(s.read_existing_events);
  EXPECT_EQ(s.log_file, "Other");
  EXPECT_EQ(s.publisher_name, "Publisher");
  EXPECT_EQ(s.host_name, "wec.example.org");
  EXPECT_THAT(s.allowed_issuers, ElementsAre("0A", "0B"));
  EXPECT_THAT(s.allowed_subjects, ElementsAre("*.example.org", "a"));
  EXPECT_THAT(s.denied_subjects, ElementsAre("b"));
  EXPECT_EQ(s.allowed_domain_computers, "O:NS");
}

TEST(SetOptions, TakeLongNamesAndOtherForms) {
  Subscription s = source_initiated();
  ASSERT_THAT(apply(s, {"-Description:text", "--contentformat=events", "/ConfigurationMode:MinBandwidth",
                        "--AllowedSubject=x", "/TransportPort:1"}),
              IsOk());
  EXPECT_EQ(s.description, "text");
  EXPECT_EQ(s.content_format, ContentFormat::Events);
  EXPECT_EQ(s.mode, ConfigurationMode::MinBandwidth);
  EXPECT_THAT(s.allowed_subjects, ElementsAre("x"));
  EXPECT_THAT(s.transport_port, Optional(1));
}

TEST(SetOptions, AnEmptyListClears) {
  Subscription s = source_initiated();
  s.allowed_subjects = {"a"};
  ASSERT_THAT(apply(s, {"/as:"}), IsOk());
  EXPECT_THAT(s.allowed_subjects, IsEmpty());
}

TEST(SetOptions, NothingForExpiresMeansNever) {
  Subscription s = source_initiated();
  s.expires = base::WallTime::max();
  ASSERT_THAT(apply(s, {"/ex:"}), IsOk());
  EXPECT_EQ(s.expires, std::nullopt);
  EXPECT_THAT(apply(s, {"/ex:tomorrow"}), IsError(Win32::InvalidParameter, "ex"));
  EXPECT_THAT(apply(s, {"/ex:3001-01-01T00:00:00Z"}), IsError(Win32::InvalidParameter, "ex"));
}

TEST(SetOptions, DeliverySettingsNeedCustomMode) {
  Subscription s = source_initiated();
  for (const std::string option : {"/dmi:1", "/dmlt:1", "/hi:1"}) {
    EXPECT_THAT(apply(s, {option}), IsError(Win32::InvalidParameter, "Custom"));
  }
  EXPECT_THAT(apply(s, {"/cm:Custom"}), IsOk());
  EXPECT_THAT(apply(s, {"/dmi:1"}), IsOk());
}

TEST(SetOptions, ChangingToCustomKeepsTheTimesBeforeIt) {
  Subscription s = source_initiated();
  s.mode = ConfigurationMode::MinLatency;
  ASSERT_THAT(apply(s, {"/cm:Custom", "/dmi:10"}), IsOk());
  EXPECT_EQ(s.resolved_max_latency(), milliseconds(30'000));
  EXPECT_EQ(s.resolved_heartbeat(), milliseconds(3'600'000));
  ASSERT_THAT(apply(s, {"/cm:Normal"}), IsOk());
  EXPECT_EQ(s.max_items, std::nullopt);
  EXPECT_EQ(s.resolved_max_latency(), milliseconds(900'000));
}

TEST(SetOptions, EventsHaveNoLocale) {
  Subscription s = source_initiated();
  s.locale = "en-US";
  ASSERT_THAT(apply(s, {"/cf:Events"}), IsOk());
  EXPECT_EQ(s.locale, "");
  EXPECT_THAT(apply(s, {"/l:en-US"}), IsError(Win32::InvalidParameter, "RenderedText"));
}

TEST(SetOptions, SomeAreForCollectorInitiatedSubscriptionsOnly) {
  Subscription s = source_initiated();
  for (const std::vector<std::string>& words : {std::vector<std::string>{"/dm:push"},
                                                {"/ct:basic"},
                                                {"/cun:u"},
                                                {"/cun:u", "/cup:p"},
                                                {"/esa:a", "/un:u"},
                                                {"/esa:a", "/un:u", "/up:p"},
                                                {"/essp:true"}}) {
    EXPECT_THAT(apply(s, words), IsError(Win32::InvalidParameter, "source-initiated")) << words[0];
  }
}

TEST(SetOptions, SomeAreForSourceInitiatedSubscriptionsOnly) {
  Subscription s;
  for (const std::string option : {"/ica:0A", "/as:a", "/ds:a", "/adc:O:NS"}) {
    EXPECT_THAT(apply(s, {option}), IsError(Win32::InvalidParameter, "collector-initiated")) << option;
  }
}

TEST(SetOptions, SetPasswordsOrAskForThem) {
  Subscription s;
  ASSERT_THAT(apply(s, {"/cun:u", "/cup:p", "/ct:basic", "/essp", "/esa:a", "/aes", "/un:v", "/up:*"}), IsOk());
  EXPECT_EQ(s.common_password, "p");
  EXPECT_TRUE(s.append_port_to_spn);
  EXPECT_EQ(s.sources[0].password, "typed for v of a");
  ASSERT_THAT(apply(s, {"/cun:w", "/essp:false"}), IsOk());
  EXPECT_EQ(s.common_password, "") << "another user's password is not known";
  EXPECT_FALSE(s.append_port_to_spn);
}

TEST(SetOptions, TheCommonUserTakesThePlaceOfTheUsersInAFile) {
  Subscription s;
  s.sources = {{"a", true, "reader", "*"}};
  const auto ask = [](const std::string& user) -> base::Result<std::string> { return "typed for " + user; };
  const auto common =
      parse_arguments(*find_command(wecutil_tool(), "cs"), std::vector<std::string>{"file", "/cun:u", "/cup:p"});
  Subscription with_common = s;
  ASSERT_THAT(complete_file(*common, with_common, ask), IsOk());
  EXPECT_EQ(with_common.sources[0].user_name, "");
  EXPECT_EQ(with_common.common_user_name + with_common.common_password, "up");
  const auto plain = parse_arguments(*find_command(wecutil_tool(), "cs"), std::vector<std::string>{"file"});
  ASSERT_THAT(complete_file(*plain, s, ask), IsOk());
  EXPECT_EQ(s.sources[0].password, "typed for reader of a");
}

TEST(SetOptions, KnowWindowsSwitchForUtf16) {
  EXPECT_THAT(with_windows_unicode({"gs", "x", "/u", "-U:TRUE", "/u:unicode", "/u:false", "/u:alice", "--u", "/un:u"}),
              ElementsAre("gs", "x", "/uni:true", "/uni:true", "/uni:true", "/uni:false", "/u:alice", "--u", "/un:u"));
}

// Every switch of the reference, in both names and with each prefix.
TEST(SetOptions, HaveEverySpelling) {
  const std::vector<std::vector<std::string>> spellings{{"e", "enabled"},
                                                        {"d", "description"},
                                                        {"ex", "expires"},
                                                        {"uri"},
                                                        {"cm", "configurationmode"},
                                                        {"q", "query"},
                                                        {"dia", "dialect"},
                                                        {"tn", "transportname"},
                                                        {"tp", "transportport"},
                                                        {"dm", "deliverymode"},
                                                        {"dmi", "deliverymaxitems"},
                                                        {"dmlt", "deliverymaxlatencytime"},
                                                        {"hi", "heartbeatinterval"},
                                                        {"cf", "contentformat"},
                                                        {"l", "locale"},
                                                        {"ree", "readexistingevents"},
                                                        {"lf", "logfile"},
                                                        {"pn", "publishername"},
                                                        {"essp"},
                                                        {"hn", "hostname"},
                                                        {"ct", "credentialstype"},
                                                        {"cun", "commonusername"},
                                                        {"cup", "commonuserpassword"},
                                                        {"esa", "eventsourceaddress"},
                                                        {"ese", "eventsourceenabled"},
                                                        {"aes", "addeventsource"},
                                                        {"res", "removeeventsource"},
                                                        {"un", "username"},
                                                        {"up", "userpassword"},
                                                        {"ica", "allowedissuerca"},
                                                        {"as", "allowedsubject"},
                                                        {"ds", "deniedsubject"},
                                                        {"adc", "alloweddomaincomputers"},
                                                        {"c", "config"}};
  const auto value_of = [](const std::string& name) -> std::string {
    if (name == "cm") return "custom";
    if (name == "tn") return "HTTPS";
    if (name == "dm") return "Pull";
    if (name == "cf") return "events";
    if (name == "ct") return "LocalMachine";
    if (name == "tp" || name == "dmi" || name == "dmlt" || name == "hi") return "7";
    return name == "e" || name == "ree" || name == "ese" || name == "aes" || name == "res" || name == "essp" ? "True" : "x";
  };
  for (const auto& names : spellings) {
    for (const std::string& name : names) {
      for (const std::string& option :
           {"/" + name + ":", "-" + name + ":", "/" + base::to_upper(name) + ":", "--" + name + "="}) {
        const auto arguments = parse_arguments(*find_command(wecutil_tool(), "ss"),
                                               std::vector<std::string>{"id", option + value_of(names[0])});
        ASSERT_THAT(arguments, IsOk()) << option;
        EXPECT_TRUE(arguments->has(names[0])) << option;
      }
    }
  }
}

TEST(SetOptions, AddChangeAndRemoveASource) {
  Subscription s;
  ASSERT_THAT(apply(s, {"/esa:a.example.org", "/aes", "/un:reader"}), IsOk());
  ASSERT_EQ(s.sources.size(), 1u);
  EXPECT_TRUE(s.sources[0].enabled);
  EXPECT_EQ(s.sources[0].user_name, "reader");
  EXPECT_THAT(apply(s, {"/esa:A.example.org", "/aes"}), IsError(Win32::AlreadyExists));
  ASSERT_THAT(apply(s, {"/esa:A.example.org", "/ese:false"}), IsOk());
  EXPECT_FALSE(s.sources[0].enabled);
  EXPECT_THAT(apply(s, {"/esa:b", "/ese:false"}), IsError(Win32::NotFound));
  EXPECT_THAT(apply(s, {"/esa:b", "/res"}), IsError(Win32::NotFound));
  ASSERT_THAT(apply(s, {"/esa:a.example.org", "/res"}), IsOk());
  EXPECT_THAT(s.sources, IsEmpty());
}

TEST(SetOptions, ASourceOfASourceInitiatedSubscriptionIsDisabledWithoutBeingAdded) {
  Subscription s = source_initiated();
  ASSERT_THAT(apply(s, {"/esa:a.example.org", "/ese:false"}), IsOk());
  ASSERT_EQ(s.sources.size(), 1u);
  EXPECT_FALSE(s.sources[0].enabled);
}

TEST(SetOptions, GoTogetherInCertainWaysOnly) {
  const auto refused = [](std::vector<std::string> words) {
    EXPECT_THAT(parsed(std::move(words)), IsError(Win32::InvalidParameter));
  };
  refused({});
  refused({"/c:file", "/e:true"});
  refused({"/ese:true"});
  refused({"/aes"});
  refused({"/un:u"});
  refused({"/esa:a", "/up:p"});
  refused({"/cup:p"});
  refused({"/esa:a", "/aes", "/res"});
  refused({"/esa:"});
  EXPECT_THAT(parsed({"/c:file", "/cun:u", "/cup:p"}), IsOk());
}

TEST(SetOptions, HaveBounds) {
  Subscription s = source_initiated();
  EXPECT_THAT(apply(s, {"/tp:0"}), IsError(Win32::InvalidParameter));
  EXPECT_THAT(apply(s, {"/tp:65536"}), IsError(Win32::InvalidParameter));
  EXPECT_THAT(apply(s, {"/cm:Custom", "/dmi:0"}), IsError(Win32::InvalidParameter));
  EXPECT_THAT(apply(s, {"/cm:Custom", "/hi:4294967296"}), IsError(Win32::InvalidParameter));
  EXPECT_THAT(apply(s, {"/cm:Fast"}), IsError(Win32::InvalidParameter));
  EXPECT_THAT(apply(s, {"/e:maybe"}), IsError(Win32::InvalidParameter));
}

}  // namespace
}  // namespace cli
