#include "storage/migrations.h"

#include <string>

namespace storage {
namespace {

constexpr std::string_view kEventSteps[] = {
    R"(
CREATE TABLE logs (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  enabled INTEGER NOT NULL,
  retention INTEGER NOT NULL,
  auto_backup INTEGER NOT NULL,
  max_size INTEGER,
  type TEXT NOT NULL,
  owning_publisher TEXT NOT NULL,
  created INTEGER NOT NULL,
  last_access INTEGER NOT NULL,
  last_write INTEGER NOT NULL,
  size INTEGER NOT NULL,
  records INTEGER NOT NULL,
  oldest_record INTEGER NOT NULL,
  next_record INTEGER NOT NULL,
  overwritten INTEGER NOT NULL
);
CREATE TABLE publishers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  guid TEXT NOT NULL,
  event_source_name TEXT NOT NULL,
  UNIQUE (name, guid, event_source_name)
);
CREATE TABLE origins (
  id INTEGER PRIMARY KEY,
  machine TEXT NOT NULL,
  computer TEXT NOT NULL,
  channel TEXT NOT NULL,
  UNIQUE (machine, computer, channel)
);
CREATE TABLE senders (
  id INTEGER PRIMARY KEY,
  subscription TEXT NOT NULL,
  machine TEXT NOT NULL,
  address TEXT NOT NULL,
  UNIQUE (subscription, machine, address)
);
CREATE TABLE marks (
  log INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  highest_record_id INTEGER NOT NULL,
  latest_time INTEGER NOT NULL,
  PRIMARY KEY (log, origin)
) WITHOUT ROWID;
CREATE TABLE runs (
  log INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  hashed INTEGER NOT NULL,
  low_key INTEGER NOT NULL,
  high_key INTEGER NOT NULL,
  first_record INTEGER NOT NULL,
  last_record INTEGER NOT NULL,
  PRIMARY KEY (log, origin, hashed, low_key, first_record)
) WITHOUT ROWID;
CREATE TABLE positions (
  source TEXT PRIMARY KEY,
  position TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE deliveries (
  subscription TEXT NOT NULL,
  machine TEXT NOT NULL,
  address TEXT NOT NULL,
  bookmark TEXT,
  last_heartbeat INTEGER,
  last_event INTEGER,
  last_error INTEGER NOT NULL,
  error_message TEXT NOT NULL,
  error_time INTEGER,
  events INTEGER NOT NULL,
  dropped INTEGER NOT NULL,
  PRIMARY KEY (subscription, machine)
) WITHOUT ROWID;
)",
    // Events move from a row each into blocks: `tail` takes them in, `files` says where they are sealed. The rows of the
    // old tables events_N are moved when the store is opened.
    R"(
ALTER TABLE logs ADD COLUMN text_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE logs SET text_bytes = size;
ALTER TABLE logs ADD COLUMN max_age INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logs ADD COLUMN max_records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logs ADD COLUMN isolation TEXT NOT NULL DEFAULT 'Application';
ALTER TABLE logs ADD COLUMN channel_access TEXT NOT NULL DEFAULT '';
CREATE TABLE templates (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash INTEGER NOT NULL,
  text TEXT NOT NULL
);
CREATE TABLE files (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  log INTEGER NOT NULL,
  name TEXT NOT NULL,
  finished INTEGER NOT NULL,
  created INTEGER NOT NULL,
  first_record INTEGER NOT NULL,
  last_record INTEGER NOT NULL,
  events INTEGER NOT NULL,
  text_bytes INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  min_time INTEGER NOT NULL,
  max_time INTEGER NOT NULL,
  min_received INTEGER NOT NULL,
  max_received INTEGER NOT NULL
);
CREATE INDEX files_of_log ON files (log, first_record);
CREATE TABLE tail (
  id INTEGER PRIMARY KEY,
  log INTEGER NOT NULL,
  first_record INTEGER NOT NULL,
  last_record INTEGER NOT NULL,
  summary BLOB NOT NULL,
  keys BLOB NOT NULL,
  frames BLOB NOT NULL
);
CREATE INDEX tail_of_log ON tail (log, first_record);
CREATE TABLE batches (
  log INTEGER NOT NULL,
  machine TEXT NOT NULL,
  first_record INTEGER NOT NULL,
  last_record INTEGER NOT NULL,
  min_time INTEGER NOT NULL,
  max_time INTEGER NOT NULL,
  keys BLOB NOT NULL,
  PRIMARY KEY (log, machine, first_record)
) WITHOUT ROWID;
)",
};

constexpr std::string_view kStateSteps[] = {
    R"(
CREATE TABLE documents (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (kind, key)
) WITHOUT ROWID;
)",
};

}  // namespace

base::Result<void> migrate(Database& database, const Schema& schema) {
  const auto newest = static_cast<std::int64_t>(schema.steps.size());
  RETURN_IF_ERROR(database.begin());
  const auto steps = [&]() -> base::Result<void> {
    ASSIGN_OR_RETURN(const auto application, database.ask("PRAGMA application_id"));
    ASSIGN_OR_RETURN(const auto version, database.ask("PRAGMA user_version"));
    ASSIGN_OR_RETURN(const auto tables, database.ask("SELECT count(*) FROM sqlite_schema"));
    const bool empty = application == 0 && version == 0 && tables == 0;
    if (!empty && application != schema.application_id) {
      return base::make_error(Errc::Corrupt, database.name() + " is not this kind of file of Muster");
    }
    if (version > newest) {
      return base::make_error(Errc::TooNew, database.name() + " has version " + std::to_string(version) +
                                                ", and the newest known one is " + std::to_string(newest));
    }
    if (version < 0) return base::make_error(Errc::Corrupt, database.name() + " has an impossible version");
    if (version == newest) return {};
    for (auto step = version; step < newest; ++step) {
      RETURN_IF_ERROR(database.execute(std::string(schema.steps[static_cast<std::size_t>(step)])));
    }
    RETURN_IF_ERROR(database.execute("PRAGMA application_id=" + std::to_string(schema.application_id)));
    return database.execute("PRAGMA user_version=" + std::to_string(newest));
  };
  auto done = steps();
  if (done.ok()) done = database.commit();
  if (!done.ok()) database.rollback();
  return done;
}

const Schema& event_schema() {
  static const Schema schema{0x4d734576, kEventSteps};  // "MsEv"
  return schema;
}

const Schema& state_schema() {
  static const Schema schema{0x4d735374, kStateSteps};  // "MsSt"
  return schema;
}

}  // namespace storage
