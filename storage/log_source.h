// Where a reader finds logs and their blocks: in a store's catalogue, or in one file.

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/block.h"
#include "storage/catalogue.h"
#include "storage/event_store.h"
#include "storage/key_cache.h"
#include "storage/segment_pool.h"
#include "storage/summary_cache.h"

namespace storage {

/// A row of `logs` as a reader sees it.
struct LogRow {
  std::int64_t id = 0;
  std::uint64_t next_record = 1;
  Log log;
};

/// A block of the tail.
struct TailBlock {
  std::uint64_t first_record = 0;
  std::uint64_t last_record = 0;
  std::shared_ptr<const BlockSummary> summary;  ///< null where it cannot be read
};

/// Where records of a log lie, in rising order; the tail lies behind the files.
struct LogPlaces {
  std::vector<FileRow> files;
  std::vector<TailBlock> tail;
  bool complete = true;  ///< false where there is more behind these, in reading direction
};

/// One thread at a time.
class LogSource {
 public:
  virtual ~LogSource() = default;

  /// What is asked in between is one state. Need not be used.
  virtual base::Result<void> begin() = 0;
  virtual void end() = 0;

  virtual base::Result<std::vector<LogRow>> logs() = 0;  ///< by name
  virtual base::Result<std::optional<LogRow>> find_log(const std::string& name) = 0;
  /// Where the records from `first` to `last` lie. A part of it only, beginning at the `direction`'s beginning, where they
  /// are very many.
  virtual base::Result<LogPlaces> places(std::int64_t log, std::uint64_t first, std::uint64_t last, Direction direction) = 0;
  /// Of a block of the tail; nothing where it has been sealed or merged with others meanwhile, or has gone.
  virtual base::Result<std::optional<std::vector<std::string>>> tail_frames(std::int64_t log, const BlockSummary& block) = 0;
  virtual base::Result<std::optional<std::vector<ValueKey>>> tail_keys(std::int64_t log, const BlockSummary& block) = 0;
  /// Errors: Errc::Corrupt where there is none.
  virtual base::Result<const Sender*> sender(std::uint32_t id) = 0;

  virtual base::Result<std::shared_ptr<const FileSummaries>> summaries(const FileRow& file) = 0;
  virtual base::Result<SegmentPool::Lease> open(const FileRow& file) = 0;
  virtual std::string file_name(const FileRow& file) const = 0;
  virtual const TemplateSource& templates() const = 0;
  virtual KeyCache& keys() = 0;
  /// False where it was called for the same record before: what is damaged is said once.
  virtual bool is_news(std::int64_t log, std::uint64_t unreadable_record) = 0;
};

/// Records that people have been told of. Thread-safe.
class ToldRecords {
 public:
  bool add(std::int64_t log, std::uint64_t record) {
    constexpr std::size_t kMost = 10'000;
    std::lock_guard lock(mutex_);
    return records_.size() < kMost && records_.emplace(log, record).second;
  }

 private:
  std::mutex mutex_;
  std::set<std::pair<std::int64_t, std::uint64_t>> records_;
};

/// What all readers of a store share.
struct ReaderShared {
  explicit ReaderShared(StoreShared& of) : store(of), files(of.options.read_only) {}
  StoreShared& store;
  SummaryCache summaries;
  SegmentPool files;
  KeyCache keys;
  ToldRecords told;
};

/// A connection to the catalogue that only reads; also what it tells of deliveries. One thread at a time; blocks.
class CatalogueReader final : public LogSource {
 public:
  /// The catalogue must exist. `shared` outlives the reader.
  static base::Result<std::unique_ptr<CatalogueReader>> open(ReaderShared& shared);

  base::Result<void> begin() override { return database_->begin_read(); }
  void end() override { database_->rollback(); }
  base::Result<std::vector<LogRow>> logs() override;
  base::Result<std::optional<LogRow>> find_log(const std::string& name) override;
  base::Result<LogPlaces> places(std::int64_t log, std::uint64_t first, std::uint64_t last, Direction direction) override;
  base::Result<std::optional<std::vector<std::string>>> tail_frames(std::int64_t log, const BlockSummary& block) override;
  base::Result<std::optional<std::vector<ValueKey>>> tail_keys(std::int64_t log, const BlockSummary& block) override;
  base::Result<const Sender*> sender(std::uint32_t id) override;
  base::Result<std::shared_ptr<const FileSummaries>> summaries(const FileRow& file) override;
  base::Result<SegmentPool::Lease> open(const FileRow& file) override;
  std::string file_name(const FileRow& file) const override { return shared_.store.file(file).string(); }
  const TemplateSource& templates() const override { return shared_.store.templates; }
  KeyCache& keys() override { return shared_.keys; }
  bool is_news(std::int64_t log, std::uint64_t record) override { return shared_.told.add(log, record); }

  base::Result<std::optional<std::string>> find_position(const std::string& source);
  /// Those of both, where they are given; sorted by subscription and machine.
  base::Result<std::vector<DeliveryState>> delivery_states(const std::optional<std::string>& subscription,
                                                           const std::optional<std::string>& machine);

 private:
  explicit CatalogueReader(ReaderShared& shared) : shared_(shared) {}
  LogRow row_of(const Statement& row) const;

  ReaderShared& shared_;
  std::unique_ptr<Database> database_;
  Statement find_log_, find_sender_, files_, tail_up_, tail_down_, frames_, keys_;
  // Rows of a dictionary never change.
  std::unordered_map<std::uint32_t, Sender> senders_;
};

}  // namespace storage
