#include "storage/free_space.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include "engine/base/log.h"

namespace storage {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr std::uint64_t kBytesBetween = 16u << 20;
// Takes events again only once there is a little more, so that it does not begin and end with each batch.
constexpr std::uint64_t kMargin = 4u << 20;

base::Result<std::uint64_t> ask_system(const std::filesystem::path& directory) {
  struct statvfs answer {};
  if (::statvfs(directory.c_str(), &answer) != 0) return base::errno_error("the file system of " + directory.string());
  return std::uint64_t{answer.f_bavail} * answer.f_frsize;
}

// A small file system, which some machines keep for this, would be full before anything is in it.
std::uint64_t sensible_minimum(const std::filesystem::path& directory, std::uint64_t minimum) {
  struct statvfs answer {};
  if (::statvfs(directory.c_str(), &answer) != 0) return minimum;
  return std::min<std::uint64_t>(minimum, std::uint64_t{answer.f_blocks} * answer.f_frsize / 16);
}

}  // namespace

FreeSpace::FreeSpace(std::filesystem::path directory, std::uint64_t minimum, base::Clock& clock, Ask ask)
    : directory_(std::move(directory)),
      minimum_(ask ? minimum : sensible_minimum(directory_, minimum)),
      clock_(clock),
      ask_(ask ? std::move(ask) : Ask(ask_system)) {}

base::Result<void> FreeSpace::check() {
  if (minimum_ == 0) return {};
  const auto now = clock_.steady();
  if (asked_ == base::SteadyTime::min() || now - asked_ >= kInterval || now < asked_ || written_ >= kBytesBetween) {
    asked_ = now;
    written_ = 0;
    const auto left = ask_(directory_);
    const bool low = left.ok() && *left < minimum_ + (low_ ? std::min(kMargin, minimum_ / 4) : 0);
    if (low && !low_) {
      base::log_error("{} has only {} bytes left on its file system: no more events are taken", directory_.string(), *left);
    } else if (!low && low_) {
      base::log_notice("{} has room again: events are taken", directory_.string());
    }
    low_ = low;
  }
  if (!low_) return {};
  return base::make_error(Errc::Full, "the file system of " + directory_.string() + " is nearly full");
}

}  // namespace storage
