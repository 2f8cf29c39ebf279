#include "storage/log_file.h"

#include <fstream>

#include "storage/segment_file.h"
#include "storage/template_registry.h"
#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using storage::LogFileWriter;
using storage::SegmentReader;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

storage::StoredEvent stored(const EventSpec& spec) {
  storage::StoredEvent event;
  event.log = "Lab";
  event.record = 4711;
  event.received = at(3600);
  event.event = make_event(spec);
  return event;
}

class LogFile : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return directory_ / "lab.mlog"; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path()))
      names.push_back(entry.path().filename());
    return names;
  }
  std::unique_ptr<LogFileWriter> create(bool overwrite = false) {
    auto made = LogFileWriter::create(path(), "Lab", overwrite);
    EXPECT_THAT(made, IsOk());
    return made.ok() ? std::move(made).value() : nullptr;
  }

  struct Row {
    std::uint64_t record = 0;
    std::string xml;
    std::string machine;
    std::string subscription;
    base::WallTime received;
    events::Quality quality{};
  };
  std::vector<Row> rows() {
    auto reader = SegmentReader::open(path(), true);
    EXPECT_THAT(reader, IsOk());
    const storage::TemplateRegistry templates(
        [&](std::uint32_t id) -> base::Result<std::string> { return (*reader)->template_text(id).value().value(); });
    std::vector<Row> rows;
    const auto summaries = (*reader)->summaries(0, ~std::uint64_t{0});
    EXPECT_THAT(summaries, IsOk());
    for (const auto& summary : *summaries) {
      auto block = storage::Block::open(summary, (*reader)->frames(summary.first_record), templates);
      EXPECT_THAT(block, IsOk());
      for (std::size_t i = 0; i < (*block)->rows(); ++i) {
        Row row;
        row.record = (*block)->record(i);
        row.xml = (*block)->xml(i).value();
        row.received = base::WallTime(std::chrono::nanoseconds((*block)->received(i)));
        row.quality = (*block)->quality(i);
        if (const auto sender = (*block)->sender(i); sender != 0) {
          row.machine = (*reader)->sender(sender).value().value().machine;
          row.subscription = (*reader)->sender(sender).value().value().subscription;
        }
        rows.push_back(std::move(row));
      }
    }
    return rows;
  }

 private:
  test_support::TemporaryDirectory directory_;
};

TEST_F(LogFile, HoldsTheEventsInTheirOrder) {
  auto writer = create();
  EventSpec spec;
  ASSERT_THAT(writer->add(stored(spec)), IsOk());
  spec.text = "another & more";
  spec.event_id = 1;
  auto delivered = stored(spec);
  delivered.machine = "host1";
  delivered.subscription = "baseline";
  ASSERT_THAT(writer->add(delivered), IsOk());
  storage::StoredEvent raw;
  raw.event.xml = "no event at all";
  raw.event.quality = events::Quality::Raw;
  ASSERT_THAT(writer->add(raw), IsOk());
  ASSERT_THAT(writer->finish(), IsOk());

  const auto all = rows();
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].record, 1u);
  EXPECT_EQ(all[0].xml, make_event({}).xml);
  EXPECT_EQ(all[0].machine, "");
  EXPECT_EQ(all[0].received, at(3600));
  EXPECT_EQ(all[1].record, 2u);
  EXPECT_EQ(all[1].xml, delivered.event.xml);
  EXPECT_EQ(all[1].machine, "host1");
  EXPECT_EQ(all[1].subscription, "baseline");
  EXPECT_EQ(all[2].xml, "no event at all");
  EXPECT_EQ(all[2].quality, events::Quality::Raw);
}

TEST_F(LogFile, TakesAsManyBlocksAsItNeeds) {
  auto writer = create();
  EventSpec spec;
  for (std::uint64_t i = 1; i <= 9'000; ++i) {
    spec.record_id = i;
    ASSERT_THAT(writer->add(stored(spec)), IsOk());
  }
  ASSERT_THAT(writer->finish(), IsOk());
  const auto all = rows();
  ASSERT_THAT(all, SizeIs(9'000));
  for (std::uint64_t i = 1; i <= 9'000; ++i) {
    ASSERT_EQ(all[i - 1].record, i);
    spec.record_id = i;
    ASSERT_EQ(all[i - 1].xml, xml_of(spec));
  }
  EXPECT_LT(std::filesystem::file_size(path()), 9'000u * 20);
}

TEST_F(LogFile, MayBeEmpty) {
  ASSERT_THAT(create()->finish(), IsOk());
  EXPECT_THAT(names(), ElementsAre("lab.mlog"));
  EXPECT_THAT(rows(), IsEmpty());
  EXPECT_EQ(SegmentReader::open(path(), true).value()->info().log, "Lab");
}

TEST_F(LogFile, ThatIsThereIsReplacedOnlyWhenAskedFor) {
  std::ofstream(path()) << "precious";
  EXPECT_THAT(LogFileWriter::create(path(), "Lab", false), IsError(std::errc::file_exists));
  EXPECT_THAT(create(true)->finish(), IsOk());
  EXPECT_THAT(rows(), IsEmpty());
}

TEST_F(LogFile, ThatCameMeanwhileIsNotReplaced) {
  auto writer = create();
  std::ofstream(path()) << "precious";
  EXPECT_THAT(writer->finish(), IsError(std::errc::file_exists));
  writer.reset();
  EXPECT_THAT(names(), ElementsAre("lab.mlog"));
  EXPECT_EQ(std::filesystem::file_size(path()), 8u);
}

TEST_F(LogFile, LeavesNothingBehindWhereItIsNotFinished) {
  auto writer = create();
  ASSERT_THAT(writer->add(stored({})), IsOk());
  EXPECT_FALSE(names().empty());
  writer.reset();
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(LogFile, TakesNoEventsOnceFinished) {
  auto writer = create();
  ASSERT_THAT(writer->finish(), IsOk());
  EXPECT_THAT(writer->add(stored({})), IsError(Errc::ReadOnly));
}

TEST_F(LogFile, InAFolderThatIsMissingIsAnError) {
  EXPECT_THAT(LogFileWriter::create(path() / "x" / "y", "Lab", false), IsError(std::errc::no_such_file_or_directory));
}

}  // namespace
}  // namespace storage_test
