// How far something is that takes longer than a moment, for people who wait.

#pragma once

#include <cstdint>
#include <string>

#include "cli/console.h"
#include "engine/base/clock.h"

namespace cli {

/// One line on standard error that is written anew now and then, from the second second on, where standard error is a
/// terminal; wiped when it is destroyed.
class Progress {
 public:
  /// `unit` is what is counted, in the plural; empty where nothing is.
  Progress(Console& console, std::string doing, std::string unit = "events");
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// So many more, and `done` of `all` bytes; 0 of 0 where that is not known.
  void add(std::uint64_t events, std::uint64_t done = 0, std::uint64_t all = 0);

 private:
  Console& console_;
  std::string doing_;
  std::string unit_;
  base::SteadyTime next_;
  std::uint64_t events_ = 0;
  std::size_t width_ = 0;
};

}  // namespace cli
