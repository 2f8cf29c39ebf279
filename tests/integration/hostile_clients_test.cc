// Clients that are slow, silent or do not let go.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "tests/integration/raw_client.h"
#include "tests/integration/stack.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using std::chrono::seconds;
using test_support::eventually;

constexpr const char* kHost = "host7.lab.example";
constexpr const char* kHead =
    "POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/soap+xml;charset=UTF-8\r\n"
    "Content-Length: 10000\r\n\r\n";

class HostileClients : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    stack_.start_collector();
    stack_.issue(kHost);
  }

  void connect_silently(int count) {
    for (int i = 0; i < count; ++i) clients_.push_back(std::make_unique<RawClient>(stack_.port()));
  }
  void connect(int count, std::string_view sent) {
    for (int i = 0; i < count; ++i) {
      clients_.push_back(std::make_unique<RawClient>(stack_.port(), stack_.pki() / (std::string(kHost) + ".pem"),
                                                     stack_.pki() / (std::string(kHost) + ".key")));
      if (!sent.empty()) clients_.back()->send(sent);
    }
  }
  /// An honest client is answered at once.
  void expect_served() {
    const auto start = std::chrono::steady_clock::now();
    const auto reply = stack_.post(kHost, "/wsman", "");
    EXPECT_EQ(reply.status, 200) << reply.error;
    EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(5));
  }

  Stack stack_;
  std::vector<std::unique_ptr<RawClient>> clients_;
};

TEST_F(HostileClients, AByteASecondDoesNotBlockOthers) {
  connect(20, "POST /wsman HT");
  connect(20, kHead);
  for (int round = 0; round < 3; ++round) {
    for (const auto& client : clients_) client->send("T");
    expect_served();
  }
}

TEST_F(HostileClients, TwoHundredHalfOpenConnectionsDoNotBlockOthers) {
  connect_silently(100);
  connect_silently(100);
  // The beginning of a ClientHello.
  for (std::size_t i = 0; i < 100; ++i) clients_[i]->send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  expect_served();
}

TEST_F(HostileClients, TheCollectorEndsInTimeWithClientsOfAllKinds) {
  stack_.create_subscription({});
  const auto file = stack_.write("a.log", "May  1 10:15:30 host app[1]: line 1\n");
  stack_.start_forwarder(kHost, file.string());
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 1; }));
  connect_silently(20);
  connect(20, "");
  connect(20, "POST /wsman HT");
  connect(20, kHead);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(stack_.collector().terminate(), 0) << stack_.collector().error_output();
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(5));
}

TEST_F(HostileClients, TheForwarderEndsInTimeWithoutItsCollector) {
  stack_.create_subscription({});
  const auto file = stack_.write("a.log", "May  1 10:15:30 host app[1]: line 1\n");
  stack_.start_forwarder(kHost, file.string());
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 1; }));
  ASSERT_EQ(stack_.collector().terminate(), 0);
  std::ofstream(file, std::ios::app) << "May  1 10:15:30 host app[1]: line 2\n";
  ASSERT_TRUE(stack_.forwarder(kHost).wait_for_line("not delivered, trying again"));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(stack_.forwarder(kHost).terminate(), 0) << stack_.forwarder(kHost).error_output();
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(5));
}

TEST_F(HostileClients, TheForwarderEndsInTimeWhileItsCollectorHangs) {
  SubscriptionText subscription;
  subscription.heartbeat_ms = 200;
  stack_.create_subscription(subscription);
  const auto file = stack_.write("a.log", "May  1 10:15:30 host app[1]: line 1\n");
  stack_.start_forwarder(kHost, file.string());
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 1; }));
  stack_.collector().send_signal(SIGSTOP);
  std::ofstream(file, std::ios::app) << "May  1 10:15:30 host app[1]: line 2\n";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(stack_.forwarder(kHost).terminate(), 0) << stack_.forwarder(kHost).error_output();
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(5));

  stack_.collector().send_signal(SIGCONT);
  stack_.start_forwarder(kHost, file.string());
  EXPECT_TRUE(eventually([&] { return stack_.messages().size() == 2; }));
}

}  // namespace
}  // namespace integration
