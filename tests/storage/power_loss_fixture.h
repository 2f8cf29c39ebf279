// Losing power at every moment of what a test does.

#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "storage/database.h"
#include "tests/storage/power_loss_vfs.h"
#include "tests/support/temporary_directory.h"

namespace storage_test {

/// A folder that is written through a PowerLossVfs, and then every point of what was recorded in turn, each with nothing and
/// with some of what was not synced. A Number says what was acknowledged.
template <typename Number>
class PowerLossOf : public ::testing::Test {
 protected:
  storage::Database::Options options() {
    storage::Database::Options options;
    options.vfs = vfs_.name();
    return options;
  }
  /// For what is looked at afterwards.
  storage::Database::Options unrecorded() {
    storage::Database::Options options;
    options.vfs = elsewhere_.name();
    return options;
  }
  std::filesystem::path operator/(const char* name) const { return directory_ / name; }
  const std::filesystem::path& directory() const { return directory_.path(); }

  /// At least so much must have survived from now on.
  void acknowledge(Number number) { acknowledged_.emplace_back(vfs_.points(), std::move(number)); }

  /// Calls `check(folder, acknowledged)` for what a loss of power would have left: at about `points` moments, and at every
  /// sync where `at_syncs`; at every change in the long mode.
  template <typename Check>
  void lose_power_everywhere(Check&& check, std::size_t points = 80, bool at_syncs = true, unsigned seeds = 3) {
    const auto changes = vfs_.changes();
    DiskReplay replay(changes);
    Number number{};
    auto next = acknowledged_.begin();
    const std::size_t stride = std::getenv("MUSTER_LONG") != nullptr ? 1 : changes.size() / points + 1;
    for (std::size_t point = 0; point <= changes.size(); ++point) {
      for (; next != acknowledged_.end() && next->first <= point; ++next) number = next->second;
      // Syncs are where things change.
      const bool telling = at_syncs && point > 0 && changes[point - 1].kind != DiskChange::Kind::Write;
      if (point % stride != 0 && !telling) continue;
      replay.go_to(point);
      for (unsigned seed = 0; seed < seeds; ++seed) {
        SCOPED_TRACE(testing::Message() << "power is lost after change " << point << ", seed " << seed);
        const test_support::TemporaryDirectory left;
        replay.write_to(left.path(), seed == 0 ? std::nullopt : std::optional(seed + static_cast<unsigned>(point) * 7));
        check(left.path(), number);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  }

 private:
  test_support::TemporaryDirectory directory_;
  PowerLossVfs vfs_{directory_.path()};
  test_support::TemporaryDirectory empty_;
  PowerLossVfs elsewhere_{empty_.path()};
  std::vector<std::pair<std::size_t, Number>> acknowledged_;
};

}  // namespace storage_test
