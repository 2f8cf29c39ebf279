// A collector and a forwarder in networks of their own, joined by a way with the troubles of real ones: whatever happens on
// it, each line is there once at the end, in order.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <random>

#include "tests/integration/lossy_link.h"
#include "tests/integration/stack.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using namespace std::chrono_literals;
using test_support::eventually;
using ::testing::HasSubstr;

constexpr char kHost[] = "host7.lab.example";
constexpr char kCollectorAddress[] = "10.89.0.1";
constexpr char kForwarderAddress[] = "10.89.7.1";
constexpr char kOtherForwarderAddress[] = "10.89.8.1";
/// Silence of twice as long makes the forwarder connect anew.
constexpr char kQuickToNotice[] = "[winrm.client]\nNetworkDelayms = 500\n";
constexpr auto kPatience = 90s;

bool long_run() {
  return std::getenv("MUSTER_LONG") != nullptr;
}

class Network : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test_support::run_command({"nsenter", "--version"}).status != 0) GTEST_SKIP() << "there is no nsenter";
    auto near = NetworkNamespace::make();
    if (!near.ok()) GTEST_SKIP() << "no network namespaces for us (root may make them): " << near.error().message();
    auto far = NetworkNamespace::make();
    if (!far.ok()) GTEST_SKIP() << "no network namespaces for us: " << far.error().message();
    near_ = std::move(*near);
    far_ = std::move(*far);
    auto link = LossyLink::join(*near_, kForwarderAddress, *far_, kCollectorAddress, seed_);
    if (!link.ok()) GTEST_SKIP() << "no TUN devices for us: " << link.error().message();
    link_ = std::move(*link);
    Placement placement;
    placement.collector_name = kCollectorAddress;
    placement.collector_address = kCollectorAddress;
    placement.before_collector = far_->prefix();
    placement.before_forwarder = near_->prefix();
    stack_ = std::make_unique<Stack>(std::move(placement));
    file_ = stack_->directory() / "numbers.log";
    std::ofstream(file_).close();
  }

  /// Small batches: there are many requests for trouble to meet.
  void start(const std::string& collector_extra = {}) {
    start_collector(collector_extra);
    SubscriptionText subscription;
    subscription.max_items = 7;
    subscription.max_latency_ms = 50;
    stack_->create_subscription(subscription);
    start_forwarder();
  }
  void start_collector(const std::string& extra = {}) { stack_->start_collector(extra); }
  void start_forwarder() { stack_->start_forwarder(kHost, file_.string(), kQuickToNotice); }
  test_support::Process& forwarder() { return stack_->forwarder(kHost); }
  bool forwarder_says(const std::string& part) { return forwarder().wait_for_line(part, kPatience).has_value(); }

  void write_lines(int count) {
    std::ofstream out(file_, std::ios::app);
    for (int i = 0; i < count; ++i) out << "May  1 10:15:30 host app[1]: line " << written_++ << "\n";
  }
  std::size_t stored() { return stack_->messages().size(); }
  bool stored_eventually(std::size_t count) {
    return eventually([&] { return stored() >= count; }, kPatience);
  }

  void expect_every_line_once() {
    SCOPED_TRACE("seed " + std::to_string(seed_));
    const auto total = static_cast<std::size_t>(written_);
    ASSERT_TRUE(stored_eventually(total)) << stored() << " of " << total << "\n" << forwarder().error_output();
    const auto messages = stack_->messages();
    ASSERT_EQ(messages.size(), total);
    for (std::size_t i = 0; i < total; ++i) ASSERT_EQ(messages[i], "line " + std::to_string(i));
  }

  const unsigned seed_ = std::random_device{}();
  std::unique_ptr<NetworkNamespace> near_;
  std::unique_ptr<NetworkNamespace> far_;
  std::unique_ptr<LossyLink> link_;
  std::unique_ptr<Stack> stack_;
  std::filesystem::path file_;
  int written_ = 0;
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
  Trouble cut;
  cut.cut = true;
  link_->set_both(cut);
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
  Trouble cut;
  cut.cut = true;
  link_->set(Direction::ToNear, cut);
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
  Trouble cut;
  cut.cut = true;
  link_->set(Direction::ToFar, cut);
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
