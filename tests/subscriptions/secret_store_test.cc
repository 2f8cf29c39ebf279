#include "subscriptions/secret_store.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "engine/base/encoding.h"
#include "engine/base/file_system.h"
#include "engine/base/win32.h"
#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"

namespace subscriptions {
namespace {

using base::Win32;
using test_support::IsError;
using test_support::IsOk;
using test_support::IsOkAndHolds;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;

class Secrets : public ::testing::Test {
 protected:
  Secrets() : state_(std::move(*storage::StateStore::open(directory_.path()))) { files_.file = directory_ / "secrets.key"; }
  SecretStore store(std::size_t most = 10) { return {*state_, files_, most}; }
  /// The one row that is stored, as bytes.
  std::string row() { return *base::parse_base64(state_->list("subscription-secret")->at(0).second); }
  void set_row(const std::string& bytes) {
    const auto key = state_->list("subscription-secret")->at(0).first;
    ASSERT_THAT(state_->put("subscription-secret", key, base::to_base64(bytes)), IsOk());
  }

  test_support::TemporaryDirectory directory_;
  std::unique_ptr<storage::StateStore> state_;
  SecretKeyFiles files_;
};

TEST_F(Secrets, OpenWithTheSameKeyAfterARestart) {
  ASSERT_THAT(store().put("pull", "a.example.org", "hunter2"), IsOk());
  EXPECT_THAT(store().read("pull", "a.example.org"), IsOkAndHolds(Eq("hunter2")));
  EXPECT_THAT(store().read("pull", "b.example.org"), IsError(Win32::EcCredentialNotFound));
}

TEST_F(Secrets, AreNotReadableInTheDatabase) {
  ASSERT_THAT(store().put("pull", "a", "hunter2"), IsOk());
  const std::string first = row();
  EXPECT_THAT(first, Not(HasSubstr("hunter2")));
  ASSERT_THAT(store().put("pull", "a", "hunter2"), IsOk());
  EXPECT_NE(row(), first) << "equal passwords look different";
}

TEST_F(Secrets, MakeAKeyThatOnlyTheirOwnerReads) {
  EXPECT_FALSE(std::filesystem::exists(files_.file));
  ASSERT_THAT(store().put("pull", "a", "hunter2"), IsOk());
  struct stat status {};
  ASSERT_EQ(::stat(files_.file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(status.st_size, 32);
}

TEST_F(Secrets, EveryChangedBitIsNoticed) {
  ASSERT_THAT(store().put("pull", "a", "hunter2"), IsOk());
  const std::string good = row();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    set_row(bad);
    EXPECT_THAT(store().read("pull", "a"), IsError(Win32::EcCredentialNotFound)) << at;
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    set_row(good.substr(0, length));
    EXPECT_THAT(store().read("pull", "a"), IsError(Win32::EcCredentialNotFound)) << length;
  }
}

TEST_F(Secrets, DoNotOpenAtAnotherPlace) {
  ASSERT_THAT(store().put("pull", "a", "hunter2"), IsOk());
  ASSERT_THAT(state_->put("subscription-secret", "pull\nb", base::to_base64(row())), IsOk());
  EXPECT_THAT(store().read("pull", "b"), IsError(Win32::EcCredentialNotFound));
}

TEST_F(Secrets, OfALostKeyAreReported) {
  ASSERT_THAT(store().put("pull", "a", "hunter2"), IsOk());
  std::filesystem::remove(files_.file);
  EXPECT_THAT(store().read("pull", "a"), IsError(Win32::EcCredentialNotFound, "key that is not there"));
}

TEST_F(Secrets, ACredentialSealsAndTheFileStillOpens) {
  ASSERT_THAT(store().put("pull", "old", "one"), IsOk());
  files_.credential = directory_.write("credential", std::string(64, 'a') + "\n");
  ASSERT_THAT(store().put("pull", "new", "two"), IsOk());
  EXPECT_THAT(store().read("pull", "old"), IsOkAndHolds(Eq("one")));
  std::filesystem::remove(files_.file);
  EXPECT_THAT(store().read("pull", "new"), IsOkAndHolds(Eq("two")));
}

TEST_F(Secrets, AKeyFileThatHoldsNoKeyIsAnError) {
  directory_.write("secrets.key", "too short");
  EXPECT_THAT(store().put("pull", "a", "x"), IsError(Win32::InvalidData, "secrets.key"));
}

TEST_F(Secrets, WithoutAPlaceForTheKeyNoneIsKept) {
  files_.file.clear();
  EXPECT_THAT(store().put("pull", "a", "x"), IsError(Win32::NotSupported));
}

TEST_F(Secrets, AreBoundedInNumber) {
  SecretStore two = store(2);
  ASSERT_THAT(two.put("pull", "a", "1"), IsOk());
  ASSERT_THAT(two.put("pull", "b", "2"), IsOk());
  EXPECT_THAT(two.put("pull", "c", "3"), IsError(Win32::EcCredentialStoreFull));
  EXPECT_THAT(two.put("pull", "b", "4"), IsOk()) << "one that is there can change";
  ASSERT_THAT(two.remove("pull", "a"), IsOk());
  EXPECT_THAT(two.put("pull", "c", "3"), IsOk());
}

TEST_F(Secrets, ThatNobodyNeedsGo) {
  SecretStore secrets = store();
  for (const std::string name : {"", "a", "b"}) ASSERT_THAT(secrets.put("pull", name, "x"), IsOk());
  ASSERT_THAT(secrets.put("other", "a", "x"), IsOk());
  ASSERT_THAT(
      secrets.retain([](const std::string& group, const std::string& name) { return group == "pull" && name != "b"; }),
      IsOk());
  EXPECT_THAT(secrets.read("pull", ""), IsOkAndHolds(Eq("x")));
  EXPECT_THAT(secrets.read("pull", "a"), IsOkAndHolds(Eq("x")));
  EXPECT_THAT(secrets.read("pull", "b"), IsError(Win32::EcCredentialNotFound));
  EXPECT_THAT(secrets.read("other", "a"), IsError(Win32::EcCredentialNotFound));
}

}  // namespace
}  // namespace subscriptions
