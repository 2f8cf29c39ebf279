#include "engine/service/event_logs.h"

#include "engine/base/win32.h"

namespace service {
namespace {

/// The codes that a client may know what to do with; the rest stays as it is.
base::Error translated(base::Error error) {
  if (error.code == storage::Errc::NotFound) error.code = base::Win32::EvtChannelNotFound;
  if (error.code == storage::Errc::Full) error.code = base::Win32::DiskFull;
  return error;
}

resources::LogDescription describe(storage::Log log) {
  resources::LogDescription description;
  description.name = std::move(log.properties.name);
  description.enabled = log.properties.enabled;
  description.type = std::move(log.properties.type);
  description.owning_publisher = std::move(log.properties.owning_publisher);
  description.retention = log.properties.retention;
  description.auto_backup = log.properties.auto_backup;
  description.max_size = log.properties.max_size;
  description.created = log.status.created;
  description.last_access = log.status.last_access;
  description.last_write = log.status.last_write;
  description.size = log.status.size;
  description.records = log.status.records;
  description.oldest_record = log.status.oldest_record;
  description.newest_record = log.status.newest_record;
  description.overwritten = log.status.overwritten;
  return description;
}

}  // namespace

base::AsyncResult<resources::LogRecords> StorageEventLogs::read(resources::LogRead read) {
  storage::ReadRequest request;
  request.query = std::move(read.query);
  request.direction = read.newest_first ? storage::Direction::NewestFirst : storage::Direction::OldestFirst;
  request.after = std::move(read.after);
  request.budget = read.budget;
  auto found = co_await store_.read(std::move(request));
  if (!found.ok()) co_return translated(std::move(found).error());
  resources::LogRecords records;
  records.records.reserve(found->events.size());
  for (storage::StoredEvent& stored : found->events) {
    resources::LogRecord record;
    record.log = std::move(stored.log);
    record.record = stored.record;
    record.received = stored.received;
    record.machine = std::move(stored.machine);
    record.event = std::move(stored.event);
    records.records.push_back(std::move(record));
  }
  records.position = std::move(found->position);
  records.at_end = found->at_end;
  co_return records;
}

base::AsyncResult<std::vector<resources::LogDescription>> StorageEventLogs::logs() {
  auto logs = co_await store_.logs();
  if (!logs.ok()) co_return translated(std::move(logs).error());
  std::vector<resources::LogDescription> descriptions;
  for (storage::Log& log : *logs) descriptions.push_back(describe(std::move(log)));
  co_return descriptions;
}

base::AsyncResult<std::optional<resources::LogDescription>> StorageEventLogs::find_log(std::string name) {
  auto log = co_await store_.find_log(std::move(name));
  if (!log.ok()) co_return translated(std::move(log).error());
  std::optional<resources::LogDescription> description;
  if (*log) description = describe(std::move(**log));
  co_return description;
}

base::AsyncResult<void> StorageEventLogs::set_log(resources::LogDescription log) {
  storage::LogProperties properties;
  properties.name = std::move(log.name);
  properties.enabled = log.enabled;
  properties.retention = log.retention;
  properties.auto_backup = log.auto_backup;
  properties.max_size = log.max_size;
  properties.type = std::move(log.type);
  properties.owning_publisher = std::move(log.owning_publisher);
  auto changed = co_await store_.set_log(std::move(properties));
  if (!changed.ok()) co_return translated(std::move(changed).error());
  co_return base::Result<void>{};
}

}  // namespace service
