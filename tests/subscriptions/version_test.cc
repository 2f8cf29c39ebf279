#include <gmock/gmock.h>

#include <set>

#include "engine/base/encoding.h"
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
