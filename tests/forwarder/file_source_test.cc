#include "forwarder/file_source.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "engine/base/task_group.h"
#include "engine/base/utf16.h"
#include "forwarder/followed_file.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace forwarder {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using test_support::IsOk;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using Lines = std::vector<std::string>;

std::string data_of(const events::Draft& draft, std::string_view name) {
  for (const auto& [key, value] : draft.data) {
    if (key == name) return value;
  }
  return {};
}

class FileSourceTest : public ::testing::Test {
 protected:
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(path(name), std::ios::app | std::ios::binary) << text;
  }
  void rename(const std::string& from, const std::string& to) const { std::filesystem::rename(path(from), path(to)); }
  void truncate(const std::string& name) const { ASSERT_EQ(::truncate(path(name).c_str(), 0), 0); }
  std::string path(const std::string& name) const { return (directory_ / name).string(); }

  /// (Re)starts the source where the last one's position was.
  void start(const std::string& pattern, bool from_beginning = true) {
    FileSourceOptions options;
    options.path_glob = path(pattern);
    options.computer = "a.example.org";
    options.from_beginning = from_beginning;
    options.scan_interval = std::chrono::milliseconds(0);
    source_ = std::make_unique<FileSource>(options, pool_, clock_);
    ASSERT_THAT(test_support::run_on(loop_.executor(), source_->open(position_)), IsOk());
  }
  void restart(const std::string& pattern) { start(pattern, false); }

  std::vector<events::Draft> read_drafts(std::size_t items = 1000) {
    base::Budget budget;
    budget.items = items;
    budget.until = clock_.steady();
    auto batch = test_support::run_on(loop_.executor(), source_->read(budget));
    EXPECT_THAT(batch, IsOk());
    position_ = batch->position;
    return std::move(batch->drafts);
  }
  Lines read(std::size_t items = 1000) {
    Lines lines;
    for (const events::Draft& draft : read_drafts(items)) lines.push_back(data_of(draft, "MESSAGE"));
    return lines;
  }

  test_support::TemporaryDirectory directory_;
  test_support::FakeClock clock_;
  test_support::Loop loop_;
  base::BlockingPool pool_{2};
  std::string position_;
  std::unique_ptr<FileSource> source_;
};

TEST_F(FileSourceTest, IsNamedByItsPattern) {
  start("*.log");
  EXPECT_EQ(source_->name(), "file:" + path("*.log"));
  EXPECT_EQ(source_->channel(), "Linux-Syslog/Operational");
}

TEST_F(FileSourceTest, BeginsAtTheEndOfWhatIsThere) {
  write("a.log", "old 1\nold 2\n");
  start("*.log", false);
  EXPECT_THAT(read(), IsEmpty());
  write("a.log", "new\n");
  EXPECT_THAT(read(), ElementsAre("new"));
}

TEST_F(FileSourceTest, BeginsAtTheUnfinishedLine) {
  write("a.log", "old\nhal");
  start("*.log", false);
  EXPECT_THAT(read(), IsEmpty());
  write("a.log", "f\n");
  EXPECT_THAT(read(), ElementsAre("half"));
}

TEST_F(FileSourceTest, BeginsAtTheBeginningIfAsked) {
  write("a.log", "old 1\nold 2\n");
  start("*.log", true);
  EXPECT_THAT(read(), ElementsAre("old 1", "old 2"));
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FileSourceTest, HoldsBackAnUnfinishedLine) {
  start("*.log");
  write("a.log", "one\ntw");
  EXPECT_THAT(read(), ElementsAre("one"));
  clock_.advance(minutes(60));
  EXPECT_THAT(read(), IsEmpty());
  write("a.log", "o\nthree\n");
  EXPECT_THAT(read(), ElementsAre("two", "three"));
}

TEST_F(FileSourceTest, ReadsNewFilesFromTheirBeginning) {
  write("a.log", "old\n");
  start("*.log", false);
  EXPECT_THAT(read(), IsEmpty());
  write("b.log", "b1\n");
  write("c.txt", "not matched\n");
  EXPECT_THAT(read(), ElementsAre("b1"));
}

TEST_F(FileSourceTest, ReadsFilesThatCameWhileItWasStopped) {
  write("a.log", "old\n");
  start("*.log", false);
  EXPECT_THAT(read(), IsEmpty());
  write("b.log", "b1\n");
  write("a.log", "a1\n");
  restart("*.log");
  EXPECT_THAT(read(), ::testing::UnorderedElementsAre("b1", "a1"));
}

