// The service's event store, as the resources of event logs see it.

#pragma once

#include "engine/resources/event_logs.h"
#include "storage/event_store.h"
#include "subscriptions/loss_ledger.h"

namespace service {

/// Thread-safe, as the store is.
class StorageEventLogs final : public resources::EventLogs {
 public:
  /// `store` outlives it, and `losses` where it is not null. `computer` is this host's name, for events about what is done
  /// to the logs.
  explicit StorageEventLogs(storage::EventStore& store, std::string computer = "localhost",
                            const subscriptions::LossLedger* losses = nullptr)
      : store_(store), computer_(std::move(computer)), losses_(losses) {}

  base::AsyncResult<resources::LogRecords> read(resources::LogRead read) override;
  std::uint64_t generation() const override;
  base::Task<void> wait_past(std::uint64_t seen, base::SteadyTime until) override;
  base::AsyncResult<std::vector<resources::LogDescription>> logs() override;
  base::AsyncResult<std::optional<resources::LogDescription>> find_log(std::string name) override;
  base::AsyncResult<void> set_log(resources::LogDescription log) override;
  base::AsyncResult<resources::LogCounts> count(resources::LogCountRequest request) override;
  base::AsyncResult<resources::LogImported> import(resources::LogImport import) override;
  base::AsyncResult<std::uint64_t> clear(resources::LogClear clear) override;
  base::AsyncResult<std::uint64_t> cleared_record(std::string name) override;
  base::AsyncResult<void> backup(std::string directory) override;

 private:
  resources::LogDescription described(storage::Log log) const;

  storage::EventStore& store_;
  std::string computer_;
  const subscriptions::LossLedger* losses_;
};

}  // namespace service
