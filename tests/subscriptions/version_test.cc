#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

#include "engine/base/encoding.h"
#include "subscriptions/offer.h"
#include "subscriptions/subscription.h"
#include "tests/subscriptions/definitions.h"
#include "tests/support/matchers.h"

namespace subscriptions {
namespace {

using std::chrono::milliseconds;

TEST(SubscriptionVersion, IsANameBasedGuid) {
  for (const std::string& guid : {source_visible_version(sample()), identifier_of(sample())}) {
    EXPECT_EQ(base::parse_guid(guid), std::optional(guid));
    EXPECT_EQ(guid[14], '5') << "RFC 4122, 4.1.3: version 5 is made with SHA-1";
    EXPECT_NE(std::string("89AB").find(guid[19]), std::string::npos) << "RFC 4122, 4.1.1";
  }
}

// Machines compare it with what they were told before this program was last started, so these may never change.
TEST(SubscriptionVersion, StaysTheSameFromOneReleaseToTheNext) {
  EXPECT_EQ(identifier_of(sample()), "0070D5F3-97A5-588F-BDD4-1955BEDED704");
  EXPECT_EQ(source_visible_version(sample()), "7F4D3B97-7370-56D4-9395-C89D4AF027F1");
}

TEST(SubscriptionVersion, SurvivesBeingStoredAndRead) {
  const Subscription before = sample();
  const auto after = parse_subscription(to_xml(before));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(source_visible_version(*after), source_visible_version(before));
}

TEST(SubscriptionVersion, DoesNotChangeWithWhatOnlyTheCollectorKnows) {
  const std::string before = source_visible_version(sample());
  Subscription changed = sample();
  changed.description = "another text";
  changed.enabled = false;
  changed.log_file = "Other";
  changed.publisher_name = "Other";
  changed.allowed_subjects = {"*"};
  changed.denied_subjects.clear();
  changed.allowed_domain_computers = "O:NS";
  changed.sources = {EventSource{"a", false, {}}};
  changed.expires = base::WallTime::max();
  EXPECT_EQ(source_visible_version(changed), before);
}

TEST(SubscriptionVersion, ChangesWithEachThingThatASourceSees) {
  const Subscription before = sample();
  std::vector<Subscription> all(12, before);
  all[1].id = "other";
  all[2].uri = "http://example.org/other";
  all[3].query = "<QueryList><Query Id='0'><Select Path='System'>*</Select></Query></QueryList>";
  all[4].mode = ConfigurationMode::Normal;
  all[5].content_format = ContentFormat::Events;
  all[6].locale = "de-DE";
  all[7].read_existing_events = false;
  all[8].transport_name = "http";
  all[9].transport_port = 6000;
  all[10].host_name = "collector.example.org";
  all[11].mode = ConfigurationMode::Custom;
  all[11].max_items = 1;
  std::set<std::string> versions;
  for (const Subscription& each : all) versions.insert(source_visible_version(each));
  EXPECT_EQ(versions.size(), all.size());
}

/// A field, another value for it, and whether a source can see that.
struct Field {
  std::string_view name;
  void (*change)(Subscription&);
  bool visible;
};

// Every field of a Subscription stands here: HasEveryField counts them.
constexpr Field kFields[] = {
    {"id", [](Subscription& s) { s.id += "2"; }, true},
    {"type", [](Subscription& s) { s.type = Type::CollectorInitiated; }, false},
    {"description", [](Subscription& s) { s.description += "2"; }, false},
    {"enabled", [](Subscription& s) { s.enabled = !s.enabled; }, false},
    {"uri", [](Subscription& s) { s.uri += "2"; }, true},
    {"mode", [](Subscription& s) { s.mode = ConfigurationMode::MinBandwidth; }, true},
    {"delivery_mode", [](Subscription& s) { s.delivery_mode = DeliveryMode::Push; }, false},
    {"max_items", [](Subscription& s) { s.max_items = s.max_items.value_or(0) + 1; }, true},
    {"max_latency", [](Subscription& s) { s.max_latency = s.max_latency.value_or(milliseconds(5)) + milliseconds(1); },
     true},
    {"heartbeat", [](Subscription& s) { s.heartbeat = s.heartbeat.value_or(milliseconds(5)) + milliseconds(1); }, true},
    {"host_name", [](Subscription& s) { s.host_name += "x"; }, true},
    {"expires", [](Subscription& s) { s.expires = base::WallTime(std::chrono::hours(1)); }, false},
    {"query",
     [](Subscription& s) { s.query = "<QueryList><Query Id='0'><Select Path='System'>*</Select></Query></QueryList>"; },
     true},
    {"dialect", [](Subscription& s) { s.dialect += "x"; }, true},
    {"read_existing_events", [](Subscription& s) { s.read_existing_events = !s.read_existing_events; }, true},
    {"transport_name", [](Subscription& s) { s.transport_name = s.transport_name == "http" ? "https" : "http"; }, true},
    {"transport_port",
     [](Subscription& s) { s.transport_port = static_cast<std::uint16_t>(s.transport_port.value_or(1) + 1); }, true},
    {"content_format", [](Subscription& s) { s.content_format = ContentFormat::Events; }, true},
    {"locale", [](Subscription& s) { s.locale += "x"; }, true},
    {"log_file", [](Subscription& s) { s.log_file += "2"; }, false},
    {"publisher_name", [](Subscription& s) { s.publisher_name += "2"; }, false},
    {"credentials_type", [](Subscription& s) { s.credentials_type += "x"; }, false},
    {"common_user_name", [](Subscription& s) { s.common_user_name += "x"; }, false},
    {"common_password", [](Subscription& s) { s.common_password += "x"; }, false},
    {"append_port_to_spn", [](Subscription& s) { s.append_port_to_spn = !s.append_port_to_spn; }, false},
    {"sources",
     [](Subscription& s) {
       s.sources.push_back(EventSource{"a", false, {}});
     },
     false},
    {"allowed_issuers", [](Subscription& s) { s.allowed_issuers.emplace_back(40, 'F'); }, false},
    {"allowed_subjects", [](Subscription& s) { s.allowed_subjects.emplace_back("*"); }, false},
    {"denied_subjects", [](Subscription& s) { s.denied_subjects.emplace_back("b"); }, false},
    {"allowed_domain_computers", [](Subscription& s) { s.allowed_domain_computers += "(A;;GA;;;DD)"; }, false},
};

TEST(SubscriptionVersion, HasEveryFieldUnderTest) {
  // Does not compile where a field is added: then it wants a row above.
  const auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24,
               f25, f26, f27, f28, f29, f30] = sample();
  EXPECT_EQ(std::size(kFields), 30u);
  EXPECT_EQ(f1, sample().id);
}

/// What a machine is told, but for the version itself and what differs from message to message.
std::string told(const Subscription& subscription) {
  OfferBasis basis = offer_basis(subscription);
  basis.version.clear();
  auto offer = make_offer(subscription, basis, machine("a.lab.example.org"), OfferOptions{},
                          "https://collector.example.org:5986/wsman", std::nullopt);
  const wsman::SubscribeRequest& s = offer->subscribe;
  std::string text = s.resource_uri + "|" + s.notify_to.address + "|" + s.locale + "|" + s.dialect + "|" + s.filter + "|" +
                     s.subscription_name + "|" + s.content_format + "|" + s.bookmark.value_or("") + "|";
  const auto number = [&text](std::uint64_t value) { text += std::to_string(value) + "|"; };
  number(static_cast<std::uint64_t>(s.heartbeats->count()));
  number(s.max_elements.value_or(0));
  number(static_cast<std::uint64_t>(s.max_time->count()));
  number(s.read_existing_events);
  return text;
}

// From 200 definitions, each made by a few random changes, every single field is changed. The version tells definitions
// apart where, and only where, the field is one that sources see; and what a source is told never differs under one version.
TEST(SubscriptionVersion, ChangesExactlyWithTheFieldsThatSourcesSee) {
  std::mt19937 random(5);
  std::map<std::string, std::string> told_by_version;
  for (int round = 0; round < 200; ++round) {
    Subscription before = sample();
    before.mode = ConfigurationMode::Custom;  // the mode that heeds every field
    for (int i = 0; i < 4; ++i) {
      const Field& field = kFields[random() % std::size(kFields)];
      if (field.name != "mode" && field.name != "type" && field.name != "content_format") field.change(before);
    }
    for (const Field& field : kFields) {
      Subscription after = before;
      field.change(after);
      const bool differs = source_visible_version(after) != source_visible_version(before);
      const bool same_query = field.name == "query" && filter_of(after.query) == filter_of(before.query);
      EXPECT_EQ(differs, field.visible && !same_query) << field.name;
      const auto [known, added] = told_by_version.emplace(source_visible_version(after), told(after));
      EXPECT_EQ(known->second, told(after)) << field.name;
    }
  }
}

TEST(SubscriptionVersion, DoesNotTellAPresetFromTheSameTimesGivenOneByOne) {
  Subscription preset = sample();
  Subscription custom = sample();
  custom.mode = ConfigurationMode::Custom;
  custom.max_latency = preset.resolved_max_latency();
  custom.heartbeat = preset.resolved_heartbeat();
  EXPECT_EQ(source_visible_version(custom), source_visible_version(preset));
}

TEST(SubscriptionVersion, IgnoresWhatStandsAroundTheQueryList) {
  Subscription changed = sample();
  changed.query = "<?xml version='1.0'?>\n<!-- note -->\n" + changed.query + "\n";
  EXPECT_EQ(source_visible_version(changed), source_visible_version(sample()));
}

TEST(SubscriptionIdentifier, DependsOnTheIdWithoutCaseAndOnNothingElse) {
  Subscription changed = sample("LINUX-baseline");
  changed.query.clear();
  EXPECT_EQ(identifier_of(changed), identifier_of(sample()));
  EXPECT_NE(identifier_of(sample("other")), identifier_of(sample()));
}

}  // namespace
}  // namespace subscriptions
