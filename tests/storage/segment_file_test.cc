#include "storage/segment_file.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "storage/segment_schema.h"
#include "tests/storage/faulty_disk.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using storage::BlockSummary;
using storage::Database;
using storage::SealedBlock;
using storage::SegmentReader;
using storage::SegmentWriter;
using storage::Sender;
using storage::ValueKey;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::UnorderedElementsAre;

std::string skeleton_text(std::uint32_t id) {
  return "<Event><System><EventID>" + std::to_string(id) + "</EventID></System></Event>";
}

class Skeletons final : public storage::TemplateSource {
 public:
  base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t id) const override {
    if (id > 1000) return base::make_error(Errc::Corrupt, "no such template");
    return events::Skeleton::parse(skeleton_text(id));
  }
};

/// A block of `events` records that nobody can decode, with this key and keys of its own.
SealedBlock block_at(std::uint64_t first, std::uint32_t events = 10, std::uint32_t template_id = 7) {
  SealedBlock block;
  block.summary.first_record = first;
  block.summary.events = events;
  block.summary.min_time = 1000;
  block.summary.max_time = 2000;
  block.summary.min_received = 3000;
  block.summary.max_received = 4000;
  block.summary.text_bytes = 99;
  block.summary.counts.push_back({template_id, 5, events});
  for (int i = 0; i < 3; ++i)
    block.frames.push_back(std::to_string(first) + "/" + std::to_string(i) + std::string(20'000, '.'));
  block.keys = {7, static_cast<ValueKey>(1000 + first), 0xfffffff0};
  return block;
}

class SegmentFile : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return directory_ / "Lab.mlog"; }
  const std::filesystem::path& directory() const { return directory_.path(); }

  void create() {
    storage::SegmentInfo info;
    info.log = "Lab/Operational";
    info.id = 12;
    info.created = at(5);
    auto made = SegmentWriter::create(path(), info, {});
    ASSERT_THAT(made, IsOk());
    writer_ = std::move(made).value();
  }
  base::Result<void> append(std::vector<SealedBlock> blocks, std::vector<Sender> senders = {}) {
    return writer_->append(blocks, skeletons_, senders);
  }
  /// Blocks of ten records each, one append each.
  void append_blocks(std::size_t count) {
    for (; count > 0; --count) ASSERT_THAT(append({block_at(writer_->last_record() + 1)}), IsOk());
  }
  base::Result<void> reopen(std::uint64_t last_record) {
    writer_.reset();
    auto opened = SegmentWriter::reopen(path(), last_record, {});
    if (!opened.ok()) return std::move(opened).error();
    writer_ = std::move(opened).value();
    return {};
  }
  std::unique_ptr<SegmentReader> reader(bool finished = false) {
    auto opened = SegmentReader::open(path(), finished);
    EXPECT_THAT(opened, IsOk());
    return opened.ok() ? std::move(opened).value() : nullptr;
  }
  static std::vector<std::uint64_t> firsts(const base::Result<std::vector<BlockSummary>>& summaries) {
    EXPECT_THAT(summaries, IsOk());
    std::vector<std::uint64_t> records;
    if (summaries.ok()) {
      for (const auto& summary : *summaries) records.push_back(summary.first_record);
    }
    return records;
  }
  static std::vector<std::uint64_t> found(SegmentReader& reader, ValueKey first, ValueKey last) {
    std::vector<std::uint64_t> records;
    EXPECT_THAT(reader.find({first, last}, records), IsOk());
    return records;
  }
  void change(const std::string& sql) {
    writer_.reset();
    auto database = Database::open(path(), {});
    ASSERT_THAT(database, IsOk());
    ASSERT_THAT((*database)->execute(sql), IsOk());
  }
  SegmentWriter& writer() { return *writer_; }
  void close() { writer_.reset(); }

 private:
  test_support::TemporaryDirectory directory_;
  std::unique_ptr<SegmentWriter> writer_;
  Skeletons skeletons_;
};

