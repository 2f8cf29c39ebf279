#include "storage/new_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

namespace storage {
namespace {

// A name beside `place` that nobody else has.
std::filesystem::path name_beside(const std::filesystem::path& place) {
  static std::atomic<unsigned> count{0};
  auto name = "." + place.filename().string();
  if (name.size() > 200) name.resize(200);
  name += "." + std::to_string(::getpid()) + "-" + std::to_string(++count) + ".tmp";
  return place.parent_path() / name;
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

base::Result<NewFile> NewFile::plan(const std::filesystem::path& place, bool overwrite) {
  std::error_code ignored;
  if (!overwrite && std::filesystem::exists(std::filesystem::symlink_status(place, ignored))) {
    return base::make_error(std::errc::file_exists, place.string());
  }
  return NewFile(place, overwrite);
}

NewFile::NewFile(std::filesystem::path place, bool overwrite)
    : place_(std::move(place)), path_(name_beside(place_)), overwrite_(overwrite) {}

NewFile::NewFile(NewFile&& other) noexcept
    : place_(std::move(other.place_)), path_(std::exchange(other.path_, {})), overwrite_(other.overwrite_) {}

NewFile::~NewFile() {
  if (path_.empty()) return;
  std::error_code ignored;
  for (const char* end : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(path_.string() + end, ignored);
}

base::Result<void> NewFile::take_place() {
  RETURN_IF_ERROR(sync_path(path_));
  bool moved = false;
  if (!overwrite_) {
    moved = ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, place_.c_str(), RENAME_NOREPLACE) == 0;
    if (!moved && errno == EEXIST) return base::make_error(std::errc::file_exists, place_.string());
    // Not every file system can; what is left is a moment in which another's new file would be lost.
    if (!moved && errno != EINVAL) return base::errno_error("cannot make " + place_.string());
    std::error_code ignored;
    if (!moved && std::filesystem::exists(std::filesystem::symlink_status(place_, ignored))) {
      return base::make_error(std::errc::file_exists, place_.string());
    }
  }
  if (!moved && ::rename(path_.c_str(), place_.c_str()) != 0) return base::errno_error("cannot make " + place_.string());
  path_.clear();
  return sync_path(folder_of(place_));
}

base::Result<void> sync_path(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return base::errno_error("cannot open " + path.string());
  // Some file systems have nothing to sync in a folder, and say so.
  const bool synced = ::fsync(descriptor) == 0 || errno == EINVAL;
  auto error = base::errno_error("cannot sync " + path.string());
  ::close(descriptor);
  if (!synced) return error;
  return {};
}

}  // namespace storage
