#include "storage/varint.h"

#include <gmock/gmock.h>

namespace {

using storage::append_varint;
using storage::ByteReader;

TEST(Varint, EachLengthComesBackWhateverFollows) {
  for (unsigned bits = 0; bits <= 64; ++bits) {
    for (const std::uint64_t less : {0, 1}) {
      const std::uint64_t value = (bits == 64 ? std::uint64_t{0} : std::uint64_t{1} << bits) - less;
      std::string bytes;
      append_varint(bytes, value);
      EXPECT_LE(bytes.size(), 10u);
      for (const std::string& behind : {std::string(), std::string(3, '\xff'), std::string(20, '\0')}) {
        const std::string text = bytes + behind;
        ByteReader reader(text);
        EXPECT_EQ(reader.varint(), value);
        EXPECT_EQ(reader.left(), behind.size());
        ByteReader other(text);
        EXPECT_EQ(other.long_varint(), value);
        EXPECT_EQ(other.left(), behind.size());
      }
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        ByteReader reader(std::string_view(bytes).substr(0, size));
        EXPECT_EQ(reader.long_varint(), 0u);
        EXPECT_FALSE(reader.ok());
      }
    }
  }
}

TEST(Varint, MoreThanSixtyFourBitsAreRefused) {
  for (const std::string& bytes :
       {std::string(9, '\xff') + '\x02', std::string(10, '\x80') + '\x01', std::string(30, '\xff')}) {
    ByteReader reader(bytes);
    EXPECT_EQ(reader.varint(), 0u);
    EXPECT_FALSE(reader.ok());
  }
}

TEST(Varint, NothingIsReadAfterAnError) {
  ByteReader reader("\x05\x06\x07");
  EXPECT_EQ(reader.varint(4), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.byte(), 0);
  EXPECT_EQ(reader.bytes(1), "");
  EXPECT_FALSE(reader.done());
}

TEST(Varint, ZigzagKeepsSmallDifferencesSmall) {
  EXPECT_EQ(storage::zigzag(0), 0u);
  EXPECT_EQ(storage::zigzag(~std::uint64_t{0}), 1u);
  EXPECT_EQ(storage::zigzag(1), 2u);
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    EXPECT_EQ(storage::unzigzag(storage::zigzag(value)), value);
  }
}

}  // namespace
