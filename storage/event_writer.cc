#include "storage/event_writer.h"

#include "storage/block_merge.h"

namespace storage {
namespace {

// Events are expected to take at least one part in so many of their text on disk.
constexpr std::uint64_t kExpectedRatio = 4;
constexpr std::size_t kSpareBuilders = 4;
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

constexpr std::string_view kForgetMachine = R"(
DELETE FROM deliveries WHERE subscription = ?1 AND machine = ?2 AND
  max(coalesce(last_heartbeat, 0), coalesce(last_event, 0), coalesce(error_time, 0)) < ?3
  RETURNING machine)";

}  // namespace

EventWriter::EventWriter(StoreShared& shared, TemplateIndex& index, BookmarkTable& bookmarks)
    : shared_(shared),
      index_(index),
      bookmarks_(bookmarks),
      clock_(*shared.options.clock),
      space_(shared.directory, shared.options.min_free_bytes, clock_, shared.options.free_bytes) {}

base::Result<std::unique_ptr<EventWriter>> EventWriter::open(StoreShared& shared, TemplateIndex& index,
                                                             BookmarkTable& bookmarks) {
  std::unique_ptr<EventWriter> writer(new EventWriter(shared, index, bookmarks));
  ASSIGN_OR_RETURN(writer->database_,
                   Database::open(catalogue_file(shared.directory), shared.database_options(false, kCacheBytes)));
  auto& database = *writer->database_;
  RETURN_IF_ERROR(database.limit_size(shared.options.max_file_size));
  ASSIGN_OR_RETURN(writer->logs_, LogTable::open(database, shared.options.default_max_size));
  ASSIGN_OR_RETURN(writer->held_, StoredEvents::open(database, shared));
  ASSIGN_OR_RETURN(writer->duplicates_, Duplicates::open(database, *writer->held_));
  ASSIGN_OR_RETURN(writer->origins_, Dictionary::open(database, "origins", "machine, computer, channel", 3));
  ASSIGN_OR_RETURN(writer->senders_, Dictionary::open(database, "senders", "subscription, machine, address", 3));
  ASSIGN_OR_RETURN(writer->set_position_, database.prepare("REPLACE INTO positions (source, position) VALUES (?1, ?2)"));
  ASSIGN_OR_RETURN(writer->set_delivery_, database.prepare(kSetDelivery));
  ASSIGN_OR_RETURN(writer->forget_subscription_, database.prepare("DELETE FROM deliveries WHERE subscription = ?1"));
  ASSIGN_OR_RETURN(writer->forget_machine_, database.prepare(kForgetMachine));
  ASSIGN_OR_RETURN(writer->add_template_,
                   database.prepare("INSERT INTO templates (hash, text) VALUES (?1, ?2) RETURNING id"));
  RETURN_IF_ERROR(writer->logs_->all());
  RETURN_IF_ERROR(bookmarks.load(database));
  ASSIGN_OR_RETURN(const auto unused, database.ask("PRAGMA freelist_count"));
  writer->may_shrink_ = unused >= kUnusedPages;
  return writer;
}

base::Result<void> EventWriter::commit() {
  for (auto& [id, events] : collected_) {
    ASSIGN_OR_RETURN(auto* log, logs_->find(id));
    RETURN_IF_ERROR(encode(*log, *events));
    RETURN_IF_ERROR(retain(*log));
    if (is_due(*log)) look_at(*log);
  }
  RETURN_IF_ERROR(logs_->flush());
  RETURN_IF_ERROR(database_->commit());
  bookmarks_.commit();
  for (auto& [hash, shape] : new_templates_) index_.add(hash, std::move(shape));
  for (const auto& file : pending_.gone) held_->let_go(file.id);
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  append(aftermath_.logs, pending_.logs);
  append(aftermath_.full, pending_.full);
  append(aftermath_.gone, pending_.gone);
  held_->end(false);
  end_transaction();
  return {};
}

