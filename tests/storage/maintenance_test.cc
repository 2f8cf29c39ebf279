#include "storage/maintenance.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include "storage/database.h"
#include "storage/segment_file.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using storage::CheckReport;
using storage::Database;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A store with some finished files, one that grows, and a tail; of events that came from elsewhere and of this host.
class Maintenance : public StoreTest {
 protected:
  Maintenance() {
    reopen(options());
    // A file a day.
    for (int day = 0; day < 3; ++day) {
      deliver_events(static_cast<std::uint64_t>(day) * 500 + 1, static_cast<std::uint64_t>(day) * 500 + 500);
      EXPECT_THAT(append_local(make_local("Local", {"one", "two", "three"}, std::to_string(day))), IsOk());
      wait_until_sealed();
      clock().advance(std::chrono::hours(24));
    }
    deliver_events(1501, 1503);
    close();
    EXPECT_GE(files_in().size(), 3u);
  }
  static storage::EventStoreOptions options() {
    storage::EventStoreOptions options;
    options.seal_events = 3;
    return options;
  }

  void deliver_events(std::uint64_t first, std::uint64_t last) {
    for (auto id = first; id <= last; id += 100) {
      auto batch = make_batch(make_events(id, std::min(last, id + 99)));
      batch.received = clock().wall();
      batch.bookmark = "bookmark " + std::to_string(id);
      ASSERT_THAT(deliver(std::move(batch)), IsOk());
    }
  }

  CheckReport check() {
    const auto report = storage::check_store(directory().path(), {});
    EXPECT_THAT(report, IsOk());
    return report.ok() ? *report : CheckReport();
  }
  CheckReport repair() {
    const auto report = storage::repair_store(directory().path(), {});
    EXPECT_THAT(report, IsOk());
    return report.ok() ? *report : CheckReport();
  }
  /// Repairs, and expects that nothing is wrong then.
  CheckReport repair_well() {
    auto report = repair();
    const auto after = check();
    EXPECT_THAT(after.problems, IsEmpty());
    EXPECT_EQ(after.events_lost, 0u);
    return report;
  }
  std::vector<std::uint64_t> ids() {
    open(options());
    auto ids = record_ids();
    close();
    return ids;
  }
  static std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> ids;
    for (; first <= last; ++first) ids.push_back(first);
    return ids;
  }

  std::filesystem::path catalogue() const { return directory() / "events.db"; }
  /// The n-th file of the log, by its records.
  std::filesystem::path file(int n, const std::string& log = "ForwardedEvents") {
    Database::Options read;
    read.read_only = true;
    auto database = Database::open(catalogue(), read).value();
    auto select = database
                      ->prepare(
                          "SELECT f.name FROM files f JOIN logs l ON l.id = f.log WHERE l.name = ?1 "
                          "ORDER BY first_record LIMIT 1 OFFSET ?2")
                      .value();
    EXPECT_THAT(select.bind(1, std::string_view(log)).bind(2, std::int64_t{n}).step(), IsOkAndHolds(true));
    return directory() / "segments" / std::string(select.text(0));
  }
  static void change(const std::filesystem::path& database, const std::string& sql) {
    auto opened = Database::open(database, {});
    ASSERT_THAT(opened, IsOk());
    ASSERT_THAT((*opened)->execute(sql), IsOk());
    ASSERT_THAT((*opened)->execute("PRAGMA journal_mode=DELETE"), IsOk());
  }
  static std::string content_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  static void overwrite(const std::filesystem::path& path, std::size_t at, std::string_view bytes) {
    std::fstream out(path, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(at));
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
};

TEST_F(Maintenance, FindsNothingWrongWithASoundStore) {
  const auto report = check();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.events, 1503u + 9);
  EXPECT_EQ(report.events_lost, 0u);
  EXPECT_EQ(report.files, files_in().size());
  EXPECT_GE(report.blocks, 4u);
}

TEST_F(Maintenance, SaysHowFarItIs) {
  std::uint64_t last = 0, all = 0, calls = 0;
  ASSERT_THAT(storage::check_store(directory().path(),
                                   [&](std::uint64_t done, std::uint64_t to_do) {
                                     EXPECT_GE(done, last);
                                     EXPECT_LE(done, to_do);
                                     last = done;
                                     all = to_do;
                                     ++calls;
                                   }),
              IsOk());
  EXPECT_GT(calls, 3u);
  EXPECT_EQ(last, all);
}

TEST_F(Maintenance, ChangesNothingWhereNothingIsWrong) {
  EXPECT_THAT(repair_well().problems, IsEmpty());
  EXPECT_EQ(ids(), range(1, 1503));
}

