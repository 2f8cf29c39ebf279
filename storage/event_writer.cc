#include "storage/event_writer.h"

#include "storage/migrations.h"

namespace storage {
namespace {

// Of 1.4 KB, five events fit into such a page, and only two into one of 4 KiB.
constexpr unsigned kPageBytes = 8192;
constexpr std::size_t kCacheBytes = 16u << 20;
// Unused pages are kept for new events unless they are this many and a quarter of the file.
constexpr std::int64_t kUnusedPages = 1024;
constexpr std::int64_t kShrinkPages = 256;

// "192.0.2.7:49210" and "[2001:db8::7]:49210" without the port: it is another one with each connection, and each sender is a
// row for ever.
std::string_view without_port(std::string_view address) {
  if (address.starts_with('[')) return address.substr(1, address.find(']') - 1);
  const auto colon = address.find(':');
  return colon == address.rfind(':') ? address.substr(0, colon) : address;
}

constexpr std::string_view kSetDelivery = R"(
INSERT INTO deliveries (subscription, machine, address, bookmark, last_heartbeat, last_event, last_error, error_message,
                        error_time, events, dropped)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce(?7, 0), coalesce(?8, ''), ?9, ?10, ?11)
ON CONFLICT (subscription, machine) DO UPDATE SET
  address = iif(?3 = '', address, ?3),
  bookmark = coalesce(?4, bookmark),
  last_heartbeat = coalesce(?5, last_heartbeat),
  last_event = coalesce(?6, last_event),
  last_error = iif(?7 IS NULL, last_error, ?7),
  error_message = iif(?7 IS NULL, error_message, ?8),
  error_time = iif(?7 IS NULL, error_time, ?9),
  events = events + ?10,
  dropped = dropped + ?11)";

}  // namespace

base::Result<std::unique_ptr<EventWriter>> EventWriter::open(const std::filesystem::path& file,
                                                             const EventStoreOptions& options) {
  std::unique_ptr<EventWriter> writer(new EventWriter);
  Database::Options database_options;
  database_options.page_bytes = kPageBytes;
  database_options.cache_bytes = kCacheBytes;
  ASSIGN_OR_RETURN(writer->database_, Database::open(file, database_options));
  auto& database = *writer->database_;
  RETURN_IF_ERROR(migrate(database, event_schema()));
  RETURN_IF_ERROR(database.limit_size(options.max_file_size));
  writer->clock_ = options.clock;
  ASSIGN_OR_RETURN(writer->logs_, LogTable::open(database, options.default_max_size));
  ASSIGN_OR_RETURN(writer->duplicates_, Duplicates::open(database));
  ASSIGN_OR_RETURN(writer->publishers_, Dictionary::open(database, "publishers", "name, guid, event_source_name", 3));
  ASSIGN_OR_RETURN(writer->origins_, Dictionary::open(database, "origins", "machine, computer, channel", 3));
  ASSIGN_OR_RETURN(writer->senders_, Dictionary::open(database, "senders", "subscription, machine, address", 3));
  ASSIGN_OR_RETURN(writer->set_position_, database.prepare("REPLACE INTO positions (source, position) VALUES (?1, ?2)"));
  ASSIGN_OR_RETURN(writer->set_delivery_, database.prepare(kSetDelivery));
  ASSIGN_OR_RETURN(writer->forget_subscription_, database.prepare("DELETE FROM deliveries WHERE subscription = ?1"));
  return writer;
}

base::Result<void> EventWriter::commit() {
  RETURN_IF_ERROR(logs_->flush());
  RETURN_IF_ERROR(database_->commit());
  stored_ = false;
  return {};
}

void EventWriter::rollback() {
  database_->rollback();
  logs_->forget();
  duplicates_->forget();
  publishers_.forget();
  origins_.forget();
  senders_.forget();
  stored_ = false;
}

base::Result<OpenLog*> EventWriter::log_for_append(const std::string& name) {
  ASSIGN_OR_RETURN(auto* log, logs_->find_or_make(name, clock_->wall()));
  if (!log->enabled) return base::make_error(Errc::LogDisabled, "the log " + name + " is disabled");
  return log;
}

base::Result<void> EventWriter::check_room(const OpenLog& log, const std::string& name, std::uint64_t bytes) const {
  if (!log.retention || bytes == 0 || log.size + bytes <= log.max_size) return {};
  return base::make_error(Errc::Full, "the log " + name + " is full and keeps its old events");
}

base::Result<RowContext> EventWriter::context_of(const events::Event& event, const std::string& machine) {
  const auto& system = event.system;
  RowContext context;
  ASSIGN_OR_RETURN(context.origin, origins_.id_of({machine, system.computer, system.channel}));
  ASSIGN_OR_RETURN(context.publisher, publishers_.id_of({system.provider, system.provider_guid, system.event_source_name}));
  return context;
}

