#include "storage/held_events.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "engine/base/log.h"

namespace storage {
namespace {

constexpr std::size_t kOpenFiles = 4;
constexpr std::size_t kMaxMachines = 1u << 14;
constexpr std::size_t kMaxPendingLogs = 64;

// What a column says in plain form, so that it needs no XML to be understood; nothing asks for the whole event.
std::optional<std::string_view> plain_text(std::string_view raw) {
  if (raw.find_first_of("& \t\r\n") != std::string_view::npos) return std::nullopt;
  return raw;
}

std::optional<std::uint64_t> plain_number(std::string_view raw) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), number);
  if (error != std::errc() || end != raw.data() + raw.size()) return std::nullopt;
  return number;
}

// The fields that duplicates are told by, in all rows of one template.
class Fields {
 public:
  static base::Result<Fields> open(Block& block, std::uint32_t index) {
    Fields fields;
    const auto& shape = block.templates()[index];
    if (!shape.skeleton) return fields;
    fields.skeleton_ = shape.skeleton.get();
    ASSIGN_OR_RETURN(fields.record_id_, column(block, index, events::Field::RecordId));
    ASSIGN_OR_RETURN(fields.computer_, column(block, index, events::Field::Computer));
    ASSIGN_OR_RETURN(fields.channel_, column(block, index, events::Field::Channel));
    return fields;
  }

  std::optional<std::uint64_t> record_id(std::size_t place, std::string& buffer) const {
    return record_id_ != nullptr ? plain_number(record_id_->value(place, buffer)) : std::nullopt;
  }
  std::optional<std::string_view> computer(std::size_t place, std::string& buffer) const {
    if (computer_ != nullptr) return plain_text(computer_->value(place, buffer));
    return stated(events::Field::Computer);
  }
  std::optional<std::string_view> channel(std::size_t place, std::string& buffer) const {
    if (channel_ != nullptr) return plain_text(channel_->value(place, buffer));
    return stated(events::Field::Channel);
  }

 private:
  static base::Result<const Column*> column(Block& block, std::uint32_t index, events::Field field) {
    const auto hole = block.templates()[index].skeleton->hole_of(field);
    if (!hole) return nullptr;
    return block.column(index, *hole);
  }
  std::optional<std::string_view> stated(events::Field field) const {
    if (skeleton_ == nullptr || !skeleton_->system().knows(field)) return std::nullopt;
    return field == events::Field::Computer ? skeleton_->system().computer : skeleton_->system().channel;
  }

  const events::Skeleton* skeleton_ = nullptr;
  const Column* record_id_ = nullptr;
  const Column* computer_ = nullptr;
  const Column* channel_ = nullptr;
};

}  // namespace

base::Result<std::unique_ptr<StoredEvents>> StoredEvents::open(Database& catalogue, const StoreShared& shared) {
  std::unique_ptr<StoredEvents> held(new StoredEvents(catalogue, shared));
  ASSIGN_OR_RETURN(held->find_origin_, catalogue.prepare("SELECT machine, computer, channel FROM origins WHERE id = ?1"));
  ASSIGN_OR_RETURN(held->find_sender_, catalogue.prepare("SELECT machine FROM senders WHERE id = ?1"));
  ASSIGN_OR_RETURN(held->find_tail_,
                   catalogue.prepare("SELECT " + std::string(kTailColumns) + ", frames FROM tail WHERE id = ?1"));
  return held;
}

void StoredEvents::add_pending(const OpenLog& log, std::uint64_t record, const EventKey* key, std::string_view text) {
  auto& pending = pending_[log.id];
  if (pending.events.empty()) pending.first_record = record;
  Pending event;
  event.keyed = key != nullptr;
  if (key != nullptr) event.key = *key;
  event.text = text;
  pending.events.push_back(event);
}

void StoredEvents::end(bool rolled_back) {
  for (auto& [log, pending] : pending_) pending.events.clear();
  if (pending_.size() > kMaxPendingLogs) pending_.clear();
  if (!rolled_back) return;
  block_.reset();
  machines_.clear();
}

void StoredEvents::let_go(std::int64_t file) {
  const auto open = std::find_if(files_.begin(), files_.end(), [&](const OpenFile& entry) { return entry.id == file; });
  if (open == files_.end()) return;
  block_.reset();
  files_.erase(open);
}

