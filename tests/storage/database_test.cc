#include "storage/database.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "storage/event_store.h"
#include "storage/migrations.h"
#include "storage/state_store.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using storage::Database;

// What a test does to a file of a store, and what opening it says then.
class DatabaseFile : public ::testing::Test {
 protected:
  base::Result<void> open_events() {
    test_support::Loop loop;
    auto opened = storage::EventStore::open(directory_.path(), {});
    if (!opened.ok()) return std::move(opened).error();
    test_support::run_on(loop.executor(), (*opened)->stop());
    return {};
  }
  base::Result<void> open_state() {
    auto opened = storage::StateStore::open(directory_.path());
    if (!opened.ok()) return std::move(opened).error();
    return {};
  }
  void change(const std::string& file, const std::string& sql) {
    auto database = Database::open(directory_ / file, {});
    ASSERT_THAT(database, IsOk());
    ASSERT_THAT((*database)->execute(sql), IsOk());
  }
  std::int64_t ask(const std::string& file, const std::string& sql) {
    auto database = Database::open(directory_ / file, {});
    return database.ok() ? (*database)->ask(sql).value_or(-1) : -1;
  }
  const test_support::TemporaryDirectory& directory() const { return directory_; }

 private:
  test_support::TemporaryDirectory directory_;
};

