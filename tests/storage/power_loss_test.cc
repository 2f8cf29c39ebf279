#include <gtest/gtest.h>

#include <set>

#include "engine/base/file_system.h"
#include "storage/database.h"
#include "storage/segment_file.h"
#include "tests/storage/power_loss_fixture.h"
#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"

namespace storage_test {
namespace {

using storage::Database;
using test_support::IsOk;
using test_support::IsOkAndHolds;

// The disk itself, without SQLite.
std::string left_of(const std::vector<DiskChange>& changes, const std::string& name, std::optional<unsigned> seed = {}) {
  const test_support::TemporaryDirectory directory;
  DiskReplay replay(changes);
  replay.go_to(changes.size());
  replay.write_to(directory.path(), seed);
  if (!std::filesystem::exists(directory / name)) return "nothing";
  return base::read_file(directory / name).value();
}

using Kind = DiskChange::Kind;

TEST(RecordedDisk, KeepsOnlyWhatWasSynced) {
  const std::vector<DiskChange> changes{{Kind::Appear, "a", {}, 0, "12345"}, {Kind::Write, "a", {}, 3, "xyz"},
                                        {Kind::SyncFile, "a", {}, 0, {}},    {Kind::Truncate, "a", {}, 1, {}},
                                        {Kind::Write, "a", {}, 0, "lost"},   {Kind::Create, "b", {}, 0, {}},
                                        {Kind::Write, "b", {}, 0, "data"},   {Kind::SyncFile, "b", {}, 0, {}}};
  EXPECT_EQ(left_of(changes, "a"), "123xyz");
  EXPECT_EQ(left_of(changes, "b"), "nothing");
  auto more = changes;
  more.push_back({Kind::SyncNames, {}, {}, 0, {}});
  more.push_back({Kind::Remove, "a", {}, 0, {}});
  more.push_back({Kind::Rename, "b", "c", 0, {}});
  EXPECT_EQ(left_of(more, "a"), "123xyz");
  EXPECT_EQ(left_of(more, "b"), "data");
  more.push_back({Kind::SyncNames, {}, {}, 0, {}});
  EXPECT_EQ(left_of(more, "a"), "nothing");
  EXPECT_EQ(left_of(more, "c"), "data");
}

TEST(RecordedDisk, WithASeedKeepsSomeOfTheRest) {
  std::vector<DiskChange> changes{{Kind::Appear, "a", {}, 0, std::string(4096, '.')}};
  for (std::uint64_t i = 0; i < 8; ++i) changes.push_back({Kind::Write, "a", {}, i * 512, std::string(512, 'x')});
  std::set<std::string> outcomes;
  for (unsigned seed = 0; seed < 50; ++seed) outcomes.insert(left_of(changes, "a", seed));
  EXPECT_GT(outcomes.size(), 20u);
  for (const auto& outcome : outcomes) {
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(std::string(outcome, i * 512, 512), std::string(512, outcome[i * 512]));
    }
  }
}

using PowerLoss = PowerLossOf<std::uint64_t>;

TEST_F(PowerLoss, LeavesADatabaseWithWhatWasCommitted) {
  {
    auto made = Database::open(*this / "test.db", options());
    ASSERT_THAT(made, IsOk());
    auto& database = **made;
    ASSERT_THAT(database.execute("PRAGMA wal_autocheckpoint=20; CREATE TABLE t (x INTEGER PRIMARY KEY, y)"), IsOk());
    for (std::uint64_t i = 1; i <= 60; ++i) {
      ASSERT_THAT(database.execute("INSERT INTO t VALUES (" + std::to_string(i) + ", zeroblob(3000))"), IsOk());
      acknowledge(i);
    }
  }
  lose_power_everywhere([this](const std::filesystem::path& left, std::uint64_t acknowledged) {
    auto opened = Database::open(left / "test.db", unrecorded());
    ASSERT_THAT(opened, IsOk());
    ASSERT_THAT((*opened)->ask("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), IsOkAndHolds(1));
    if (acknowledged == 0) return;
    const auto rows = (*opened)->ask("SELECT count(*) FROM t");
    ASSERT_THAT(rows, IsOk());
    ASSERT_THAT((*opened)->ask("SELECT max(x) FROM t"), IsOkAndHolds(*rows));
    ASSERT_GE(static_cast<std::uint64_t>(*rows), acknowledged);
    ASSERT_LE(static_cast<std::uint64_t>(*rows), acknowledged + 1);
  });
}

class NoTemplates final : public storage::TemplateSource {
 public:
  base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t) const override {
    return base::make_error(storage::Errc::Corrupt, "there are none");
  }
};

storage::SealedBlock block_at(std::uint64_t first) {
  storage::SealedBlock block;
  block.summary.first_record = first;
  block.summary.events = 10;
  block.summary.counts.push_back({storage::kWholeTemplate, 0, 10});
  block.frames = {std::to_string(first) + std::string(9'000, '.'), "b"};
  for (storage::ValueKey key = 0; key < 200; ++key) block.keys.push_back(key * 1000 + static_cast<storage::ValueKey>(first));
  return block;
}

TEST_F(PowerLoss, LeavesASegmentFileThatGoesOnFromWhatWasAppended) {
  constexpr std::uint64_t kFinished = 1'000'000;
  {
    auto made = storage::SegmentWriter::create(*this / "a.mlog", {"Lab", 1, {}}, options());
    ASSERT_THAT(made, IsOk());
    auto& writer = **made;
    while (writer.last_record() < 700) {
      const auto block = block_at(writer.last_record() + 1);
      ASSERT_THAT(writer.append({&block, 1}, NoTemplates(), {}), IsOk());
      acknowledge(writer.last_record());
    }
    ASSERT_THAT(writer.finish(), IsOk());
    acknowledge(kFinished);
  }
  lose_power_everywhere([this](const std::filesystem::path& left, std::uint64_t acknowledged) {
    if (acknowledged == 0) return;
    const bool finished = acknowledged == kFinished;
    const std::uint64_t last = finished ? 700 : acknowledged;
    if (!finished) {
      auto reopened = storage::SegmentWriter::reopen(left / "a.mlog", last, unrecorded());
      ASSERT_THAT(reopened, IsOk());
      const auto block = block_at(last + 1);
      ASSERT_THAT((*reopened)->append({&block, 1}, NoTemplates(), {}), IsOk());
      ASSERT_THAT((*reopened)->finish(), IsOk());
    }
    auto opened = storage::SegmentReader::open(left / "a.mlog", true);
    ASSERT_THAT(opened, IsOk());
    const auto summaries = (*opened)->summaries(0, last);
    ASSERT_THAT(summaries, IsOk());
    ASSERT_EQ(summaries->size(), last / 10);
    for (const auto& summary : *summaries) {
      const auto expected = block_at(summary.first_record);
      auto frames = (*opened)->frames(summary.first_record);
      ASSERT_THAT(frames->read(0), IsOkAndHolds(expected.frames[0]));
      std::vector<std::uint64_t> found;
      ASSERT_THAT((*opened)->find({expected.keys[5], expected.keys[5]}, found), IsOk());
      ASSERT_THAT(found, testing::ElementsAre(summary.first_record));
    }
  });
}

}  // namespace
}  // namespace storage_test
