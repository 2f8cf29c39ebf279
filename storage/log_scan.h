// The blocks of one log, one after the other, without those that a search can do without.

#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "storage/log_source.h"
#include "storage/search_plan.h"

namespace storage {

/// Set when nobody waits for the answer any more.
using CancelFlag = std::shared_ptr<const std::atomic<bool>>;

/// A block, and what it needs to be read. One thread.
class OpenBlock {
 public:
  OpenBlock() = default;
  OpenBlock(OpenBlock&&) = default;
  OpenBlock& operator=(OpenBlock&& other) noexcept {
    block_ = std::move(other.block_);
    templates_ = std::move(other.templates_);
    file_ = std::move(other.file_);
    return *this;
  }
  Block& operator*() const { return *block_; }
  Block* operator->() const { return block_.get(); }

 private:
  friend class LogScan;
  // What is above is used by what is below.
  SegmentPool::Lease file_;
  std::unique_ptr<TemplateSource> templates_;
  std::unique_ptr<Block> block_;
};

/// One thread. Sees the log as it was when the scan began, apart from what is removed meanwhile.
class LogScan {
 public:
  /// `source` and `plan` outlive the scan. The scan begins behind `after`, or at the log's end or beginning.
  LogScan(LogSource& source, SearchPlan& plan, LogRow log, Direction direction, std::optional<std::uint64_t> after,
          CancelFlag cancelled);

  /// Finds out where the blocks are. Errors: those of LogSource.
  base::Result<void> begin();
  /// Goes on to the next block that summaries do not rule out; false at the end. The position is then behind all that has
  /// been passed. Errors: std::errc::operation_canceled; those of LogSource but Errc::Corrupt: what is unreadable is passed.
  base::Result<bool> next();

  /// The current block.
  const BlockSummary& summary() const { return *current_; }
  TimeSpan times() const { return {current_->min_time, current_->max_time}; }
  /// What the plan has to say of a template of the current block, also with the help of the value index.
  events::Truth decide(std::uint32_t template_id, TimeSpan times);
  const SearchPlan::Shape& shape(std::uint32_t template_id);
  /// Whether anything in the current block may be selected.
  bool may_select();
  /// Opens the current block. Nothing where it has been moved away just now: next() leads to it again. Errors: those of
  /// Block::open().
  base::Result<std::optional<OpenBlock>> open();
  /// After an error from the current block: counts it as unreadable, says so in the log, and goes on with the next one.
  /// Hands back errors that are not the block's own.
  base::Result<void> give_up(const base::Error& error);

  /// Whether a record is in front of the position, and was there when the scan began.
  bool in_view(std::uint64_t record) const;
  /// Whether all of the current block is.
  bool all_in_view() const;
  /// The last record that has been left behind, or where the scan began.
  std::uint64_t position() const { return position_; }
  /// Leaves a record of the current block behind, with all that lie before it.
  void leave(std::uint64_t record);
  /// Back to an earlier position, when the scan is over.
  void set_position(std::uint64_t record);

  const LogRow& log() const { return log_; }
  std::uint64_t passed() const { return passed_; }          ///< events in blocks left behind
  std::uint64_t unreadable() const { return unreadable_; }  ///< events among them that could not be read
  /// First and last of records between where the scan began and its position that were not there any more, or could not be
  /// read; rising. Of scans forward from a record.
  const std::vector<std::pair<std::uint64_t, std::uint64_t>>& gaps() const { return gaps_; }

 private:
  struct OpenFile {
    FileRow row;
    std::shared_ptr<const FileSummaries> summaries;
    std::size_t next = 0;  ///< how many blocks of `summaries` have been dealt with, from the scan's own end
    std::vector<std::optional<std::vector<std::uint64_t>>> found;  ///< by slot: first records, rising
    std::optional<std::uint64_t> indexed_through;
    bool index_failed = false;
  };
  class Templates;

  bool forward() const { return direction_ == Direction::OldestFirst; }
  base::Result<void> locate();
  bool ruled_out(const BlockSummary& block);
  void pass(std::uint64_t first_record, std::uint64_t last_record);
  void miss(std::uint64_t first_record, std::uint64_t last_record);
  void pass_unreadable(std::uint64_t first_record, std::uint64_t last_record, const std::string& what);
  base::Result<void> enter(FileRow row);
  std::shared_ptr<const BlockSummary> next_of_file();
  bool may_hold(std::uint32_t slot);
  bool file_may_hold(OpenFile& file, std::uint32_t slot);
  bool block_may_hold(std::uint32_t slot);

  LogSource& source_;
  SearchPlan& plan_;
  LogRow log_;
  Direction direction_;
  CancelFlag cancelled_;
  std::uint64_t position_ = 0;
  std::uint64_t newest_ = 0;
  std::uint64_t passed_ = 0;
  std::uint64_t unreadable_ = 0;
  bool tells_gaps_ = false;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps_;

  std::deque<std::variant<FileRow, TailBlock>> places_;
  bool places_complete_ = false;
  std::int64_t missing_file_ = 0;
  std::optional<OpenFile> file_;
  std::shared_ptr<const BlockSummary> current_;
  bool in_tail_ = false;
  // The keys of the current block, where no index covers it.
  bool keys_read_ = false;
  KeyCache::Keys keys_;
};

}  // namespace storage