TEST_F(Maintenance, OfAFolderThatIsMissingIsAnError) {
  EXPECT_THAT(storage::check_store(directory() / "nothing", {}), IsError(Errc::NotFound));
  EXPECT_THAT(storage::repair_store(directory() / "nothing", {}), IsError(Errc::NotFound));
}

TEST_F(Maintenance, RefusesWhatALaterVersionWrote) {
  change(catalogue(), "PRAGMA user_version=99");
  EXPECT_THAT(storage::check_store(directory().path(), {}), IsError(Errc::TooNew));
  EXPECT_THAT(storage::repair_store(directory().path(), {}), IsError(Errc::TooNew));
}

TEST_F(Maintenance, LeavesOutABlockThatCannotBeRead) {
  const auto name = file(1).filename().string();
  change(file(1), "UPDATE frames SET data = zeroblob(length(data)) WHERE id = (SELECT max(id) FROM frames)");
  const auto before = check();
  EXPECT_THAT(before.problems, Contains(AllOf(HasSubstr(name), HasSubstr("records "))));
  EXPECT_GT(before.events_lost, 0u);
  const auto report = repair_well();
  EXPECT_EQ(report.events_lost, before.events_lost);
  const auto left = ids();
  EXPECT_EQ(left.size(), 1503 - before.events_lost);
  EXPECT_EQ(left.front(), 1u);
  EXPECT_EQ(left.back(), 1503u);
  EXPECT_TRUE(std::filesystem::exists(directory() / "segments" / (name + ".damaged")));
}

TEST_F(Maintenance, MakesAnIndexAgainThatDisagrees) {
  for (const char* sql :
       {"UPDATE value_chunks SET data = (SELECT data FROM value_chunks WHERE id = 1) WHERE id = 1; DELETE FROM value_runs",
        "UPDATE value_chunks SET data = x'0001020304'", "DELETE FROM value_chunks",
        "UPDATE value_runs SET directory = zeroblob(length(directory))"}) {
    SCOPED_TRACE(sql);
    change(file(0), sql);
    EXPECT_THAT(check().problems, Contains(HasSubstr("index")));
    EXPECT_EQ(repair_well().events_lost, 0u);
  }
  EXPECT_EQ(ids(), range(1, 1503));
}

TEST_F(Maintenance, MakesASummaryAgainThatDisagrees) {
  auto reader = storage::SegmentReader::open(file(0), true);
  ASSERT_THAT(reader, IsOk());
  auto summary = (*reader)->summaries(0, 1'000'000)->front();
  summary.max_time += 1'000'000'000;
  const auto bytes = summary.encode();
  reader->reset();
  {
    auto database = Database::open(file(0), {});
    auto update = (*database)->prepare("UPDATE blocks SET summary = ?1 WHERE first_record = 1");
    ASSERT_THAT(update->bind_blob(1, bytes).run(), IsOk());
    ASSERT_THAT((*database)->execute("PRAGMA journal_mode=DELETE"), IsOk());
  }
  EXPECT_THAT(check().problems, Contains(HasSubstr("summary")));
  EXPECT_EQ(repair_well().events_lost, 0u);
  EXPECT_EQ(ids(), range(1, 1503));
}

TEST_F(Maintenance, TakesTemplatesFromTheCatalogueThatAFileLacks) {
  change(file(0), "DELETE FROM templates");
  EXPECT_THAT(check().problems, Contains(HasSubstr("template")));
  EXPECT_EQ(repair_well().events_lost, 0u);
  EXPECT_EQ(ids(), range(1, 1503));
}

TEST_F(Maintenance, GoesOnWithoutAFileThatIsMissing) {
  const auto missing = file(1);
  std::filesystem::remove(missing);
  const auto before = check();
  EXPECT_THAT(before.problems, Contains(AllOf(HasSubstr(missing.filename().string()), HasSubstr("missing"))));
  EXPECT_GT(before.events_lost, 0u);
  EXPECT_EQ(repair_well().events_lost, before.events_lost);
  const auto left = ids();
  EXPECT_EQ(left.size(), 1503 - before.events_lost);
}

