#include "tests/integration/network_fixture.h"

#include <fstream>
#include <random>

#include "tests/support/run.h"

namespace integration {

bool long_run() {
  return std::getenv("MUSTER_LONG") != nullptr;
}

Trouble cut_off() {
  Trouble trouble;
  trouble.cut = true;
  return trouble;
}

NetworkFixture::NetworkFixture() : seed_(std::random_device{}()) {}

void NetworkFixture::SetUp() {
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

void NetworkFixture::write_lines(int count) {
  std::ofstream out(file_, std::ios::app);
  for (int i = 0; i < count; ++i) out << "May  1 10:15:30 host app[1]: line " << written_++ << "\n";
}

bool NetworkFixture::stored_eventually(std::size_t count) {
  return test_support::eventually([&] { return stored() >= count; }, kPatience);
}

void NetworkFixture::expect_every_line_once() {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  const auto total = static_cast<std::size_t>(written_);
  ASSERT_TRUE(stored_eventually(total)) << stored() << " of " << total << "\n" << told();
  const auto messages = stack_->messages();
  ASSERT_EQ(messages.size(), total);
  for (std::size_t i = 0; i < total; ++i) ASSERT_EQ(messages[i], "line " + std::to_string(i));
}

}  // namespace integration