base::Result<AppendResult> EventWriter::append(const DeliveredBatch& batch) {
  ASSIGN_OR_RETURN(auto* log, log_for_append(batch.log));
  struct NewEvent {
    const events::Event* event;
    RowContext context;
    EventKey key;
  };
  std::vector<NewEvent> added;
  added.reserve(batch.events.size());
  AppendResult result;
  std::uint64_t bytes = 0;
  duplicates_->begin(*log);
  for (const auto& event : batch.events) {
    if (event.is_bookmark_carrier()) continue;
    ASSIGN_OR_RETURN(const auto context, context_of(event, batch.machine));
    const auto key = key_of(event, context.origin);
    ASSIGN_OR_RETURN(const bool fresh, duplicates_->is_new(key, event));
    if (!fresh) {
      ++result.duplicates;
      continue;
    }
    added.push_back({&event, context, key});
    bytes += event.xml.size();
  }
  RETURN_IF_ERROR(check_room(*log, batch.log, bytes));

  ASSIGN_OR_RETURN(const auto sender, senders_.id_of({batch.subscription, batch.machine, without_port(batch.address)}));
  for (auto& [event, context, key] : added) {
    context.sender = sender;
    context.received = batch.received;
    RETURN_IF_ERROR(duplicates_->add(key, log->next_record));
    RETURN_IF_ERROR(logs_->add(*log, context, *event));
  }
  RETURN_IF_ERROR(duplicates_->end());
  if (!log->retention) RETURN_IF_ERROR(logs_->trim(*log));
  RETURN_IF_ERROR(duplicates_->tidy(*log));
  result.stored = added.size();
  if (result.stored > 0) stored_ = true;

  const auto last_event = result.stored > 0 ? std::optional(batch.received) : std::nullopt;
  set_delivery_.bind(1, batch.subscription).bind(2, batch.machine).bind(3, batch.address).bind(4, batch.bookmark);
  set_delivery_.bind(5, batch.received).bind(6, last_event).bind_null(7).bind_null(8).bind_null(9);
  RETURN_IF_ERROR(set_delivery_.bind(10, result.stored).bind(11, 0).run());
  return result;
}

base::Result<void> EventWriter::append_local(const LocalBatch& batch) {
  ASSIGN_OR_RETURN(auto* log, log_for_append(batch.log));
  std::vector<events::Event> finished;
  finished.reserve(batch.drafts.size());
  std::uint64_t bytes = 0;
  for (const auto& draft : batch.drafts) {
    const auto record = static_cast<std::uint64_t>(log->next_record) + finished.size();
    finished.push_back(events::finish(draft, record));
    bytes += finished.back().xml.size();
  }
  RETURN_IF_ERROR(check_room(*log, batch.log, bytes));
  const auto now = clock_->wall();
  for (const auto& event : finished) {
    ASSIGN_OR_RETURN(auto context, context_of(event, ""));
    context.received = now;
    RETURN_IF_ERROR(logs_->add(*log, context, event));
  }
  if (!log->retention) RETURN_IF_ERROR(logs_->trim(*log));
  RETURN_IF_ERROR(duplicates_->tidy(*log));
  if (!finished.empty()) stored_ = true;
  return set_position_.bind(1, batch.source).bind(2, batch.position).run();
}

base::Result<void> EventWriter::update_delivery(const DeliveryUpdate& update) {
  set_delivery_.bind(1, update.subscription).bind(2, update.machine).bind(3, update.address).bind(4, update.bookmark);
  set_delivery_.bind(5, update.heartbeat).bind_null(6).bind_null(7).bind_null(8).bind_null(9);
  if (const auto& failure = update.failure) {
    set_delivery_.bind(7, failure->code).bind(8, failure->code == 0 ? std::string_view() : failure->message);
    if (failure->code != 0) set_delivery_.bind(9, failure->time);
  }
  return set_delivery_.bind(10, 0).bind(11, update.dropped).run();
}

base::Result<void> EventWriter::forget_subscription(const std::string& subscription) {
  return forget_subscription_.bind(1, subscription).run();
}

base::Result<void> EventWriter::set_log(const LogProperties& properties) {
  may_shrink_ = true;
  return logs_->configure(properties, clock_->wall());
}

base::Result<void> EventWriter::clear_log(const std::string& name, std::optional<std::uint64_t> newest) {
  ASSIGN_OR_RETURN(auto* log, logs_->find(name));
  if (log == nullptr) return base::make_error(Errc::NotFound, "there is no log " + name);
  if (newest && *newest + 1 != static_cast<std::uint64_t>(log->next_record)) {
    return base::make_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "events have come into " + name);
  }
  may_shrink_ = true;
  RETURN_IF_ERROR(logs_->clear(*log, clock_->wall()));
  return duplicates_->clear(*log);
}

base::Result<void> EventWriter::set_last_access(const std::vector<std::pair<std::int64_t, base::WallTime>>& times) {
  for (const auto& [id, time] : times) RETURN_IF_ERROR(logs_->set_last_access(id, time));
  return {};
}

base::Result<bool> EventWriter::shrink() {
  if (!may_shrink_) return false;
  ASSIGN_OR_RETURN(const auto unused, database_->ask("PRAGMA freelist_count"));
  ASSIGN_OR_RETURN(const auto pages, database_->ask("PRAGMA page_count"));
  if (unused >= kUnusedPages && unused >= pages / 4) {
    RETURN_IF_ERROR(database_->execute("PRAGMA incremental_vacuum(" + std::to_string(kShrinkPages) + ")"));
    return true;
  }
  // Only a checkpoint cuts the file itself.
  may_shrink_ = false;
  RETURN_IF_ERROR(database_->execute("PRAGMA wal_checkpoint(PASSIVE)"));
  return false;
}

}  // namespace storage
