#include "storage/value_key.h"

#include <gmock/gmock.h>

#include "events/value.h"
#include "storage/block.h"
#include "storage/errc.h"
#include "tests/support/matchers.h"

namespace {

using events::Comparison;
using events::Constant;
using events::Skeleton;
using events::ValueTest;
using testing::ElementsAre;

Skeleton::Hole data(const std::string& name, bool is_attribute = false) {
  Skeleton::Hole hole;
  hole.is_data = true;
  hole.is_attribute = is_attribute;
  hole.name = name;
  return hole;
}

ValueTest equals(const std::string& constant, bool ignore_case = false) {
  ValueTest test;
  test.constant = Constant::of(constant);
  test.ignore_case = ignore_case;
  return test;
}

TEST(ValueKey, ValuesThatAnEqualityCannotTellApartHaveOneKey) {
  const std::vector<std::string> texts = {"",
                                          " ",
                                          "\t",
                                          "0",
                                          "-0",
                                          "+0",
                                          "0.0",
                                          "1",
                                          " 1 ",
                                          "+1",
                                          "01",
                                          "1.0",
                                          "1e0",
                                          "0x1",
                                          "0X1",
                                          "10.5",
                                          "1.05e1",
                                          "9007199254740992",
                                          "9007199254740993",
                                          "9007199254740992.0",
                                          "18446744073709551615",
                                          "18446744073709551616",
                                          "0xffffffffffffffff",
                                          "0xFFFFFFFFFFFFFFFF",
                                          "-1",
                                          "-1.0",
                                          "true",
                                          "TRUE",
                                          "false",
                                          "10.0.0.1",
                                          "2024-01-01T00:00:00Z",
                                          "2024-01-01t00:00:00z",
                                          "2024-01-01T00:00:00.0Z",
                                          "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}",
                                          "5770385f-c22a-43e0-bf4c-06f5698ffbd9",
                                          " {5770385f-c22a-43e0-bf4c-06f5698ffbd9}",
                                          "S-1-5-18",
                                          "s-1-5-18",
                                          " S-1-5-18",
                                          "HOST.example",
                                          "host.EXAMPLE",
                                          "&lt;",
                                          "<",
                                          "&#49;",
                                          "&#32;",
                                          "a b",
                                          "A B",
                                          "é",
                                          "É",
                                          "abcdefghijklmnopqrstuvwxyz",
                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                          ".",
                                          "-",
                                          "0x",
                                          "0xg",
                                          "1e",
                                          "e1",
                                          "{12345678-1234-1234-1234-12345678901}"};
  std::size_t equal = 0;
  for (const bool is_attribute : {false, true}) {
    for (const auto& constant : texts) {
      for (const bool ignore_case : {false, true}) {
        const ValueTest test = equals(constant, ignore_case);
        const auto any = storage::keys_of(test, data("Name", is_attribute), std::nullopt);
        const auto one = storage::keys_of(test, data("Name", is_attribute), std::uint16_t{4624});
        ASSERT_EQ(any.has_value(), one.has_value());
        if (!any) continue;
        EXPECT_EQ(one->first, one->last);
        for (const auto& value : texts) {
          if (!test.holds(value, is_attribute, {})) continue;
          ++equal;
          const auto key = storage::value_key("Name", value, is_attribute, 4624);
          EXPECT_EQ(key, one->first) << constant << " and " << value;
          EXPECT_GE(key, any->first) << constant << " and " << value;
          EXPECT_LE(key, any->last) << constant << " and " << value;
        }
      }
    }
  }
  EXPECT_GT(equal, 4 * texts.size());
}

TEST(ValueKey, NameValueAndEventMakeDifferentKeys) {
  const auto key = storage::value_key("Name", "value", false, 1);
  EXPECT_NE(key, storage::value_key("Other", "value", false, 1));
  EXPECT_NE(key, storage::value_key("Name", "other", false, 1));
  EXPECT_NE(key, storage::value_key("Name", "value", false, 2));
  EXPECT_NE(key, storage::value_key("Name", "value", false, 1 + 1024));
  EXPECT_NE(storage::value_key("Name", "1", false, 1), storage::value_key("Name", "2", false, 1));
}

TEST(ValueKey, TheStepsMakeTheSameKey) {
  const auto seed = storage::value_seed("Name");
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{123456789}, ~std::uint64_t{0}}) {
    const std::string text = std::to_string(number);
    EXPECT_EQ(storage::value_bits(seed, number), storage::value_bits(seed, text, false));
    EXPECT_EQ(storage::key_of_bits(storage::value_bits(seed, number), 4624), storage::value_key("Name", text, false, 4624));
  }
}

