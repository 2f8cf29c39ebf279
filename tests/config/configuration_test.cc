#include <gmock/gmock.h>

#include "tests/config/configuration_world.h"

namespace config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(ConfigurationTest, ChangeIsInEffectAndOnDiskWhenItReturns) {
  EXPECT_EQ(set({{Id::MaxEnvelopeSizekb, "64"}}), 0u);
  EXPECT_EQ(effects_.envelope, "64");
  open({});
  EXPECT_EQ(text(Id::MaxEnvelopeSizekb), "64");
  EXPECT_EQ(configuration_->current()->values.source(Id::MaxEnvelopeSizekb), Source::Stored);
}

TEST_F(ConfigurationTest, OneBadValueKeepsTheGoodOnesOut) {
  EXPECT_EQ(set({{Id::MaxEnvelopeSizekb, "64"}, {Id::MaxTimeoutms, "0"}}), 2150858817u);
  EXPECT_EQ(text(Id::MaxEnvelopeSizekb), "150");
  EXPECT_EQ(effects_.applied, 0);
  open({});
  EXPECT_EQ(text(Id::MaxEnvelopeSizekb), "150");
}

TEST_F(ConfigurationTest, WhatWasStoredWinsOverTheFileAndPolicyOverBoth) {
  Foundation foundation;
  foundation.file = {{Id::MaxEnvelopeSizekb, "500"}};
  EXPECT_EQ(set({{Id::MaxEnvelopeSizekb, "64"}}), 0u);
  ASSERT_THAT(run_on(loop_.executor(), configuration_->reload(foundation)), IsOk());
  EXPECT_EQ(text(Id::MaxEnvelopeSizekb), "64");
  foundation.policy = {{Id::MaxEnvelopeSizekb, "100"}};
  ASSERT_THAT(run_on(loop_.executor(), configuration_->reload(foundation)), IsOk());
  EXPECT_EQ(text(Id::MaxEnvelopeSizekb), "100");
  EXPECT_EQ(set({{Id::MaxEnvelopeSizekb, "64"}}), 2150858890u);
  EXPECT_EQ(set({{Id::MaxEnvelopeSizekb, "0100"}}), 0u);
}

TEST_F(ConfigurationTest, RestoreGoesBackToTheFile) {
  Foundation foundation;
  foundation.file = {{Id::MaxEnvelopeSizekb, "500"}};
  open(foundation);
  EXPECT_EQ(set({{Id::MaxEnvelopeSizekb, "64"}}), 0u);
  EXPECT_EQ(create("*", "HTTP"), 0u);
  EXPECT_EQ(number(run_on(loop_.executor(), configuration_->restore())), 0u);
  EXPECT_EQ(text(Id::MaxEnvelopeSizekb), "500");
  EXPECT_THAT(listeners(), IsEmpty());
  open(foundation);
  EXPECT_EQ(text(Id::MaxEnvelopeSizekb), "500");
  EXPECT_THAT(listeners(), IsEmpty());
}

TEST_F(ConfigurationTest, DamagedDocumentsOfTheStoreArePassedOver) {
  ASSERT_THAT(store_->put("winrm", "settings", "winrm.MaxTimeoutms=1000\nwinrm.MaxBatchItems=none\n"), IsOk());
  ASSERT_THAT(store_->put("winrm.listener", "* HTTP", "<not a listener"), IsOk());
  ASSERT_THAT(store_->put("winrm.listener", "nowhere", "deleted"), IsOk());
  ASSERT_THAT(store_->put("winrm.certmapping", "x", "<x/>"), IsOk());
  open({});
  EXPECT_EQ(text(Id::MaxTimeoutms), "1000");
  EXPECT_EQ(text(Id::MaxBatchItems), "32000");
  EXPECT_THAT(listeners(), IsEmpty());
  EXPECT_THAT(configuration_->current()->mappings, IsEmpty());
}

TEST_F(ConfigurationTest, ListenerTakesTheDefaultPortAndForTlsTheHostsName) {
  EXPECT_EQ(create("*", "HTTP"), 0u);
  EXPECT_EQ(create("IP:192.0.2.7", "HTTPS"), 0u);
  EXPECT_THAT(listeners(), ElementsAre("* HTTP 5985 ", "IP:192.0.2.7 HTTPS 5986 host.lab.example"));
  EXPECT_EQ(configuration_->current()->listeners[1].thumbprint, std::string(40, 'A'));
}

TEST_F(ConfigurationTest, CertificateThatIsNotForServersIsRefused) {
  ListenerChange change;
  change.hostname = "client.test";
  change.thumbprint = std::string(40, 'B');
  EXPECT_EQ(create("*", "HTTPS", change), 2150858990u);
  change.thumbprint.reset();
  EXPECT_EQ(create("*", "HTTPS", change), 2150858983u);
  EXPECT_THAT(listeners(), IsEmpty());
}

TEST_F(ConfigurationTest, ListenerOfTheFileKeepsWhatWasChangedOfIt) {
  Foundation foundation;
  Listener listener;
  listener.key = *make_listener_key("*", "HTTP");
  listener.port = 80;
  listener.source = Source::File;
  foundation.listeners = {listener};
  open(foundation);
  ListenerChange other_port;
  other_port.port = 8080;
  EXPECT_EQ(change("*", "HTTP", other_port), 0u);
  open(foundation);
  EXPECT_THAT(listeners(), ElementsAre("* HTTP 8080 "));
}

TEST_F(ConfigurationTest, PolicysListenerWinsOverAStoredOne) {
  EXPECT_EQ(create("*", "HTTP"), 0u);
  Foundation foundation;
  Listener listener;
  listener.key = *make_listener_key("*", "HTTP");
  listener.port = 80;
  listener.source = Source::Policy;
  foundation.listeners = {listener};
  ASSERT_THAT(run_on(loop_.executor(), configuration_->reload(foundation)), IsOk());
  EXPECT_THAT(listeners(), ElementsAre("* HTTP 80 "));
}

TEST_F(ConfigurationTest, DefaultCertificateIsTakenWhereTheListenerNamesNone) {
  EXPECT_EQ(set({{Id::CertificateThumbprint, std::string(40, 'C')}}), 2150858882u);
  EXPECT_EQ(set({{Id::CertificateThumbprint, std::string(40, 'a')}}), 0u);
  EXPECT_EQ(create("*", "HTTPS"), 0u);
  EXPECT_EQ(configuration_->current()->listeners[0].thumbprint, std::string(40, 'A'));
}

TEST_F(ConfigurationTest, MappingsHaveALimit) {
  CertMappingChange change;
  change.user = "ali";
  for (std::size_t i = 0; i < kMaxCertMappings; ++i) ASSERT_EQ(create_mapping("host" + std::to_string(i), change), 0u);
  EXPECT_EQ(create_mapping("one-more", change), 2150859091u);
}

TEST_F(ConfigurationTest, NewMappingWithABlankPasswordIsRefused) {
  CertMappingChange change;
  change.user = "ali";
  change.blank_password = true;
  EXPECT_EQ(create_mapping("host", change), 2150859115u);
  change.blank_password = false;
  EXPECT_EQ(create_mapping("host", change), 0u);
}

}  // namespace
}  // namespace config
