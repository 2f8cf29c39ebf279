#include "tests/integration/lossy_link.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "engine/base/die.h"

namespace integration {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr std::size_t kLargestPacket = 65'536;
constexpr nanoseconds kLongestQueue = std::chrono::milliseconds(250);

bool is_ipv4(const std::string& packet) {
  return !packet.empty() && (static_cast<unsigned char>(packet.front()) >> 4) == 4;
}

/// One direction: from a descriptor to the other end's, with the packets that are under way.
struct Lane {
  int from = -1;
  int to = -1;
  Trouble trouble;
  std::multimap<Clock::time_point, std::string> under_way;  ///< by when they arrive; equal ones in their order
  Clock::time_point latest;                                 ///< arrival of the last one that does not overtake
  Clock::time_point free_at;                                ///< when all that has come has left the bottleneck
  std::uint64_t passed = 0;
  std::uint64_t lost = 0;
};

}  // namespace

struct LossyLink::State {
  mutable std::mutex mutex;
  std::array<Lane, 2> lanes;
  std::optional<std::uint64_t> until_cut;
  bool cut = false;
  std::mt19937 random;
  bool stop = false;
  int wake = -1;
  std::thread thread;

  Lane& lane(Direction direction) { return lanes[static_cast<std::size_t>(direction)]; }

  bool happens(double share) { return share > 0 && std::uniform_real_distribution<double>(0, 1)(random) < share; }

  /// A packet comes in: it is lost, or gets its time of arrival.
  void take(Lane& lane, std::string packet, Clock::time_point now) {
    if (!is_ipv4(packet)) return;
    const Trouble& trouble = lane.trouble;
    Clock::time_point leaves = std::max(lane.free_at, now);
    if (cut || trouble.cut || happens(trouble.loss) || leaves - now > kLongestQueue) {
      ++lane.lost;
      return;
    }
    if (trouble.bytes_per_second != 0) {
      leaves += nanoseconds(packet.size() * 1'000'000'000 / trouble.bytes_per_second);
      lane.free_at = leaves;
    }
    Clock::time_point arrives = leaves;
    if (!happens(trouble.reorder)) {
      const auto jitter = trouble.jitter.count();
      arrives += trouble.delay + microseconds(std::uniform_int_distribution<microseconds::rep>(-jitter, jitter)(random));
      lane.latest = arrives = std::max(arrives, lane.latest);
    }
    lane.under_way.emplace(arrives, std::move(packet));
  }

  void deliver(Lane& lane, Clock::time_point now) {
    while (!lane.under_way.empty() && lane.under_way.begin()->first <= now) {
      const std::string packet = std::move(lane.under_way.begin()->second);
      lane.under_way.erase(lane.under_way.begin());
      // What was under way when the way was cut does not arrive either.
      const bool arrives = !cut && !lane.trouble.cut && ::write(lane.to, packet.data(), packet.size()) > 0;
      ++(arrives ? lane.passed : lane.lost);
      if (arrives && until_cut && --*until_cut == 0) {
        until_cut.reset();
        cut = true;
      }
    }
  }

  void read_all(Lane& lane) {
    std::array<char, kLargestPacket> buffer;
    for (;;) {
      const ssize_t got = ::read(lane.from, buffer.data(), buffer.size());
      if (got <= 0) return;
      take(lane, std::string(buffer.data(), static_cast<std::size_t>(got)), Clock::now());
    }
  }

  std::optional<nanoseconds> next_arrival(Clock::time_point now) const {
    std::optional<nanoseconds> next;
    for (const Lane& lane : lanes) {
      if (lane.under_way.empty()) continue;
      const auto left = std::max<nanoseconds>(lane.under_way.begin()->first - now, nanoseconds(0));
      next = next ? std::min(*next, left) : left;
    }
    return next;
  }

  void run() {
    for (;;) {
      std::array<pollfd, 3> descriptors{{{lanes[0].from, POLLIN, 0}, {lanes[1].from, POLLIN, 0}, {wake, POLLIN, 0}}};
      std::optional<nanoseconds> wait;
      {
        const std::lock_guard lock(mutex);
        if (stop) return;
        wait = next_arrival(Clock::now());
      }
      timespec limit{};
      if (wait) {
        limit.tv_sec = static_cast<time_t>(wait->count() / 1'000'000'000);
        limit.tv_nsec = static_cast<long>(wait->count() % 1'000'000'000);
      }
      ::ppoll(descriptors.data(), descriptors.size(), wait ? &limit : nullptr, nullptr);
      const std::lock_guard lock(mutex);
      for (Lane& lane : lanes) read_all(lane);
      for (Lane& lane : lanes) deliver(lane, Clock::now());
    }
  }

  void wake_up() const {
    const std::uint64_t one = 1;
    if (::write(wake, &one, sizeof one) != sizeof one) base::die("cannot wake the link");
  }

  ~State() {
    for (const int descriptor : {lanes[0].from, lanes[1].from, wake}) {
      if (descriptor >= 0) ::close(descriptor);
    }
  }
};

base::Result<std::unique_ptr<LossyLink>> LossyLink::join(NetworkNamespace& near, const std::string& near_address,
                                                         NetworkNamespace& far, const std::string& far_address,
                                                         unsigned seed) {
  auto state = std::make_unique<State>();
  state->random.seed(seed);
  Lane& to_far = state->lane(Direction::ToFar);
  Lane& to_near = state->lane(Direction::ToNear);
  ASSIGN_OR_RETURN(to_far.from, near.make_tunnel(near_address));
  ASSIGN_OR_RETURN(to_near.from, far.make_tunnel(far_address));
  to_far.to = to_near.from;
  to_near.to = to_far.from;
  state->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (state->wake < 0) base::die("eventfd failed");
  state->thread = std::thread([raw = state.get()] { raw->run(); });
  return std::unique_ptr<LossyLink>(new LossyLink(std::move(state)));
}

LossyLink::LossyLink(std::unique_ptr<State> state) : state_(std::move(state)) {}

LossyLink::~LossyLink() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake_up();
  state_->thread.join();
}

void LossyLink::set(Direction direction, Trouble trouble) {
  const std::lock_guard lock(state_->mutex);
  state_->lane(direction).trouble = trouble;
  state_->cut = false;
}

void LossyLink::set_both(Trouble trouble) {
  set(Direction::ToFar, trouble);
  set(Direction::ToNear, trouble);
}

void LossyLink::cut_after(std::uint64_t packets) {
  const std::lock_guard lock(state_->mutex);
  state_->until_cut = packets;
}

bool LossyLink::is_cut() const {
  const std::lock_guard lock(state_->mutex);
  return state_->cut;
}

std::uint64_t LossyLink::packets(Direction direction) const {
  const std::lock_guard lock(state_->mutex);
  return state_->lane(direction).passed;
}

std::uint64_t LossyLink::lost(Direction direction) const {
  const std::lock_guard lock(state_->mutex);
  return state_->lane(direction).lost;
}

}  // namespace integration