TEST_F(FileSourceTest, GoesOnBehindEveryPosition) {
  Lines all;
  std::string text;
  for (int i = 0; i < 30; ++i) {
    all.push_back("line " + std::to_string(i) + std::string(static_cast<std::size_t>(i), '.'));
    text += all.back() + "\n";
  }
  write("a.log", text + "unfinished");
  Lines got;
  start("*.log");
  for (;;) {
    const Lines one = read(1);
    if (one.empty()) break;
    got.insert(got.end(), one.begin(), one.end());
    restart("*.log");
  }
  EXPECT_THAT(got, ElementsAreArray(all));
}

TEST_F(FileSourceTest, RepeatsWhatWasNotStored) {
  write("a.log", "1\n2\n3\n");
  start("*.log");
  EXPECT_THAT(read(1), ElementsAre("1"));
  const std::string stored = position_;
  EXPECT_THAT(read(), ElementsAre("2", "3"));
  position_ = stored;
  restart("*.log");
  EXPECT_THAT(read(), ElementsAre("2", "3"));
}

TEST_F(FileSourceTest, FinishesARenamedFileBeforeItsSuccessor) {
  start("a.log");
  write("a.log", "1\n2");
  EXPECT_THAT(read(), ElementsAre("1"));
  rename("a.log", "a.log.1");
  write("a.log", "4\n");
  write("a.log.1", "b\n3\n");  // its writer does not know yet
  EXPECT_THAT(read(), ElementsAre("2b", "3", "4"));
  write("a.log.1", "late\n");
  EXPECT_THAT(read(), ElementsAre("late"));
}

TEST_F(FileSourceTest, KeepsTrackOfARenamedFileThatStillMatches) {
  start("a.log*");
  write("a.log", "1\n");
  EXPECT_THAT(read(), ElementsAre("1"));
  rename("a.log", "a.log.1");
  write("a.log", "2\n");
  EXPECT_THAT(read(), ElementsAre("2"));
  rename("a.log.1", "a.log.2");
  rename("a.log", "a.log.1");
  write("a.log", "3\n");
  EXPECT_THAT(read(), ElementsAre("3"));
  restart("a.log*");
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FileSourceTest, FindsAFileThatWasRenamedWhileItWasStopped) {
  start("a.log");
  write("a.log", "1\n2");
  EXPECT_THAT(read(), ElementsAre("1"));
  write("a.log", "\n3\n");
  rename("a.log", "a.log.1");
  write("a.log", "4\n");
  restart("a.log");
  EXPECT_THAT(read(), ElementsAre("2", "3", "4"));
  restart("a.log");
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FileSourceTest, GivesTheUnfinishedLineOfARenamedFileAfterAWhile) {
  start("a.log");
  write("a.log", "1\nhalf");
  EXPECT_THAT(read(), ElementsAre("1"));
  rename("a.log", "a.log.1");
  write("a.log", "2\n");
  EXPECT_THAT(read(), ElementsAre("2"));
  clock_.advance(seconds(4));
  EXPECT_THAT(read(), IsEmpty());
  clock_.advance(seconds(2));
  EXPECT_THAT(read(), ElementsAre("half"));
  restart("a.log");
  clock_.advance(seconds(6));
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FileSourceTest, LetsARenamedFileGoInTheEnd) {
  start("a.log");
  write("a.log", "1\n");
  EXPECT_THAT(read(), ElementsAre("1"));
  rename("a.log", "a.log.1");
  EXPECT_THAT(read(), IsEmpty());
  EXPECT_NE(position_.find("a.log"), std::string::npos);
  clock_.advance(minutes(11));
  EXPECT_THAT(read(), IsEmpty());
  EXPECT_EQ(position_.find("a.log"), std::string::npos);
}

TEST_F(FileSourceTest, StartsAgainWhereAFileWasTruncated) {
  start("a.log");
  write("a.log", "1\n2\n");
  EXPECT_THAT(read(), ElementsAre("1", "2"));
  truncate("a.log");
  write("a.log", "3\n");
  EXPECT_THAT(read(), ElementsAre("3"));
  restart("a.log");
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FileSourceTest, GivesTheUnfinishedLineOfATruncatedFile) {
  start("a.log");
  write("a.log", "1\nhalf of a line");
  EXPECT_THAT(read(), ElementsAre("1"));
  truncate("a.log");
  write("a.log", "3\n");
  EXPECT_THAT(read(), ElementsAre("half of a line", "3"));
}