const StoredEvents::Pending* StoredEvents::pending(const OpenLog& log, std::uint64_t record) const {
  const auto place = pending_.find(log.id);
  if (place == pending_.end() || place->second.events.empty() || record < place->second.first_record) return nullptr;
  const auto index = record - place->second.first_record;
  return index < place->second.events.size() ? &place->second.events[index] : nullptr;
}

base::Result<void> StoredEvents::keys(const OpenLog& log, std::int64_t origin, std::uint64_t first, std::uint64_t last,
                                      std::vector<EventKey>& into) {
  return pass_over_damage(look_for_keys(log, origin, first, last, into));
}

// A source must not be held up for ever by a file that cannot be read: rather an event twice.
base::Result<void> StoredEvents::pass_over_damage(base::Result<void> looked) {
  if (looked.ok() || catalogue_.failed()) return looked;
  block_.reset();
  files_.clear();
  if (!said_) base::log_error("cannot look for events that came before: {}", looked.error().message());
  said_ = true;
  return {};
}

base::Result<void> StoredEvents::look_for_keys(const OpenLog& log, std::int64_t origin, std::uint64_t first,
                                               std::uint64_t last, std::vector<EventKey>& into) {
  for (auto record = first; record <= last;) {
    if (const auto* event = pending(log, record)) {
      if (event->keyed && !event->key.hashed && event->key.origin == origin) into.push_back(event->key);
      ++record;
      continue;
    }
    ASSIGN_OR_RETURN(auto* block, block_at(log, record));
    if (block == nullptr || block_first_ > last) {
      // Behind the blocks there is nothing but the open transaction.
      const auto place = pending_.find(log.id);
      if (place == pending_.end() || place->second.events.empty() || place->second.first_record <= record) return {};
      record = place->second.first_record;
      continue;
    }
    RETURN_IF_ERROR(keys_of_block(*block, origin, first, last, into));
    record = block_last_ + 1;
  }
  return {};
}

base::Result<void> StoredEvents::keys_of_block(Block& block, std::int64_t origin, std::uint64_t first, std::uint64_t last,
                                               std::vector<EventKey>& into) {
  ASSIGN_OR_RETURN(const auto wanted, origin_texts(origin));
  std::string buffer;
  for (std::uint32_t index = 0; index < block.templates().size(); ++index) {
    ASSIGN_OR_RETURN(const auto fields, Fields::open(block, index));
    const auto rows = block.rows_of(index);
    for (std::size_t place = 0; place < rows.size(); ++place) {
      const auto row = rows[place];
      const auto record = block.record(row);
      if (record < first || record > last) continue;
      ASSIGN_OR_RETURN(const bool same_machine, is_from(block.sender(row), wanted.machine));
      if (!same_machine) continue;
      auto record_id = fields.record_id(place, buffer);
      bool same = false;
      if (record_id) {
        const auto channel = fields.channel(place, buffer);
        if (channel && *channel != wanted.channel) continue;
        const bool same_channel = channel.has_value();
        const auto computer = fields.computer(place, buffer);
        if (computer && *computer != wanted.computer) continue;
        same = same_channel && computer;
      }
      if (!same) {
        ASSIGN_OR_RETURN(auto xml, block.xml(row));
        const auto event = events::Event::parse(std::move(xml));
        if (!event.ok() || !event->system.record_id) continue;
        if (event->system.computer != wanted.computer || event->system.channel != wanted.channel) continue;
        record_id = event->system.record_id;
      }
      EventKey key;
      key.origin = origin;
      key.key = static_cast<std::int64_t>(*record_id);
      key.time = block.time(row);
      into.push_back(key);
    }
  }
  return {};
}

base::Result<bool> StoredEvents::has_text(const OpenLog& log, std::uint64_t record, std::string_view text) {
  if (const auto* event = pending(log, record)) return event->text == text;
  bool same = false;
  const auto look = [&]() -> base::Result<void> {
    ASSIGN_OR_RETURN(auto* block, block_at(log, record));
    if (block == nullptr || block_first_ > record) return {};
    ASSIGN_OR_RETURN(const auto xml, block->xml(static_cast<std::size_t>(record - block_first_)));
    same = xml == text;
    return {};
  };
  RETURN_IF_ERROR(pass_over_damage(look()));
  return same;
}

