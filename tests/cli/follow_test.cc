// `wevtutil qe --follow` and interruptions, with the real program.

#include <csignal>
#include <fstream>
#include <string_view>
#include <thread>

#include "engine/base/file_system.h"
#include "tests/cli/controlled_service.h"
#include "tests/support/matchers.h"
#include "tests/support/process.h"
#include "tests/support/run.h"

namespace cli {
namespace {

using test_support::CommandResult;
using test_support::Process;
using test_support::run_command;
using testing::HasSubstr;

class Follow : public testing::Test {
 protected:
  /// Starts the tail with its output in a file.
  std::unique_ptr<Process> start(const std::string& options) {
    return std::make_unique<Process>(
        std::vector<std::string>{"bash", "-c", "exec \"$0\" wevtutil qe ForwardedEvents --follow --state=\"$1\" $3 > \"$2\"",
                                 MUSTER_PROGRAM, service_.state(), output(), options});
  }
  std::string output() const { return (folder_ / "out").string(); }
  std::string mark() const { return (folder_ / "mark.xml").string(); }

  std::size_t lines() const {
    const std::string text = base::read_file(output()).value_or("");
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  bool wait_for_lines(std::size_t count) const {
    return test_support::eventually([&] { return lines() >= count; }) && lines() == count;
  }
  /// Delivers until something is seen, since nobody says when a tail has begun. How many lines it then prints of that.
  std::size_t wait_until_it_follows() {
    std::uint64_t last = 999;
    const bool seen = test_support::eventually([&] {
      if (lines() != 0) return true;
      ++last;
      service_.deliver(last, last);
      return false;
    });
    EXPECT_TRUE(seen);
    const std::string text = base::read_file(output()).value_or("");
    static constexpr std::string_view kTag = "<EventRecordID>";
    const auto at = text.find(kTag);
    return at == std::string::npos ? 0 : last - std::stoull(text.substr(at + kTag.size())) + 1;
  }

  ControlledService service_;
  test_support::TemporaryDirectory folder_;
};

TEST_F(Follow, PrintsWhatComesFromNowOnAndEndsQuietly) {
  service_.deliver(5);
  const auto tail = start("");
  const std::size_t before = wait_until_it_follows();
  service_.deliver(2'003, 2'001);
  EXPECT_TRUE(wait_for_lines(before + 3));
  EXPECT_EQ(base::read_file(output())->find("<EventRecordID>5<"), std::string::npos);
  EXPECT_EQ(tail->terminate(), 0);
  EXPECT_EQ(tail->error_output(), "");
}

TEST_F(Follow, GoesOnFromABookmarkAndKeepsIt) {
  service_.deliver(5);
  ASSERT_EQ(run_command({MUSTER_PROGRAM, "wevtutil", "qe", "ForwardedEvents", "/c:3", "/sbm:" + mark(),
                         "--state=" + service_.state()})
                .status,
            0);
  const auto tail = start("/bm:" + mark() + " /sbm:" + mark());
  EXPECT_TRUE(wait_for_lines(2));
  service_.deliver(7, 6);
  EXPECT_TRUE(wait_for_lines(4));
  tail->send_signal(SIGINT);
  EXPECT_EQ(tail->terminate(), 0);
  EXPECT_THAT(base::read_file(mark()).value_or(""), HasSubstr("RecordId='7'"));
}

TEST_F(Follow, EndsAfterAsManyEventsAsAreAskedFor) {
  service_.deliver(5);
  const CommandResult result = run_command(
      {"bash", "-c",
       "echo '<BookmarkList/>' > \"$2\"; \"$0\" wevtutil qe ForwardedEvents --follow /c:3 /bm:\"$2\" --state=\"$1\"",
       MUSTER_PROGRAM, service_.state(), mark()});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 3);
}

TEST_F(Follow, EndsWhenNobodyReadsAnyMore) {
  service_.deliver(5);
  const CommandResult result = run_command({"bash", "-c",
                                            "echo '<BookmarkList/>' > \"$2\"; timeout 30 \"$0\" wevtutil qe ForwardedEvents "
                                            "--follow /bm:\"$2\" --state=\"$1\" | head -n 2; "
                                            "echo ${PIPESTATUS[0]}",
                                            MUSTER_PROGRAM, service_.state(), mark()});
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 3);
  EXPECT_THAT(result.out, testing::AnyOf(testing::EndsWith("\n0\n"), testing::EndsWith("\n141\n")));
  EXPECT_EQ(result.err, "");
}

TEST_F(Follow, AServiceThatGoesIsTold) {
  service_.deliver(1);
  const auto tail = start("");
  wait_until_it_follows();
  service_.stop();
  EXPECT_TRUE(tail->wait_for_line("The interface is unknown."));
}

TEST_F(Follow, AnInterruptedExportLeavesNothing) {
  service_.deliver(20'000);
  test_support::TemporaryDirectory target;
  Process exporting(
      {MUSTER_PROGRAM, "wevtutil", "epl", "ForwardedEvents", (target / "out.xml").string(), "--state=" + service_.state()});
  while (std::filesystem::is_empty(target.path()) && exporting.running()) std::this_thread::yield();
  exporting.send_signal(SIGINT);
  const auto status = exporting.terminate();
  // It may have been done already.
  if (status == 0) GTEST_SKIP() << "the export was faster than the signal";
  EXPECT_EQ(status, 1223 % 256);
  EXPECT_TRUE(std::filesystem::is_empty(target.path()));
}

}  // namespace
}  // namespace cli
