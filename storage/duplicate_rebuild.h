// What duplicates are told by, made again from the events of a store.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "storage/block_check.h"
#include "storage/database.h"

namespace storage {

/// Takes the events of all logs, those of one log by rising records, and writes the tables `marks`, `runs` and `origins`.
class DuplicateRebuild {
 public:
  void add(const std::string& log, const std::string& machine, const CheckedEvent& event);
  /// Puts what was found into the catalogue, in the open transaction; `runs` has nothing else then, and `batches` nothing.
  /// Logs are known by their names there.
  base::Result<void> write(Database& catalogue);

 private:
  struct Run {
    bool hashed = false;
    std::int64_t low = 0, high = 0;
    std::uint64_t first_record = 0, last_record = 0;
  };
  struct Origin {
    std::int64_t highest_record_id = INT64_MIN;
    std::int64_t latest_time = INT64_MIN;
    std::vector<Run> runs;
    bool is_open = false;  ///< the last run may go on
  };
  using Key = std::tuple<std::string, std::string, std::string, std::string>;  // log, machine, computer, channel

  std::map<Key, Origin> origins_;
};

}  // namespace storage
