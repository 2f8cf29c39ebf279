#include "engine/config/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace config {
namespace {

using test_support::IsOk;
using test_support::run_on;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Remembers what it was told, and has one certificate and one address.
class FakeEffects final : public Effects {
 public:
  void apply(const Current& current) override {
    ++applied;
    envelope = current.values.text(Id::MaxEnvelopeSizekb);
  }
  std::vector<ServerCertificate> certificates() override {
    return {{std::string(40, 'A'), {"*.lab.example"}, true}, {std::string(40, 'B'), {"client.test"}, false}};
  }
  bool has_address(const std::string& address) override { return address == "*" || address == "IP:192.0.2.7"; }
  Listening listening_on(const ListenerKey&) override { return {}; }
  std::string host_name() override { return "host.lab.example"; }

  int applied = 0;
  std::string envelope;
};

class ConfigurationTest : public ::testing::Test {
 protected:
  void SetUp() override { open({}); }

  void open(Foundation foundation) {
    configuration_.reset();
    store_.reset();
    auto store = storage::StateStore::open(directory_.path());
    ASSERT_THAT(store, IsOk());
    store_ = std::move(*store);
    auto opened = Configuration::open(*store_, pool_, std::move(foundation));
    ASSERT_THAT(opened, IsOk());
    configuration_ = std::move(*opened);
    configuration_->attach(effects_);
  }

  /// The number of the fault, or 0.
  std::uint32_t set(std::vector<std::pair<Id, std::string>> values) {
    Given given;
    for (auto& [id, text] : values) given.emplace_back(&setting_of(id), std::move(text));
    return number(run_on(loop_.executor(), configuration_->set(std::move(given))));
  }
  std::uint32_t create(std::string_view address, std::string_view transport, ListenerChange change = {}) {
    return number(run_on(loop_.executor(), configuration_->create_listener(*make_listener_key(address, transport), change)));
  }
  std::uint32_t change(std::string_view address, std::string_view transport, ListenerChange change) {
    return number(run_on(loop_.executor(), configuration_->change_listener(*make_listener_key(address, transport), change)));
  }
  std::string text(Id id) { return configuration_->current()->values.text(id); }
  std::vector<std::string> listeners() {
    std::vector<std::string> all;
    for (const Listener& one : configuration_->current()->listeners) {
      all.push_back(one.key.address + " " + std::string(one.key.transport()) + " " + std::to_string(one.port) + " " +
                    one.hostname);
    }
    return all;
  }
  static std::uint32_t number(const wsman::Result<void>& result) {
    return result.ok() ? 0 : wsman::windows_code_of(result.error());
  }

  test_support::TemporaryDirectory directory_;
  test_support::Loop loop_;
  base::BlockingPool pool_{1};
  FakeEffects effects_;
  std::unique_ptr<storage::StateStore> store_;
  std::unique_ptr<Configuration> configuration_;
};

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
  const auto create_mapping = [&](int i) {
    CertMappingChange change;
    change.user = "ali";
    auto key = make_cert_mapping_key(std::string(40, 'A'), "host" + std::to_string(i), "*");
    return number(run_on(loop_.executor(), configuration_->create_mapping(*key, change)));
  };
  for (std::size_t i = 0; i < kMaxCertMappings; ++i) ASSERT_EQ(create_mapping(static_cast<int>(i)), 0u);
  EXPECT_EQ(create_mapping(-1), 2150859091u);
}

}  // namespace
}  // namespace config