TEST_F(SegmentFile, GivesBackWhatWasAppended) {
  create();
  ASSERT_THAT(append({block_at(1), block_at(11)}, {{3, "baseline", "host1", "192.0.2.7"}}), IsOk());
  auto in = reader();
  EXPECT_EQ(in->info().log, "Lab/Operational");
  EXPECT_EQ(in->info().id, 12u);
  EXPECT_EQ(in->info().created, at(5));
  const auto summaries = in->summaries(0, 20);
  ASSERT_THAT(firsts(summaries), ElementsAre(1, 11));
  EXPECT_EQ(summaries->at(1).counts, block_at(11).summary.counts);
  EXPECT_EQ(summaries->at(1).max_received, 4000);
  auto frames = in->frames(11);
  for (std::uint32_t i : {2u, 0u, 1u}) EXPECT_THAT(frames->read(i), IsOkAndHolds(block_at(11).frames[i]));
  EXPECT_THAT(frames->read(3), IsError(Errc::Corrupt));
  EXPECT_THAT(in->frames(12)->read(0), IsError(Errc::Corrupt));
  EXPECT_THAT(in->template_text(7), IsOkAndHolds(Optional(skeleton_text(7))));
  EXPECT_THAT(in->template_text(8), IsOkAndHolds(std::nullopt));
  EXPECT_THAT(in->template_ids(), IsOkAndHolds(ElementsAre(7)));
  const auto sender = in->sender(3);
  ASSERT_TRUE(sender.ok() && sender->has_value());
  EXPECT_EQ((*sender)->machine, "host1");
  EXPECT_EQ((*sender)->subscription, "baseline");
  EXPECT_EQ((*sender)->address, "192.0.2.7");
  EXPECT_THAT(in->keys(11), IsOkAndHolds(block_at(11).keys));
  EXPECT_EQ(writer().events(), 20u);
  EXPECT_EQ(writer().last_record(), 20u);
  EXPECT_GE(writer().bytes(), 2u * 3 * 20'000);
}

TEST_F(SegmentFile, NamesTheBlocksOfARangeOfRecords) {
  create();
  append_blocks(5);
  auto in = reader();
  EXPECT_THAT(firsts(in->summaries(0, 50)), ElementsAre(1, 11, 21, 31, 41));
  EXPECT_THAT(firsts(in->summaries(10, 50)), ElementsAre(11, 21, 31, 41));
  EXPECT_THAT(firsts(in->summaries(15, 50)), ElementsAre(11, 21, 31, 41));
  EXPECT_THAT(firsts(in->summaries(20, 40)), ElementsAre(21, 31));
  EXPECT_THAT(firsts(in->summaries(20, 45)), ElementsAre(21, 31));
  EXPECT_THAT(firsts(in->summaries(50, ~std::uint64_t{0})), IsEmpty());
  EXPECT_THAT(firsts(in->summaries(49, ~std::uint64_t{0})), ElementsAre(41));
}

TEST_F(SegmentFile, IsOpenToReadersWhileItGrows) {
  create();
  auto in = reader();
  EXPECT_THAT(firsts(in->summaries(0, 1000)), IsEmpty());
  EXPECT_THAT(in->indexed_through(), IsOkAndHolds(0u));
  append_blocks(70);
  EXPECT_EQ(firsts(in->summaries(0, 1000)).size(), 70u);
  EXPECT_THAT(in->indexed_through(), IsOkAndHolds(640u));
  EXPECT_THAT(found(*in, 1011, 1011), ElementsAre(11));
  append_blocks(60);
  EXPECT_THAT(in->indexed_through(), IsOkAndHolds(1280u));
  EXPECT_THAT(found(*in, 2000, 2100), ElementsAre(1001, 1011, 1021, 1031, 1041, 1051, 1061, 1071, 1081, 1091));
  EXPECT_EQ(found(*in, 7, 7).size(), 128u);
  EXPECT_THAT(in->keys(11), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(in->keys(1291), IsOkAndHolds(block_at(1291).keys));
}

TEST_F(SegmentFile, IsASingleFileOnceFinished) {
  create();
  append_blocks(70);
  ASSERT_THAT(writer().finish(), IsOk());
  EXPECT_THAT(append({block_at(701)}), IsError(Errc::ReadOnly));
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory())) names.push_back(entry.path().filename());
  EXPECT_THAT(names, ElementsAre("Lab.mlog"));
  auto in = reader(true);
  EXPECT_EQ(firsts(in->summaries(0, 1000)).size(), 70u);
  EXPECT_THAT(in->indexed_through(), IsOkAndHolds(700u));
  EXPECT_THAT(found(*in, 1691, 1691), ElementsAre(691));
  EXPECT_THAT(in->frames(691)->read(2), IsOkAndHolds(block_at(691).frames[2]));
  EXPECT_EQ(std::filesystem::file_size(path()), writer().bytes());
}

