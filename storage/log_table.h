// The logs as the writer sees them: their properties and counters, and what holds their events.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/catalogue.h"
#include "storage/database.h"
#include "storage/event_store.h"

namespace storage {

/// Log names are 1 to 255 bytes.
inline constexpr std::size_t kMaxLogName = 255;
inline constexpr std::uint64_t kMinLogSize = 1'048'576;

/// What the writer remembers of a row of `tail`.
struct TailPart {
  std::int64_t id = 0;
  std::uint64_t first_record = 0;
  std::uint64_t events = 0;
  std::uint64_t text_bytes = 0;
  std::uint64_t bytes = 0;
  std::int64_t max_received = 0;

  std::uint64_t last_record() const { return first_record + events - 1; }
};

/// A row of `logs`, with its files and its tail.
struct OpenLog {
  std::int64_t id = 0;
  std::string name;
  bool enabled = true;
  bool retention = false;
  bool auto_backup = false;
  std::uint64_t max_size = 0;
  std::chrono::seconds max_age{0};
  std::uint64_t max_records = 0;
  base::WallTime last_write;
  std::uint64_t text_bytes = 0;
  std::uint64_t records = 0;
  std::int64_t next_record = 1;
  std::uint64_t overwritten = 0;
  bool changed = false;              ///< the counters differ from those on disk
  std::uint64_t removed_lately = 0;  ///< events gone since the last look at what describes them

  std::deque<FileRow> files;  ///< by record
  std::deque<TailPart> tail;  ///< by record, all behind the files
  std::uint64_t file_bytes = 0;
  std::uint64_t tail_bytes = 0;
  std::uint64_t tail_events = 0;
  std::size_t small_parts = 0;  ///< of the tail, with fewer than kSmallBlock events

  std::uint64_t size() const { return file_bytes + tail_bytes; }
  /// The first record that is held in a file or the tail; next_record where there is none.
  std::uint64_t oldest_record() const;
};

/// Blocks with fewer events are worth being merged, once a tail has so many of them.
inline constexpr std::uint64_t kSmallBlock = 512;
inline constexpr std::size_t kSmallParts = 32;

/// One thread, inside of transactions.
class LogTable {
 public:
  static base::Result<std::unique_ptr<LogTable>> open(Database& database, std::uint64_t default_max_size);

  /// Null where there is no such log. Valid until forget().
  base::Result<OpenLog*> find(const std::string& name);
  base::Result<OpenLog*> find(std::int64_t id);
  /// Makes the log where there is none. Errors: std::errc::invalid_argument for a name that no log may have.
  base::Result<OpenLog*> find_or_make(const std::string& name, base::WallTime now);
  /// Errors: std::errc::invalid_argument for a name or a size that no log may have.
  base::Result<OpenLog*> configure(const LogProperties& properties, base::WallTime now);
  /// All logs there are.
  base::Result<std::vector<OpenLog*>> all();

  /// Adds a block behind the log's last one.
  base::Result<void> add_block(OpenLog& log, const EncodedBlock& block);
  /// Puts `block` in the place of the parts that have its records. False, without a change, where the tail is not made of
  /// such parts any more.
  base::Result<bool> replace_parts(OpenLog& log, const EncodedBlock& block);
  /// The tail's blocks up to `file.last_record` lie in `file` now, which is new or goes on. False, without a change, where
  /// the tail does not begin with them any more, or the file has gone.
  base::Result<bool> move_into_file(OpenLog& log, const FileRow& file, std::uint64_t first_record);
  /// The file is written no more.
  base::Result<void> finish_file(OpenLog& log, std::int64_t file, std::uint64_t bytes);

  /// Takes the oldest file, or the oldest block of the tail, out of the log; the file itself stays.
  base::Result<void> remove_oldest_file(OpenLog& log);
  base::Result<void> remove_oldest_part(OpenLog& log);
  base::Result<void> remove_tail(OpenLog& log);

  /// Writes the counters that have changed: to be called before the commit.
  base::Result<void> flush();
  base::Result<void> set_last_access(std::int64_t id, base::WallTime time);
  /// To be called when a transaction was rolled back.
  void forget();

  /// Of all logs.
  std::uint64_t tail_bytes() const { return tail_bytes_; }

 private:
  explicit LogTable(Database& database, std::uint64_t default_max_size)
      : database_(database), default_max_size_(default_max_size) {}
  base::Result<OpenLog*> load(const Statement& row);
  base::Result<void> insert_block(OpenLog& log, const EncodedBlock& block, TailPart& part);
  void drop_part(OpenLog& log, const TailPart& part);
  void count_part(OpenLog& log, const TailPart& part);

  Database& database_;
  std::uint64_t default_max_size_;
  Statement find_, find_id_, make_, configure_, flush_, accessed_, add_part_, remove_parts_, finish_file_, remove_file_;
  std::map<std::string, std::unique_ptr<OpenLog>> logs_;  // by the name in small letters
  std::map<std::int64_t, OpenLog*> by_id_;
  bool all_loaded_ = false;
  std::uint64_t tail_bytes_ = 0;  // of those that are loaded
};

}  // namespace storage
