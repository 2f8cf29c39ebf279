#include "cli/progress.h"

namespace cli {
namespace {

constexpr std::chrono::seconds kFirst{1};
constexpr std::chrono::milliseconds kBetween{500};

}  // namespace

Progress::Progress(Console& console, std::string doing, std::string unit)
    : console_(console), doing_(std::move(doing)), unit_(std::move(unit)), next_(base::system_clock().steady() + kFirst) {}

Progress::~Progress() {
  if (width_ != 0) console_.err << '\r' << std::string(width_, ' ') << '\r' << std::flush;
}

void Progress::add(std::uint64_t events, std::uint64_t done, std::uint64_t all) {
  events_ += events;
  if (!console_.err_is_terminal) return;
  const base::SteadyTime now = base::system_clock().steady();
  if (now < next_) return;
  next_ = now + kBetween;
  std::string line = doing_;
  if (!unit_.empty()) line += ": " + std::to_string(events_) + " " + unit_;
  if (all != 0) line += ", " + std::to_string(std::min<std::uint64_t>(100, done * 100 / all)) + " %";
  const std::size_t width = line.size();
  if (line.size() < width_) line.resize(width_, ' ');
  width_ = width;
  console_.err << '\r' << line << std::flush;
}

}  // namespace cli
