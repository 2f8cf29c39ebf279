// The way between two networks, with the troubles of real ones.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "tests/integration/network_namespace.h"

namespace integration {

/// What happens to packets that go in one direction.
struct Trouble {
  double loss = 0;  ///< share of the packets that get lost, 0 to 1
  std::chrono::microseconds delay{0};
  std::chrono::microseconds jitter{0};  ///< the delay differs by so much, either way; packets keep their order
  double reorder = 0;                   ///< share of the packets that overtake: they are not delayed
  std::uint64_t bytes_per_second = 0;   ///< 0: no bound. What does not go at once waits, up to a quarter of a second
  bool cut = false;                     ///< nothing passes
};

enum class Direction { ToFar, ToNear };

/// A router between two namespaces: it owns a TUN device in each, and passes IPv4 packets between them. Thread-safe.
class LossyLink {
 public:
  /// Both networks get an address, and send everything to others by this link. What is random follows `seed`. The namespaces
  /// outlive it. Errors: the system's, where TUN devices cannot be made.
  static base::Result<std::unique_ptr<LossyLink>> join(NetworkNamespace& near, const std::string& near_address,
                                                       NetworkNamespace& far, const std::string& far_address, unsigned seed);
  ~LossyLink();
  LossyLink(const LossyLink&) = delete;
  LossyLink& operator=(const LossyLink&) = delete;

  void set(Direction direction, Trouble trouble);
  void set_both(Trouble trouble);
  /// Cuts both directions once so many packets more have passed, in both directions together.
  void cut_after(std::uint64_t packets);
  /// Whether the cut of cut_after() has come.
  bool is_cut() const;
  /// Passed on so far.
  std::uint64_t packets(Direction direction) const;
  /// Lost by chance, by a cut, or for want of room.
  std::uint64_t lost(Direction direction) const;

 private:
  struct State;
  explicit LossyLink(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace integration