bool EventWriter::is_due(const OpenLog& log) const {
  return log.tail_events >= shared_.options.seal_events || log.tail_bytes >= file_size_of(shared_.options, log.max_size) ||
         log.small_parts >= kSmallParts;
}

void EventWriter::rollback() {
  database_->rollback();
  bookmarks_.rollback();
  logs_->forget();
  duplicates_->forget();
  origins_.forget();
  senders_.forget();
  held_->end(true);
  for (const auto& [hash, shape] : new_templates_) shared_.templates.remove(shape.id);
  // Builders know templates by their numbers, and those may be given to others now.
  collected_.clear();
  spare_.clear();
  end_transaction();
}

void EventWriter::end_transaction() {
  for (auto& [id, events] : collected_) {
    if (spare_.size() < kSpareBuilders) spare_.push_back(std::move(events));
  }
  collected_.clear();
  new_templates_.clear();
  finished_.clear();
  pending_ = {};
  stored_ = false;
  failed_ = false;
}

base::Result<OpenLog*> EventWriter::log_for_append(const std::string& name) {
  ASSIGN_OR_RETURN(auto* log, logs_->find_or_make(name, clock_.wall()));
  if (!log->enabled) return base::make_error(Errc::LogDisabled, "the log " + name + " is disabled");
  return log;
}

base::Result<void> EventWriter::check_room(const OpenLog& log, std::uint64_t bytes) {
  if (bytes == 0) return {};
  RETURN_IF_ERROR(space_.check());
  if (!log.retention) return {};
  const auto known = collected_.find(log.id);
  const auto open = known != collected_.end() ? known->second->text_bytes : 0;
  const auto expected = log.size() + (open + bytes) / kExpectedRatio;
  if (expected <= log.max_size) return {};
  if (log.auto_backup && log.records + open > 0) {
    pending_.full.push_back(log.id);
    if (expected <= 2 * log.max_size) return {};
  }
  return base::make_error(Errc::Full, "the log " + log.name + " is full and keeps its old events");
}

EventWriter::Collected& EventWriter::collected(const OpenLog& log) {
  auto& place = collected_[log.id];
  if (!place) {
    if (spare_.empty()) {
      place = std::make_unique<Collected>();
    } else {
      place = std::move(spare_.back());
      spare_.pop_back();
      place->text_bytes = 0;
    }
    place->builder.begin(static_cast<std::uint64_t>(log.next_record));
  }
  return *place;
}

base::Result<void> EventWriter::encode(OpenLog& log, Collected& events) {
  if (events.builder.events() == 0) return {};
  const auto block = events.builder.encode(kLevelInHaste);
  RETURN_IF_ERROR(logs_->add_block(log, block));
  space_.note(block.payload_bytes());
  events.builder.begin(static_cast<std::uint64_t>(log.next_record));
  return {};
}

base::Result<void> EventWriter::find_template(const CutBatch::Shape& shape, std::uint32_t number, Shapes& shapes) {
  auto& found = shapes.templates[number];
  auto& state = shapes.states[number];
  state = Shapes::State::Known;
  found = shape.known;
  if (found.id != 0) return {};
  const auto& text = shape.known.skeleton->text();
  // Another batch may have brought it since this one was cut.
  if (auto known = index_.find(shape.hash, text)) {
    found = std::move(*known);
    return {};
  }
  for (const auto& [hash, fresh] : new_templates_) {
    if (hash != shape.hash || fresh.skeleton->text() != text) continue;
    found = fresh;
    return {};
  }
  if (!index_.takes(events::Grain::Coarse) || index_.size() + new_templates_.size() >= kMaxTemplates) {
    state = Shapes::State::Whole;
    return {};
  }
  ASSIGN_OR_RETURN(const bool added, add_template_.bind(1, static_cast<std::int64_t>(shape.hash)).bind(2, text).step());
  if (added) found.id = static_cast<std::uint32_t>(add_template_.integer(0));
  RETURN_IF_ERROR(add_template_.run());
  shared_.templates.put(found.id, found.skeleton);
  new_templates_.emplace_back(shape.hash, found);
  return {};
}

