#include "forwarder/journal_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace forwarder {
namespace {

using test_support::IsError;
using test_support::IsOk;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::Pair;
using Lines = std::vector<std::string>;
using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kRemote = "/lib/systemd/systemd-journal-remote";
constexpr std::int64_t kStart = 1'714'558'530'123'456;  // 2024-05-01T10:15:30.123456Z

/// Entries in the journal's export format, numbered, one second apart.
std::string entry(int number, const Fields& fields) {
  std::string text = "__REALTIME_TIMESTAMP=" + std::to_string(kStart + number * 1'000'000) +
                     "\n__MONOTONIC_TIMESTAMP=" + std::to_string(1'000'000 + number * 1'000'000) +
                     "\n_BOOT_ID=11112222333344445555666677778888\n";
  for (const auto& [name, value] : fields) {
    if (value.find('\n') == std::string::npos && value.find('\0') == std::string::npos) {
      text += name + "=" + value + "\n";
      continue;
    }
    text += name + "\n";
    for (unsigned shift = 0; shift < 64; shift += 8) text += static_cast<char>(value.size() >> shift);
    text += value + "\n";
  }
  return text + "\n";
}

class JournalSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kRemote)) GTEST_SKIP() << "systemd-journal-remote is not installed";
  }

  /// Makes a journal file of entries, or adds them to it.
  void add_file(const std::string& name, const std::string& entries) {
    const auto path = directory_ / (name + ".journal");
    const std::string command = std::string(kRemote) + " --output=" + path.string() + " - >/dev/null 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "w");
    ASSERT_NE(pipe, nullptr);
    std::fwrite(entries.data(), 1, entries.size(), pipe);
    ASSERT_EQ(::pclose(pipe), 0);
  }
  void add(int first, int last) {
    std::string entries;
    for (int i = first; i <= last; ++i) entries += entry(i, {{"MESSAGE", std::to_string(i)}});
    add_file("remote", entries);
  }

  void start(bool from_beginning = true) {
    JournalSourceOptions options;
    options.directory = directory_.path().string();
    options.computer = "a.example.org";
    options.from_beginning = from_beginning;
    source_ = std::make_unique<JournalSource>(options, pool_, clock_);
    ASSERT_THAT(test_support::run_on(loop_.executor(), source_->open(position_)), IsOk());
  }
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
    for (const events::Draft& draft : read_drafts(items)) {
      for (const auto& [name, value] : draft.data) {
        if (name == "MESSAGE") lines.push_back(value);
      }
    }
    return lines;
  }
  /// Reads until something comes: the journal's watch may take a moment.
  Lines read_eventually() {
    Lines lines;
    test_support::eventually([&] {
      lines = read();
      return !lines.empty();
    });
    return lines;
  }

  test_support::TemporaryDirectory directory_;
  test_support::FakeClock clock_;
  test_support::Loop loop_;
  base::BlockingPool pool_{2};
  std::string position_;
  std::unique_ptr<JournalSource> source_;
};

TEST_F(JournalSourceTest, IsNamedByItsFolder) {
  start();
  EXPECT_EQ(source_->name(), "journal:" + directory_.path().string());
  EXPECT_EQ(source_->channel(), "Linux-Journal/Operational");
}

