// How far each subscription has come, for those who fill the logs that they read.

#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "events/bookmark.h"

namespace forwarder {

/// Thread-safe.
class DeliveryProgress {
 public:
  /// The subscription has got everything up to `position`, which has an entry for each channel that it reads.
  void reach(const std::string& subscription, const events::Bookmark& position);
  void forget(const std::string& subscription);

  /// The record of `channel` up to which every subscription that reads it has got everything; nothing where none does.
  std::optional<std::uint64_t> slowest(std::string_view channel) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, events::Bookmark> positions_;
};

}  // namespace forwarder
