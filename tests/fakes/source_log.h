// The log of a fake source.

#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fakes {

/// A log whose records are numbered from 1 without gaps. It outlives restarts of the source that has it. Thread-safe.
class SourceLog {
 public:
  explicit SourceLog(std::string channel = "System", std::string computer = "host7.lab.example");

  /// Appends an event whose Data named MESSAGE is `message`.
  void write(std::string_view message);
  /// Appends `xml` as it is.
  void write_raw(std::string xml);

  struct Record {
    std::uint64_t id = 0;
    std::string xml;
  };
  /// The records behind `id`, oldest first, `limit` at most.
  std::vector<Record> behind(std::uint64_t id, std::size_t limit) const;
  std::uint64_t last() const;
  const std::string& channel() const { return channel_; }

  /// A BookmarkList that stands behind record `id`.
  std::string bookmark_at(std::uint64_t id) const;

 private:
  std::string channel_;
  std::string computer_;
  mutable std::mutex mutex_;
  std::vector<std::string> records_;
};

}  // namespace fakes
