#include "engine/service/event_logs.h"

#include <filesystem>
#include <map>

#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/service/operational_log.h"

namespace service {
namespace {

/// The codes that a client may know what to do with; the rest stays as it is.
base::Error translated(base::Error error) {
  if (error.code == storage::Errc::NotFound) error.code = base::Win32::EvtChannelNotFound;
  if (error.code == storage::Errc::Full) error.code = base::Win32::DiskFull;
  if (error.code == storage::Errc::LogDisabled) error.code = base::Win32::EcLogDisabled;
  if (error.code == storage::Errc::ReadOnly) error.code = base::Win32::AccessDenied;
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
  description.max_age = log.properties.max_age;
  description.max_records = log.properties.max_records;
  description.isolation = std::move(log.properties.isolation);
  description.channel_access = std::move(log.properties.channel_access);
  description.created = log.status.created;
  description.last_access = log.status.last_access;
  description.last_write = log.status.last_write;
  description.size = log.status.size;
  description.text_bytes = log.status.text_bytes;
  description.records = log.status.records;
  description.oldest_record = log.status.oldest_record;
  description.newest_record = log.status.newest_record;
  description.overwritten = log.status.overwritten;
  return description;
}

/// Where events go that name no channel.
constexpr std::string_view kDefaultLog = "ForwardedEvents";
/// The machine that imported events are said to have come from: who imports is no source, and whoever does it again must
/// find that the events are there.
constexpr std::string_view kImported = "import";
/// How often clear() looks again at a log that grows.
constexpr int kClearRounds = 20;

static_assert(static_cast<int>(resources::CountKey::Machine) == static_cast<int>(storage::CountBy::Machine));

}  // namespace

base::AsyncResult<resources::LogRecords> StorageEventLogs::read(resources::LogRead read) {
  storage::ReadRequest request;
  request.query = std::move(read.query);
  request.direction = read.newest_first ? storage::Direction::NewestFirst : storage::Direction::OldestFirst;
  request.after = std::move(read.after);
  request.text = std::move(read.text);
  request.ignore_missing_logs = read.ignore_missing_logs;
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
  for (storage::RecordGap& gap : found->gaps) records.gaps.push_back({std::move(gap.log), gap.first, gap.last});
  co_return records;
}

resources::LogDescription StorageEventLogs::described(storage::Log log) const {
  resources::LogDescription description = describe(std::move(log));
  if (losses_ != nullptr) description.lost = losses_->events_of_log(description.name);
  return description;
}

std::uint64_t StorageEventLogs::generation() const {
  return store_.generation();
}

base::Task<void> StorageEventLogs::wait_past(std::uint64_t seen, base::SteadyTime until) {
  co_await store_.wait_past(seen, until);
}

base::AsyncResult<std::vector<resources::LogDescription>> StorageEventLogs::logs() {
  auto logs = co_await store_.logs();
  if (!logs.ok()) co_return translated(std::move(logs).error());
  std::vector<resources::LogDescription> descriptions;
  for (storage::Log& log : *logs) descriptions.push_back(described(std::move(log)));
  co_return descriptions;
}

base::AsyncResult<std::optional<resources::LogDescription>> StorageEventLogs::find_log(std::string name) {
  auto log = co_await store_.find_log(std::move(name));
  if (!log.ok()) co_return translated(std::move(log).error());
  std::optional<resources::LogDescription> description;
  if (*log) description = described(std::move(**log));
  co_return description;
}

base::AsyncResult<void> StorageEventLogs::set_log(resources::LogDescription log) {
  storage::LogProperties properties;
  properties.name = std::move(log.name);
  properties.enabled = log.enabled;
  properties.retention = log.retention;
  properties.auto_backup = log.auto_backup;
  properties.max_size = log.max_size;
  properties.max_age = log.max_age;
  properties.max_records = log.max_records;
  properties.isolation = std::move(log.isolation);
  properties.channel_access = std::move(log.channel_access);
  properties.type = std::move(log.type);
  properties.owning_publisher = std::move(log.owning_publisher);
  auto changed = co_await store_.set_log(std::move(properties));
  if (!changed.ok()) co_return translated(std::move(changed).error());
  co_return base::Result<void>{};
}

base::AsyncResult<resources::LogCounts> StorageEventLogs::count(resources::LogCountRequest request) {
  storage::CountRequest wanted;
  wanted.query = std::move(request.query);
  wanted.text = std::move(request.text);
  for (const resources::CountKey key : request.by) wanted.by.push_back(static_cast<storage::CountBy>(key));
  wanted.bucket = request.bucket;
  wanted.until = request.until;
  auto counted = co_await store_.count(std::move(wanted));
  if (!counted.ok()) co_return translated(std::move(counted).error());
  resources::LogCounts counts;
  counts.events = counted->events;
  counts.complete = counted->complete;
  counts.groups.reserve(counted->counts.size());
  for (storage::Count& count : counted->counts) {
    resources::LogCounts::Group group;
    group.bucket = count.bucket;
    group.keys = std::move(count.keys);
    group.events = count.events;
    counts.groups.push_back(std::move(group));
  }
  co_return counts;
}

base::AsyncResult<resources::LogImported> StorageEventLogs::import(resources::LogImport import) {
  std::map<std::string, std::vector<events::Event>> by_log;
  for (events::Event& event : import.events) {
    std::string log = import.log;
    if (log.empty()) log = event.system.channel.empty() ? std::string(kDefaultLog) : event.system.channel;
    by_log[std::move(log)].push_back(std::move(event));
  }
  resources::LogImported done;
  for (auto& [log, events] : by_log) {
    storage::DeliveredBatch batch;
    batch.log = log;
    batch.subscription = kImported;
    batch.machine = kImported;
    batch.received = base::system_clock().wall();
    batch.events = std::move(events);
    auto appended = co_await store_.append(std::move(batch));
    if (!appended.ok()) co_return translated(std::move(appended).error());
    done.stored += appended->stored;
    done.duplicates += appended->duplicates;
  }
  co_return done;
}

base::AsyncResult<std::uint64_t> StorageEventLogs::clear(resources::LogClear clear) {
  std::uint64_t removed = 0;
  std::string name;
  for (int round = 0;; ++round) {
    auto log = co_await store_.find_log(clear.log);
    if (!log.ok()) co_return translated(std::move(log).error());
    if (!*log) co_return base::make_error(base::Win32::EvtChannelNotFound, "There is no log " + clear.log + ".");
    removed = (*log)->status.records;
    name = (*log)->properties.name;
    // What is counted is what goes, unless the log never stands still.
    std::optional<std::uint64_t> newest = clear.newest;
    if (!newest && round < kClearRounds) newest = (*log)->status.newest_record;
    auto cleared = co_await store_.clear_log(name, newest);
    if (cleared.ok()) break;
    const bool grew = cleared.error().code == std::errc::resource_unavailable_try_again;
    if (!grew || clear.newest) co_return translated(std::move(cleared).error());
  }
  base::log_info("log {} was cleared by {}: {} events", name, clear.user, removed);
  storage::LocalBatch batch;
  batch.log = kOperationalLog;
  events::Draft draft = operational_draft(computer_, base::system_clock().wall());
  draft.system.event_id = kLogClearedEvent;
  draft.data.emplace_back("SubjectUserName", clear.user);
  draft.data.emplace_back("Channel", name);
  draft.data.emplace_back("EventCount", std::to_string(removed));
  draft.data.emplace_back("BackupPath", clear.backup);
  draft.data.emplace_back("Message", "The log " + name + " was cleared by " + clear.user + ".");
  batch.drafts.push_back(std::move(draft));
  auto told = co_await store_.append_local(batch);
  if (!told.ok())
    base::log_error("log {} was cleared by {}, and no event says so: {}", name, clear.user, told.error().message());
  co_return removed;
}

base::AsyncResult<std::uint64_t> StorageEventLogs::cleared_record(std::string name) {
  auto record = co_await store_.cleared_record(std::move(name));
  if (!record.ok()) co_return translated(std::move(record).error());
  co_return *record;
}

base::AsyncResult<void> StorageEventLogs::backup(std::string directory) {
  auto done = co_await store_.backup(std::filesystem::path(directory));
  if (!done.ok()) co_return translated(std::move(done).error());
  co_return base::Result<void>{};
}

}  // namespace service
