#include <fstream>

#include "storage/database.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StoreSetup : public StoreTest {
 protected:
  StoreSetup() {
    storage::EventStoreOptions options;
    options.seal_events = 10;
    reopen(options);
  }
  void touch(const std::string& name) { std::ofstream(directory() / "segments" / name) << "x"; }
};

TEST_F(StoreSetup, RefusesFilesWithoutACatalogue) {
  ASSERT_THAT(deliver(make_events(1, 10)), IsOk());
  wait_until_sealed();
  close();
  for (const char* name : {"events.db", "events.db-wal", "events.db-shm"}) std::filesystem::remove(directory() / name);
  EXPECT_THAT(storage::EventStore::open(directory().path(), {}), IsError(Errc::Corrupt, "muster store repair"));
  EXPECT_FALSE(std::filesystem::exists(directory() / "events.db"));
}

TEST_F(StoreSetup, RefusesFilesThatTheCatalogueCannotKnow) {
  close();
  touch("ForwardedEvents-7.mlog");
  EXPECT_THAT(storage::EventStore::open(directory().path(), {}), IsError(Errc::Corrupt, "muster store repair"));
}

TEST_F(StoreSetup, RemovesWhatACrashHasLeftBehind) {
  ASSERT_THAT(deliver(make_events(1, 10)), IsOk());
  wait_until_sealed();
  ASSERT_THAT(wait(store().clear_log("ForwardedEvents")), IsOk());
  close();
  // As if the file had not been removed any more.
  touch("ForwardedEvents-1.mlog");
  touch("ForwardedEvents-1.mlog-wal");
  touch("notes.txt");
  open();
  EXPECT_THAT(files_in(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(directory() / "segments" / "ForwardedEvents-1.mlog-wal"));
  EXPECT_TRUE(std::filesystem::exists(directory() / "segments" / "notes.txt"));
}

TEST_F(StoreSetup, OpensWithoutAFileThatIsMissing) {
  ASSERT_THAT(deliver(make_events(1, 10)), IsOk());
  wait_until_sealed();
  close();
  for (const auto& name : files_in()) std::filesystem::remove(directory() / "segments" / name);
  storage::EventStoreOptions options;
  options.seal_events = 10;
  open(options);
  // What is still there works.
  auto batch = make_batch(make_events(1, 3));
  batch.log = "Other";
  EXPECT_THAT(deliver(std::move(batch)), IsOk());
  EXPECT_THAT(record_ids("Other"), SizeIs(3));
  EXPECT_THAT(deliver(make_events(5, 20)), IsOk());
  // And goes on in a new file.
  EXPECT_TRUE(test_support::eventually([this] { return ask("SELECT count(*) FROM tail WHERE log = 1") == 0; }));
  EXPECT_THAT(files_in(), SizeIs(1));
}

TEST_F(StoreSetup, TidiesTemplatesThatNothingUses) {
  close();
  {
    auto catalogue = storage::Database::open(directory() / "events.db", {});
    ASSERT_THAT(catalogue, IsOk());
    ASSERT_THAT((*catalogue)->begin(), IsOk());
    for (int i = 0; i < 5'000; ++i) {
      ASSERT_THAT((*catalogue)
                      ->execute("INSERT INTO templates (hash, text) VALUES (" + std::to_string(i) +
                                ", '<Event><System><EventID>" + std::to_string(i) + "</EventID></System></Event>')"),
                  IsOk());
    }
    ASSERT_THAT((*catalogue)->commit(), IsOk());
  }
  open();
  EXPECT_EQ(ask("SELECT count(*) FROM templates"), 0);
  ASSERT_THAT(deliver(make_events(1, 3)), IsOk());
  EXPECT_THAT(record_ids(), ElementsAre(1, 2, 3));
}

TEST_F(StoreSetup, RefusesATemplateThatMakesNoSense) {
  close();
  {
    auto catalogue = storage::Database::open(directory() / "events.db", {});
    ASSERT_THAT(catalogue, IsOk());
    ASSERT_THAT((*catalogue)->execute("INSERT INTO templates (hash, text) VALUES (1, 'nonsense')"), IsOk());
  }
  EXPECT_THAT(storage::EventStore::open(directory().path(), {}), IsError(Errc::Corrupt, "template"));
}

}  // namespace
}  // namespace storage_test