TEST_F(Maintenance, SavesWhatATruncatedFileStillHolds) {
  const auto path = file(0);
  const auto size = std::filesystem::file_size(path);
  for (const auto part : {size - 1, size - 8192, size / 2, std::uintmax_t{8192}, std::uintmax_t{100}, std::uintmax_t{0}}) {
    SCOPED_TRACE(part);
    const test_support::TemporaryDirectory copy;
    std::filesystem::copy(directory().path(), copy.path(),
                          std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(copy.path() / "segments" / path.filename(), part);
    const auto before = storage::check_store(copy.path(), {});
    ASSERT_THAT(before, IsOk());
    EXPECT_FALSE(before->problems.empty());
    const auto repaired = storage::repair_store(copy.path(), {});
    ASSERT_THAT(repaired, IsOk());
    const auto after = storage::check_store(copy.path(), {});
    ASSERT_THAT(after, IsOk());
    EXPECT_THAT(after->problems, IsEmpty());
    EXPECT_EQ(after->events + repaired->events_lost, 1503u + 9);
  }
}

TEST_F(Maintenance, TakesInAFileThatTheCatalogueDoesNotKnow) {
  const auto files = ask("SELECT count(*) FROM files f JOIN logs l ON l.id = f.log WHERE l.name = 'ForwardedEvents'");
  const auto path = file(static_cast<int>(files) - 1);
  const auto name = path.filename().string();
  const auto events = ask("SELECT events FROM files WHERE name = '" + name + "'");
  const auto last = ask("SELECT first_record - 1 FROM files WHERE name = '" + name + "'");
  ASSERT_GT(last, 0);
  // As it would be with a catalogue from an older copy.
  change(catalogue(),
         "DELETE FROM files WHERE name = '" + name +
             "'; DELETE FROM tail; UPDATE sqlite_sequence SET seq = 1;"
             "UPDATE logs SET next_record = " +
             std::to_string(last + 1) + ", records = " + std::to_string(last) +
             ", text_bytes = (SELECT sum(text_bytes) FROM files WHERE log = logs.id) WHERE name = 'ForwardedEvents';"
             "UPDATE logs SET records = (SELECT sum(events) FROM files WHERE log = logs.id), "
             "text_bytes = (SELECT sum(text_bytes) FROM files WHERE log = logs.id) WHERE name = 'Local'");
  EXPECT_THAT(check().problems, Contains(AllOf(HasSubstr(name), HasSubstr("not in the catalogue"))));
  const auto before = check().events;
  (void)repair();
  EXPECT_THAT(check().problems, IsEmpty());
  EXPECT_EQ(check().events, before);
  EXPECT_EQ(ids(), range(1, static_cast<std::uint64_t>(last + events)));
}

TEST_F(Maintenance, SetsAsideAFileWhoseRecordsAreHeldElsewhere) {
  const auto stranger = directory() / "segments" / "ForwardedEvents-900.mlog";
  std::filesystem::copy_file(file(0), stranger);
  EXPECT_THAT(check().problems, Contains(HasSubstr("ForwardedEvents-900.mlog")));
  (void)repair_well();
  EXPECT_FALSE(std::filesystem::exists(stranger));
  EXPECT_TRUE(std::filesystem::exists(stranger.string() + ".damaged"));
  EXPECT_EQ(ids(), range(1, 1503));
}

TEST_F(Maintenance, DoesNotMindWhatIsLeftOverFromACrash) {
  std::ofstream(directory() / "segments" / "ForwardedEvents-1.mlog-wal") << "x";
  const auto name = directory() / "segments" / "Gone-1.mlog";
  std::filesystem::copy_file(file(0), name);
  EXPECT_THAT(check().problems, IsEmpty());
}

TEST_F(Maintenance, CorrectsCounters) {
  change(catalogue(), "UPDATE logs SET records = 7, next_record = 3");
  EXPECT_THAT(check().problems, Contains(HasSubstr("counts 7")));
  (void)repair_well();
  EXPECT_EQ(ids(), range(1, 1503));
  open(options());
  EXPECT_EQ(log().status.records, 1503u);
  EXPECT_GE(log().status.newest_record, 1503u);
}

TEST_F(Maintenance, CorrectsWhatTheCatalogueSaysOfAFile) {
  change(catalogue(), "UPDATE files SET max_time = 5, events = events - 1");
  EXPECT_THAT(check().problems, Contains(HasSubstr("other events")));
  (void)repair_well();
  EXPECT_EQ(ids(), range(1, 1503));
}

TEST_F(Maintenance, TakesABlockOutOfTheTailThatCannotBeRead) {
  open();
  deliver_events(1504, 1505);
  close();
  ASSERT_GT(ask("SELECT count(*) FROM tail"), 0);
  change(catalogue(), "UPDATE tail SET frames = zeroblob(length(frames))");
  const auto before = check();
  EXPECT_THAT(before.problems, Contains(HasSubstr("events.db: records ")));
  EXPECT_EQ(repair_well().events_lost, before.events_lost);
  EXPECT_EQ(ids(), range(1, 1505 - before.events_lost));
}

TEST_F(Maintenance, MakesAgainWhatDuplicatesAreToldBy) {
  for (const char* sql : {"UPDATE batches SET keys = x'ff'", "UPDATE batches SET keys = keys || x'00'",
                          "UPDATE batches SET last_record = first_record - 1"}) {
    SCOPED_TRACE(sql);
    change(catalogue(), sql);
    EXPECT_THAT(check().problems, ElementsAre(HasSubstr("duplicates")));
    EXPECT_EQ(repair_well().events_lost, 0u);
    ASSERT_EQ(ask("SELECT count(*) FROM batches"), 0);
    open(options());
    const auto again = deliver(make_batch(make_events(701, 800)));
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(again->duplicates, 100u);
    // A batch for the next round.
    const auto next = static_cast<std::uint64_t>(record_ids().size()) + 1;
    ASSERT_THAT(deliver(make_batch(make_events(next, next + 9))), IsOk());
    close();
  }
}

TEST_F(Maintenance, MakesACatalogueAgainFromTheFiles) {
  const auto in_tail =
      ask("SELECT coalesce(sum(last_record - first_record + 1), 0) FROM tail t JOIN logs l ON l.id = t.log "
          "WHERE l.name = 'ForwardedEvents'");
  std::filesystem::remove(catalogue());
  EXPECT_THAT(check().problems, Contains(HasSubstr("events.db is missing")));
  (void)repair_well();
  EXPECT_EQ(ids(), range(1, static_cast<std::uint64_t>(1503 - in_tail)));
  open(options());
  // Marks and runs are there again: what was stored is recognised.
  const auto again = deliver(make_batch(make_events(1, 100)));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->stored, 0u);
  EXPECT_EQ(again->duplicates, 100u);
  const auto state = wait(store().find_delivery_state("baseline", "host1"));
  ASSERT_THAT(state, IsOk());
  deliver_events(2001, 2010);
  EXPECT_EQ(all_of("Local").size() % 3, 0u);
}

