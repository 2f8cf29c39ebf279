// All changes to events.db, as they happen inside of a transaction of the writer thread.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/database.h"
#include "storage/dictionary.h"
#include "storage/duplicates.h"
#include "storage/event_store.h"
#include "storage/log_table.h"

namespace storage {

/// The one connection that writes. One thread.
///
/// begin(), any number of changes, commit(). A change that is refused (Errc::LogDisabled, NotFound, Full because of
/// retention, std::errc::invalid_argument) leaves the transaction as it was; where failed() says that the database itself
/// has failed, nothing but rollback() is left.
class EventWriter {
 public:
  /// Makes or migrates the file. Errors: those of migrate().
  static base::Result<std::unique_ptr<EventWriter>> open(const std::filesystem::path& file,
                                                         const EventStoreOptions& options);

  base::Result<void> begin() { return database_->begin(); }
  base::Result<void> commit();
  void rollback();
  bool failed() const { return database_->failed(); }
  /// Whether something since begin() has stored an event.
  bool has_stored() const { return stored_; }

  base::Result<AppendResult> append(const DeliveredBatch& batch);
  base::Result<void> append_local(const LocalBatch& batch);
  base::Result<void> update_delivery(const DeliveryUpdate& update);
  base::Result<void> forget_subscription(const std::string& subscription);
  base::Result<void> set_log(const LogProperties& properties);
  base::Result<void> clear_log(const std::string& name, std::optional<std::uint64_t> newest);
  base::Result<void> set_last_access(const std::vector<std::pair<std::int64_t, base::WallTime>>& times);

  /// Gives a part of the unused pages back to the file system, in a transaction of its own; false where there was nothing to
  /// do.
  base::Result<bool> shrink();

 private:
  EventWriter() = default;
  base::Result<OpenLog*> log_for_append(const std::string& name);
  base::Result<void> check_room(const OpenLog& log, const std::string& name, std::uint64_t bytes) const;
  base::Result<RowContext> context_of(const events::Event& event, const std::string& machine);

  base::Clock* clock_ = nullptr;
  std::unique_ptr<Database> database_;
  std::unique_ptr<LogTable> logs_;
  std::unique_ptr<Duplicates> duplicates_;
  Dictionary publishers_, origins_, senders_;
  Statement set_position_, set_delivery_, forget_subscription_;
  bool stored_ = false;
  bool may_shrink_ = false;  // many events may have gone at once
};

}  // namespace storage
