// A disk that is full, of either side, and that has room again later.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <fstream>

#include "tests/integration/stack.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using test_support::eventually;
using test_support::Process;
using ::testing::HasSubstr;

constexpr const char* kHost = "host7.lab.example";

/// How a disk comes to be full: a small file system is filled up, or the process may not make its files longer.
enum class Kind { SmallFileSystem, FileSizeLimit };

class FullDisk : public ::testing::TestWithParam<Kind> {
 protected:
  void TearDown() override {
    if (!mounted_.empty()) ::umount2(mounted_.c_str(), MNT_DETACH);
  }

  /// Gives the state directory `state` a disk of its own. False where this process may not.
  bool prepare(const std::filesystem::path& state) {
    state_ = state;
    if (GetParam() == Kind::FileSizeLimit) return true;
    std::filesystem::create_directories(state);
    if (::mount("tmpfs", state.c_str(), "tmpfs", 0, "size=8m,mode=0700") != 0) return false;
    mounted_ = state;
    return true;
  }
  void fill(Process& process) {
    if (GetParam() == Kind::FileSizeLimit) return limit(process, 0);
    std::ofstream ballast(state_ / "ballast");
    const std::string page(4096, 'x');
    while (ballast.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }
  void empty(Process& process) {
    if (GetParam() == Kind::FileSizeLimit) return limit(process, RLIM_INFINITY);
    std::filesystem::remove(state_ / "ballast");
  }
  static void limit(Process& process, rlim_t bytes) {
    rlimit now{};
    ASSERT_EQ(::prlimit(process.pid(), RLIMIT_FSIZE, nullptr, &now), 0);
    now.rlim_cur = bytes;
    ASSERT_EQ(::prlimit(process.pid(), RLIMIT_FSIZE, &now, nullptr), 0);
  }

  // Long lines: a few of them would find room in what the store's journal has already.
  static std::string message(int number) { return "line " + std::to_string(number) + " " + std::string(1500, 'x'); }
  void write_lines(int count) {
    std::ofstream file(log(), std::ios::app);
    for (int i = 0; i < count; ++i) file << "May  1 10:15:30 host app[1]: " << message(written_++) << "\n";
  }
  std::filesystem::path log() const { return stack_.directory() / "a.log"; }
  bool all_arrive() {
    return eventually([&] { return static_cast<int>(stack_.messages().size()) >= written_; }, std::chrono::seconds(60));
  }
  void expect_each_once_in_order() {
    const auto messages = stack_.messages();
    ASSERT_EQ(static_cast<int>(messages.size()), written_);
    for (int i = 0; i < written_; ++i) ASSERT_EQ(messages[static_cast<std::size_t>(i)], message(i));
  }

  Stack stack_;
  std::filesystem::path state_;
  std::filesystem::path mounted_;
  int written_ = 0;
};

TEST_P(FullDisk, OfTheCollectorDelaysButLosesNothing) {
  if (!prepare(stack_.collector_state())) GTEST_SKIP() << "file systems may not be mounted here";
  stack_.start_collector();
  stack_.create_subscription({});
  write_lines(10);
  stack_.start_forwarder(kHost, log().string());
  ASSERT_TRUE(all_arrive()) << stack_.forwarder(kHost).error_output();

  fill(stack_.collector());
  write_lines(400);
  const auto refused = stack_.forwarder(kHost).wait_for_line("not delivered, trying again");
  ASSERT_TRUE(refused) << stack_.forwarder(kHost).error_output();
  EXPECT_THAT(*refused, HasSubstr("The collector's store is full."));
  EXPECT_TRUE(stack_.collector().wait_for_line("a delivery was refused for now: ")) << stack_.collector().error_output();
  EXPECT_EQ(stack_.messages().size(), 10u);

  empty(stack_.collector());
  write_lines(10);
  EXPECT_TRUE(all_arrive()) << stack_.forwarder(kHost).error_output() << stack_.collector().error_output();
  expect_each_once_in_order();
  EXPECT_TRUE(stack_.forwarder(kHost).wait_for_line("delivering again"));
}

TEST_P(FullDisk, OfTheCollectorRefusesASubscriptionInTheWordsOfWindows) {
  if (!prepare(stack_.collector_state())) GTEST_SKIP() << "file systems may not be mounted here";
  stack_.start_collector();
  SubscriptionText subscription;
  subscription.query =
      "<QueryList><Query Id='0'><Select Path='A'>*</Select></Query><!--" + std::string(100'000, 'x') + "--></QueryList>";
  const auto file = stack_.write("more.xml", stack_.subscription_xml(subscription));
  fill(stack_.collector());
  const auto refused = stack_.tool("wecutil", {"cs", file.string()});
  EXPECT_EQ(refused.status, 112);
  EXPECT_THAT(refused.err, HasSubstr("There is not enough space on the disk."));
  EXPECT_EQ(stack_.tool("wecutil", {"es"}).out, "");

  empty(stack_.collector());
  const auto created = stack_.tool("wecutil", {"cs", file.string()});
  EXPECT_EQ(created.status, 0) << created.err;
}

TEST_P(FullDisk, OfTheForwarderDelaysButLosesNothing) {
  if (!prepare(stack_.directory() / kHost)) GTEST_SKIP() << "file systems may not be mounted here";
  stack_.start_collector();
  stack_.create_subscription({});
  write_lines(10);
  stack_.start_forwarder(kHost, log().string());
  ASSERT_TRUE(all_arrive()) << stack_.forwarder(kHost).error_output();

  fill(stack_.forwarder(kHost));
  write_lines(400);
  EXPECT_TRUE(stack_.forwarder(kHost).wait_for_line("waiting, its events cannot be stored"))
      << stack_.forwarder(kHost).error_output();

  empty(stack_.forwarder(kHost));
  write_lines(10);
  EXPECT_TRUE(all_arrive()) << stack_.forwarder(kHost).error_output();
  expect_each_once_in_order();
  EXPECT_TRUE(stack_.forwarder(kHost).wait_for_line("storing again"));
}

INSTANTIATE_TEST_SUITE_P(Disks, FullDisk, ::testing::Values(Kind::SmallFileSystem, Kind::FileSizeLimit),
                         [](const auto& instance) {
                           return instance.param == Kind::SmallFileSystem ? "SmallFileSystem" : "FileSizeLimit";
                         });

}  // namespace
}  // namespace integration