TEST_F(FileSourceTest, NoticesATruncatedFileThatHasGrownAgain) {
  start("a.log");
  write("a.log", "1\n2\n");
  EXPECT_THAT(read(), ElementsAre("1", "2"));
  truncate("a.log");
  write("a.log", "other 1\nother 2\nother 3\n");
  EXPECT_THAT(read(), ElementsAre("other 1", "other 2", "other 3"));
}

TEST_F(FileSourceTest, NoticesATruncationWhileItWasStopped) {
  start("a.log");
  write("a.log", "1\n2\n");
  EXPECT_THAT(read(), ElementsAre("1", "2"));
  truncate("a.log");
  write("a.log", "other 1\nother 2\nother 3\n");
  restart("a.log");
  EXPECT_THAT(read(), ElementsAre("other 1", "other 2", "other 3"));
}

TEST_F(FileSourceTest, DoesNotTakeANewFileForAnOldOneWithItsInode) {
  start("a.log");
  write("a.log", "1\n2\n");
  EXPECT_THAT(read(), ElementsAre("1", "2"));
  const auto at = position_.find(" 0 4 ");
  ASSERT_NE(at, std::string::npos) << position_;
  // Same inode, other content: as if the old file had been deleted and its inode given to this one.
  position_.replace(at, 5, " 0 3 ");
  restart("a.log");
  EXPECT_THAT(read(), ElementsAre("1", "2"));
}

TEST_F(FileSourceTest, ReadsADeletedFileToItsEnd) {
  start("*.log");
  write("a.log", "1\n");
  EXPECT_THAT(read(), ElementsAre("1"));
  write("a.log", "2\nhalf");
  std::filesystem::remove(path("a.log"));
  write("b.log", "b\n");
  EXPECT_THAT(read(), ElementsAre("2", "b"));
  clock_.advance(seconds(6));
  EXPECT_THAT(read(), ElementsAre("half"));
  EXPECT_EQ(position_.find("a.log"), std::string::npos);
}

TEST_F(FileSourceTest, PassesOverAFileThatVanishedWhileItWasStopped) {
  start("*.log");
  write("a.log", "1\n");
  write("b.log", "2\n");
  EXPECT_THAT(read(), ElementsAre("1", "2"));
  std::filesystem::remove(path("a.log"));
  write("b.log", "3\n");
  restart("*.log");
  EXPECT_THAT(read(), ElementsAre("3"));
  EXPECT_EQ(position_.find("a.log"), std::string::npos);
}

