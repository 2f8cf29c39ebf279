#include "tests/storage/power_loss_vfs.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>

#include "tests/storage/forwarding_file.h"

namespace storage_test {

using Kind = DiskChange::Kind;

namespace {

struct Recorder {
  std::string name;
  std::filesystem::path directory;
  sqlite3_vfs* real = nullptr;
  sqlite3_vfs vfs{};

  std::mutex mutex;
  std::vector<DiskChange> changes;
  std::map<std::string, ino_t> names;  ///< as of the last change

  std::string relative(const char* path) const {
    const std::string_view full(path);
    const std::string prefix = directory.string() + "/";
    if (!full.starts_with(prefix) || full.ends_with("-shm")) return {};
    return std::string(full.substr(prefix.size()));
  }

  std::map<std::string, ino_t> look() const {
    std::map<std::string, ino_t> found;
    std::error_code ignored;
    for (auto at = std::filesystem::recursive_directory_iterator(directory, ignored);
         at != std::filesystem::recursive_directory_iterator(); at.increment(ignored)) {
      const auto name = relative(at->path().c_str());
      struct stat status {};
      if (name.empty() || ::stat(at->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
      found[name] = status.st_ino;
    }
    return found;
  }

  static std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  /// Records what others have done to the names.
  void catch_up() {
    auto now = look();
    std::map<ino_t, std::string> gone;
    for (const auto& [known, inode] : names) {
      const auto same = now.find(known);
      if (same == now.end() || same->second != inode) gone[inode] = known;
    }
    for (const auto& [seen, inode] : now) {
      const auto same = names.find(seen);
      if (same != names.end() && same->second == inode) continue;
      if (const auto moved = gone.find(inode); moved != gone.end()) {
        changes.push_back({Kind::Rename, moved->second, seen, 0, {}});
        gone.erase(moved);
      } else {
        changes.push_back({Kind::Appear, seen, {}, 0, content_of(directory / seen)});
      }
    }
    for (const auto& [inode, removed] : gone) {
      if (now.count(removed) == 0) changes.push_back({Kind::Remove, removed, {}, 0, {}});
    }
    names = std::move(now);
  }

  void record(DiskChange change) {
    catch_up();
    changes.push_back(std::move(change));
  }
};

// What SQLite gives us room for: ours, and the real file behind it.
struct File {
  sqlite3_file base;
  Recorder* state;
  std::string* name;  ///< empty where it is not recorded
  bool names_unsynced;
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
  auto& state = *ours(file)->state;
  std::lock_guard lock(state.mutex);
  const int code = methods(file).xWrite(real(file), from, size, offset);
  if (code == SQLITE_OK && !ours(file)->name->empty()) {
    state.record({Kind::Write,
                  *ours(file)->name,
                  {},
                  static_cast<std::uint64_t>(offset),
                  std::string(static_cast<const char*>(from), static_cast<std::size_t>(size))});
  }
  return code;
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  auto& state = *ours(file)->state;
  std::lock_guard lock(state.mutex);
  const int code = methods(file).xTruncate(real(file), size);
  if (code == SQLITE_OK && !ours(file)->name->empty()) {
    state.record({Kind::Truncate, *ours(file)->name, {}, static_cast<std::uint64_t>(size), {}});
  }
  return code;
}
int sync_file(sqlite3_file* file, int) {
  auto& state = *ours(file)->state;
  std::lock_guard lock(state.mutex);
  if (ours(file)->name->empty()) return SQLITE_OK;
  state.record({Kind::SyncFile, *ours(file)->name, {}, 0, {}});
  if (std::exchange(ours(file)->names_unsynced, false)) state.record({Kind::SyncNames, {}, {}, 0, {}});
  return SQLITE_OK;
}

const sqlite3_io_methods kMethods =
    ForwardingFile<real>::methods(close_file, read_file, write_file, truncate_file, sync_file);

Recorder& state_of(sqlite3_vfs* vfs) {
  return *static_cast<Recorder*>(vfs->pAppData);
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto& state = state_of(vfs);
  std::lock_guard lock(state.mutex);
  auto* file_here = ours(file);
  file_here->base.pMethods = nullptr;
  file_here->state = &state;
  const auto relative = name == nullptr ? std::string() : state.relative(name);
  std::error_code ignored;
  const bool is_new = !relative.empty() && !std::filesystem::exists(name, ignored);
  if (!relative.empty()) state.catch_up();
  const int code = state.real->xOpen(state.real, name, file_here->real(), flags, out_flags);
  if (file_here->real()->pMethods == nullptr) return code;
  file_here->base.pMethods = &kMethods;
  file_here->name = new std::string(relative);
  // The default VFS syncs the folder of a new journal, and of nothing else.
  const bool journal = (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
  file_here->names_unsynced = journal && (flags & SQLITE_OPEN_CREATE) != 0;
  if (code == SQLITE_OK && is_new) {
    state.changes.push_back({Kind::Create, relative, {}, 0, {}});
    state.names = state.look();
  }
  return code;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  auto& state = state_of(vfs);
  std::lock_guard lock(state.mutex);
  const auto relative = state.relative(name);
  state.catch_up();
  const int code = state.real->xDelete(state.real, name, 0);
  state.catch_up();
  if (code == SQLITE_OK && sync_folder != 0 && !relative.empty()) state.record({Kind::SyncNames, {}, {}, 0, {}});
  return code;
}

}  // namespace

struct PowerLossVfs::State : Recorder {};

PowerLossVfs::PowerLossVfs(const std::filesystem::path& directory) : state_(std::make_unique<State>()) {
  static std::atomic<unsigned> count{0};
  auto& state = *state_;
  state.name = "power-loss-" + std::to_string(++count);
  state.directory = std::filesystem::canonical(directory);
  state.real = sqlite3_vfs_find(nullptr);
  state.vfs = *state.real;
  state.vfs.zName = state.name.c_str();
  state.vfs.pNext = nullptr;
  state.vfs.pAppData = static_cast<Recorder*>(&state);
  state.vfs.szOsFile = static_cast<int>(sizeof(File)) + state.real->szOsFile;
  state.vfs.xOpen = open_file;
  state.vfs.xDelete = delete_file;
  sqlite3_vfs_register(&state.vfs, 0);
  state.catch_up();
}

PowerLossVfs::~PowerLossVfs() {
  sqlite3_vfs_unregister(&state_->vfs);
}

const std::string& PowerLossVfs::name() const {
  return state_->name;
}

std::size_t PowerLossVfs::points() const {
  std::lock_guard lock(state_->mutex);
  return state_->changes.size();
}

std::vector<DiskChange> PowerLossVfs::changes() const {
  std::lock_guard lock(state_->mutex);
  return state_->changes;
}

}  // namespace storage_test
