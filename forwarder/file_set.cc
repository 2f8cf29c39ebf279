#include "forwarder/file_set.h"

#include <dirent.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "engine/base/log.h"

namespace forwarder {
namespace {

constexpr std::size_t kMaxComplaints = 1'000;

bool is_compressed(std::string_view path) {
  static constexpr std::array<std::string_view, 8> kEndings{".gz", ".bz2", ".xz", ".zst", ".lz4", ".lzma", ".Z", ".zip"};
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) { return path.ends_with(ending); });
}

std::vector<std::string> matching_paths(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      if (!is_compressed(found.gl_pathv[i])) paths.emplace_back(found.gl_pathv[i]);
    }
  }
  ::globfree(&found);
  return paths;
}

std::optional<FileIdentity> identity_of(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return FileIdentity{status.st_dev, status.st_ino};
}

/// The path in `folder` of the file with that inode.
std::optional<std::string> path_of_inode(const std::filesystem::path& folder, std::uint64_t inode) {
  DIR* directory = ::opendir(folder.c_str());
  if (directory == nullptr) return std::nullopt;
  std::optional<std::string> found;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_ino == inode && !is_compressed(entry->d_name)) {
      found = folder / entry->d_name;
      break;
    }
  }
  ::closedir(directory);
  return found;
}

}  // namespace

void FileSet::complain(const std::string& path, const base::Error& error) {
  if (complained_.size() < kMaxComplaints && complained_.insert(path).second) {
    base::log_warning("{}: not read: {}", options_.pattern, error.message());
  }
}

void FileSet::open(const std::optional<Stored>& stored, base::SteadyTime now) {
  files_.clear();
  complained_.clear();
  turn_ = 0;
  if (!stored) {
    scan(now, nullptr, true);
    return;
  }
  Stored left = *stored;
  scan(now, &left, false);
  for (const FilePosition& position : left) find_renamed(position, now);
  put_gone_first();
}

void FileSet::scan(base::SteadyTime now, Stored* stored, bool first_start) {
  next_scan_ = now + options_.scan_interval;
  std::map<FileIdentity, std::size_t> known;
  for (std::size_t i = 0; i < files_.size(); ++i) known.emplace(files_[i].file.identity(), i);
  std::vector<bool> seen(files_.size(), false);
  for (const std::string& path : matching_paths(options_.pattern)) {
    const auto identity = identity_of(path);
    if (!identity) continue;
    const auto found = known.find(*identity);
    if (found == known.end()) {
      const std::size_t before = files_.size();
      add(path, now, stored, first_start);
      if (files_.size() != before) known.emplace(files_.back().file.identity(), before);
      continue;
    }
    if (found->second >= seen.size()) continue;  // a second path to a file that was just found
    Entry& entry = files_[found->second];
    if (!seen[found->second]) entry.file.set_path(path);
    seen[found->second] = true;
    entry.gone = false;
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    Entry& entry = files_[i];
    if (seen[i] || entry.gone) continue;
    entry.gone = true;
    entry.quiet_since = now;
    base::log_info("{} has been renamed or deleted; reading it to its end", entry.file.path());
  }
  put_gone_first();
}

/// Those that went first stay first.
void FileSet::put_gone_first() {
  std::stable_partition(files_.begin(), files_.end(), [](const Entry& entry) { return entry.gone; });
}

void FileSet::add(const std::string& path, base::SteadyTime now, Stored* stored, bool first_start) {
  if (files_.size() >= options_.max_files) {
    complain(path,
             base::make_error(std::errc::too_many_files_open, "more than " + std::to_string(options_.max_files) + " files"));
    return;
  }
  auto opened = FollowedFile::open(path);
  if (!opened.ok()) {
    complain(path, opened.error());
    return;
  }
  complained_.erase(path);
  FollowedFile& file = *opened;
  const auto same = [&](const Entry& entry) { return entry.file.identity() == file.identity(); };
  // Replaced between the two looks at it: the next scan sorts it out.
  if (std::any_of(files_.begin(), files_.end(), same)) return;
  if (first_start && !options_.from_beginning) {
    if (const auto skipped = file.skip_to_end(); !skipped.ok()) {
      complain(path, skipped.error());
      return;
    }
  }
  if (stored != nullptr) {
    // Device numbers may change when a machine starts; then the path has to be the same.
    const auto position = std::find_if(stored->begin(), stored->end(), [&](const FilePosition& one) {
      return one.identity == file.identity() || (one.path == path && one.identity.inode == file.identity().inode);
    });
    if (position != stored->end()) {
      const auto resumed = file.resume(*position);
      if (!resumed.ok()) {
        complain(path, resumed.error());
        return;
      }
      if (!*resumed) base::log_notice("{} has been truncated or replaced; reading it from its beginning", path);
      stored->erase(position);
    }
  }
  files_.push_back(Entry{std::move(file), false, now, false});
}