TEST_F(DatabaseFile, MayHaveAnyName) {
  const auto path = directory() / "100%25 ?mode=ro#\xc3\xa9.db";
  const std::string bytes("\0a\0", 3);
  {
    auto database = Database::open(path, {});
    ASSERT_THAT(database, IsOk());
    ASSERT_THAT((*database)->execute("CREATE TABLE t (x)"), IsOk());
    auto insert = (*database)->prepare("INSERT INTO t VALUES (?1)");
    ASSERT_THAT(insert, IsOk());
    ASSERT_THAT(insert->bind_blob(1, bytes).run(), IsOk());
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  Database::Options options;
  options.read_only = true;
  options.immutable = true;
  options.map_bytes = 1 << 20;
  auto database = Database::open(path, options);
  ASSERT_THAT(database, IsOk());
  auto select = (*database)->prepare("SELECT x, typeof(x) FROM t");
  ASSERT_THAT(select, IsOk());
  ASSERT_THAT(select->step(), IsOkAndHolds(true));
  EXPECT_EQ(select->blob(0), bytes);
  EXPECT_EQ(select->text(1), "blob");
  EXPECT_THAT((*database)->execute("DELETE FROM t"), IsError(Errc::Io, "readonly"));
}

TEST_F(DatabaseFile, DoesNotOverwriteWhatIsDeleted) {
  ASSERT_THAT(open_state(), IsOk());
  auto database = Database::open(directory() / "state.db", {});
  ASSERT_THAT(database, IsOk());
  EXPECT_THAT((*database)->ask("PRAGMA secure_delete"), IsOkAndHolds(0));
}

TEST_F(DatabaseFile, OfALaterVersionIsRefused) {
  ASSERT_THAT(open_events(), IsOk());
  ASSERT_THAT(open_state(), IsOk());
  change("events.db", "PRAGMA user_version=99");
  change("state.db", "PRAGMA user_version=99");
  EXPECT_THAT(open_events(), IsError(Errc::TooNew, "events.db"));
  EXPECT_THAT(open_state(), IsError(Errc::TooNew, "state.db"));
  EXPECT_EQ(ask("events.db", "PRAGMA user_version"), 99);
}

TEST_F(DatabaseFile, OfAnotherProgramIsRefused) {
  change("events.db", "CREATE TABLE theirs (x)");
  EXPECT_THAT(open_events(), IsError(Errc::Corrupt, "events.db"));
  EXPECT_EQ(ask("events.db", "SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(DatabaseFile, OfTheOtherStoreIsRefused) {
  ASSERT_THAT(open_state(), IsOk());
  std::filesystem::rename(directory() / "state.db", directory() / "events.db");
  EXPECT_THAT(open_events(), IsError(Errc::Corrupt));
}

TEST_F(DatabaseFile, ThatIsNoDatabaseIsRefused) {
  directory().write("events.db", std::string(10'000, 'x'));
  directory().write("state.db", std::string(10'000, 'x'));
  EXPECT_THAT(open_events(), IsError(Errc::Corrupt, "events.db"));
  EXPECT_THAT(open_state(), IsError(Errc::Corrupt, "state.db"));
}

TEST_F(DatabaseFile, WithDamagedSchemaIsRefused) {
  ASSERT_THAT(open_events(), IsOk());
  const int file = ::open((directory() / "events.db").c_str(), O_WRONLY);
  ASSERT_GE(file, 0);
  const std::string rubbish(2000, '\x5a');
  ASSERT_EQ(::pwrite(file, rubbish.data(), rubbish.size(), 100), 2000);
  ::close(file);
  EXPECT_THAT(open_events(), IsError(Errc::Corrupt, "events.db"));
}

TEST_F(DatabaseFile, ThatIsEmptyIsANewOne) {
  directory().write("events.db", "");
  EXPECT_THAT(open_events(), IsOk());
}

TEST_F(DatabaseFile, ThatIsAFolderCannotBeOpened) {
  std::filesystem::create_directory(directory() / "events.db");
  EXPECT_THAT(open_events(), IsError(Errc::Io, "events.db"));
}

TEST_F(DatabaseFile, FolderIsMadeWhereItIsMissing) {
  test_support::Loop loop;
  auto opened = storage::EventStore::open(directory() / "a/b", {});
  ASSERT_THAT(opened, IsOk());
  EXPECT_TRUE(std::filesystem::exists(directory() / "a/b/events.db"));
  test_support::run_on(loop.executor(), (*opened)->stop());
}

TEST_F(DatabaseFile, FolderThatCannotBeMadeIsTheSystemsError) {
  directory().write("file", "");
  EXPECT_THAT(storage::EventStore::open(directory() / "file/below", {}), IsError(std::errc::not_a_directory));
}

TEST_F(DatabaseFile, StillFileIsReadWithItsWalAndNothingIsTouched) {
  {
    auto writer = Database::open(directory() / "writer.db", {});
    ASSERT_THAT(writer, IsOk());
    ASSERT_THAT((*writer)->execute("CREATE TABLE t (x); INSERT INTO t VALUES (5)"), IsOk());
    // As after a loss of power: the WAL is there, and nobody else.
    std::filesystem::create_directory(directory() / "copy");
    for (const std::string name : {"writer.db", "writer.db-wal"}) {
      std::filesystem::copy_file(directory() / name, directory() / "copy" / name);
    }
  }
  const auto all = [&] {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory() / "copy")) {
      std::ifstream file(entry.path(), std::ios::binary);
      files[entry.path().filename()] = std::string(std::istreambuf_iterator<char>(file), {});
    }
    return files;
  };
  const auto before = all();
  ASSERT_EQ(before.size(), 2u);
  ASSERT_FALSE(before.at("writer.db-wal").empty());
  Database::Options options;
  options.read_only = true;
  options.still = true;
  {
    auto database = Database::open(directory() / "copy" / "writer.db", options);
    ASSERT_THAT(database, IsOk());
    EXPECT_THAT((*database)->ask("SELECT x FROM t"), IsOkAndHolds(5));
    auto second = Database::open(directory() / "copy" / "writer.db", options);
    ASSERT_THAT(second, IsOk());
    EXPECT_THAT((*second)->ask("SELECT x FROM t"), IsOkAndHolds(5));
    EXPECT_EQ(all(), before);
  }
  EXPECT_EQ(all(), before);

  // The writer has gone and taken its WAL along; the file still says that it is kept with one.
  ASSERT_FALSE(std::filesystem::exists(directory() / "writer.db-wal"));
  auto database = Database::open(directory() / "writer.db", options);
  ASSERT_THAT(database, IsOk());
  EXPECT_THAT((*database)->ask("SELECT x FROM t"), IsOkAndHolds(5));
  EXPECT_FALSE(std::filesystem::exists(directory() / "writer.db-wal"));
}

TEST_F(DatabaseFile, SyncsAtEachCommit) {
  auto database = Database::open(directory() / "events.db", {});
  ASSERT_THAT(database, IsOk());
  EXPECT_THAT((*database)->ask("PRAGMA synchronous"), IsOkAndHolds(::testing::Ge(2)));  // FULL or EXTRA
}

TEST_F(DatabaseFile, FailedMigrationLeavesTheFile) {
  static constexpr std::string_view kSteps[] = {"CREATE TABLE one (x)", "CREATE TABLE two (x); CREATE TABLE one (x)"};
  auto database = Database::open(directory() / "events.db", {});
  ASSERT_THAT(database, IsOk());
  EXPECT_THAT(storage::migrate(**database, {1, kSteps}), IsError(Errc::Io));
  EXPECT_THAT((*database)->ask("SELECT count(*) FROM sqlite_schema"), IsOkAndHolds(0));
  EXPECT_THAT((*database)->ask("PRAGMA user_version"), IsOkAndHolds(0));
}

TEST_F(DatabaseFile, MigrationGoesOnFromTheVersionOfTheFile) {
  static constexpr std::string_view kSteps[] = {"CREATE TABLE one (x)", "ALTER TABLE one ADD COLUMN y"};
  auto database = Database::open(directory() / "events.db", {});
  ASSERT_THAT(database, IsOk());
  ASSERT_THAT(storage::migrate(**database, {1, std::span(kSteps).first(1)}), IsOk());
  ASSERT_THAT(storage::migrate(**database, {1, kSteps}), IsOk());
  ASSERT_THAT(storage::migrate(**database, {1, kSteps}), IsOk());
  EXPECT_THAT((*database)->ask("PRAGMA user_version"), IsOkAndHolds(2));
  EXPECT_THAT((*database)->execute("INSERT INTO one (x, y) VALUES (1, 2)"), IsOk());
}

}  // namespace
}  // namespace storage_test
