#include "storage/sql_export.h"

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/iso8601.h"
#include "events/raw_value.h"
#include "storage/database.h"
#include "storage/new_file.h"
#include "storage/own_templates.h"

namespace storage {
namespace {

constexpr std::size_t kEventsPerTransaction = 5'000;

// Text in times and flags is what people compare with; the numbers beside it are for arithmetic.
constexpr const char* kTables = R"(
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  log TEXT NOT NULL,
  record INTEGER NOT NULL,
  received TEXT NOT NULL,
  received_ns INTEGER NOT NULL,
  time TEXT,
  time_ns INTEGER,
  provider TEXT,
  event_id INTEGER,
  level INTEGER,
  task INTEGER,
  opcode INTEGER,
  keywords TEXT,
  channel TEXT,
  computer TEXT,
  user_id TEXT,
  process_id INTEGER,
  thread_id INTEGER,
  activity_id TEXT,
  machine TEXT,
  subscription TEXT,
  xml TEXT NOT NULL
);
CREATE TABLE event_data (
  event INTEGER NOT NULL REFERENCES events (id),
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (event, position)
) WITHOUT ROWID;
CREATE VIEW data AS
  SELECT events.log, events.record, event_data.name, event_data.value
  FROM event_data JOIN events ON events.id = event_data.event;
)";

constexpr const char* kIndices = R"(
CREATE INDEX events_by_time ON events (time_ns);
CREATE INDEX events_by_event_id ON events (event_id, time_ns);
CREATE INDEX events_by_computer ON events (computer, time_ns);
)";

std::string hexadecimal(std::uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
  return text;
}

}  // namespace

struct SqlExport::State {
  explicit State(NewFile made) : file(std::move(made)) {}

  NewFile file;
  std::unique_ptr<Database> database;
  OwnTemplates templates;
  Statement add_event;
  Statement add_data;
  std::int64_t events = 0;
  std::string buffer;

  base::Result<void> open() {
    ASSIGN_OR_RETURN(database, Database::open(file.path(), {}));
    // Nobody reads it yet, and a crash leaves nothing behind: it is synced once, when it is complete.
    RETURN_IF_ERROR(database->execute("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF"));
    RETURN_IF_ERROR(database->execute(kTables));
    ASSIGN_OR_RETURN(add_event,
                     database->prepare("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
                                       "?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)"));
    ASSIGN_OR_RETURN(add_data, database->prepare("INSERT INTO event_data VALUES (?1, ?2, ?3, ?4)"));
    return database->begin();
  }

  void bind_text(int parameter, const std::string& text) {
    if (text.empty()) {
      add_event.bind_null(parameter);
    } else {
      add_event.bind(parameter, std::string_view(text));
    }
  }
  template <typename Number>
  void bind_number(int parameter, const std::optional<Number>& number) {
    if (number) {
      add_event.bind(parameter, static_cast<std::int64_t>(*number));
    } else {
      add_event.bind_null(parameter);
    }
  }

  base::Result<void> add(const StoredEvent& stored) {
    const auto& system = stored.event.system;
    const auto received = base::format_utc(stored.received, 9);
    const auto time = base::format_utc(system.time, 9);
    const auto keywords = hexadecimal(system.keywords);
    const bool understood = stored.event.quality != events::Quality::Raw;
    ++events;
    add_event.bind(1, events).bind(2, std::string_view(stored.log)).bind(3, static_cast<std::int64_t>(stored.record));
    add_event.bind(4, std::string_view(received)).bind(5, stored.received);
    for (int parameter = 6; parameter <= 19; ++parameter) add_event.bind_null(parameter);
    if (understood) {
      add_event.bind(6, std::string_view(time)).bind(7, system.time);
      bind_text(8, system.provider);
      add_event.bind(9, std::int64_t{system.event_id}).bind(10, std::int64_t{system.level});
      add_event.bind(11, std::int64_t{system.task}).bind(12, std::int64_t{system.opcode});
      bind_text(13, keywords);
      bind_text(14, system.channel);
      bind_text(15, system.computer);
      bind_text(16, system.user_id);
      bind_number(17, system.process_id);
      bind_number(18, system.thread_id);
      bind_text(19, system.activity_id);
    }
    bind_text(20, stored.machine);
    bind_text(21, stored.subscription);
    RETURN_IF_ERROR(add_event.bind(22, std::string_view(stored.event.xml)).run());
    if (understood) RETURN_IF_ERROR(add_values(stored.event.xml));
    if (events % static_cast<std::int64_t>(kEventsPerTransaction) != 0) return {};
    RETURN_IF_ERROR(database->commit());
    return database->begin();
  }

  base::Result<void> add_values(std::string_view xml) {
    const auto shape = templates.cut(xml);
    if (!shape) return {};
    const auto& holes = shape->skeleton->holes();
    std::int64_t position = 0;
    for (std::size_t i = 0; i < holes.size(); ++i) {
      if (!holes[i].is_data) continue;
      const auto value = events::plain_text(templates.splitter().values()[i], holes[i].is_attribute, buffer);
      add_data.bind(1, events).bind(2, ++position).bind(3, std::string_view(holes[i].name)).bind(4, value);
      RETURN_IF_ERROR(add_data.run());
    }
    return {};
  }
};

SqlExport::SqlExport(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqlExport::~SqlExport() = default;

base::Result<std::unique_ptr<SqlExport>> SqlExport::create(const std::filesystem::path& file, bool overwrite) {
  ASSIGN_OR_RETURN(auto planned, NewFile::plan(file, overwrite));
  auto state = std::make_unique<State>(std::move(planned));
  RETURN_IF_ERROR(state->open());
  return std::unique_ptr<SqlExport>(new SqlExport(std::move(state)));
}

base::Result<void> SqlExport::add(const StoredEvent& event) {
  if (!state_->database) return base::make_error(Errc::ReadOnly, state_->file.place().string() + " is finished");
  return state_->add(event);
}

base::Result<void> SqlExport::finish() {
  if (!state_->database) return {};
  RETURN_IF_ERROR(state_->database->commit());
  RETURN_IF_ERROR(state_->database->execute(kIndices));
  RETURN_IF_ERROR(state_->database->execute("PRAGMA journal_mode=DELETE"));
  state_->add_event = Statement();
  state_->add_data = Statement();
  state_->database.reset();
  return state_->file.take_place();
}

}  // namespace storage