base::Result<void> EventWriter::add(OpenLog& log, const events::Event& event, const CutBatch& cut, std::size_t place,
                                    Shapes& shapes, BlockBuilder::Arrival arrival) {
  auto& events = collected(log);
  if (events.builder.full()) RETURN_IF_ERROR(encode(log, events));
  const auto& pieces = cut.events[place];
  auto state = Shapes::State::Whole;
  if (pieces.shape != CutBatch::kWhole) {
    if (shapes.states.size() < cut.shapes.size()) {
      shapes.states.resize(cut.shapes.size(), Shapes::State::Unknown);
      shapes.templates.resize(cut.shapes.size());
    }
    if (shapes.states[pieces.shape] == Shapes::State::Unknown) {
      RETURN_IF_ERROR(find_template(cut.shapes[pieces.shape], pieces.shape, shapes));
    }
    state = shapes.states[pieces.shape];
  }
  if (state == Shapes::State::Known) {
    events.builder.add(shapes.templates[pieces.shape], cut.values_of(pieces), event.system.time, arrival, event.quality);
  } else {
    events.builder.add_whole(event.xml, event.system.time, arrival, event.quality);
  }
  events.text_bytes += event.xml.size();
  ++log.next_record;
  log.last_write = std::max(log.last_write, base::WallTime(std::chrono::nanoseconds(arrival.received)));
  log.changed = true;
  stored_ = true;
  return {};
}

base::Result<AppendResult> EventWriter::append(const DeliveredBatch& batch, const CutBatch& cut) {
  ASSIGN_OR_RETURN(auto* log, log_for_append(batch.log));
  struct NewEvent {
    std::size_t place;
    EventKey key;
  };
  // The bookmark's carrier is no event of the log.
  std::vector<NewEvent> candidates;
  std::vector<EventKey> keys;
  candidates.reserve(batch.events.size());
  keys.reserve(batch.events.size());
  for (std::size_t place = 0; place < batch.events.size(); ++place) {
    const auto& event = batch.events[place];
    if (event.is_bookmark_carrier()) continue;
    ASSIGN_OR_RETURN(const auto origin, origins_.id_of({batch.machine, event.system.computer, event.system.channel}));
    keys.push_back(key_of(event, origin));
    candidates.push_back({place, keys.back()});
  }
  std::vector<NewEvent> added;
  added.reserve(candidates.size());
  AppendResult result;
  std::uint64_t bytes = 0;
  duplicates_->begin(*log, batch.machine, keys);
  for (const auto& candidate : candidates) {
    const auto& event = batch.events[candidate.place];
    ASSIGN_OR_RETURN(const bool fresh, duplicates_->is_new(candidate.key, event));
    if (!fresh) {
      ++result.duplicates;
      continue;
    }
    added.push_back(candidate);
    bytes += event.xml.size();
  }
  RETURN_IF_ERROR(check_room(*log, bytes));
  ASSIGN_OR_RETURN(const auto sender, senders_.id_of({batch.subscription, batch.machine, without_port(batch.address)}));

  // From here on, what fails leaves a half behind.
  const BlockBuilder::Arrival arrival{batch.received.time_since_epoch().count(), static_cast<std::uint32_t>(sender)};
  const auto store = [&]() -> base::Result<void> {
    Shapes shapes;
    for (const auto& [place, key] : added) {
      const auto& event = batch.events[place];
      duplicates_->add(key, log->next_record);
      held_->add_pending(*log, static_cast<std::uint64_t>(log->next_record), &key, event.xml);
      RETURN_IF_ERROR(add(*log, event, cut, place, shapes, arrival));
    }
    RETURN_IF_ERROR(duplicates_->end());
    result.stored = added.size();
    const auto last_event = result.stored > 0 ? std::optional(batch.received) : std::nullopt;
    set_delivery_.bind(1, batch.subscription).bind(2, batch.machine).bind(3, batch.address).bind(4, batch.bookmark);
    set_delivery_.bind(5, batch.received).bind(6, last_event).bind_null(7).bind_null(8).bind_null(9);
    RETURN_IF_ERROR(set_delivery_.bind(10, result.stored).bind(11, 0).run());
    if (batch.bookmark) bookmarks_.put(batch.subscription, batch.machine, *batch.bookmark);
    return {};
  };
  auto done = store();
  if (!done.ok()) {
    failed_ = true;
    return std::move(done).error();
  }
  return result;
}

