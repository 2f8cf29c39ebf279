#include "storage/state_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "storage/database.h"
#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"

namespace storage_test {
namespace {

using storage::Errc;
using test_support::IsError;
using test_support::IsOk;
using test_support::IsOkAndHolds;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Pair;

class StateStore : public ::testing::Test {
 protected:
  StateStore() { open(); }
  void open() {
    auto opened = storage::StateStore::open(directory_ / "state");
    ASSERT_THAT(opened, IsOk());
    store_ = std::move(opened).value();
  }
  void reopen() {
    store_.reset();
    open();
  }
  storage::StateStore& store() { return *store_; }
  std::filesystem::path file() const { return directory_ / "state/state.db"; }

 private:
  test_support::TemporaryDirectory directory_;
  std::unique_ptr<storage::StateStore> store_;
};

TEST_F(StateStore, DocumentSurvivesReopen) {
  ASSERT_THAT(store().put("subscription", "baseline", "<Subscription/>"), IsOk());
  reopen();
  EXPECT_THAT(store().find("subscription", "baseline"), IsOkAndHolds(std::optional<std::string>("<Subscription/>")));
}

TEST_F(StateStore, PutReplaces) {
  ASSERT_THAT(store().put("subscription", "baseline", "old"), IsOk());
  ASSERT_THAT(store().put("subscription", "baseline", "new"), IsOk());
  EXPECT_THAT(store().list("subscription"), IsOkAndHolds(ElementsAre(Pair("baseline", "new"))));
}

TEST_F(StateStore, DocumentsThatChangeTogetherChangeAllOrNone) {
  ASSERT_THAT(store().put("subscription", "old", "text"), IsOk());
  ASSERT_THAT(store().write({{"subscription", "new", "text"}, {"subscription", "old", std::nullopt}}), IsOk());
  reopen();
  EXPECT_THAT(store().list("subscription"), IsOkAndHolds(ElementsAre(Pair("new", "text"))));

  auto database = storage::Database::open(file(), {});
  ASSERT_THAT(database, IsOk());
  ASSERT_THAT((*database)->execute("CREATE TRIGGER failing BEFORE DELETE ON documents BEGIN SELECT RAISE(ABORT, 'no'); END"),
              IsOk());
  EXPECT_THAT(store().write({{"subscription", "more", "text"}, {"subscription", "new", std::nullopt}}), IsError(Errc::Io));
  EXPECT_THAT(store().list("subscription"), IsOkAndHolds(ElementsAre(Pair("new", "text"))));
  ASSERT_THAT(store().put("subscription", "more", "text"), IsOk());
}

TEST_F(StateStore, UnknownKeyIsNothing) {
  EXPECT_THAT(store().find("subscription", "baseline"), IsOkAndHolds(Eq(std::nullopt)));
}

TEST_F(StateStore, EmptyTextIsADocument) {
  ASSERT_THAT(store().put("setting", "", ""), IsOk());
  EXPECT_THAT(store().find("setting", ""), IsOkAndHolds(std::optional<std::string>("")));
}

TEST_F(StateStore, BytesComeBackAsTheyWere) {
  const std::string text("a\0b\xff'\"\n", 7);
  ASSERT_THAT(store().put("setting", "odd", text), IsOk());
  reopen();
  EXPECT_THAT(store().find("setting", "odd"), IsOkAndHolds(std::optional<std::string>(text)));
}

TEST_F(StateStore, RemovedDocumentIsGone) {
  ASSERT_THAT(store().put("user", "anna", "x"), IsOk());
  ASSERT_THAT(store().remove("user", "anna"), IsOk());
  reopen();
  EXPECT_THAT(store().find("user", "anna"), IsOkAndHolds(Eq(std::nullopt)));
}

TEST_F(StateStore, RemovingWhatIsNotThereIsNoError) {
  EXPECT_THAT(store().remove("user", "anna"), IsOk());
}

TEST_F(StateStore, ListIsSortedAndOfOneKind) {
  for (const char* key : {"b", "c", "a"}) ASSERT_THAT(store().put("user", key, std::string("text of ") + key), IsOk());
  ASSERT_THAT(store().put("setting", "d", "x"), IsOk());
  EXPECT_THAT(store().list("user"),
              IsOkAndHolds(ElementsAre(Pair("a", "text of a"), Pair("b", "text of b"), Pair("c", "text of c"))));
  EXPECT_THAT(store().list("nothing"), IsOkAndHolds(IsEmpty()));
}

TEST_F(StateStore, FilesAreForTheOwnerOnly) {
  ASSERT_THAT(store().put("user", "anna", "x"), IsOk());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat status {};
    ASSERT_EQ(::stat((file().string() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 07777, 0600u) << suffix;
  }
}

}  // namespace
}  // namespace storage_test
