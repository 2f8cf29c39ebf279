#include "tests/storage/faulty_disk.h"

#include <sqlite3.h>

#include <mutex>
#include <new>
#include <optional>
#include <string>

#include "tests/storage/forwarding_file.h"

namespace storage_test {
namespace {

struct Disk {
  std::mutex mutex;
  sqlite3_vfs* real = nullptr;
  sqlite3_vfs vfs{};
  bool failing = false;
  std::size_t passing = 0;
  FaultyDisk::Failure failure = FaultyDisk::Failure::Io;
  bool has_failed = false;
  std::optional<std::filesystem::path> copies;

  /// Whether this change of a file is to fail.
  bool fails(bool is_write) {
    std::lock_guard lock(mutex);
    if (!failing || (failure == FaultyDisk::Failure::NoSpace && !is_write)) return false;
    if (passing > 0) {
      --passing;
      return false;
    }
    has_failed = true;
    return true;
  }
};

Disk& disk() {
  static Disk disk;
  return disk;
}

// What SQLite gives us room for: ours, and the real file behind it.
struct File {
  sqlite3_file base;
  std::string* name;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* ours(sqlite3_file* file) {
  return reinterpret_cast<File*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return ours(file)->real();
}
const sqlite3_io_methods& methods(sqlite3_file* file) {
  return *real(file)->pMethods;
}

int close_file(sqlite3_file* file) {
  const int code = methods(file).xClose(real(file));
  delete ours(file)->name;
  ours(file)->name = nullptr;
  return code;
}
int read_file(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
  return methods(file).xRead(real(file), into, size, offset);
}
int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  if (disk().fails(true)) return disk().failure == FaultyDisk::Failure::NoSpace ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  return methods(file).xWrite(real(file), from, size, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (disk().fails(false)) return SQLITE_IOERR_TRUNCATE;
  return methods(file).xTruncate(real(file), size);
}
int sync_file(sqlite3_file* file, int flags) {
  if (disk().fails(false)) return SQLITE_IOERR_FSYNC;
  const int code = methods(file).xSync(real(file), flags);
  std::lock_guard lock(disk().mutex);
  if (code == SQLITE_OK && disk().copies && !ours(file)->name->empty()) {
    const std::filesystem::path from = *ours(file)->name;
    const auto to = *disk().copies / from.filename();
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
  }
  return code;
}

constexpr sqlite3_io_methods kMethods =
    ForwardingFile<real>::methods(close_file, read_file, write_file, truncate_file, sync_file);

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  const int code = disk().real->xOpen(disk().real, name, real(file), flags, out_flags);
  if (real(file)->pMethods == nullptr) return code;
  file->pMethods = &kMethods;
  ours(file)->name = new std::string(name == nullptr ? "" : name);
  return code;
}

int delete_file(sqlite3_vfs*, const char* name, int sync_folder) {
  const int code = disk().real->xDelete(disk().real, name, sync_folder);
  std::lock_guard lock(disk().mutex);
  if (code == SQLITE_OK && disk().copies && sync_folder != 0) {
    std::filesystem::remove(*disk().copies / std::filesystem::path(name).filename());
  }
  return code;
}

}  // namespace

FaultyDisk::FaultyDisk() {
  auto& state = disk();
  state.real = sqlite3_vfs_find(nullptr);
  state.vfs = *state.real;
  state.vfs.zName = "faulty";
  state.vfs.pNext = nullptr;
  state.vfs.szOsFile = static_cast<int>(sizeof(File)) + state.real->szOsFile;
  state.vfs.xOpen = open_file;
  state.vfs.xDelete = delete_file;
  heal();
  sqlite3_vfs_register(&state.vfs, 1);
}

FaultyDisk::~FaultyDisk() {
  heal();
  disk().copies.reset();
  sqlite3_vfs_unregister(&disk().vfs);
  sqlite3_vfs_register(disk().real, 1);
}

void FaultyDisk::fail_after(std::size_t passing, Failure failure) {
  std::lock_guard lock(disk().mutex);
  disk().failing = true;
  disk().passing = passing;
  disk().failure = failure;
  disk().has_failed = false;
}

bool FaultyDisk::has_failed() const {
  std::lock_guard lock(disk().mutex);
  return disk().has_failed;
}

void FaultyDisk::heal() {
  std::lock_guard lock(disk().mutex);
  disk().failing = false;
}

void FaultyDisk::keep_synced_copies(const std::filesystem::path& folder) {
  std::lock_guard lock(disk().mutex);
  disk().copies = folder;
}

void FaultyDisk::copy_synced_to(const std::filesystem::path& folder) const {
  std::lock_guard lock(disk().mutex);
  for (const auto& entry : std::filesystem::directory_iterator(disk().copies.value())) {
    std::filesystem::copy_file(entry.path(), folder / entry.path().filename());
  }
}

}  // namespace storage_test