TEST_F(Maintenance, KeepsWhatADamagedCatalogueStillSays) {
  // The pages of one table are gone; the others tell what they know.
  open(options());
  deliver_events(1504, 1505);
  close();
  const auto root = ask("SELECT rootpage FROM sqlite_schema WHERE name = 'marks'");
  change(catalogue(), "PRAGMA wal_checkpoint(TRUNCATE)");
  overwrite(catalogue(), static_cast<std::size_t>(root - 1) * 8192, std::string(8192, 'x'));
  EXPECT_FALSE(check().problems.empty());
  const auto report = repair_well();
  EXPECT_EQ(report.events_lost, 0u);
  EXPECT_TRUE(std::filesystem::exists(catalogue().string() + ".damaged"));
  EXPECT_EQ(ids(), range(1, 1505));
  open(options());
  const auto state = wait(store().find_delivery_state("baseline", "host1"));
  ASSERT_TRUE(state.ok() && state->has_value());
  EXPECT_EQ((*state)->bookmark, "bookmark 1504");
  EXPECT_THAT(wait(store().find_position("file:/var/log/syslog")), IsOkAndHolds(std::optional<std::string>("2")));
  const auto again = deliver(make_batch(make_events(1401, 1505)));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->duplicates, 105u);
}

TEST_F(Maintenance, MakesAStoreOfNonsense) {
  std::ofstream(catalogue(), std::ios::trunc) << "this is no database, and it is long enough to be looked at twice";
  for (const char* end : {"-wal", "-shm"}) std::filesystem::remove(catalogue().string() + end);
  EXPECT_FALSE(check().problems.empty());
  (void)repair_well();
  EXPECT_GE(ids().size(), 1400u);
}

TEST_F(Maintenance, SurvivesAnyByteThatFlips) {
  // Some bytes of the catalogue and of a file, one at a time: whatever is then found, a repair leaves a sound store.
  const auto paths = {catalogue(), file(1), file(0, "Local")};
  const int flips = std::getenv("MUSTER_LONG") != nullptr ? 400 : 12;
  std::mt19937 random(7);
  for (const auto& path : paths) {
    for (int i = 0; i < flips; ++i) {
      const test_support::TemporaryDirectory copy;
      std::filesystem::copy(directory().path(), copy.path(),
                            std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
      const auto target = copy.path() / std::filesystem::relative(path, directory().path());
      auto content = content_of(target);
      const auto at = random() % content.size();
      const auto bit = random() % 8;
      content[at] = static_cast<char>(content[at] ^ (1 << bit));
      overwrite(target, at, {&content[at], 1});
      SCOPED_TRACE(testing::Message() << path.filename() << ", byte " << at << ", bit " << bit);
      const auto repaired = storage::repair_store(copy.path(), {});
      if (!repaired.ok() && repaired.error().code == Errc::TooNew) continue;
      ASSERT_THAT(repaired, IsOk());
      const auto after = storage::check_store(copy.path(), {});
      ASSERT_THAT(after, IsOk());
      ASSERT_THAT(after->problems, IsEmpty());
      ASSERT_GE(after->events + repaired->events_lost, 1503u + 9);
    }
  }
}

}  // namespace
}  // namespace storage_test
