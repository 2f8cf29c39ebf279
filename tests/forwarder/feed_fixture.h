// A feed between a store on disk and a collector in memory, and the verbs that its tests are written in.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/base/task_group.h"
#include "engine/base/win32.h"
#include "engine/service/subscription_memory.h"
#include "engine/wsman/names.h"
#include "forwarder/feed.h"
#include "tests/fakes/fake_collector.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace forwarder_test {

using Answer = test_support::FakeCollector::Answer;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::eventually;
using test_support::ReceivedMessage;
using wsman::FaultCode;

/// Everything in each of these channels.
std::string query_of(const std::vector<std::string>& channels);
/// One offer in the collector's words: delivered at once, retried once a minute, five times.
wsman::OfferedSubscription offer_of(const std::string& identifier, const std::string& version);

/// Stores, a clock and a collector.
class ForwarderTest : public ::testing::Test {
 protected:
  ForwarderTest();
  ~ForwarderTest() override;

  template <typename T>
  T wait(base::Task<T> task) {
    return test_support::run_on(loop_.executor(), std::move(task));
  }
  /// Writes one event for each text into a channel of this host.
  void log(const std::vector<std::string>& texts, const std::string& channel = "Application");
  void make_log(const std::string& channel, std::uint64_t max_size = 1ull << 30);
  /// The record numbers that the events of acknowledged deliveries carry.
  std::vector<int> delivered() const;
  /// Until the collector has got so many messages with that action.
  ::testing::AssertionResult gets(std::size_t count, std::string_view action);
  /// Moves the clock once so many coroutines wait for it.
  void advance(std::chrono::nanoseconds by, std::size_t sleepers = 1);
  /// Moves the clock on by `step` until `condition` holds.
  void advance_until(const std::function<bool()>& condition, milliseconds step = milliseconds(100));

  forwarder::Connect connector();

  test_support::TemporaryDirectory directory_;
  test_support::FakeClock clock_;
  test_support::FakeCollector collector_{clock_};
  test_support::Loop loop_;
  base::BlockingPool pool_{2};
  std::unique_ptr<storage::EventStore> store_;
  std::unique_ptr<storage::StateStore> state_;
  std::unique_ptr<service::StoredSubscriptionMemory> memory_;
};

/// A feed for `offer_`, which a test changes before it start()s.
class FeedTest : public ForwarderTest {
 protected:
  FeedTest();
  ~FeedTest() override { stop(); }

  /// Starts it and waits for its first message.
  void start();
  void stop();
  /// Until the feed has ended by itself.
  ::testing::AssertionResult ends(forwarder::FeedEnd how);
  /// Until it waits for events or for its time.
  void settle();

  wsman::OfferedSubscription offer_ = offer_of("5D0F3C11-3333-4F4E-8B77-0A0B0C0D0E0F", "1");
  wsman::SubscribeRequest& how_ = offer_.subscribe;
  wsman::DeliveryBounds bounds_;  ///< the forwarder's own settings
  std::unique_ptr<forwarder::Feed> feed_;
  std::unique_ptr<base::TaskGroup> tasks_;
};

}  // namespace forwarder_test
