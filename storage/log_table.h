// The logs as the writer sees them: their properties and counters in memory, and their tables of events.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/database.h"
#include "storage/event_row.h"
#include "storage/event_store.h"

namespace storage {

/// Log names are 1 to 255 bytes.
inline constexpr std::size_t kMaxLogName = 255;
inline constexpr std::uint64_t kMinLogSize = 1'048'576;

/// A row of `logs`, with the statements of the log's own table.
struct OpenLog {
  std::int64_t id = 0;
  bool enabled = true;
  bool retention = false;
  std::uint64_t max_size = 0;
  base::WallTime last_write;
  std::uint64_t size = 0;
  std::uint64_t records = 0;
  std::int64_t oldest_record = 0;
  std::int64_t next_record = 1;
  std::uint64_t overwritten = 0;
  bool changed = false;              ///< the counters differ from those on disk
  std::uint64_t removed_lately = 0;  ///< events gone since the last look at what describes them
  Statement insert;
};

/// One thread, inside of transactions.
class LogTable {
 public:
  static base::Result<std::unique_ptr<LogTable>> open(Database& database, std::uint64_t default_max_size);

  /// Null where there is no such log. Valid until forget().
  base::Result<OpenLog*> find(const std::string& name);
  /// Makes the log where there is none. Errors: std::errc::invalid_argument for a name that no log may have.
  base::Result<OpenLog*> find_or_make(const std::string& name, base::WallTime now);
  /// Errors: std::errc::invalid_argument for a name or a size that no log may have.
  base::Result<void> configure(const LogProperties& properties, base::WallTime now);
  base::Result<void> clear(OpenLog& log, base::WallTime now);

  /// Stores the event as the log's next record.
  base::Result<void> add(OpenLog& log, RowContext context, const events::Event& event);
  /// Removes the oldest events until the log is no larger than it may be, except the newest one.
  base::Result<void> trim(OpenLog& log);
  /// Writes the counters that have changed: to be called before the commit.
  base::Result<void> flush();
  base::Result<void> set_last_access(std::int64_t id, base::WallTime time);
  /// To be called when a transaction was rolled back.
  void forget() { logs_.clear(); }

 private:
  explicit LogTable(Database& database, std::uint64_t default_max_size)
      : database_(database), default_max_size_(default_max_size) {}
  base::Result<OpenLog*> load(const std::string& name);

  Database& database_;
  std::uint64_t default_max_size_;
  Statement find_, make_, configure_, flush_, accessed_;
  std::map<std::string, std::unique_ptr<OpenLog>> logs_;  // by the name in small letters
};

}  // namespace storage
