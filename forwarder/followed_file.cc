#include "forwarder/followed_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace forwarder {
namespace {

constexpr std::size_t kReadBytes = 512 << 10;

ssize_t read_at(int descriptor, char* into, std::size_t bytes, std::uint64_t offset) {
  for (;;) {
    const ssize_t got = ::pread(descriptor, into, bytes, static_cast<off_t>(offset));
    if (got >= 0 || errno != EINTR) return got;
  }
}

base::WallTime modification_of(const struct stat& status) {
  return base::WallTime(std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec));
}

/// At most kMaxLineBytes of `text`, not ending within a character.
std::size_t cut_for_part(std::string_view text) {
  std::size_t cut = kMaxLineBytes;
  for (int back = 0; back < 3 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80; ++back) --cut;
  return (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80 ? kMaxLineBytes : cut;
}

}  // namespace

base::Result<FollowedFile> FollowedFile::open(const std::string& path) {
  // Without O_NONBLOCK a FIFO would hold up the source.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return base::errno_error("opening " + path);
  FollowedFile file(path, descriptor);
  struct stat status;
  if (::fstat(descriptor, &status) != 0) return base::errno_error("looking at " + path);
  if (!S_ISREG(status.st_mode)) return base::make_error(std::errc::invalid_argument, path + " is no regular file");
  file.identity_ = {status.st_dev, status.st_ino};
  file.head_ = file.read_head(kFingerprintBytes);
  file.modified_ = modification_of(status);
  return file;
}

FollowedFile::~FollowedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FollowedFile::FollowedFile(FollowedFile&& other) noexcept : FollowedFile({}, -1) {
  *this = std::move(other);
}

FollowedFile& FollowedFile::operator=(FollowedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(identity_, other.identity_);
  std::swap(modified_, other.modified_);
  std::swap(head_, other.head_);
  std::swap(buffer_, other.buffer_);
  std::swap(capacity_, other.capacity_);
  std::swap(begin_, other.begin_);
  std::swap(offset_, other.offset_);
  std::swap(end_, other.end_);
  std::swap(searched_, other.searched_);
  std::swap(part_, other.part_);
  return *this;
}

std::string FollowedFile::read_head(std::size_t bytes) const {
  std::string head(bytes, '\0');
  const ssize_t got = read_at(descriptor_, head.data(), bytes, 0);
  head.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return head;
}

FileLine FollowedFile::take(std::size_t length, unsigned part) {
  const FileLine line{std::string_view(buffer_.get() + begin_, length), part};
  begin_ += length;
  offset_ += length;
  searched_ = 0;
  return line;
}

std::optional<FileLine> FollowedFile::take_line() {
  if (part_ == 0 && begin_ != end_ && buffer_[begin_] == '\0') {
    const char* first = buffer_.get() + begin_;
    const auto zeros =
        static_cast<std::size_t>(std::find_if(first, first + (end_ - begin_), [](char c) { return c != '\0'; }) - first);
    begin_ += zeros;
    offset_ += zeros;
    searched_ = 0;
  }
  const std::string_view pending(buffer_.get() + begin_, end_ - begin_);
  const std::size_t found = pending.find('\n', searched_);
  if (found == std::string_view::npos || found > kMaxLineBytes) {
    // One byte more, so that the cut can see whether a character ends there.
    if (pending.size() > kMaxLineBytes) return take(cut_for_part(pending), ++part_);
    searched_ = pending.size();
    return std::nullopt;
  }
  FileLine line = take(found, part_ == 0 ? 0 : part_ + 1);
  begin_ += 1;
  offset_ += 1;
  part_ = 0;
  if (line.text.ends_with('\r')) line.text.remove_suffix(1);
  return line;
}

std::optional<FileLine> FollowedFile::take_rest() {
  if (begin_ == end_) return std::nullopt;
  const FileLine line = take(end_ - begin_, part_ == 0 ? 0 : part_ + 1);
  part_ = 0;
  return line;
}

