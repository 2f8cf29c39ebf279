#include "storage/event_row.h"

namespace storage {
namespace {

enum Column {
  kRecord,
  kTime,
  kReceived,
  kSender,
  kOrigin,
  kPublisher,
  kSize,
  kQuality,
  kEventId,
  kQualifiers,
  kVersion,
  kLevel,
  kTask,
  kOpcode,
  kKeywords,
  kRecordId,
  kActivityId,
  kRelatedActivityId,
  kProcessId,
  kThreadId,
  kUserId,
  kXml,
  kColumns
};

template <typename T>
std::optional<T> optional_number(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return static_cast<T>(row.integer(column));
}

// NULL takes no room in a row, and most events lack these.
void bind_rare(Statement& insert, int column, const std::string& text) {
  if (text.empty()) {
    insert.bind_null(column + 1);
  } else {
    insert.bind(column + 1, text);
  }
}

}  // namespace

const char* const kEventColumns =
    "record, time, received, sender, origin, publisher, size, quality, event_id, qualifiers, version, level, task, opcode, "
    "keywords, event_record_id, activity_id, related_activity_id, process_id, thread_id, user_id, xml";

std::string events_table(std::int64_t log) {
  return "events_" + std::to_string(log);
}

std::string create_events_table(std::int64_t log) {
  return "CREATE TABLE " + events_table(log) + R"( (
  record INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  received INTEGER NOT NULL,
  sender INTEGER,
  origin INTEGER NOT NULL,
  publisher INTEGER NOT NULL,
  size INTEGER NOT NULL,
  quality INTEGER NOT NULL,
  event_id INTEGER NOT NULL,
  qualifiers INTEGER,
  version INTEGER NOT NULL,
  level INTEGER NOT NULL,
  task INTEGER NOT NULL,
  opcode INTEGER NOT NULL,
  keywords INTEGER NOT NULL,
  event_record_id INTEGER,
  activity_id TEXT,
  related_activity_id TEXT,
  process_id INTEGER,
  thread_id INTEGER,
  user_id TEXT,
  xml TEXT NOT NULL
))";
}

std::string insert_event_sql(std::int64_t log) {
  std::string places;
  for (int column = 1; column <= kColumns; ++column) places += (column == 1 ? "?" : ", ?") + std::to_string(column);
  return "INSERT INTO " + events_table(log) + " (" + kEventColumns + ") VALUES (" + places + ")";
}

void bind_event(Statement& insert, const RowContext& context, const events::Event& event) {
  const auto& system = event.system;
  const auto number = [&insert](Column column, std::int64_t value) { insert.bind(column + 1, value); };
  number(kRecord, context.record);
  number(kTime, system.time.time_since_epoch().count());
  number(kReceived, context.received.time_since_epoch().count());
  if (context.sender == 0) {
    insert.bind_null(kSender + 1);
  } else {
    number(kSender, context.sender);
  }
  number(kOrigin, context.origin);
  number(kPublisher, context.publisher);
  number(kSize, static_cast<std::int64_t>(event.xml.size()));
  number(kQuality, static_cast<std::int64_t>(event.quality));
  number(kEventId, system.event_id);
  insert.bind(kQualifiers + 1, system.qualifiers);
  number(kVersion, system.version);
  number(kLevel, system.level);
  number(kTask, system.task);
  number(kOpcode, system.opcode);
  number(kKeywords, static_cast<std::int64_t>(system.keywords));
  insert.bind(kRecordId + 1, system.record_id);
  bind_rare(insert, kActivityId, system.activity_id);
  bind_rare(insert, kRelatedActivityId, system.related_activity_id);
  insert.bind(kProcessId + 1, system.process_id);
  insert.bind(kThreadId + 1, system.thread_id);
  bind_rare(insert, kUserId, system.user_id);
  insert.bind(kXml + 1, event.xml);
}

RowContext read_context(const Statement& row) {
  RowContext context;
  context.record = row.integer(kRecord);
  context.received = row.time(kReceived);
  context.sender = row.integer(kSender);
  context.origin = row.integer(kOrigin);
  context.publisher = row.integer(kPublisher);
  return context;
}

events::Event read_event(const Statement& row) {
  events::Event event;
  auto& system = event.system;
  system.time = row.time(kTime);
  event.quality = static_cast<events::Quality>(row.integer(kQuality));
  system.event_id = static_cast<std::uint16_t>(row.integer(kEventId));
  system.qualifiers = optional_number<std::uint16_t>(row, kQualifiers);
  system.version = static_cast<std::uint8_t>(row.integer(kVersion));
  system.level = static_cast<std::uint8_t>(row.integer(kLevel));
  system.task = static_cast<std::uint16_t>(row.integer(kTask));
  system.opcode = static_cast<std::uint8_t>(row.integer(kOpcode));
  system.keywords = static_cast<std::uint64_t>(row.integer(kKeywords));
  system.record_id = optional_number<std::uint64_t>(row, kRecordId);
  system.activity_id = row.text(kActivityId);
  system.related_activity_id = row.text(kRelatedActivityId);
  system.process_id = optional_number<std::uint32_t>(row, kProcessId);
  system.thread_id = optional_number<std::uint32_t>(row, kThreadId);
  system.user_id = row.text(kUserId);
  event.xml = row.text(kXml);
  return event;
}

base::WallTime read_time(const Statement& row) {
  return row.time(kTime);
}

}  // namespace storage
