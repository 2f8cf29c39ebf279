// A model of a disk: what was written, in which order, and what a loss of power would have left of it.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace storage_test {

/// A change of a folder, as a file system sees it. Names are relative to the folder.
struct DiskChange {
  enum class Kind {
    Write,
    Truncate,
    SyncFile,
    Appear,  ///< a file that somebody else has made; it and `data`, its content, are durable
    Create,
    Remove,
    Rename,
    SyncNames,  ///< what was created, removed and renamed before is durable
  };
  Kind kind{};
  std::string name;
  std::string to;            ///< Rename
  std::uint64_t offset = 0;  ///< Write; the size for Truncate
  std::string data;          ///< Write, Appear
};

/// Goes through recorded changes, forwards only, and says what would be left at each point. What was not synced is dropped
/// entirely; with a seed, some of it has reached the disk: any sectors of any writes, and the first of the changes of names.
class DiskReplay {
 public:
  explicit DiskReplay(const std::vector<DiskChange>& changes) : changes_(changes) {}

  std::size_t at() const { return at_; }
  /// Applies changes until `point` of them are.
  void go_to(std::size_t point);
  /// Writes what is left into `folder`, which is made.
  void write_to(const std::filesystem::path& folder, std::optional<unsigned> seed) const;

 private:
  struct File {
    std::string durable;
    std::string current;
    std::vector<const DiskChange*> unsynced;  ///< writes and truncations since
  };
  using Names = std::map<std::string, std::shared_ptr<File>>;

  void apply(const DiskChange& change);

  const std::vector<DiskChange>& changes_;
  std::size_t at_ = 0;
  Names current_;
  Names durable_;
  std::vector<std::pair<const DiskChange*, std::shared_ptr<File>>> pending_;  ///< changes of names that are not durable
};

}  // namespace storage_test
