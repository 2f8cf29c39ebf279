// The files that a pattern matches, now and later, followed through their rotations.

#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "forwarder/followed_file.h"

namespace forwarder {

struct FileSetOptions {
  std::string pattern;  ///< glob(7)
  /// Files that are there at the very first start are read from their beginning and not from their end.
  bool from_beginning = false;
  /// How often the pattern is evaluated.
  std::chrono::milliseconds scan_interval{2000};
  /// A line without its end is held back, in a file that is gone for this long at most.
  std::chrono::milliseconds rest_after{5000};
  /// A file that was renamed out of the pattern is followed until nothing has come for this long: its writer may not yet
  /// know.
  std::chrono::milliseconds follow_renamed{std::chrono::minutes(10)};
  std::size_t max_files = 10'000;  ///< further ones are passed over
};

/// Follows each file by its inode, so that a renamed one is read to its end, and by its first bytes, so that one that was
/// truncated or whose inode was used again is read from its beginning. A file that appears after the first start is read
/// from its beginning. Compressed files (.gz .bz2 .xz .zst .lz4 .Z) are passed over, and so is what cannot be opened, after
/// one line in the log. The pattern should not match the copies that copy-truncate makes: they count as new files.
///
/// What cannot be had: lines that copy-truncate cuts off before they were read, and a file that comes and is renamed out of
/// the pattern again between two evaluations of it (or while the source is stopped).
///
/// One thread at a time; blocks.
class FileSet {
 public:
  explicit FileSet(FileSetOptions options) : options_(std::move(options)) {}

  /// Finds the files. Without `stored` this is the very first start; else each file goes on at its position, wherever in its
  /// folder it was renamed to, and those that have none are new.
  void open(const std::optional<std::vector<FilePosition>>& stored, base::SteadyTime now);

  /// Takes a line; false when no further one fits.
  using Take = std::function<bool(const FollowedFile& file, const FileLine& line)>;
  /// Gives what lines there are, in order within each file, old files first. Does not wait.
  void read(base::SteadyTime now, const Take& take);

  /// Whether every file still has the name that it was found by. Looks for new ones, as read() does.
  bool all_in_place(base::SteadyTime now);

  std::vector<FilePosition> positions() const;
  std::size_t size() const { return files_.size(); }

 private:
  struct Entry {
    FollowedFile file;
    bool gone = false;  // the pattern does not match it any more
    base::SteadyTime quiet_since{};
    bool failed = false;  // and the log says so
  };
  using Stored = std::vector<FilePosition>;

  void put_gone_first();
  void scan(base::SteadyTime now, Stored* stored, bool first_start);
  void add(const std::string& path, base::SteadyTime now, Stored* stored, bool first_start);
  void find_renamed(const FilePosition& position, base::SteadyTime now);
  bool read_file(Entry& entry, base::SteadyTime now, const Take& take);
  /// True where the file is done with.
  bool is_finished(Entry& entry, base::SteadyTime now, const Take& take, bool& room);
  void complain(const std::string& path, const base::Error& error);

  FileSetOptions options_;
  std::vector<Entry> files_;          // those that are gone come first, in the order in which they went
  std::set<std::string> complained_;  // paths that cannot be opened, and the log says so
  std::size_t turn_ = 0;
  base::SteadyTime next_scan_{};
};

}  // namespace forwarder