TEST_F(FileSourceTest, PassesOverWhatIsNoLogFile) {
  write("a.log.1.gz", "compressed\n");
  std::filesystem::create_directory(path("a.log.d"));
  ASSERT_EQ(::mkfifo(path("a.log.fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere", path("a.log.link"));
  write("a.log", "text\n");
  start("a.log*");
  EXPECT_THAT(read(), ElementsAre("text"));
}

TEST_F(FileSourceTest, ReadsAFileWithTwoNamesOnce) {
  write("a.log", "text\n");
  std::filesystem::create_symlink("a.log", path("b.log"));
  std::filesystem::create_hard_link(path("a.log"), path("c.log"));
  start("*.log");
  EXPECT_THAT(read(), ElementsAre("text"));
  write("a.log", "more\n");
  EXPECT_THAT(read(), ElementsAre("more"));
}

TEST_F(FileSourceTest, WaitsForAPatternThatMatchesNothing) {
  start("*.log");
  EXPECT_THAT(read(), IsEmpty());
  restart("*.log");
  write("a.log", "text\n");
  EXPECT_THAT(read(), ElementsAre("text"));
}

TEST_F(FileSourceTest, SplitsALongLine) {
  // Three bytes a character, so that a cut at the limit would fall into one.
  std::string text;
  while (text.size() < 2 * kMaxLineBytes + 1000) text += "\xE2\x82\xAC";
  write("a.log", "short\n" + text + "\r\nend\n");
  start("*.log");
  std::vector<events::Draft> drafts = read_drafts();
  ASSERT_EQ(drafts.size(), 5u);
  std::string joined;
  for (std::size_t i = 1; i <= 3; ++i) {
    const std::string part = data_of(drafts[i], "MESSAGE");
    EXPECT_EQ(data_of(drafts[i], "LINE_PART"), std::to_string(i));
    EXPECT_LE(part.size(), kMaxLineBytes);
    EXPECT_TRUE(base::is_valid_utf8(part));
    joined += part;
  }
  EXPECT_TRUE(joined == text);
  EXPECT_EQ(data_of(drafts[4], "MESSAGE"), "end");
  EXPECT_EQ(data_of(drafts[4], "LINE_PART"), "");
}

TEST_F(FileSourceTest, GoesOnWithinALongLine) {
  write("a.log", "May  1 10:15:30 h a: " + std::string(2 * kMaxLineBytes, 'x') + "\nend\n");
  start("*.log");
  std::vector<std::string> parts;
  std::string joined;
  for (int i = 0; i < 4; ++i) {
    const auto drafts = read_drafts(1);
    ASSERT_EQ(drafts.size(), 1u);
    parts.push_back(data_of(drafts[0], "LINE_PART"));
    joined += data_of(drafts[0], "MESSAGE");
    restart("*.log");
  }
  EXPECT_THAT(parts, ElementsAre("1", "2", "3", ""));
  EXPECT_TRUE(joined == std::string(2 * kMaxLineBytes, 'x') + "end");
}

TEST_F(FileSourceTest, RepairsWhatIsNotText) {
  using namespace std::string_literals;
  write("a.log", "crlf\r\n\n\r\ntab\tok\nbad \xFF utf\nnul \0 inside\n\x1B[31mred\n\xC3\xBC\n"s);
  start("*.log");
  EXPECT_THAT(read(), ElementsAre("crlf", "tab\tok", "bad \xEF\xBF\xBD utf", "nul \xEF\xBF\xBD inside",
                                  "\xEF\xBF\xBD[31mred", "\xC3\xBC"));
}

TEST_F(FileSourceTest, PassesOverTheHoleOfATruncatedFile) {
  start("*.log");
  write("a.log", "1\n");
  EXPECT_THAT(read(), ElementsAre("1"));
  // A writer that does not append goes on where it was.
  truncate("a.log");
  const int descriptor = ::open(path("a.log").c_str(), O_WRONLY);
  ASSERT_EQ(::pwrite(descriptor, "2\n", 2, 3 << 20), 2);
  ::close(descriptor);
  EXPECT_THAT(read(), ElementsAre("2"));
}

TEST_F(FileSourceTest, KeepsWithinTheBudget) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += std::string(1000, 'x') + "\n";
  write("a.log", text);
  start("*.log");
  EXPECT_EQ(read(7).size(), 7u);
  base::Budget budget;
  budget.bytes = 20'000;
  budget.until = clock_.steady();
  const auto batch = test_support::run_on(loop_.executor(), source_->read(budget));
  ASSERT_THAT(batch, IsOk());
  EXPECT_LE(batch->drafts.size(), 20u);
  EXPECT_GE(batch->drafts.size(), 5u);
}

TEST_F(FileSourceTest, LetsEveryFileHaveItsTurn) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "busy\n";
  write("a.log", text);
  write("b.log", "quiet\n");
  start("*.log");
  Lines got = read(10);
  const Lines more = read(10);
  got.insert(got.end(), more.begin(), more.end());
  EXPECT_THAT(got, ::testing::Contains("quiet"));
}

TEST_F(FileSourceTest, StartsAnewWhereThePositionCannotBeRead) {
  write("a.log", "old\n");
  for (const char* position :
       {"files 2\n", "files 1\n1 2 3 4\n", "files 1\n1 2 x 0 0 0 /a\n", "files 1\n1 2 3 0 0 0 /a", "{}"}) {
    position_ = position;
    start("*.log", true);
    EXPECT_THAT(read(), ElementsAre("old")) << position;
  }
}

TEST_F(FileSourceTest, MapsALineToAnEvent) {
  write("a.log", "<38>May  1 10:15:30 host7 sshd[812]: Accepted\n");
  start("*.log");
  const auto drafts = read_drafts();
  ASSERT_EQ(drafts.size(), 1u);
  EXPECT_EQ(drafts[0].system.provider, "Linux-Syslog");
  EXPECT_EQ(drafts[0].system.computer, "a.example.org");
  EXPECT_EQ(drafts[0].system.channel, "Linux-Syslog/Operational");
  EXPECT_EQ(data_of(drafts[0], "FILE"), path("a.log"));
  EXPECT_EQ(data_of(drafts[0], "APP-NAME"), "sshd");
}

