// Clients that are slow, silent or do not let go.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <thread>

#include "tests/integration/raw_client.h"
#include "tests/integration/stack.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using test_support::eventually;

constexpr const char* kHost = "host7.lab.example";
// Far below the minute that every wait for a client or a peer takes, far above what a busy machine needs.
constexpr auto kSoon = std::chrono::seconds(20);
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
    EXPECT_LT(std::chrono::steady_clock::now() - start, kSoon);
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

TEST_F(HostileClients, HandshakeThatDoesNotGoOnIsEndedInTime) {
  connect_silently(2);
  clients_[1]->send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  const auto start = std::chrono::steady_clock::now();
  for (const auto& client : clients_) {
    // A wait ends after ten seconds, just as a handshake does.
    for (int wait = 0; wait < 2; ++wait) client->receive_rest();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST_F(HostileClients, TenThousandIdleConnectionsCostLittleAndOthersAreServed) {
  constexpr std::size_t kCount = 10'000;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < kCount + 500) GTEST_SKIP() << "a process may have " << limit.rlim_max << " descriptors only";
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  stack_.start_collector("[[winrm.listener]]\nAddress = \"IP:127.0.0.1\"\nTransport = \"HTTP\"\nPort = 0\n");
  const auto ready = stack_.collector().wait_for_line("ready on http://");
  ASSERT_TRUE(ready) << stack_.collector().error_output();
  const auto port = static_cast<unsigned>(std::stoul(ready->substr(ready->rfind(':') + 1)));
  expect_served();
  const std::size_t before = stack_.collector().memory();
  for (std::size_t i = 0; i < kCount; ++i) {
    clients_.push_back(std::make_unique<RawClient>(port));
    // Every tenth has asked something before.
    if (i % 10 != 0) continue;
    clients_.back()->send("POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    ASSERT_THAT(clients_.back()->receive("\r\n\r\n"), ::testing::StartsWith("HTTP/1.1 401")) << i;
    if (i % 1000 == 0) expect_served();
  }
  expect_served();
  clients_.front()->send("POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(clients_.front()->receive("\r\n\r\n"), ::testing::StartsWith("HTTP/1.1 401"));
  const double each = static_cast<double>(stack_.collector().memory() - before) / 1024 / static_cast<double>(kCount);
  std::printf("%.1f KiB for an idle connection\n", each);
  EXPECT_LT(each, 16);
  // A thousand more, with TLS.
  const std::size_t plain = stack_.collector().memory();
  connect(1000, "");
  expect_served();
  const double secured = static_cast<double>(stack_.collector().memory() - plain) / 1024 / 1000;
  std::printf("%.1f KiB for one with TLS\n", secured);
  EXPECT_LT(secured, 64);
}

TEST_F(HostileClients, FloodBeyondTheDescriptorsIsTurnedAwayAndOthersGoOn) {
  connect(1, "");
  const auto honest = std::move(clients_.front());
  clients_.clear();
  const std::string ask = "POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
  const rlimit few{400, 400};
  ASSERT_EQ(::prlimit(stack_.collector().pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  connect_silently(1000);
  EXPECT_TRUE(stack_.collector().wait_for_line("a further one was refused"));
  honest->send(ask);
  EXPECT_THAT(honest->receive("\r\n\r\n"), ::testing::StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(stack_.tool("wecutil", {"es"}).status, 0);
  stack_.create_subscription({});
  clients_.clear();
  EXPECT_TRUE(eventually([&] { return stack_.post(kHost, "/wsman", "").status == 200; }));
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
  EXPECT_LT(std::chrono::steady_clock::now() - start, kSoon);
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
  EXPECT_LT(std::chrono::steady_clock::now() - start, kSoon);
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
  EXPECT_LT(std::chrono::steady_clock::now() - start, kSoon);

  stack_.collector().send_signal(SIGCONT);
  stack_.start_forwarder(kHost, file.string());
  EXPECT_TRUE(eventually([&] { return stack_.messages().size() == 2; }));
}

}  // namespace
}  // namespace integration
