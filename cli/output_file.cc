#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "engine/base/win32.h"

namespace cli {
namespace {

constexpr std::size_t kBuffer = 1 << 20;

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

}  // namespace

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

base::Error OutputFile::failure(std::string_view doing) const {
  return base::make_error(std::error_code(errno, std::generic_category()), std::string(doing) + " " + file_.string());
}

base::Result<void> OutputFile::create(const std::filesystem::path& file, bool overwrite) {
  RETURN_IF_ERROR(check_target(file, overwrite));
  file_ = file;
  overwrite_ = overwrite;
  std::string name = (folder_of(file) / ("." + file.filename().string() + ".XXXXXX")).string();
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) return failure("make");
  temporary_ = std::move(name);
  // Events tell a lot about a machine: what the umask leaves is for the owner to decide, others get nothing of themselves.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(descriptor_, 0640 & ~mask);
  return {};
}

base::Result<void> OutputFile::write(std::string_view text) {
  buffer_ += text;
  return buffer_.size() < kBuffer ? base::Result<void>{} : flush();
}

base::Result<void> OutputFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure("write");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
  return {};
}

base::Result<void> OutputFile::finish() {
  RETURN_IF_ERROR(flush());
  if (::fsync(descriptor_) != 0) return failure("write");
  if (overwrite_) {
    if (::rename(temporary_.c_str(), file_.c_str()) != 0) return failure("make");
    temporary_.clear();
  } else if (::link(temporary_.c_str(), file_.c_str()) != 0) {
    // Not every file system knows links.
    if (errno == EEXIST) return base::make_error(base::Win32::FileExists, file_.string() + " is there already.");
    RETURN_IF_ERROR(check_target(file_, false));
    if (::rename(temporary_.c_str(), file_.c_str()) != 0) return failure("make");
    temporary_.clear();
  }
  const int folder = ::open(folder_of(file_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return {};
}

base::Result<void> check_target(const std::filesystem::path& file, bool overwrite) {
  std::error_code failure;
  if (!std::filesystem::is_directory(folder_of(file), failure)) {
    return base::make_error(base::Win32::PathNotFound, folder_of(file).string());
  }
  const auto status = std::filesystem::symlink_status(file, failure);
  if (!std::filesystem::exists(status)) return {};
  if (!overwrite) {
    return base::make_error(base::Win32::FileExists, file.string() + " is there already. /ow:true replaces it.");
  }
  if (std::filesystem::is_directory(file, failure)) {
    return base::make_error(base::Win32::AccessDenied, file.string() + " is a directory.");
  }
  return {};
}

}  // namespace cli
