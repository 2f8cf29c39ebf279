// The value keys of blocks that no index covers yet, in memory, shared by all readers of a store.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "storage/value_key.h"

namespace storage {

/// Thread-safe. There are few such blocks at a time: those of the files that are being written.
class KeyCache {
 public:
  static constexpr std::size_t kDefaultBytes = 12u << 20;
  explicit KeyCache(std::size_t max_bytes = kDefaultBytes) : max_bytes_(max_bytes) {}

  using Keys = std::shared_ptr<const std::vector<ValueKey>>;
  /// The keys of the block of `log` with these records; asks `read` for those it does not know. Null where `read` has none,
  /// or fails.
  Keys get(std::int64_t log, std::uint64_t first_record, std::uint64_t last_record,
           const std::function<base::Result<std::optional<std::vector<ValueKey>>>()>& read) {
    const Place place{log, {first_record, last_record}};
    {
      std::lock_guard lock(mutex_);
      if (const auto known = keys_.find(place); known != keys_.end()) return known->second;
    }
    auto answer = read();
    if (!answer.ok() || !*answer) return nullptr;
    auto keys = std::make_shared<const std::vector<ValueKey>>(std::move(**answer));
    const auto bytes = keys->size() * sizeof(ValueKey) + sizeof(Place) + 128;
    std::lock_guard lock(mutex_);
    // Blocks come and go together, file by file: what is not needed any more goes with the rest.
    if (bytes_ + bytes > max_bytes_) {
      keys_.clear();
      bytes_ = 0;
    }
    if (keys_.emplace(place, keys).second) bytes_ += bytes;
    return keys;
  }

  std::size_t bytes() const {
    std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  using Place = std::pair<std::int64_t, std::pair<std::uint64_t, std::uint64_t>>;

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::map<Place, Keys> keys_;
  std::size_t bytes_ = 0;
};

}  // namespace storage
