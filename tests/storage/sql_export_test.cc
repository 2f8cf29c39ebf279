#include "storage/sql_export.h"

#include "storage/database.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::ElementsAre;

class SqlFile : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return directory_ / "events.sqlite"; }
  std::unique_ptr<storage::SqlExport> create(bool overwrite = false) {
    auto made = storage::SqlExport::create(path(), overwrite);
    EXPECT_THAT(made, IsOk());
    return made.ok() ? std::move(made).value() : nullptr;
  }
  /// The rows that `sql` asks for, their columns joined by '|'.
  std::vector<std::string> ask(const std::string& sql, int columns) {
    storage::Database::Options options;
    options.read_only = true;
    auto database = storage::Database::open(path(), options);
    EXPECT_THAT(database, IsOk());
    auto select = (*database)->prepare(sql);
    EXPECT_THAT(select, IsOk());
    std::vector<std::string> rows;
    for (;;) {
      const auto row = select->step();
      EXPECT_THAT(row, IsOk());
      if (!row.ok() || !*row) return rows;
      auto& text = rows.emplace_back();
      for (int i = 0; i < columns; ++i) text += (i == 0 ? "" : "|") + std::string(select->text(i));
    }
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path()))
      names.push_back(entry.path().filename());
    return names;
  }

 private:
  test_support::TemporaryDirectory directory_;
};

storage::StoredEvent stored(const std::string& text) {
  EventSpec spec;
  spec.text = text;
  storage::StoredEvent event;
  event.log = "Lab";
  event.record = 42;
  event.received = at(3600);
  event.machine = "host1";
  event.subscription = "baseline";
  event.event = make_event(spec);
  return event;
}

TEST_F(SqlFile, SaysWhatTheEventSays) {
  auto writer = create();
  ASSERT_THAT(writer->add(stored("a &lt; b")), IsOk());
  ASSERT_THAT(writer->finish(), IsOk());
  EXPECT_THAT(names(), ElementsAre("events.sqlite"));
  EXPECT_THAT(
      ask("SELECT log, record, received, time, time_ns, provider, event_id, level, task, opcode, keywords FROM events", 11),
      ElementsAre("Lab|42|2024-05-01T11:00:00.000000000Z|2024-05-01T10:00:00.000000000Z|1714557600000000000|"
                  "Lab-Provider|4624|4|12544|1|0x8020000000000000"));
  EXPECT_THAT(
      ask("SELECT channel, computer, user_id, process_id, thread_id, activity_id, machine, subscription FROM events", 8),
      ElementsAre("Security|host1.lab.example|S-1-5-18|632|700|{0F4D2C9A-1111-4A5B-8C3D-000000000009}|host1|"
                  "baseline"));
  EXPECT_THAT(ask("SELECT xml FROM events", 1), ElementsAre(stored("a &lt; b").event.xml));
  EXPECT_THAT(ask("SELECT log, record, name, value FROM data", 4), ElementsAre("Lab|42|text|a < b"));
  EXPECT_THAT(ask("SELECT integrity_check FROM pragma_integrity_check", 1), ElementsAre("ok"));
}

TEST_F(SqlFile, HoldsValuesInTheirOrder) {
  auto event = stored("");
  event.event = events::Event::parse(
                    "<Event><System><EventID>1</EventID></System><EventData><Data Name='b'>2</Data>"
                    "<Data Name='a'>1</Data><Data>x</Data></EventData></Event>")
                    .value();
  auto writer = create();
  ASSERT_THAT(writer->add(event), IsOk());
  ASSERT_THAT(writer->finish(), IsOk());
  EXPECT_THAT(ask("SELECT position, name, value FROM event_data", 3), ElementsAre("1|b|2", "2|a|1", "3||x"));
  EXPECT_THAT(ask("SELECT event_id FROM events WHERE provider IS NULL AND computer IS NULL", 1), ElementsAre("1"));
}

TEST_F(SqlFile, KeepsTextThatIsNoEvent) {
  storage::StoredEvent raw;
  raw.log = "Lab";
  raw.record = 1;
  raw.event.xml = "no event";
  raw.event.quality = events::Quality::Raw;
  auto writer = create();
  ASSERT_THAT(writer->add(raw), IsOk());
  ASSERT_THAT(writer->finish(), IsOk());
  EXPECT_THAT(ask("SELECT xml FROM events WHERE time IS NULL AND event_id IS NULL AND machine IS NULL", 1),
              ElementsAre("no event"));
}

TEST_F(SqlFile, TakesManyEvents) {
  auto writer = create();
  for (int i = 0; i < 10'001; ++i) ASSERT_THAT(writer->add(stored(std::to_string(i))), IsOk());
  ASSERT_THAT(writer->finish(), IsOk());
  EXPECT_THAT(ask("SELECT count(*), min(id), max(id) FROM events", 3), ElementsAre("10001|1|10001"));
  EXPECT_THAT(ask("SELECT count(DISTINCT value) FROM data", 1), ElementsAre("10001"));
}

TEST_F(SqlFile, LeavesNothingBehindWhereItIsNotFinished) {
  auto writer = create();
  ASSERT_THAT(writer->add(stored("x")), IsOk());
  writer.reset();
  EXPECT_TRUE(names().empty());
}

TEST_F(SqlFile, ThatIsThereIsReplacedOnlyWhenAskedFor) {
  ASSERT_THAT(create()->finish(), IsOk());
  EXPECT_THAT(storage::SqlExport::create(path(), false), IsError(std::errc::file_exists));
  ASSERT_THAT(create(true)->finish(), IsOk());
}

}  // namespace
}  // namespace storage_test
