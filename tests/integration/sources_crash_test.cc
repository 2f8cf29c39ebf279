// A collector that subscribes, and the forwarder at which it does, are killed at random moments while lines are written: at
// the end each line is there once.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "tests/integration/initiated_here.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using test_support::eventually;
using test_support::run_command;

int rounds() {
  return std::getenv("MUSTER_LONG") != nullptr ? 100 : 4;
}

/// Writes numbered lines to a file, some each few milliseconds, until it is stopped.
class Generator {
 public:
  explicit Generator(const std::filesystem::path& file)
      : thread_([this, file] {
          while (!stop_) {
            std::ofstream out(file, std::ios::app);
            for (int i = 0; i < 10; ++i) out << "May  1 10:15:30 host app[1]: line " << written_++ << "\n";
            out.close();
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
          }
        }) {}
  ~Generator() { stop(); }
  int stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return written_;
  }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<int> written_ = 0;
  std::thread thread_;
};

class SourcesCrash : public ::testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path state() const { return stack_.directory() / "source"; }

  void start_collector() { stack_.start_collector(); }
  void start_forwarder() {
    const auto quoted = [&](const std::string& name) { return "\"" + (stack_.pki() / name).string() + "\""; };
    stack_.write("source.toml",
                 "[winrm.service.auth]\nBasic = true\n[[winrm.listener]]\nAddress = \"IP:127.0.0.1\"\nTransport = "
                 "\"HTTPS\"\nPort = " +
                     std::to_string(port_) + "\nCertificate = " + quoted("localhost.pem") +
                     "\nPrivateKey = " + quoted("localhost.key") +
                     "\n[forwarder]\ncomputer = \"localhost\"\n[forwarder.tls]\nCertificate = " + quoted("localhost.pem") +
                     "\nPrivateKey = " + quoted("localhost.key") + "\nCA = " + quoted("ca.pem") +
                     "\n[[forwarder.source]]\ntype = \"file\"\npath = \"" + file().string() + "\"\nread_existing = true\n");
    forwarder_ = std::make_unique<test_support::Process>(
        std::vector<std::string>{(bin_directory() / "muster-forwarder").string(), "--config",
                                 (stack_.directory() / "source.toml").string(), "--state", state().string()});
    const auto ready = forwarder_->wait_for_line("ready on https://");
    ASSERT_TRUE(ready) << forwarder_->error_output();
    port_ = static_cast<unsigned>(std::stoul(ready->substr(ready->rfind(':') + 1)));
  }
  std::filesystem::path file() const { return stack_.directory() / "numbers.log"; }
  std::size_t stored() const { return stack_.messages().size(); }

  Stack stack_;
  std::unique_ptr<test_support::Process> forwarder_;
  unsigned port_ = 0;
};

TEST_P(SourcesCrash, EveryLineIsStoredOnceAndInOrder) {
  std::ofstream(file()).close();
  start_reachable(stack_);
  start_forwarder();
  const auto added = run_command({(bin_directory() / "muster").string(), "user", "add", kSourceUser, "--group",
                                  "Administrators", "--state", state().string()},
                                 std::string(kSourcePassword) + "\n");
  ASSERT_EQ(added.status, 0) << added.err;
  InitiatedHere subscription;
  subscription.mode = GetParam();
  subscription.transport = "https";
  subscription.port = port_;
  subscription.addresses = {"localhost"};
  subscription.max_items = 200;
  subscription.heartbeat_ms = 20'000;  // a loaded machine may take its time
  subscription.query = "<QueryList><Query Id='0'><Select Path='Linux-Syslog/Operational'>*</Select></Query></QueryList>";
  create(stack_, subscription);
  ASSERT_TRUE(becomes_active(stack_, "here", "localhost")) << stack_.collector().error_output();

  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int total = 0;
  {
    Generator generator(file());
    for (int round = 0; round < rounds(); ++round) {
      // The moment is the point of the test: random, but bounded.
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 700));
      if (random() % 2 == 0) {
        stack_.collector().kill();
        start_collector();
      } else {
        forwarder_->kill();
        start_forwarder();
      }
    }
    total = generator.stop();
  }
  // It waits longer and longer for a source that is often away: somebody asks for a try now.
  (void)stack_.tool("wecutil", {"rs", "here"});
  ASSERT_TRUE(eventually([&] { return stored() >= static_cast<std::size_t>(total); }, std::chrono::seconds(180)))
      << stored() << " of " << total << "\n"
      << stack_.tool("wecutil", {"gr", "here"}).out << stack_.collector().error_output();
  const auto messages = stack_.messages();
  ASSERT_EQ(static_cast<int>(messages.size()), total);
  for (int i = 0; i < total; ++i) ASSERT_EQ(messages[static_cast<std::size_t>(i)], "line " + std::to_string(i));
}

INSTANTIATE_TEST_SUITE_P(InEachMode, SourcesCrash, ::testing::Values("Pull", "Push"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace integration