base::Result<void> EventWriter::append_local(const LocalBatch& batch) {
  ASSIGN_OR_RETURN(auto* log, log_for_append(batch.log));
  const auto first_kept = finished_.size();
  std::uint64_t bytes = 0;
  for (const auto& draft : batch.drafts) {
    const auto record = static_cast<std::uint64_t>(log->next_record) + (finished_.size() - first_kept);
    finished_.push_back(events::finish(draft, record));
    bytes += finished_.back().xml.size();
  }
  RETURN_IF_ERROR(check_room(*log, bytes));
  const BlockBuilder::Arrival arrival{clock_.wall().time_since_epoch().count(), 0};
  const auto store = [&]() -> base::Result<void> {
    CutBatch cut;
    Shapes shapes;
    for (auto kept = first_kept; kept < finished_.size(); ++kept) {
      const auto& event = finished_[kept];
      cutter_.cut(event, index_, cut);
      held_->add_pending(*log, static_cast<std::uint64_t>(log->next_record), nullptr, event.xml);
      RETURN_IF_ERROR(add(*log, event, cut, kept - first_kept, shapes, arrival));
    }
    return set_position_.bind(1, batch.source).bind(2, batch.position).run();
  };
  auto done = store();
  if (!done.ok()) failed_ = true;
  return done;
}

base::Result<void> EventWriter::update_delivery(const DeliveryUpdate& update) {
  set_delivery_.bind(1, update.subscription).bind(2, update.machine).bind(3, update.address).bind(4, update.bookmark);
  set_delivery_.bind(5, update.heartbeat).bind_null(6).bind_null(7).bind_null(8).bind_null(9);
  if (const auto& failure = update.failure) {
    set_delivery_.bind(7, failure->code).bind(8, failure->code == 0 ? std::string_view() : failure->message);
    if (failure->code != 0) set_delivery_.bind(9, failure->time);
  }
  RETURN_IF_ERROR(set_delivery_.bind(10, 0).bind(11, update.dropped).run());
  if (update.bookmark) bookmarks_.put(update.subscription, update.machine, *update.bookmark);
  return {};
}

base::Result<void> EventWriter::forget_subscription(const std::string& subscription) {
  RETURN_IF_ERROR(forget_subscription_.bind(1, subscription).run());
  bookmarks_.forget_subscription(subscription);
  return {};
}

base::Result<void> EventWriter::forget_machines(const std::string& subscription, const std::vector<std::string>& machines,
                                                base::WallTime before) {
  for (const std::string& machine : machines) {
    ASSIGN_OR_RETURN(const bool gone, forget_machine_.bind(1, subscription).bind(2, machine).bind(3, before).step());
    forget_machine_.reset();
    if (gone) bookmarks_.forget(subscription, machine);
  }
  return {};
}

base::Result<void> EventWriter::set_log(const LogProperties& properties) {
  may_shrink_ = true;
  ASSIGN_OR_RETURN(auto* log, logs_->configure(properties, clock_.wall()));
  look_at(*log);
  return retain(*log);
}

