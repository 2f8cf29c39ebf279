#include "tests/storage/old_store.h"

#include "storage/database.h"
#include "storage/migrations.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {

void make_old_store(const std::filesystem::path& directory, int events) {
  auto opened = storage::Database::open(directory / "events.db", {});
  ASSERT_THAT(opened, IsOk());
  auto& database = **opened;
  ASSERT_THAT(database.begin(), IsOk());
  ASSERT_THAT(database.execute(std::string(storage::event_schema().steps[0])), IsOk());
  ASSERT_THAT(database.execute("PRAGMA application_id=" + std::to_string(storage::event_schema().application_id) +
                               "; PRAGMA user_version=1"),
              IsOk());
  for (int log = 1; log <= 3; ++log) {
    ASSERT_THAT(
        database.execute("CREATE TABLE events_" + std::to_string(log) +
                         " (record INTEGER PRIMARY KEY, time INTEGER NOT NULL, received INTEGER NOT NULL, sender INTEGER, "
                         "origin INTEGER NOT NULL, publisher INTEGER NOT NULL, size INTEGER NOT NULL, quality INTEGER NOT "
                         "NULL, event_id INTEGER NOT NULL, qualifiers INTEGER, version INTEGER NOT NULL, level INTEGER NOT "
                         "NULL, task INTEGER NOT NULL, opcode INTEGER NOT NULL, keywords INTEGER NOT NULL, event_record_id "
                         "INTEGER, activity_id TEXT, related_activity_id TEXT, process_id INTEGER, thread_id INTEGER, "
                         "user_id TEXT, xml TEXT NOT NULL)"),
        IsOk());
  }
  ASSERT_THAT(database.execute("INSERT INTO origins VALUES (1, 'host1', 'host1.lab.example', 'Security');"
                               "INSERT INTO senders VALUES (1, 'baseline', 'host1', '192.0.2.7');"
                               "INSERT INTO publishers VALUES (1, 'Lab-Provider', '', '')"),
              IsOk());
  const auto insert = [&](int log, int record, const events::Event& event, int sender) {
    auto row = database.prepare(
        "INSERT INTO events_" + std::to_string(log) +
        " (record, time, received, sender, origin, publisher, size, quality, event_id, version, level, task, opcode, "
        "keywords, xml) VALUES (?1, ?2, ?3, ?4, 1, 1, ?5, ?6, 0, 0, 0, 0, 0, 0, ?7)");
    ASSERT_THAT(row, IsOk());
    row->bind(1, record).bind(2, event.system.time).bind(3, at(record < events / 2 ? 3600 : 3600 + 86'400));
    if (sender == 0) {
      row->bind_null(4);
    } else {
      row->bind(4, sender);
    }
    row->bind(5, event.xml.size()).bind(6, static_cast<int>(event.quality)).bind(7, event.xml);
    ASSERT_THAT(row->run(), IsOk());
  };
  std::size_t bytes = 0;
  // 4 were overwritten.
  for (int record = 5; record <= events; ++record) {
    EventSpec spec;
    spec.record_id = static_cast<std::uint64_t>(record);
    spec.time = at(record);
    auto event = make_event(spec);
    if (record == 100) {
      event = {};
      event.xml = std::string("raw\0\x01", 5);
      event.quality = events::Quality::Raw;
    }
    bytes += event.xml.size();
    insert(1, record, event, 1);
  }
  insert(2, 1, make_event({}), 0);
  const auto log = [&](int id, const std::string& name, int records, std::size_t size, int oldest, int next, int lost) {
    ASSERT_THAT(database.execute("INSERT INTO logs VALUES (" + std::to_string(id) + ", '" + name +
                                 "', 1, 0, 0, NULL, 'Operational', '', 1, 2, 3, " + std::to_string(size) + ", " +
                                 std::to_string(records) + ", " + std::to_string(oldest) + ", " + std::to_string(next) +
                                 ", " + std::to_string(lost) + ")"),
                IsOk());
  };
  log(1, "ForwardedEvents", events - 4, bytes, 5, events + 1, 4);
  log(2, "Local", 1, make_event({}).xml.size(), 1, 2, 0);
  log(3, "Empty", 0, 0, 0, 9, 0);
  // As batches of 100 have left them.
  for (int first = 1; first <= events; first += 100) {
    ASSERT_THAT(
        database.execute("INSERT INTO runs VALUES (1, 1, 0, " + std::to_string(first) + ", " + std::to_string(first + 99) +
                         ", " + std::to_string(first) + ", " + std::to_string(first + 99) + ")"),
        IsOk());
  }
  ASSERT_THAT(database.execute("INSERT INTO marks VALUES (1, 1, " + std::to_string(events) + ", " +
                               std::to_string(at(events).time_since_epoch().count()) + ")"),
              IsOk());
  ASSERT_THAT(database.commit(), IsOk());
}

}  // namespace storage_test
