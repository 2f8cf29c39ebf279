#include "storage/catalogue.h"

#include <gtest/gtest.h>

namespace storage_test {
namespace {

TEST(SegmentName, EncodesWhatAFileNameMustNotHave) {
  EXPECT_EQ(storage::segment_name("ForwardedEvents", 3), "ForwardedEvents-3.mlog");
  EXPECT_EQ(storage::segment_name("Microsoft-Windows-Sysmon/Operational", 12),
            "Microsoft-Windows-Sysmon%2FOperational-12.mlog");
  EXPECT_EQ(storage::encode_log_name(".."), "%2E.");
  EXPECT_EQ(storage::encode_log_name("a%b c\n\xff"), "a%25b%20c%0A%FF");
}

TEST(SegmentName, StaysShortEnoughForAFileSystem) {
  const auto name = storage::segment_name(std::string(255, '/'), ~std::uint64_t{0});
  EXPECT_LE(name.size() + std::string("Archive-2024-05-01T10-00-00Z--journal").size(), 255u);
  EXPECT_EQ(storage::segment_number(name), ~std::uint64_t{0});
}

TEST(SegmentName, GivesItsNumberBack) {
  EXPECT_EQ(storage::segment_number("Security-7-12.mlog"), 12u);
  EXPECT_EQ(storage::segment_number("Security-12.mlog-wal"), std::nullopt);
  EXPECT_EQ(storage::segment_number("Security.mlog"), std::nullopt);
  EXPECT_EQ(storage::segment_number("Security-1x.mlog"), std::nullopt);
  EXPECT_EQ(storage::segment_number("Security-.mlog"), std::nullopt);
  EXPECT_EQ(storage::segment_number("Security-99999999999999999999999.mlog"), std::nullopt);
}

TEST(FileSize, IsAnEighthOfTheLogAtMost) {
  storage::EventStoreOptions options;
  options.segment_bytes = 100;
  EXPECT_EQ(storage::file_size_of(options, 1000), 100u);
  EXPECT_EQ(storage::file_size_of(options, 400), 50u);
}

}  // namespace
}  // namespace storage_test
