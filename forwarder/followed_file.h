// One log file, read line by line while it grows.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "forwarder/file_position.h"

namespace forwarder {

/// A longer line is cut into parts of at most this many bytes.
inline constexpr std::size_t kMaxLineBytes = 256 << 10;

/// A line without its line end (LF or CR LF). `text` is valid until the next call.
struct FileLine {
  std::string_view text;
  unsigned part = 0;  ///< 0 for a whole line, else which part of it, from 1
};

/// Keeps the file open, so that it can be read to its end after it was renamed or deleted. One thread at a time; blocks.
class FollowedFile {
 public:
  /// Opens for reading. Errors: the system's; std::errc::invalid_argument for what is no regular file.
  static base::Result<FollowedFile> open(const std::string& path);
  ~FollowedFile();
  FollowedFile(FollowedFile&& other) noexcept;
  FollowedFile& operator=(FollowedFile&& other) noexcept;

  /// The whole lines that have been read; a line without its end is held back. Zero bytes in front of a line, which a
  /// truncated file has where its writer does not append, are passed over.
  std::optional<FileLine> take_line();
  /// What take_line() holds back, as a line; nothing where there is none.
  std::optional<FileLine> take_rest();

  enum class Grown {
    More,       ///< there are more bytes than before
    Nothing,    ///< the file has been read to its end
    Truncated,  ///< it is shorter than before or begins otherwise: call restart()
  };
  /// Reads on behind what take_line() has not given yet; to be called when it gives nothing.
  base::Result<Grown> read_on();

  /// From the first byte, with a new fingerprint; forgets what is held back.
  void restart();
  /// Goes on at `position` if it is this file's and the file still begins in the same way; false where it is not.
  base::Result<bool> resume(const FilePosition& position);
  /// Goes to the end, or to the beginning of the unfinished line there.
  base::Result<void> skip_to_end();
  /// True where the file begins as the fingerprint says.
  bool matches(const Fingerprint& fingerprint) const;

  /// True where no name leads to the file any more.
  bool is_deleted() const;

  const std::string& path() const { return path_; }
  void set_path(std::string path) { path_ = std::move(path); }
  const FileIdentity& identity() const { return identity_; }
  /// Behind the last line that was taken.
  FilePosition position() const;
  bool holds_back() const { return begin_ != end_; }
  /// The file's modification time when it was last read.
  base::WallTime modified() const { return modified_; }

 private:
  FollowedFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  std::string read_head(std::size_t bytes) const;
  FileLine take(std::size_t length, unsigned part);
  void make_room();
  void release_memory();

  std::string path_;
  int descriptor_ = -1;
  FileIdentity identity_;
  base::WallTime modified_{};
  std::string head_;  // the file's first bytes
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;     // the first byte not taken …
  std::uint64_t offset_ = 0;  // … and where it stands in the file
  std::size_t end_ = 0;
  std::size_t searched_ = 0;  // bytes behind begin_ that hold no line end
  unsigned part_ = 0;         // parts of the line at begin_ that have been taken
};

}  // namespace forwarder