TEST_F(SegmentFile, IsCompleteWithoutItsJournalThoughAReaderHasItOpen) {
  create();
  append_blocks(3);
  auto in = reader();
  EXPECT_THAT(firsts(in->summaries(0, 1000)), ElementsAre(1, 11, 21));
  ASSERT_THAT(writer().finish(), IsOk());
  EXPECT_THAT(firsts(in->summaries(0, 1000)), ElementsAre(1, 11, 21));
  const auto copy = directory() / "copy.mlog";
  std::filesystem::copy_file(path(), copy);
  auto opened = SegmentReader::open(copy, true);
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(firsts((*opened)->summaries(0, 1000)), ElementsAre(1, 11, 21));
  EXPECT_THAT((*opened)->indexed_through(), IsOkAndHolds(30u));
}

TEST_F(SegmentFile, IsReadWhereNothingMayBeWritten) {
  create();
  append_blocks(3);
  close();
  std::filesystem::permissions(directory(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  auto in = reader();
  std::filesystem::permissions(directory(), std::filesystem::perms::owner_all);
  EXPECT_THAT(firsts(in->summaries(0, 1000)), ElementsAre(1, 11, 21));
}

TEST_F(SegmentFile, GoesOnWhereItWas) {
  create();
  append_blocks(3);
  ASSERT_THAT(reopen(30), IsOk());
  EXPECT_EQ(writer().info().log, "Lab/Operational");
  EXPECT_EQ(writer().events(), 30u);
  ASSERT_THAT(append({block_at(31, 4096, 8)}), IsOk());
  auto in = reader();
  EXPECT_THAT(firsts(in->summaries(0, 10'000)), ElementsAre(1, 11, 21, 31));
  EXPECT_THAT(in->template_ids(), IsOkAndHolds(ElementsAre(7, 8)));
  EXPECT_THAT(in->frames(31)->read(0), IsOkAndHolds(block_at(31).frames[0]));
}

TEST_F(SegmentFile, LosesWhatWasNeverCommittedWhenItIsReopened) {
  create();
  append_blocks(5);
  ASSERT_THAT(reopen(30), IsOk());
  EXPECT_EQ(writer().last_record(), 30u);
  EXPECT_EQ(writer().events(), 30u);
  ASSERT_THAT(append({block_at(31, 5)}), IsOk());
  auto in = reader();
  EXPECT_THAT(firsts(in->summaries(0, 1000)), ElementsAre(1, 11, 21, 31));
  EXPECT_EQ(in->summaries(30, 1000)->at(0).events, 5u);
  EXPECT_THAT(in->frames(31)->read(1), IsOkAndHolds(block_at(31).frames[1]));
  EXPECT_THAT(in->frames(41)->read(0), IsError(Errc::Corrupt));
}

TEST_F(SegmentFile, TakesARunApartWhoseLastBlocksWereNeverCommitted) {
  create();
  append_blocks(2 * storage::kBlocksPerRun);
  ASSERT_THAT(reopen(1000), IsOk());
  auto in = reader();
  EXPECT_THAT(in->indexed_through(), IsOkAndHolds(640u));
  EXPECT_THAT(in->keys(641), IsOkAndHolds(block_at(641).keys));
  EXPECT_THAT(in->keys(991), IsOkAndHolds(block_at(991).keys));
  EXPECT_THAT(in->keys(1001), IsOkAndHolds(IsEmpty()));
  append_blocks(28);
  EXPECT_THAT(in->indexed_through(), IsOkAndHolds(1280u));
  EXPECT_THAT(found(*in, 1651, 1651), ElementsAre(651));
  EXPECT_EQ(found(*in, 7, 7).size(), 128u);
}

TEST_F(SegmentFile, IsEmptiedWhereNothingWasCommitted) {
  create();
  append_blocks(storage::kBlocksPerRun + 1);
  ASSERT_THAT(reopen(0), IsOk());
  EXPECT_EQ(writer().last_record(), 0u);
  append_blocks(1);
  ASSERT_THAT(writer().finish(), IsOk());
  auto in = reader(true);
  EXPECT_THAT(firsts(in->summaries(0, 1000)), ElementsAre(1));
  EXPECT_THAT(found(*in, 0, 0xffffffff), ElementsAre(1));
}

TEST_F(SegmentFile, IsFinishedAgainWhereTheCatalogueDoesNotKnowOfIt) {
  create();
  append_blocks(3);
  ASSERT_THAT(writer().finish(), IsOk());
  ASSERT_THAT(reopen(20), IsOk());
  append_blocks(1);
  ASSERT_THAT(writer().finish(), IsOk());
  auto in = reader(true);
  EXPECT_THAT(firsts(in->summaries(0, 1000)), ElementsAre(1, 11, 21));
  EXPECT_THAT(in->indexed_through(), IsOkAndHolds(30u));
  EXPECT_THAT(found(*in, 7, 7), UnorderedElementsAre(1, 11, 21));
}

TEST_F(SegmentFile, TakesAllBlocksOfAnAppendOrNone) {
  create();
  append_blocks(1);
  EXPECT_THAT(append({block_at(11), block_at(21, 10, 2000)}), IsError(Errc::Corrupt, "no such template"));
  EXPECT_THAT(append({block_at(11), block_at(15)}), IsError(Errc::Corrupt));
  EXPECT_EQ(writer().last_record(), 10u);
  auto in = reader();
  EXPECT_THAT(firsts(in->summaries(0, 1000)), ElementsAre(1));
  ASSERT_THAT(append({block_at(11)}), IsOk());
  EXPECT_THAT(in->frames(11)->read(0), IsOkAndHolds(block_at(11).frames[0]));
}

TEST_F(SegmentFile, IsNotMadeTwice) {
  create();
  EXPECT_THAT(SegmentWriter::create(path(), {}, {}), IsError(std::errc::file_exists));
}

TEST_F(SegmentFile, LeavesNothingBehindWhereItCannotBeMade) {
  FaultyDisk disk;
  bool failed = true;
  for (std::size_t passing = 0; failed; ++passing) {
    ASSERT_LT(passing, 100u);
    disk.fail_after(passing, FaultyDisk::Failure::NoSpace);
    const auto made = SegmentWriter::create(path(), {}, {});
    failed = disk.has_failed();
    disk.heal();
    ASSERT_EQ(made.ok(), !failed);
    ASSERT_EQ(std::filesystem::is_empty(directory()), failed);
  }
}

TEST_F(SegmentFile, ThatEndsTooSoonIsNotReopened) {
  create();
  append_blocks(2);
  EXPECT_THAT(reopen(30), IsError(Errc::Corrupt, "ends with record 20"));
  EXPECT_THAT(reopen(15), IsError(Errc::Corrupt));
}

TEST_F(SegmentFile, ThatIsMissingIsNotFound) {
  EXPECT_THAT(SegmentReader::open(path(), false), IsError(Errc::NotFound, "Lab.mlog"));
  EXPECT_THAT(SegmentWriter::reopen(path(), 0, {}), IsError(Errc::NotFound, "Lab.mlog"));
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(SegmentFile, OfALaterVersionIsRefused) {
  create();
  change("PRAGMA user_version=2");
  EXPECT_THAT(SegmentReader::open(path(), false), IsError(Errc::TooNew, "Lab.mlog"));
  EXPECT_THAT(SegmentReader::open(path(), true), IsError(Errc::TooNew, "Lab.mlog"));
  EXPECT_THAT(reopen(0), IsError(Errc::TooNew, "Lab.mlog"));
}

TEST_F(SegmentFile, OfAnotherProgramIsRefused) {
  change("CREATE TABLE theirs (x)");
  EXPECT_THAT(SegmentReader::open(path(), true), IsError(Errc::Corrupt, "Lab.mlog"));
  EXPECT_THAT(reopen(0), IsError(Errc::Corrupt, "Lab.mlog"));
  std::ofstream(path(), std::ios::trunc) << "no database at all, and yet long enough to be taken for one by the careless";
  EXPECT_THAT(SegmentReader::open(path(), true), IsError(Errc::Corrupt, "Lab.mlog"));
}

TEST_F(SegmentFile, WithTablesOfAnotherShapeIsRefused) {
  create();
  change("ALTER TABLE frames RENAME TO real_frames; CREATE VIEW frames AS SELECT * FROM real_frames");
  EXPECT_THAT(SegmentReader::open(path(), true), IsError(Errc::Corrupt, "tables"));
  change("DROP VIEW frames");
  EXPECT_THAT(SegmentReader::open(path(), true), IsError(Errc::Corrupt, "tables"));
}

TEST_F(SegmentFile, WithNonsenseInItsRowsIsCorrupt) {
  const std::map<std::string, std::string> damages{
      {"blocks overlap", "UPDATE blocks SET last_record = 15 WHERE first_record = 1"},
      {"a block ends before it begins", "UPDATE blocks SET last_record = 5 WHERE first_record = 11"},
      {"a summary of other records", "UPDATE blocks SET summary = (SELECT summary FROM blocks WHERE first_record = 1)"},
      {"no summary", "UPDATE blocks SET summary = x'ff'"},
      {"negative records", "UPDATE blocks SET first_record = -5 WHERE first_record = 1"},
  };
  for (const auto& [what, sql] : damages) {
    SCOPED_TRACE(what);
    std::filesystem::remove(path());
    create();
    append_blocks(2);
    change(sql);
    auto in = reader();
    EXPECT_THAT(in->summaries(0, 1000), IsError(Errc::Corrupt, "Lab.mlog"));
  }
}

TEST_F(SegmentFile, WithADamagedIndexSaysSo) {
  for (const char* sql : {"UPDATE value_runs SET directory = x'00'", "UPDATE value_runs SET blocks = x'ffff'",
                          "UPDATE value_runs SET chunks = 9", "UPDATE value_runs SET last_record = 0",
                          "UPDATE value_chunks SET data = x'00112233445566778899'", "DELETE FROM value_chunks",
                          "UPDATE value_runs SET blocks = x'01'"}) {
    SCOPED_TRACE(sql);
    std::filesystem::remove(path());
    create();
    append_blocks(3);
    ASSERT_THAT(writer().finish(), IsOk());
    change(sql);
    std::vector<std::uint64_t> records;
    EXPECT_THAT(reader()->find({0, 0xffffffff}, records), IsError(Errc::Corrupt));
  }
}

}  // namespace
}  // namespace storage_test
