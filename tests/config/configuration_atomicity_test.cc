// A change of the configuration is there as a whole or not at all, whatever the store does.

#include <gmock/gmock.h>

#include <array>
#include <future>

#include "storage/database.h"
#include "tests/config/configuration_world.h"

namespace config {
namespace {

using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AtomicChange : public ConfigurationTest {
 protected:
  void SetUp() override {
    ConfigurationTest::SetUp();
    auto opened = storage::Database::open(directory_.path() / "state.db", {});
    ASSERT_THAT(opened, IsOk());
    database_ = std::move(*opened);
  }

  /// The store fails at the write that comes after `count` good ones; below 0 it does not fail any more.
  void fail_after(int count) {
    for (const char* event : {"INSERT", "UPDATE", "DELETE"}) {
      const std::string trigger = "failing_" + std::string(event);
      ASSERT_THAT(database_->execute("DROP TRIGGER IF EXISTS " + trigger), IsOk());
      if (count < 0) continue;
      ASSERT_THAT(database_->execute("CREATE TABLE IF NOT EXISTS countdown (n INTEGER); DELETE FROM countdown; "
                                     "INSERT INTO countdown VALUES (" +
                                     std::to_string(count) + "); CREATE TRIGGER " + trigger + " BEFORE " + event +
                                     " ON documents BEGIN UPDATE countdown SET n = n - 1; "
                                     "SELECT RAISE(ABORT, 'no more') WHERE (SELECT n FROM countdown) < 0; END"),
                  IsOk());
    }
  }
  std::int64_t documents() { return database_->ask("SELECT count(*) FROM documents").value(); }

  /// One document of each kind, and more.
  void fill() {
    ASSERT_EQ(set({{Id::MaxTimeoutms, "1000"}}), 0u);
    ASSERT_EQ(create("*", "HTTP"), 0u);
    ASSERT_EQ(create("IP:192.0.2.7", "HTTP"), 0u);
    CertMappingChange mapping;
    mapping.user = "alice";
    ASSERT_EQ(create_mapping("host", mapping), 0u);
    ASSERT_EQ(create_plugin("Mine"), 0u);
    ASSERT_EQ(set_security("urn:built-in", "D:(A;;GA;;;BA)"), 0u);
  }

  std::unique_ptr<storage::Database> database_;
};

TEST_F(AtomicChange, FailedWriteOfTheStoreChangesNothingAndIsAFault) {
  fill();
  fail_after(0);
  const auto before = configuration_->current();
  const int applied = effects_.applied;
  const std::int64_t stored = documents();
  CertMappingChange mapping;
  mapping.user = "alice";
  EXPECT_NE(set({{Id::MaxTimeoutms, "2000"}}), 0u);
  EXPECT_NE(create("*", "HTTPS"), 0u);
  ListenerChange port;
  port.port = 81;
  EXPECT_NE(change("*", "HTTP", port), 0u);
  EXPECT_NE(number(run_on(loop_.executor(), configuration_->remove_listener(*make_listener_key("*", "HTTP")))), 0u);
  EXPECT_NE(create_mapping("other", mapping), 0u);
  EXPECT_NE(create_plugin("Other", "urn:other"), 0u);
  EXPECT_NE(put_plugin("Mine", "Enabled='false'", "", false), 0u);
  EXPECT_NE(set_security("urn:built-in", "D:"), 0u);
  EXPECT_EQ(configuration_->current(), before);
  EXPECT_EQ(effects_.applied, applied);
  EXPECT_EQ(documents(), stored);

  fail_after(-1);
  EXPECT_EQ(set({{Id::MaxTimeoutms, "2000"}}), 0u);
  EXPECT_EQ(text(Id::MaxTimeoutms), "2000");
}

TEST_F(AtomicChange, RestoreTakesAllOrNothingAtEachWriteThatFails) {
  fill();
  const std::int64_t stored = documents();
  ASSERT_EQ(stored, 6);
  const auto before = configuration_->current();
  int good = 0;
  for (;; ++good) {
    fail_after(good);
    if (number(run_on(loop_.executor(), configuration_->restore())) == 0) break;
    ASSERT_EQ(documents(), stored) << good;
    ASSERT_EQ(configuration_->current(), before) << good;
  }
  EXPECT_EQ(good, stored);
  EXPECT_EQ(documents(), 0);
  const auto after = configuration_->current();
  EXPECT_THAT(after->listeners, IsEmpty());
  EXPECT_THAT(after->mappings, IsEmpty());
  EXPECT_EQ(after->values.source(Id::MaxTimeoutms), Source::Default);
  EXPECT_THAT(after->plugins, SizeIs(1));
}

TEST_F(AtomicChange, RestoreForgetsWhatCouldNotBeRead) {
  ASSERT_THAT(store_->put("winrm.listener", "* HTTP", "<not a listener"), IsOk());
  ASSERT_THAT(store_->put("winrm.plugin", "x", "<x/>"), IsOk());
  ASSERT_THAT(store_->put("subscription", "kept", "<Subscription/>"), IsOk());
  open({});
  EXPECT_EQ(number(run_on(loop_.executor(), configuration_->restore())), 0u);
  EXPECT_EQ(documents(), 1);
}

TEST_F(AtomicChange, ChangesAtOneTimeComeOneAfterTheOther) {
  constexpr int kWriters = 8;
  std::vector<std::future<wsman::Result<void>>> writers;
  for (int i = 0; i < kWriters; ++i) {
    const std::string number = std::to_string(1000 + i);
    Given given{{&setting_of(Id::MaxTimeoutms), number}, {&setting_of(Id::MaxBatchItems), number}};
    writers.push_back(
        boost::asio::co_spawn(loop_.executor(), configuration_->set(std::move(given)), boost::asio::use_future));
  }
  for (auto& writer : writers) EXPECT_EQ(number(writer.get()), 0u);
  // Each was in effect by itself, and the last of them is what is stored.
  EXPECT_THAT(effects_.timeouts, SizeIs(kWriters));
  for (const auto& [timeout, items] : effects_.timeouts) EXPECT_EQ(timeout, items);
  const std::string last = text(Id::MaxTimeoutms);
  open({});
  EXPECT_EQ(text(Id::MaxTimeoutms), last);
  EXPECT_EQ(text(Id::MaxBatchItems), last);
}

TEST_F(AtomicChange, OfTwoThatCreateOneListenerOneIsRefused) {
  const auto key = *make_listener_key("*", "HTTP");
  auto one = boost::asio::co_spawn(loop_.executor(), configuration_->create_listener(key, {}), boost::asio::use_future);
  auto other = boost::asio::co_spawn(loop_.executor(), configuration_->create_listener(key, {}), boost::asio::use_future);
  const std::array<std::uint32_t, 2> faults{number(one.get()), number(other.get())};
  EXPECT_THAT(faults, ::testing::UnorderedElementsAre(0u, 2150858803u));
  EXPECT_THAT(listeners(), SizeIs(1));
}

}  // namespace
}  // namespace config