base::Result<void> EventWriter::clear_log(const std::string& name, std::optional<std::uint64_t> newest) {
  ASSIGN_OR_RETURN(auto* log, logs_->find(name));
  if (log == nullptr) return base::make_error(Errc::NotFound, "there is no log " + name);
  if (newest && *newest + 1 != static_cast<std::uint64_t>(log->next_record)) {
    return base::make_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "events have come into " + name);
  }
  may_shrink_ = true;
  const auto events = collected_.find(log->id);
  if (events != collected_.end()) events->second->builder.begin(static_cast<std::uint64_t>(log->next_record));
  while (!log->files.empty()) RETURN_IF_ERROR(remove_file(*log));
  RETURN_IF_ERROR(logs_->remove_tail(*log));
  log->removed_lately = 0;
  log->last_write = clock_.wall();
  log->changed = true;
  RETURN_IF_ERROR(set_position_.bind(1, cleared_key(name)).bind(2, std::to_string(log->next_record - 1)).run());
  return duplicates_->clear(*log);
}

base::Result<void> EventWriter::remove_file(OpenLog& log) {
  pending_.gone.push_back(log.files.front());
  return logs_->remove_oldest_file(log);
}

// The newest file or block stays, however large it is, unless all of it is too old.
base::Result<void> EventWriter::retain(OpenLog& log) {
  if (log.retention) return {};
  const auto now = clock_.wall().time_since_epoch();
  const auto exceeds = [&](const auto& oldest, bool is_last) {
    if (log.max_age.count() > 0 && now - std::chrono::nanoseconds(oldest.max_received) > log.max_age) return true;
    if (is_last) return false;
    return log.size() > log.max_size || (log.max_records > 0 && log.records - oldest.events >= log.max_records);
  };
  const auto held_before = log.records;
  while (!log.files.empty() && exceeds(log.files.front(), log.files.size() == 1 && log.tail.empty())) {
    RETURN_IF_ERROR(remove_file(log));
  }
  while (log.files.empty() && !log.tail.empty() && exceeds(log.tail.front(), log.tail.size() == 1)) {
    RETURN_IF_ERROR(logs_->remove_oldest_part(log));
  }
  log.overwritten += held_before - log.records;
  return duplicates_->tidy(log);
}

base::Result<std::int64_t> EventWriter::reserve_file() {
  return reserve_file_number(*database_);
}

base::Result<bool> EventWriter::move_into_file(const SealedBlocks& sealed) {
  ASSIGN_OR_RETURN(auto* log, logs_->find(sealed.log));
  if (log == nullptr) return false;
  ASSIGN_OR_RETURN(const bool moved, logs_->move_into_file(*log, sealed.file, sealed.first_record));
  if (moved) RETURN_IF_ERROR(retain(*log));
  return moved;
}

base::Result<bool> EventWriter::replace_parts(std::int64_t id, const EncodedBlock& block) {
  ASSIGN_OR_RETURN(auto* log, logs_->find(id));
  if (log == nullptr) return false;
  return logs_->replace_parts(*log, block);
}

base::Result<void> EventWriter::finish_file(std::int64_t id, std::int64_t file, std::uint64_t bytes) {
  ASSIGN_OR_RETURN(auto* log, logs_->find(id));
  if (log == nullptr) return {};
  RETURN_IF_ERROR(logs_->finish_file(*log, file, bytes));
  return retain(*log);
}

base::Result<void> EventWriter::take_out(std::int64_t id, const std::vector<std::int64_t>& files) {
  ASSIGN_OR_RETURN(auto* log, logs_->find(id));
  if (log == nullptr) return {};
  for (const auto file : files) {
    // The sealer has taken them in order, and nothing else removes files of a log that keeps them.
    if (log->files.empty() || log->files.front().id != file) break;
    RETURN_IF_ERROR(remove_file(*log));
  }
  return duplicates_->tidy(*log);
}

base::Result<void> EventWriter::look_after_logs() {
  ASSIGN_OR_RETURN(const auto logs, logs_->all());
  for (auto* log : logs) {
    RETURN_IF_ERROR(retain(*log));
    if (is_due(*log) || (!log->files.empty() && !log->files.back().finished)) look_at(*log);
  }
  return {};
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
