// The service's event store, as the resources of event logs see it.

#pragma once

#include "engine/resources/event_logs.h"
#include "storage/event_store.h"

namespace service {

/// Thread-safe, as the store is.
class StorageEventLogs final : public resources::EventLogs {
 public:
  /// `store` outlives it.
  explicit StorageEventLogs(storage::EventStore& store) : store_(store) {}

  base::AsyncResult<resources::LogRecords> read(resources::LogRead read) override;
  base::AsyncResult<std::vector<resources::LogDescription>> logs() override;
  base::AsyncResult<std::optional<resources::LogDescription>> find_log(std::string name) override;
  base::AsyncResult<void> set_log(resources::LogDescription log) override;

 private:
  storage::EventStore& store_;
};

}  // namespace service