base::Result<Block*> StoredEvents::block_at(const OpenLog& log, std::uint64_t record) {
  // The block that is at hand may have gone from the log.
  const bool held = block_ && block_log_ == log.id && block_first_ >= log.oldest_record();
  if (held && record >= block_first_ && record <= block_last_) return block_.get();
  const auto ends_before = [](const auto& part, std::uint64_t wanted) { return part < wanted; };
  const auto file =
      std::lower_bound(log.files.begin(), log.files.end(), record,
                       [&](const FileRow& row, std::uint64_t wanted) { return ends_before(row.last_record, wanted); });
  block_.reset();
  block_log_ = log.id;
  if (file != log.files.end()) return open_in_file(*file, record);
  const auto part =
      std::lower_bound(log.tail.begin(), log.tail.end(), record,
                       [&](const TailPart& row, std::uint64_t wanted) { return ends_before(row.last_record(), wanted); });
  if (part != log.tail.end()) return open_in_tail(*part);
  return nullptr;
}

base::Result<Block*> StoredEvents::open_in_file(const FileRow& file, std::uint64_t record) {
  ASSIGN_OR_RETURN(auto* reader, reader_of(file));
  // No block that holds the record ends later.
  const auto end = std::min<std::uint64_t>(file.last_record, record + kMaxBlockEvents - 1);
  ASSIGN_OR_RETURN(const auto summaries, reader->summaries(std::max(record, file.first_record) - 1, end));
  if (summaries.empty()) return base::make_error(Errc::Corrupt, file.name + " lacks record " + std::to_string(record));
  const auto& summary = summaries.front();
  ASSIGN_OR_RETURN(block_, Block::open(summary, reader->frames(summary.first_record), shared_.templates));
  block_first_ = summary.first_record;
  block_last_ = summary.last_record();
  return block_.get();
}

base::Result<Block*> StoredEvents::open_in_tail(const TailPart& part) {
  ASSIGN_OR_RETURN(const bool found, find_tail_.bind(1, part.id).step());
  if (!found) return base::make_error(Errc::Corrupt, catalogue_.name() + " lacks a block of the tail");
  auto row = read_tail_row(find_tail_);
  auto frames = unpack_frames(find_tail_.blob(5));
  find_tail_.reset();
  ASSIGN_OR_RETURN(auto tail, std::move(row));
  ASSIGN_OR_RETURN(frames_, std::move(frames));
  ASSIGN_OR_RETURN(block_, Block::open(tail.summary, frames_in_memory(frames_), shared_.templates));
  block_first_ = tail.summary.first_record;
  block_last_ = tail.summary.last_record();
  return block_.get();
}

base::Result<SegmentReader*> StoredEvents::reader_of(const FileRow& file) {
  const auto open = std::find_if(files_.begin(), files_.end(), [&](const OpenFile& entry) { return entry.id == file.id; });
  if (open != files_.end()) {
    if (open->finished == file.finished) {
      files_.splice(files_.begin(), files_, open);
      return files_.front().reader.get();
    }
    files_.erase(open);
  }
  ASSIGN_OR_RETURN(auto reader, SegmentReader::open(shared_.file(file), file.finished));
  if (files_.size() >= kOpenFiles) files_.pop_back();
  files_.push_front({file.id, file.finished, std::move(reader)});
  return files_.front().reader.get();
}

base::Result<StoredEvents::Origin> StoredEvents::origin_texts(std::int64_t origin) {
  Origin texts;
  ASSIGN_OR_RETURN(const bool found, find_origin_.bind(1, origin).step());
  if (!found) return base::make_error(Errc::Corrupt, catalogue_.name() + " lacks an origin");
  texts = {std::string(find_origin_.text(0)), std::string(find_origin_.text(1)), std::string(find_origin_.text(2))};
  find_origin_.reset();
  return texts;
}

base::Result<bool> StoredEvents::is_from(std::uint32_t sender, const std::string& machine) {
  if (const auto known = machines_.find(sender); known != machines_.end()) return known->second == machine;
  std::string name;
  if (sender != 0) {
    ASSIGN_OR_RETURN(const bool found, find_sender_.bind(1, std::int64_t{sender}).step());
    if (found) {
      name = find_sender_.text(0);
      find_sender_.reset();
    }
  }
  if (machines_.size() >= kMaxMachines) machines_.clear();
  return machines_.emplace(sender, std::move(name)).first->second == machine;
}

}  // namespace storage
