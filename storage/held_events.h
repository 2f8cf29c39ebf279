// Looking into the blocks of a log for events that come a second time.

#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/catalogue.h"
#include "storage/duplicates.h"
#include "storage/segment_file.h"

namespace storage {

/// Reads through the writer's own connection, so that it sees what the open transaction has put into the tail. One thread.
class StoredEvents final : public HeldEvents {
 public:
  /// Both must outlive it.
  static base::Result<std::unique_ptr<StoredEvents>> open(Database& catalogue, const StoreShared& shared);

  base::Result<void> keys(const OpenLog& log, std::int64_t origin, std::uint64_t first, std::uint64_t last,
                          std::vector<EventKey>& into) override;
  base::Result<bool> has_text(const OpenLog& log, std::uint64_t record, std::string_view text) override;

  /// An event of the open transaction, which no block holds yet: its text must live until end(). Without a key it only
  /// takes its place: records follow each other.
  void add_pending(const OpenLog& log, std::uint64_t record, const EventKey* key, std::string_view text);
  /// The transaction has ended; `rolled_back` where what it has stored is gone.
  void end(bool rolled_back);
  /// The file goes from the disk.
  void let_go(std::int64_t file);

 private:
  struct Pending {
    bool keyed = false;
    EventKey key;
    std::string_view text;
  };
  struct PendingLog {
    std::uint64_t first_record = 0;
    std::vector<Pending> events;
  };
  struct OpenFile {
    std::int64_t id = 0;
    bool finished = false;
    std::unique_ptr<SegmentReader> reader;
  };
  struct Origin {
    std::string machine, computer, channel;
  };

  StoredEvents(Database& catalogue, const StoreShared& shared) : catalogue_(catalogue), shared_(shared) {}
  const Pending* pending(const OpenLog& log, std::uint64_t record) const;
  /// The block that holds the first record at or behind `record`; null where none does.
  base::Result<Block*> block_at(const OpenLog& log, std::uint64_t record);
  base::Result<Block*> open_in_file(const FileRow& file, std::uint64_t record);
  base::Result<Block*> open_in_tail(const TailPart& part);
  base::Result<SegmentReader*> reader_of(const FileRow& file);
  base::Result<void> look_for_keys(const OpenLog& log, std::int64_t origin, std::uint64_t first, std::uint64_t last,
                                   std::vector<EventKey>& into);
  base::Result<void> pass_over_damage(base::Result<void> looked);
  base::Result<void> keys_of_block(Block& block, std::int64_t origin, std::uint64_t first, std::uint64_t last,
                                   std::vector<EventKey>& into);
  base::Result<Origin> origin_texts(std::int64_t origin);
  base::Result<bool> is_from(std::uint32_t sender, const std::string& machine);

  Database& catalogue_;
  const StoreShared& shared_;
  Statement find_origin_, find_sender_, find_tail_;
  std::unordered_map<std::int64_t, PendingLog> pending_;     // by log
  std::list<OpenFile> files_;                                // the one used last comes first
  std::unordered_map<std::uint32_t, std::string> machines_;  // by sender

  bool said_ = false;  // that a file cannot be read

  // The block used last.
  std::int64_t block_log_ = 0;
  std::uint64_t block_first_ = 0, block_last_ = 0;
  std::vector<std::string> frames_;
  std::unique_ptr<Block> block_;
};

}  // namespace storage
