// The bookmarks of all deliveries in memory: every machine asks for its own, of each subscription, again and again.

#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/database.h"

namespace storage {

/// What the table `deliveries` says of bookmarks, as of the last commit.
///
/// find() is thread-safe; the rest belongs to the writer's thread: changes are kept apart until commit() and forgotten at
/// rollback(). What does not fit into `max_bytes` is not kept, and has to be asked of the catalogue.
class BookmarkTable {
 public:
  explicit BookmarkTable(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  struct Answer {
    bool known = false;  ///< false: only the catalogue can tell
    std::optional<std::string> bookmark = {};
  };
  Answer find(std::string_view subscription, std::string_view machine) const;
  /// What is kept, about.
  std::size_t bytes() const;

  /// Reads all that is stored.
  base::Result<void> load(Database& database);

  void put(std::string_view subscription, std::string_view machine, std::string_view bookmark);
  void forget(std::string_view subscription, std::string_view machine);
  void forget_subscription(std::string_view subscription);
  void commit();
  void rollback() { pending_.clear(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  template <typename Value>
  using Map = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;
  using Machines = Map<std::string>;

  struct Change {
    std::string subscription;
    std::optional<std::string> machine;   ///< none: all of them
    std::optional<std::string> bookmark;  ///< none: forgotten
  };
  static std::size_t size_of(std::string_view machine, std::string_view bookmark);
  /// All three with the lock held.
  void apply(Change change);
  void keep(const std::string& subscription, std::string machine, std::string bookmark);
  void drop(std::string_view subscription, std::string_view machine);

  const std::size_t max_bytes_;
  std::vector<Change> pending_;
  mutable std::mutex mutex_;
  Map<Machines> kept_;  ///< by subscription
  std::size_t bytes_ = 0;
  bool complete_ = true;  ///< what is not kept has no bookmark
};

}  // namespace storage
