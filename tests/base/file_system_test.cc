#include "engine/base/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"

namespace {

using test_support::IsError;
using test_support::IsOk;
using test_support::IsOkAndHolds;
using test_support::TemporaryDirectory;

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

std::size_t files_in(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

TEST(ReadFile, GivesTheWholeFileUpToTheLimit) {
  const TemporaryDirectory directory;
  const auto file = directory.write("a", std::string(100'000, 'x'));
  EXPECT_THAT(base::read_file(file), IsOkAndHolds(std::string(100'000, 'x')));
  EXPECT_THAT(base::read_file(file, 100'000), IsOk());
  EXPECT_THAT(base::read_file(file, 99'999), IsError(std::errc::file_too_large, "a is larger than 99999 bytes"));
  EXPECT_THAT(base::read_file(directory / "none"), IsError(std::errc::no_such_file_or_directory, "none"));
}

TEST(ReplaceFile, LeavesTheNewContentTheModeAndNothingBeside) {
  const TemporaryDirectory directory;
  const auto file = directory.write("a", "old");
  EXPECT_THAT(base::replace_file(file, "new", 0640), IsOk());
  EXPECT_THAT(base::read_file(file), IsOkAndHolds(std::string("new")));
  EXPECT_EQ(mode_of(file), 0640u);
  EXPECT_EQ(files_in(directory.path()), 1u);
}

TEST(ReplaceFile, FailingLeavesNothingBehind) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory / "folder/inside");
  EXPECT_FALSE(base::replace_file(directory / "folder", "text").ok());
  EXPECT_EQ(files_in(directory.path()), 1u);
  EXPECT_THAT(base::replace_file(directory / "none/a", "text"), IsError(std::errc::no_such_file_or_directory));
}

TEST(CreateFile, NeverReplacesAFile) {
  const TemporaryDirectory directory;
  EXPECT_THAT(base::create_file(directory / "key", "secret"), IsOk());
  EXPECT_EQ(mode_of(directory / "key"), 0600u);
  EXPECT_THAT(base::create_file(directory / "key", "other"), IsError(std::errc::file_exists));
  EXPECT_THAT(base::read_file(directory / "key"), IsOkAndHolds(std::string("secret")));
}

TEST(MakeDirectories, MakesParentsAndAcceptsWhatIsThere) {
  const TemporaryDirectory directory;
  EXPECT_THAT(base::make_directories(directory / "a/b/c", 0750), IsOk());
  EXPECT_EQ(mode_of(directory / "a/b/c"), 0750u);
  EXPECT_THAT(base::make_directories(directory / "a/b/c"), IsOk());
}

TEST(MakeDirectories, AFileInTheWayIsAnError) {
  const TemporaryDirectory directory;
  directory.write("a", "");
  EXPECT_THAT(base::make_directories(directory / "a/b"), IsError(std::errc::not_a_directory));
}

TEST(DirectoryLock, IsHeldOnceAndNamesItsHolder) {
  const TemporaryDirectory directory;
  {
    const auto first = base::DirectoryLock::acquire(directory.path());
    ASSERT_THAT(first, IsOk());
    EXPECT_THAT(base::DirectoryLock::acquire(directory.path()),
                IsError(std::errc::device_or_resource_busy, std::to_string(::getpid())));
  }
  EXPECT_THAT(base::DirectoryLock::acquire(directory.path()), IsOk());
}

TEST(DirectoryLock, MovesWithItsOwner) {
  const TemporaryDirectory directory;
  auto first = base::DirectoryLock::acquire(directory.path());
  ASSERT_THAT(first, IsOk());
  {
    const base::DirectoryLock moved = *std::move(first);
    EXPECT_THAT(base::DirectoryLock::acquire(directory.path()), IsError(std::errc::device_or_resource_busy));
  }
  EXPECT_THAT(base::DirectoryLock::acquire(directory.path()), IsOk());
}

TEST(DirectoryLock, IsGivenUpWhenTheProcessIsKilled) {
  const TemporaryDirectory directory;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = base::DirectoryLock::acquire(directory.path());
    const char answer = lock.ok() ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_THAT(base::DirectoryLock::acquire(directory.path()),
              IsError(std::errc::device_or_resource_busy, "by process " + std::to_string(child)));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_THAT(base::DirectoryLock::acquire(directory.path()), IsOk());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(DirectoryLock, NeedsTheDirectory) {
  const TemporaryDirectory directory;
  EXPECT_THAT(base::DirectoryLock::acquire(directory / "none"), IsError(std::errc::no_such_file_or_directory));
}

}  // namespace
