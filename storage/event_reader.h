// All questions to events.db, on connections that only read.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/database.h"
#include "storage/event_store.h"
#include "storage/log_source.h"

namespace storage {

/// One connection; one thread at a time. Each call sees the state of one moment. Blocks.
class EventReader {
 public:
  /// The file must exist.
  static base::Result<std::unique_ptr<EventReader>> open(const std::filesystem::path& file,
                                                         const EventStoreOptions& options);

  /// `touched`, where it is not null, gets the ids of the logs that were looked into.
  base::Result<ReadResult> read(const ReadRequest& request, std::vector<std::int64_t>* touched);
  base::Result<std::vector<LogRow>> logs();
  base::Result<std::optional<LogRow>> find_log(const std::string& name);
  base::Result<std::optional<std::string>> find_position(const std::string& source);
  /// Those of both, where they are given; sorted by subscription and machine.
  base::Result<std::vector<DeliveryState>> delivery_states(const std::optional<std::string>& subscription,
                                                           const std::optional<std::string>& machine);

 private:
  class Cursor;
  using Texts = std::vector<std::string>;

  EventReader() = default;
  base::Result<ReadResult> read_all(const ReadRequest& request, std::vector<std::int64_t>* touched);
  base::Result<std::vector<Cursor>> open_cursors(const ReadRequest& request);
  base::Result<StoredEvent> complete(const Cursor& cursor);
  base::Result<const Texts*> texts_of(std::unordered_map<std::int64_t, Texts>& cache, Statement& find, std::int64_t id);
  LogRow row_of(const Statement& row) const;

  base::Clock* clock_ = nullptr;
  std::uint64_t default_max_size_ = 0;
  std::unique_ptr<Database> database_;
  Statement find_log_, find_publisher_, find_origin_, find_sender_;
  // Rows of the dictionaries never change.
  std::unordered_map<std::int64_t, Texts> publishers_, origins_, senders_;
};

}  // namespace storage