TEST_F(JournalSourceTest, KeepsEveryField) {
  using namespace std::string_literals;
  add_file("remote", entry(0, {{"MESSAGE", "disk almost full"},
                               {"PRIORITY", "4"},
                               {"SYSLOG_FACILITY", "3"},
                               {"TWICE", "first"},
                               {"TWICE", "second"},
                               {"BINARY", "a\nb\0c"s},
                               {"LONG", std::string(100'000, 'x')},
                               {"_PID", "812"},
                               {"_UID", "1000"},
                               {"_SYSTEMD_UNIT", "backup.service"}}));
  start();
  const auto drafts = read_drafts();
  ASSERT_EQ(drafts.size(), 1u);
  // The file's format keeps fields in an order of its own.
  EXPECT_THAT(drafts[0].data, ::testing::IsSupersetOf({Pair("MESSAGE"s, "disk almost full"s), Pair("PRIORITY"s, "4"s),
                                                       Pair("SYSLOG_FACILITY"s, "3"s), Pair("TWICE"s, "first"s),
                                                       Pair("TWICE"s, "second"s), Pair("BINARY"s, "a\nb\0c"s),
                                                       Pair("LONG"s, std::string(100'000, 'x')), Pair("_PID"s, "812"s),
                                                       Pair("_UID"s, "1000"s), Pair("_SYSTEMD_UNIT"s, "backup.service"s)}));
  EXPECT_EQ(drafts[0].system.provider, "Linux-Journal");
  EXPECT_EQ(drafts[0].system.level, 3);
  EXPECT_EQ(drafts[0].system.task, 4);
  EXPECT_EQ(drafts[0].system.time, base::WallTime(std::chrono::microseconds(kStart)));
}

TEST_F(JournalSourceTest, CutsAnEndlessValue) {
  add_file("remote", entry(0, {{"MESSAGE", "core"}, {"COREDUMP", std::string(3 << 20, 'x')}}));
  start();
  const auto drafts = read_drafts();
  ASSERT_EQ(drafts.size(), 1u);
  std::size_t size = 0;
  std::string cut;
  for (const auto& [name, value] : drafts[0].data) {
    if (name == "COREDUMP") size = value.size();
    if (name == "MUSTER_CUT_FIELD") cut = value;
  }
  EXPECT_EQ(size, kMaxJournalValueBytes);
  EXPECT_EQ(cut, "COREDUMP");
}

TEST_F(JournalSourceTest, BoundsTheNumberOfFields) {
  Fields fields;
  for (std::size_t i = 0; i < kMaxJournalFields + 10; ++i) fields.emplace_back("FIELD" + std::to_string(i), "x");
  add_file("remote", entry(0, fields));
  start();
  const auto drafts = read_drafts();
  ASSERT_EQ(drafts.size(), 1u);
  EXPECT_EQ(drafts[0].data.size(), kMaxJournalFields + 1);
  EXPECT_EQ(drafts[0].data.back().first, "MUSTER_CUT_FIELD");
}

TEST_F(JournalSourceTest, PassesOverADamagedFile) {
  add(1, 2);
  directory_.write("damaged.journal", "LPKSHHRH and then nothing of use");
  start();
  EXPECT_THAT(read(), ElementsAre("1", "2"));
}

TEST_F(JournalSourceTest, BeginsAtTheEndUnlessAsked) {
  add(1, 3);
  start(false);
  EXPECT_THAT(read(), IsEmpty());
  EXPECT_NE(position_, "");
  add(4, 5);
  EXPECT_THAT(read_eventually(), ElementsAre("4", "5"));
}

TEST_F(JournalSourceTest, BeginsAtTheBeginningIfAsked) {
  add(1, 3);
  start(true);
  EXPECT_THAT(read(), ElementsAre("1", "2", "3"));
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(JournalSourceTest, MissesNothingOfAJournalThatWasEmpty) {
  start(false);
  EXPECT_THAT(read(), IsEmpty());
  EXPECT_EQ(position_, "head");
  add(1, 2);
  start(false);
  EXPECT_THAT(read(), ElementsAre("1", "2"));
}

TEST_F(JournalSourceTest, GoesOnBehindEveryPosition) {
  add(1, 20);
  Lines got;
  Lines all;
  for (int i = 1; i <= 20; ++i) all.push_back(std::to_string(i));
  start();
  for (;;) {
    const Lines one = read(1);
    if (one.empty()) break;
    got.insert(got.end(), one.begin(), one.end());
    start(false);
  }
  EXPECT_THAT(got, ElementsAreArray(all));
}

TEST_F(JournalSourceTest, ReadsWhatIsAdded) {
  add(1, 2);
  start();
  EXPECT_THAT(read(), ElementsAre("1", "2"));
  add(3, 4);
  EXPECT_THAT(read_eventually(), ElementsAre("3", "4"));
}

TEST_F(JournalSourceTest, ReadsAcrossFiles) {
  add_file("first", entry(1, {{"MESSAGE", "1"}}));
  start();
  EXPECT_THAT(read(), ElementsAre("1"));
  add_file("second", entry(2, {{"MESSAGE", "2"}}));
  EXPECT_THAT(read_eventually(), ElementsAre("2"));
  start(false);
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(JournalSourceTest, GoesOnWhereItsFileWasVacuumed) {
  add_file("first", entry(1, {{"MESSAGE", "1"}}) + entry(2, {{"MESSAGE", "2"}}));
  start();
  EXPECT_THAT(read(), ElementsAre("1", "2"));
  add_file("second", entry(5, {{"MESSAGE", "5"}}) + entry(6, {{"MESSAGE", "6"}}));
  std::filesystem::remove(directory_ / "first.journal");
  start(false);
  EXPECT_THAT(read(), ElementsAre("5", "6"));
}

TEST_F(JournalSourceTest, SurvivesVacuumingWhileItReads) {
  add_file("first", entry(1, {{"MESSAGE", "1"}}) + entry(2, {{"MESSAGE", "2"}}));
  start();
  EXPECT_THAT(read(1), ElementsAre("1"));
  std::filesystem::remove(directory_ / "first.journal");
  add_file("second", entry(5, {{"MESSAGE", "5"}}));
  Lines got;
  EXPECT_TRUE(test_support::eventually([&] {
    const Lines some = read();
    got.insert(got.end(), some.begin(), some.end());
    return !got.empty() && got.back() == "5";
  }));
}

TEST_F(JournalSourceTest, ReadsFromTheOldestWhereThePositionIsUnusable) {
  add(1, 2);
  position_ = "no cursor at all";
  start(false);
  EXPECT_THAT(read(), ElementsAre("1", "2"));
}

TEST_F(JournalSourceTest, SaysThatItsFolderIsMissing) {
  JournalSourceOptions options;
  options.directory = (directory_ / "missing").string();
  JournalSource source(options, pool_, clock_);
  EXPECT_THAT(test_support::run_on(loop_.executor(), source.open("")),
              IsError(std::errc::no_such_file_or_directory, options.directory));
  EXPECT_THAT(test_support::run_on(loop_.executor(), source.read({})), IsError(std::errc::bad_file_descriptor));
}

}  // namespace
}  // namespace forwarder
