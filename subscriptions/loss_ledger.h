// What sources had and the collector never got, as far as it is known: gaps in the record numbers of their logs.
//
// Source: scale, sections 1 and 3.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "storage/state_store.h"

namespace subscriptions {

/// Records of one log of one machine that did not come.
struct Loss {
  std::string subscription;  ///< its id
  std::string machine;
  std::string channel;  ///< the machine's log
  std::string log;      ///< where its events go here
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  base::WallTime found;

  std::uint64_t events() const { return last - first + 1; }
};

/// All losses of one log of one machine.
struct LossTotal {
  std::uint64_t events = 0;
  std::uint64_t gaps = 0;
  Loss latest;
};

/// Kept in the state store. Thread-safe; what changes it blocks for a small transaction.
class LossLedger {
 public:
  /// Blocks. What cannot be read is left out, with a line in the log. Errors: the store's.
  static base::Result<std::unique_ptr<LossLedger>> open(storage::StateStore& state);

  /// Durable on return. False, without a change, for a gap that does not lie behind the latest one of its log: it is known.
  base::Result<bool> add(Loss loss);
  /// The machine numbers the records of this log from the beginning again: gaps may come at small numbers, too.
  base::Result<void> restart(const std::string& subscription, const std::string& machine, const std::string& channel);
  /// Of a subscription that is no more.
  base::Result<void> forget(const std::string& subscription);

  std::vector<LossTotal> of_source(const std::string& subscription, const std::string& machine) const;
  /// Events that are missing in this log. Names compare without case.
  std::uint64_t events_of_log(std::string_view log) const;

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // subscription, machine, channel, in small letters

  explicit LossLedger(storage::StateStore& state) : state_(state) {}
  base::Result<void> write(const Key& key, const LossTotal& total);

  storage::StateStore& state_;
  mutable std::mutex mutex_;  ///< held over writes: they are rare
  std::map<Key, LossTotal> totals_;
};

}  // namespace subscriptions
