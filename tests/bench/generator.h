// A stream of events for measurements: real ones, with fresh values in the places where real machines differ.

#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "events/event.h"

namespace bench {

struct GeneratorOptions {
  std::uint64_t seed = 1;
  /// The shortest samples are left out until the rest has this mean size in bytes; 0 takes all.
  std::size_t mean_bytes = 1200;
  std::size_t computers = 600;
  std::size_t users = 5000;
  base::WallTime start{};
  std::chrono::nanoseconds step{};  ///< between two events
  /// Each so many events, the next one with kUserEvent has kRareUser; 0 never.
  std::size_t rare_every = 0;
};

/// The id of events that have a TargetUserName.
inline constexpr const char* kUserEvent = "4624";
inline constexpr const char* kRareUser = "rare.needle";
/// Each eighth TargetUserName.
inline constexpr const char* kFrequentUser = "frequent.needle";

/// Numbers, identifiers, addresses and users are drawn at random where the samples have such values; record ids and times
/// rise; computers are drawn at random, the worst case for compression. Deterministic for a seed. One thread.
class Generator {
 public:
  /// `samples`: one event a line.
  Generator(const std::vector<std::string>& samples, const GeneratorOptions& options);

  /// The next event's text, from a computer drawn at random.
  std::string next();
  /// The same, from the computer that the last call of draw_computer() has drawn.
  std::string next_of_computer();
  void draw_computer() { computer_ = random_() % options_.computers; }
  /// The rare users handed out so far.
  std::size_t rare() const { return rare_; }
  double mean_bytes() const { return mean_bytes_; }

 private:
  enum class Kind : std::uint8_t { Fixed, Hex, Decimal, Guid, Address, User, TargetUser, Computer, RecordId, Time };
  struct Piece {
    Kind kind = Kind::Fixed;
    std::string text;
  };
  struct Sample {
    std::vector<Piece> pieces;
    bool has_user = false;
  };

  static Sample cut(const std::string& event);
  static Kind kind_of(const std::string& name, const std::string& value);
  void write(std::string& out, const Piece& piece);

  GeneratorOptions options_;
  std::vector<Sample> samples_;
  std::mt19937_64 random_;
  std::uint64_t number_ = 0;
  std::uint64_t computer_ = 0;
  std::size_t rare_ = 0;
  bool rare_due_ = false;
  bool rare_now_ = false;
  double mean_bytes_ = 0;
};

}  // namespace bench
