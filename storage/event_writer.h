// All changes to the catalogue, as they happen inside of a transaction of the writer thread.

#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/bookmark_table.h"
#include "storage/catalogue.h"
#include "storage/database.h"
#include "storage/dictionary.h"
#include "storage/duplicates.h"
#include "storage/event_store.h"
#include "storage/free_space.h"
#include "storage/held_events.h"
#include "storage/log_table.h"
#include "storage/template_index.h"

namespace storage {

/// What the sealer has put into a file.
struct SealedBlocks {
  std::int64_t log = 0;
  std::uint64_t first_record = 0;  ///< of the first block
  FileRow file;                    ///< as it is to be from now on; its last_record is that of the last block
};

/// What is to be done after a commit, outside of the writer's thread.
struct Aftermath {
  std::vector<std::int64_t> logs;  ///< whose tail or files should be looked at
  std::vector<std::int64_t> full;  ///< whose events should be moved into the archive
  std::vector<FileRow> gone;       ///< to be removed from the disk
  bool empty() const { return logs.empty() && full.empty() && gone.empty(); }
};

/// The one connection that writes. One thread.
///
/// begin(), any number of changes, commit(). A change that is refused (Errc::LogDisabled, NotFound, Full because of
/// retention or of a disk that is nearly full, std::errc::invalid_argument) leaves the transaction as it was; where failed()
/// says that the database itself has failed, nothing but rollback() is left.
class EventWriter {
 public:
  /// Opens the catalogue of a store that is ready to be written (see prepare_store()).
  static base::Result<std::unique_ptr<EventWriter>> open(StoreShared& shared, TemplateIndex& index,
                                                         BookmarkTable& bookmarks);

  base::Result<void> begin() { return database_->begin(); }
  base::Result<void> commit();
  void rollback();
  bool failed() const { return failed_ || database_->failed(); }
  /// Whether something since begin() has stored an event.
  bool has_stored() const { return stored_; }
  /// What the commits since the last call have left to do.
  Aftermath take_aftermath() { return std::exchange(aftermath_, {}); }
  /// Bytes of all tails.
  std::uint64_t tail_bytes() const { return logs_->tail_bytes(); }

  /// `batch` must live until the transaction has ended; `cut` is its cut, one for each event.
  base::Result<AppendResult> append(const DeliveredBatch& batch, const CutBatch& cut);
  base::Result<void> append_local(const LocalBatch& batch);
  base::Result<void> update_delivery(const DeliveryUpdate& update);
  base::Result<void> forget_subscription(const std::string& subscription);
  base::Result<void> forget_machines(const std::string& subscription, const std::vector<std::string>& machines,
                                     base::WallTime before);
  base::Result<void> set_log(const LogProperties& properties);
  base::Result<void> clear_log(const std::string& name, std::optional<std::uint64_t> newest);
  base::Result<void> set_last_access(const std::vector<std::pair<std::int64_t, base::WallTime>>& times);

  /// A number for a new file, never given before.
  base::Result<std::int64_t> reserve_file();
  /// False where the tail or the file is not what the sealer saw any more; nothing is changed then.
  base::Result<bool> move_into_file(const SealedBlocks& sealed);
  base::Result<bool> replace_parts(std::int64_t log, const EncodedBlock& block);
  base::Result<void> finish_file(std::int64_t log, std::int64_t file, std::uint64_t bytes);
  /// The files have been moved into the archive.
  base::Result<void> take_out(std::int64_t log, const std::vector<std::int64_t>& files);
  /// Lets go what is too old in every log, and has all logs looked at that have an unfinished file.
  base::Result<void> look_after_logs();

  /// Gives a part of the unused pages back to the file system, in a transaction of its own; false where there was nothing to
  /// do.
  base::Result<bool> shrink();

 private:
  /// The events of one log in the open transaction that are not encoded yet.
  struct Collected {
    BlockBuilder builder;
    std::uint64_t text_bytes = 0;  ///< of the whole transaction
  };
  /// The templates of a batch's shapes, as far as they have been needed.
  struct Shapes {
    std::vector<Template> templates;
    enum class State : std::uint8_t { Unknown, Known, Whole };
    std::vector<State> states;
  };

  EventWriter(StoreShared& shared, TemplateIndex& index, BookmarkTable& bookmarks);
  base::Result<OpenLog*> log_for_append(const std::string& name);
  base::Result<void> check_room(const OpenLog& log, std::uint64_t bytes);
  base::Result<void> find_template(const CutBatch::Shape& shape, std::uint32_t number, Shapes& shapes);
  /// Stores the event as the log's next record.
  base::Result<void> add(OpenLog& log, const events::Event& event, const CutBatch& cut, std::size_t place, Shapes& shapes,
                         BlockBuilder::Arrival arrival);
  Collected& collected(const OpenLog& log);
  base::Result<void> encode(OpenLog& log, Collected& events);
  base::Result<void> retain(OpenLog& log);
  base::Result<void> remove_file(OpenLog& log);
  /// Whether its tail is worth being sealed, or its small blocks being merged.
  bool is_due(const OpenLog& log) const;
  void end_transaction();
  void look_at(const OpenLog& log) { pending_.logs.push_back(log.id); }

  StoreShared& shared_;
  TemplateIndex& index_;
  BookmarkTable& bookmarks_;
  base::Clock& clock_;
  FreeSpace space_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<LogTable> logs_;
  std::unique_ptr<StoredEvents> held_;
  std::unique_ptr<Duplicates> duplicates_;
  Dictionary origins_, senders_;
  Statement set_position_, set_delivery_, forget_subscription_, forget_machine_, add_template_;
  bool stored_ = false;
  bool failed_ = false;
  bool may_shrink_ = false;  // many events may have gone at once

  // Of the open transaction.
  std::unordered_map<std::int64_t, std::unique_ptr<Collected>> collected_;  // by log
  std::vector<std::unique_ptr<Collected>> spare_;                           // kept for their buffers
  std::vector<std::pair<std::uint64_t, Template>> new_templates_;
  std::deque<events::Event> finished_;  // local events, whose texts blocks are made of
  Aftermath pending_;

  Cutter cutter_;
  Aftermath aftermath_;
};

}  // namespace storage
