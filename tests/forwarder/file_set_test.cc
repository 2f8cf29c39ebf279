#include "forwarder/file_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "engine/base/log.h"
#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"

namespace forwarder {
namespace {

using test_support::IsError;
using test_support::IsOkAndHolds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Lines = std::vector<std::string>;

/// Root reads everything; as long as this lives, the tests are somebody else.
class OrdinaryUser {
 public:
  OrdinaryUser() : own_(::geteuid()) {
    if (own_ == 0 && ::seteuid(65534) != 0) ADD_FAILURE() << "cannot become another user";
  }
  ~OrdinaryUser() { become(own_); }
  void allow(const std::filesystem::path& path) const {
    const auto now = ::geteuid();
    become(own_);
    std::filesystem::permissions(path, std::filesystem::perms(0444));
    become(now);
  }

 private:
  static void become(uid_t user) {
    if (::geteuid() != user && ::seteuid(0) != 0) ADD_FAILURE() << "cannot become root again";
    if (::geteuid() != user && ::seteuid(user) != 0) ADD_FAILURE() << "cannot become another user";
  }
  uid_t own_;
};

class FileSetTest : public ::testing::Test {
 protected:
  FileSetTest() {
    base::set_log_sink([this](base::LogLevel, std::string_view text) { log_.emplace_back(text); });
    options_.pattern = (directory_ / "*.log").string();
    options_.from_beginning = true;
    options_.scan_interval = std::chrono::milliseconds(0);
  }
  ~FileSetTest() override { base::set_log_sink(nullptr); }

  static Lines read(FileSet& files, base::SteadyTime now = {}) {
    Lines lines;
    files.read(now, [&](const FollowedFile&, const FileLine& line) {
      lines.emplace_back(line.text);
      return true;
    });
    return lines;
  }

  test_support::TemporaryDirectory directory_;
  FileSetOptions options_;
  std::vector<std::string> log_;
};

TEST_F(FileSetTest, FollowsOnlySoManyFiles) {
  for (const char* name : {"a.log", "b.log", "c.log"}) directory_.write(name, std::string(name) + "\n");
  options_.max_files = 2;
  FileSet files(options_);
  files.open(std::nullopt, {});
  EXPECT_THAT(read(files), ElementsAre("a.log", "b.log"));
  EXPECT_THAT(read(files), IsEmpty());
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_THAT(log_[0], HasSubstr("more than 2 files"));
}

TEST_F(FileSetTest, SaysOnceThatAFileCannotBeRead) {
  directory_.write("a.log", "secret\n");
  directory_.write("b.log", "text\n");
  std::filesystem::permissions(directory_ / "a.log", std::filesystem::perms::none);
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  const OrdinaryUser ordinary_user;
  FileSet files(options_);
  files.open(std::nullopt, {});
  EXPECT_THAT(read(files), ElementsAre("text"));
  EXPECT_THAT(read(files), IsEmpty());
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_THAT(log_[0], HasSubstr("a.log"));
  ordinary_user.allow(directory_ / "a.log");
  EXPECT_THAT(read(files), ElementsAre("secret"));
}

TEST_F(FileSetTest, SaysThatAFileIsGone) {
  directory_.write("a.log", "text\n");
  FileSet files(options_);
  files.open(std::nullopt, {});
  EXPECT_THAT(read(files), ElementsAre("text"));
  const auto positions = files.positions();
  std::filesystem::remove(directory_ / "a.log");
  FileSet again(options_);
  again.open(positions, {});
  EXPECT_EQ(again.size(), 0u);
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_THAT(log_[0], HasSubstr("a.log is gone"));
}

TEST_F(FileSetTest, EvaluatesThePatternNowAndThen) {
  options_.scan_interval = std::chrono::seconds(2);
  FileSet files(options_);
  const base::SteadyTime start{};
  files.open(std::nullopt, start);
  directory_.write("a.log", "text\n");
  EXPECT_THAT(read(files, start + std::chrono::seconds(1)), IsEmpty());
  EXPECT_THAT(read(files, start + std::chrono::seconds(2)), ElementsAre("text"));
}

TEST_F(FileSetTest, TakesNoMoreThanItsCallerWants) {
  directory_.write("a.log", "1\n2\n3\n");
  FileSet files(options_);
  files.open(std::nullopt, {});
  Lines lines;
  files.read({}, [&](const FollowedFile&, const FileLine& line) {
    lines.emplace_back(line.text);
    return lines.size() < 2;
  });
  EXPECT_THAT(lines, ElementsAre("1", "2"));
  EXPECT_THAT(read(files), ElementsAre("3"));
}

TEST(FilePositions, ReadBackAsWritten) {
  const std::vector<FilePosition> positions{{"/var/log/a b\\c\nd.log", {2049, 131085}, 40960, 3, {256, 0x1D5F0C7A90E2B334}},
                                            {"/x", {1, 2}, 18'446'744'073'709'551'615u, 0, {0, 0}}};
  EXPECT_THAT(parse_positions(write_positions(positions)), IsOkAndHolds(positions));
  EXPECT_THAT(parse_positions(write_positions({})), IsOkAndHolds(std::vector<FilePosition>{}));
}

TEST(FilePositions, AreRefusedWhereMalformed) {
  const std::string good = write_positions({{"/x", {1, 2}, 3, 0, {4, 5}}});
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    if (cut == std::string_view("files 1\n").size()) continue;  // no file at all
    EXPECT_THAT(parse_positions(good.substr(0, cut)), IsError(std::errc::invalid_argument)) << cut;
  }
  EXPECT_THAT(parse_positions("files 1\n1 2 3 0 257 5 /x\n"), IsError(std::errc::invalid_argument, "line 2"));
  EXPECT_THAT(parse_positions("files 1\n1 2 -3 0 4 5 /x\n"), IsError(std::errc::invalid_argument));
}

TEST(Fingerprints, CoverTheFirstBytesOnly) {
  const std::string head(kFingerprintBytes, 'x');
  EXPECT_EQ(fingerprint_of(head), fingerprint_of(head + "more"));
  EXPECT_NE(fingerprint_of(head), fingerprint_of(head.substr(1)));
  EXPECT_EQ(fingerprint_of("").length, 0u);
}

}  // namespace
}  // namespace forwarder