// What is on disk depends on it.
TEST(ValueKey, KeysNeverChange) {
  EXPECT_EQ(storage::value_key("TargetUserName", "SYSTEM", false, 4624), 1597968916u);
  EXPECT_EQ(storage::value_key("LogonType", "3", false, 4624), 879504916u);
  EXPECT_EQ(storage::value_key("CommandLine", "C:\\Windows\\System32\\svchost.exe -k netsvcs", false, 4688), 1526690388u);
}

TEST(ValueKey, OnlyEqualityWithComparableConstantsIsIndexed) {
  EXPECT_TRUE(storage::keys_of(equals("x"), data("Name"), std::nullopt));
  EXPECT_FALSE(storage::keys_of(equals("true"), data("Name"), std::nullopt));
  EXPECT_FALSE(storage::keys_of(equals("2024-01-01T00:00:00Z"), data("Name"), std::nullopt));
  for (const auto comparison : {Comparison::NotEqual, Comparison::Less, Comparison::GreaterOrEqual}) {
    ValueTest test = equals("x");
    test.comparison = comparison;
    EXPECT_FALSE(storage::keys_of(test, data("Name"), std::nullopt));
  }
  ValueTest band = equals("1");
  band.op = ValueTest::Op::Band;
  EXPECT_FALSE(storage::keys_of(band, data("Name"), std::nullopt));
}

TEST(ValueKey, IndexedAreDataAndFourFieldsOfSystem) {
  EXPECT_EQ(storage::index_name(data("Name")), "Name");
  EXPECT_EQ(storage::index_name(data("")), "");
  for (const auto field :
       {events::Field::Computer, events::Field::UserId, events::Field::ActivityId, events::Field::RelatedActivityId}) {
    Skeleton::Hole hole;
    hole.field = field;
    EXPECT_TRUE(storage::index_name(hole));
  }
  Skeleton::Hole record;
  record.field = events::Field::RecordId;
  EXPECT_FALSE(storage::index_name(record));
  EXPECT_FALSE(storage::index_name(Skeleton::Hole{}));
}

TEST(ValueKeys, ComeBackFromBytes) {
  for (const std::vector<storage::ValueKey>& keys :
       {std::vector<storage::ValueKey>{}, {0}, {0xffffffff}, {0, 1, 2, 500, 70000, 0xfffffffe, 0xffffffff}}) {
    EXPECT_THAT(storage::decode_keys(storage::encode_keys(keys)),
                test_support::IsOkAndHolds(testing::ElementsAreArray(keys)));
  }
}

TEST(ValueKeys, DamagedBytesAreRefused) {
  const std::vector<storage::ValueKey> keys = {5, 6, 1000, 0xffffffff};
  const std::string bytes = storage::encode_keys(keys);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(storage::decode_keys(std::string_view(bytes).substr(0, size)),
                test_support::IsError(storage::Errc::Corrupt));
  }
  EXPECT_THAT(storage::decode_keys(bytes + "x"), test_support::IsError(storage::Errc::Corrupt));
  // A count that no memory holds; a key beyond 32 bits; a number that never ends.
  EXPECT_THAT(storage::decode_keys("\xff\xff\xff\xff\xff\xff\xff\xff\x01"), test_support::IsError(storage::Errc::Corrupt));
  EXPECT_THAT(storage::decode_keys("\x02\xff\xff\xff\xff\x0f\x01"), test_support::IsError(storage::Errc::Corrupt));
  EXPECT_THAT(storage::decode_keys(std::string(20, '\xff')), test_support::IsError(storage::Errc::Corrupt));
}

TEST(Frames, ComeBackFromOneBlob) {
  const std::vector<std::string> frames = {"first", "", std::string(100000, 'x')};
  EXPECT_THAT(storage::unpack_frames(storage::pack_frames(frames)),
              test_support::IsOkAndHolds(testing::ElementsAreArray(frames)));
}

TEST(Frames, ADamagedBlobIsRefused) {
  const std::vector<std::string> frames = {"first", "second"};
  const std::string blob = storage::pack_frames(frames);
  for (std::size_t size = 0; size < blob.size(); ++size) {
    EXPECT_THAT(storage::unpack_frames(std::string_view(blob).substr(0, size)),
                test_support::IsError(storage::Errc::Corrupt));
  }
  EXPECT_THAT(storage::unpack_frames(blob + "x"), test_support::IsError(storage::Errc::Corrupt));
}

}  // namespace
