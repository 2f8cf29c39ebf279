// What one caller may take at a time of what all callers share.

#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "engine/wsman/byte_budget.h"

namespace wsman {

/// Keeps a caller who sends too much, or comes too often, from taking the place of others. Thread-safe; shares may outlive
/// it.
class CallerShares {
 public:
  struct Limits {
    std::size_t body_bytes;  ///< of bodies in memory
    std::size_t deliveries;  ///< that are worked on; more wait in their order
    std::size_t connections;
  };
  struct Share {
    explicit Share(const Limits& limits) : bodies(limits.body_bytes), deliveries(limits.deliveries) {}
    ByteBudget bodies;
    ByteBudget deliveries;
  };

  explicit CallerShares(Limits limits) : state_(std::make_shared<State>(limits)) {}

  /// The same for all connections of `caller`, each of which keeps it. Null for one connection too many.
  std::shared_ptr<Share> join(const std::string& caller);
  /// Callers that have one.
  std::size_t size() const;

 private:
  struct Entry {
    std::unique_ptr<Share> share;
    std::size_t connections = 0;
  };
  struct State {
    explicit State(Limits l) : limits(l) {}
    const Limits limits;
    std::mutex mutex;
    std::unordered_map<std::string, Entry> callers;
  };
  std::shared_ptr<State> state_;
};

}  // namespace wsman