TEST_F(FileSourceTest, WaitsForALine) {
  FileSourceOptions options;
  options.path_glob = path("*.log");
  options.from_beginning = true;
  options.poll_interval = std::chrono::milliseconds(5);
  FileSource source(options, pool_, base::system_clock());
  ASSERT_THAT(test_support::run_on(loop_.executor(), source.open("")), IsOk());
  write("a.log", "half");
  base::Budget budget;
  budget.until = base::system_clock().steady();
  ASSERT_THAT(test_support::run_on(loop_.executor(), source.read(budget)), IsOk());
  std::thread writer([&] { write("a.log", " and half\n"); });
  Lines got;
  EXPECT_TRUE(test_support::eventually([&] {
    budget.until = base::system_clock().steady() + seconds(1);
    const auto batch = test_support::run_on(loop_.executor(), source.read(budget));
    for (const auto& draft : batch->drafts) got.push_back(data_of(draft, "MESSAGE"));
    return !got.empty();
  }));
  writer.join();
  EXPECT_THAT(got, ElementsAre("half and half"));
}

base::Task<void> read_for_ever(FileSource& source, std::atomic<bool>& reading) {
  const base::Budget budget;
  for (;;) {
    reading = true;
    co_await source.read(budget);
  }
}

TEST_F(FileSourceTest, StopsWhileItWaits) {
  start("*.log");
  std::atomic<bool> reading = false;
  base::TaskGroup group(loop_.executor());
  group.spawn("reading", read_for_ever(*source_, reading));
  // The clock stands still: only cancellation can end the wait.
  EXPECT_TRUE(test_support::eventually([&] { return reading && clock_.sleepers() == 1; }));
  test_support::run_on(loop_.executor(), group.stop());
  EXPECT_EQ(group.size(), 0u);
}

TEST_F(FileSourceTest, LosesAndRepeatsNothingInWhateverHappens) {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    test_support::TemporaryDirectory fresh;
    const auto log = (fresh / "x.log").string();
    FileSourceOptions options;
    options.path_glob = log;
    options.from_beginning = true;
    options.scan_interval = std::chrono::milliseconds(0);
    std::string position;
    auto source = std::make_unique<FileSource>(options, pool_, clock_);
    ASSERT_THAT(test_support::run_on(loop_.executor(), source->open(position)), IsOk());
    Lines written;
    Lines got;
    std::string open_line;  // what the file ends with
    int rotations = 0;
    const auto append = [&](std::string_view text) { std::ofstream(log, std::ios::app | std::ios::binary) << text; };
    const auto read_some = [&](std::size_t items) {
      base::Budget budget;
      budget.items = items;
      budget.until = clock_.steady();
      auto batch = test_support::run_on(loop_.executor(), source->read(budget));
      ASSERT_THAT(batch, IsOk());
      for (const auto& draft : batch->drafts) got.push_back(data_of(draft, "MESSAGE"));
      position = batch->position;
    };
    append("");
    for (int step = 0; step < 200; ++step) {
      switch (random() % 8) {
        case 0:
        case 1:
        case 2: {
          const std::string text = "line " + std::to_string(written.size()) + std::string(random() % 300, 'z');
          const std::size_t cut = random() % text.size();
          append(text.substr(0, cut));
          if (random() % 2 == 0) read_some(1 + random() % 5);
          append(text.substr(cut) + "\n");
          written.push_back(text);
          break;
        }
        case 3:
        case 4:
          read_some(1 + random() % 10);
          break;
        case 5:
          source = std::make_unique<FileSource>(options, pool_, clock_);
          ASSERT_THAT(test_support::run_on(loop_.executor(), source->open(position)), IsOk());
          break;
        case 6:
          // What was written between the last read and the rotation is still to be read from the old file.
          std::filesystem::rename(log, log + "." + std::to_string(++rotations));
          append("");
          read_some(1 + random() % 10);
          break;
        case 7:
          for (int i = 0; i < 100; ++i) read_some(100);
          ASSERT_EQ(::truncate(log.c_str(), 0), 0);
          read_some(1);
          break;
      }
    }
    for (int i = 0; i < 50; ++i) read_some(1000);
    ASSERT_THAT(got, ElementsAreArray(written)) << round;
  }
}

TEST_F(FileSourceTest, MayWaitUntilAFileIsRotated) {
  write("a.log", "one\n");
  start("*.log");
  const auto may_wait = [&] { return test_support::run_on(loop_.executor(), source_->may_wait()); };
  EXPECT_TRUE(may_wait());
  rename("a.log", "a.log.1");
  write("a.log", "two\n");
  EXPECT_FALSE(may_wait());
  EXPECT_THAT(read(), ElementsAre("one", "two"));
}

}  // namespace
}  // namespace forwarder