void FollowedFile::make_room() {
  if (!buffer_ || capacity_ < kMaxLineBytes + kReadBytes) {
    constexpr std::size_t kCapacity = kMaxLineBytes + kReadBytes;
    std::unique_ptr<char[]> larger(new char[kCapacity]);
    if (end_ != begin_) std::memcpy(larger.get(), buffer_.get() + begin_, end_ - begin_);
    buffer_ = std::move(larger);
    capacity_ = kCapacity;
  } else if (begin_ != 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  }
  end_ -= begin_;
  begin_ = 0;
}

/// A source may follow a thousand files, of which few grow.
void FollowedFile::release_memory() {
  const std::size_t pending = end_ - begin_;
  if (!buffer_ || capacity_ == pending) return;
  std::unique_ptr<char[]> smaller(pending == 0 ? nullptr : new char[pending]);
  if (pending != 0) std::memcpy(smaller.get(), buffer_.get() + begin_, pending);
  buffer_ = std::move(smaller);
  capacity_ = pending;
  begin_ = 0;
  end_ = pending;
}

base::Result<FollowedFile::Grown> FollowedFile::read_on() {
  struct stat status;
  if (::fstat(descriptor_, &status) != 0) return base::errno_error("looking at " + path_);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const std::uint64_t behind = offset_ + (end_ - begin_);
  const base::WallTime modified = modification_of(status);
  if (size == behind && modified == modified_) {
    release_memory();
    return Grown::Nothing;
  }
  // Truncated and written anew it may be longer than before, but it begins otherwise.
  if (size < behind || read_head(head_.size()) != head_) return Grown::Truncated;
  modified_ = modified;
  if (head_.size() < kFingerprintBytes) head_ = read_head(kFingerprintBytes);
  if (size == behind) return Grown::Nothing;
  make_room();
  const ssize_t got = read_at(descriptor_, buffer_.get() + end_, capacity_ - end_, behind);
  if (got < 0) return base::errno_error("reading " + path_);
  end_ += static_cast<std::size_t>(got);
  return got == 0 ? Grown::Nothing : Grown::More;
}

void FollowedFile::restart() {
  begin_ = end_ = 0;
  offset_ = 0;
  searched_ = 0;
  part_ = 0;
  head_ = read_head(kFingerprintBytes);
  modified_ = {};
}

bool FollowedFile::matches(const Fingerprint& fingerprint) const {
  if (head_.size() < fingerprint.length) return false;
  return fingerprint_of(std::string_view(head_).substr(0, fingerprint.length)) == fingerprint;
}

base::Result<bool> FollowedFile::resume(const FilePosition& position) {
  struct stat status;
  if (::fstat(descriptor_, &status) != 0) return base::errno_error("looking at " + path_);
  if (static_cast<std::uint64_t>(status.st_size) < position.offset || !matches(position.fingerprint)) return false;
  restart();
  offset_ = position.offset;
  part_ = position.part;
  return true;
}

base::Result<void> FollowedFile::skip_to_end() {
  struct stat status;
  if (::fstat(descriptor_, &status) != 0) return base::errno_error("looking at " + path_);
  restart();
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const std::size_t look = static_cast<std::size_t>(std::min<std::uint64_t>(size, kMaxLineBytes));
  std::string tail(look, '\0');
  const ssize_t got = read_at(descriptor_, tail.data(), look, size - look);
  if (got < 0) return base::errno_error("reading " + path_);
  tail.resize(static_cast<std::size_t>(got));
  const auto line_end = tail.rfind('\n');
  // Without a line end in reach the unfinished line counts as an old one.
  if (line_end != std::string::npos) {
    offset_ = size - look + line_end + 1;
  } else {
    offset_ = size == look ? 0 : size;
  }
  return {};
}

bool FollowedFile::is_deleted() const {
  struct stat status;
  return ::fstat(descriptor_, &status) == 0 && status.st_nlink == 0;
}

FilePosition FollowedFile::position() const {
  return FilePosition{path_, identity_, offset_, part_, fingerprint_of(head_)};
}

}  // namespace forwarder
