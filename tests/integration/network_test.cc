// A collector and a forwarder that enrols with it in networks of their own, joined by a way with the troubles of real ones:
// whatever happens on it, each line is there once at the end, in order.

#include <gmock/gmock.h>

#include "tests/integration/network_fixture.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using namespace std::chrono_literals;
using test_support::eventually;
using ::testing::HasSubstr;

constexpr char kHost[] = "host7.lab.example";
constexpr char kOtherForwarderAddress[] = "10.89.8.1";

class Network : public NetworkFixture {
 protected:
  /// Small batches: there are many requests for trouble to meet.
  void start() {
    start_collector();
    SubscriptionText subscription;
    subscription.max_items = 7;
    subscription.max_latency_ms = 50;
    stack_->create_subscription(subscription);
    start_forwarder();
  }
  void start_collector() { stack_->start_collector(); }
  void start_forwarder() { stack_->start_forwarder(kHost, file_.string(), kQuickToNotice); }
  test_support::Process& forwarder() { return stack_->forwarder(kHost); }
  bool forwarder_says(const std::string& part) { return forwarder().wait_for_line(part, kPatience).has_value(); }
  std::string told() override { return forwarder().error_output(); }
};

TEST_F(Network, EveryLineArrivesOnceDespiteLossDelayAndReordering) {
  Trouble trouble;
  trouble.loss = 0.07;
  trouble.delay = 40ms;
  trouble.jitter = 10ms;
  trouble.reorder = 0.02;
  trouble.bytes_per_second = 1'000'000;
  link_->set_both(trouble);
  start();
  for (int i = 0; i < (long_run() ? 100 : 4); ++i) {
    write_lines(25);
    ASSERT_TRUE(stored_eventually(static_cast<std::size_t>(written_) - 20)) << forwarder().error_output();
  }
  expect_every_line_once();
  EXPECT_GT(link_->lost(Direction::ToFar) + link_->lost(Direction::ToNear), 0u);
}

TEST_F(Network, EveryLineArrivesOnceDespiteACutOfBothDirections) {
  start();
  write_lines(50);
  ASSERT_TRUE(stored_eventually(10)) << forwarder().error_output();
  link_->set_both(cut_off());
  const auto until = std::chrono::steady_clock::now() + (long_run() ? 180s : 3s);
  while (std::chrono::steady_clock::now() < until) {
    write_lines(5);
    std::this_thread::sleep_for(100ms);
  }
  const std::size_t before = stored();
  EXPECT_LT(before, static_cast<std::size_t>(written_));
  EXPECT_TRUE(forwarder_says("not delivered, trying again: ")) << forwarder().error_output();
  link_->set_both({});
  expect_every_line_once();
  EXPECT_TRUE(forwarder_says("delivering again")) << forwarder().error_output();
}

TEST_F(Network, EveryLineArrivesOnceThoughAcksAreLost) {
  start();
  write_lines(10);
  ASSERT_TRUE(stored_eventually(10)) << forwarder().error_output();
  link_->set(Direction::ToNear, cut_off());
  write_lines(40);
  // A batch has come over the connection that is there, and its Ack has not: the forwarder must send it again.
  ASSERT_TRUE(stored_eventually(11)) << forwarder().error_output();
  ASSERT_TRUE(forwarder_says("not delivered, trying again: ")) << forwarder().error_output();
  EXPECT_LT(stored(), 50u);
  link_->set(Direction::ToNear, {});
  expect_every_line_once();
}

TEST_F(Network, EveryLineArrivesOnceThoughDeliveriesAreLost) {
  start();
  write_lines(10);
  ASSERT_TRUE(stored_eventually(10)) << forwarder().error_output();
  link_->set(Direction::ToFar, cut_off());
  write_lines(40);
  ASSERT_TRUE(forwarder_says("not delivered, trying again: ")) << forwarder().error_output();
  EXPECT_EQ(stored(), 10u);
  link_->set(Direction::ToFar, {});
  expect_every_line_once();
}

TEST_F(Network, AForwarderThatMovesToAnotherAddressGoesOn) {
  start();
  write_lines(10);
  ASSERT_TRUE(stored_eventually(10)) << forwarder().error_output();
  for (const std::string address : {kOtherForwarderAddress, kForwarderAddress}) {
    const auto moved = near_->set_address(address);
    ASSERT_TRUE(moved.ok()) << moved.error().message();
    write_lines(20);
    ASSERT_TRUE(stored_eventually(static_cast<std::size_t>(written_))) << forwarder().error_output();
  }
  expect_every_line_once();
  EXPECT_THAT(forwarder().error_output(), HasSubstr("has not acknowledged anything for 1000 ms"));
}

/// The way is cut at a packet of the connection's making, of the TLS handshake, of Enumerate, or of the first deliveries.
TEST_F(Network, ACutInTheMiddleOfAHandshakeOrAnEnumerationIsOvercome) {
  start_collector();
  SubscriptionText subscription;
  subscription.max_items = 7;
  subscription.max_latency_ms = 50;
  stack_->create_subscription(subscription);
  const int last = long_run() ? 60 : 26;
  const int step = long_run() ? 1 : 6;
  bool restart = false;
  for (int packets = 2; packets <= last; packets += step) {
    SCOPED_TRACE("cut after " + std::to_string(packets) + " packets");
    write_lines(20);
    link_->cut_after(static_cast<std::uint64_t>(packets));
    start_forwarder();
    ASSERT_TRUE(eventually([&] { return link_->is_cut(); }, kPatience)) << forwarder().error_output();
    // Half of the time the other end forgets the connection meanwhile.
    if (restart) {
      stack_->collector().kill();
      start_collector();
    }
    restart = !restart;
    link_->set_both({});
    ASSERT_TRUE(stored_eventually(static_cast<std::size_t>(written_))) << forwarder().error_output();
    forwarder().kill();
  }
  expect_every_line_once();
}

}  // namespace
}  // namespace integration