void FileSet::find_renamed(const FilePosition& position, base::SteadyTime now) {
  const auto folder = std::filesystem::path(position.path).parent_path();
  if (const auto path = path_of_inode(folder.empty() ? "." : folder, position.identity.inode)) {
    auto file = FollowedFile::open(*path);
    if (file.ok() && file->identity().inode == position.identity.inode) {
      const auto resumed = file->resume(position);
      if (resumed.ok() && *resumed) {
        base::log_info("{} is now {}; reading it to its end", position.path, *path);
        file->set_path(position.path);
        files_.push_back(Entry{std::move(*file), true, now, false});
        return;
      }
    }
  }
  base::log_notice("{} is gone: what was written to it since it was last read cannot be read", position.path);
}

bool FileSet::read_file(Entry& entry, base::SteadyTime now, const Take& take) {
  FollowedFile& file = entry.file;
  for (;;) {
    while (const auto line = file.take_line()) {
      if (!take(file, *line)) return false;
    }
    const auto grown = file.read_on();
    if (!grown.ok()) {
      if (!std::exchange(entry.failed, true)) base::log_warning("{}", grown.error().message());
      return true;
    }
    entry.failed = false;
    switch (*grown) {
      case FollowedFile::Grown::Nothing:
        return true;
      case FollowedFile::Grown::More:
        entry.quiet_since = now;
        break;
      case FollowedFile::Grown::Truncated: {
        base::log_info("{} has been truncated; reading it from its beginning", file.path());
        const auto rest = file.take_rest();
        const bool room = !rest || take(file, *rest);
        file.restart();
        entry.quiet_since = now;
        if (!room) return false;
        break;
      }
    }
  }
}

bool FileSet::is_finished(Entry& entry, base::SteadyTime now, const Take& take, bool& room) {
  if (!entry.gone) return false;
  const auto quiet = now - entry.quiet_since;
  if (quiet < options_.rest_after) return false;
  if (const auto rest = entry.file.take_rest()) room = take(entry.file, *rest);
  return quiet >= options_.follow_renamed || entry.file.is_deleted();
}

void FileSet::read(base::SteadyTime now, const Take& take) {
  if (now >= next_scan_) scan(now, nullptr, false);
  const auto is_gone = [](const Entry& entry) { return entry.gone; };
  const auto gone = static_cast<std::size_t>(std::count_if(files_.begin(), files_.end(), is_gone));
  const std::size_t others = files_.size() - gone;
  bool room = true;
  // What was written to old files came before what stands in their successors.
  for (std::size_t i = 0; i < gone && room; ++i) room = read_file(files_[i], now, take);
  for (std::size_t i = 0; i < others && room; ++i) room = read_file(files_[gone + (turn_ + i) % others], now, take);
  // The next call begins with another file, so that a busy one does not keep out the rest.
  ++turn_;
  for (std::size_t i = 0; i < files_.size() && room;) {
    if (is_finished(files_[i], now, take, room)) {
      base::log_info("{}: read to its end", files_[i].file.path());
      files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
}

bool FileSet::all_in_place(base::SteadyTime now) {
  if (now >= next_scan_) scan(now, nullptr, false);
  return std::none_of(files_.begin(), files_.end(), [](const Entry& entry) { return entry.gone; });
}

std::vector<FilePosition> FileSet::positions() const {
  std::vector<FilePosition> positions;
  positions.reserve(files_.size());
  for (const Entry& entry : files_) positions.push_back(entry.file.position());
  return positions;
}

}  // namespace forwarder
