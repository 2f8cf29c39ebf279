#include "engine/wsman/sldc.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "engine/base/encoding.h"
#include "engine/base/utf16.h"
#include "tests/support/matchers.h"

namespace wsman {
namespace {

using test_support::IsError;
using test_support::IsOk;
using test_support::IsOkAndHolds;
using ::testing::Eq;

constexpr std::size_t kEnough = 16 << 20;

std::string bytes(std::string_view hex) {
  return *base::parse_hex(hex);
}

/// Writes symbols bit by bit, for streams that no encoder makes.
class Bits {
 public:
  Bits& put(unsigned value, unsigned count) {
    for (unsigned i = count; i-- != 0;) bits_ += (value >> i & 1) != 0 ? '1' : '0';
    return *this;
  }
  Bits& control(unsigned symbol) { return put(0x1FF0 | symbol, 13); }
  Bits& literal(char c) { return put(static_cast<unsigned char>(c), 9); }
  Bits& pad_to(unsigned boundary) {
    while (bits_.size() % boundary != 0) bits_ += '0';
    return *this;
  }
  std::string take() {
    pad_to(8);
    std::string out;
    for (std::size_t i = 0; i < bits_.size(); i += 8) {
      out += static_cast<char>(std::stoi(bits_.substr(i, 8), nullptr, 2));
    }
    return out;
  }

 private:
  std::string bits_;
};

std::string sample_events() {
  std::string text = "<w:Events>";
  for (int i = 0; i < 60; ++i) {
    text +=
        "<w:Event Action=\"http://schemas.dmtf.org/wbem/wsman/1/wsman/Event\"><![CDATA[<Event "
        "xmlns='http://schemas.microsoft.com/"
        "win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing' "
        "Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/><EventID>4624</EventID><Level>0</Level><TimeCreated "
        "SystemTime='2024-05-01T10:15:30." +
        std::to_string(1000000 + i * 7919) + "Z'/><EventRecordID>" + std::to_string(90000 + i) +
        "</EventRecordID><Computer>host" + std::to_string(i % 7) +
        ".lab.example</Computer></System><EventData><Data Name='TargetUserName'>\xC3\xBC" + std::to_string(i * i) +
        "</Data></EventData></Event>]]></w:Event>";
  }
  return text + "</w:Events>";
}

struct Vector {
  const char* plain;
  const char* packed;
};

class SldcVector : public ::testing::TestWithParam<Vector> {};

TEST_P(SldcVector, Expands) {
  EXPECT_THAT(sldc_decompress(bytes(GetParam().packed), kEnough), IsOkAndHolds(Eq(bytes(GetParam().plain))));
}

INSTANTIATE_TEST_SUITE_P(Reference, SldcVector,
                         ::testing::Values(Vector{"41", "ffa907fe80000000"}, Vector{"4142414241424142", "ffa90485a003fe80"},
                                           Vector{"FFFE68006900", "ffabfdfc68001a401ff40000"},
                                           Vector{"01FF02", "ffb00ff80bfe8000"},
                                           Vector{"4142FF434142", "ffa90485ff2ff21ffc6001ff40000000"},
                                           Vector{"7465737420737472696E67", "ffb3a32b9ba1039ba3934b733ffd0000"}));

TEST(Sldc, ExpandsARunOfThreeHundred) {
  EXPECT_THAT(sldc_decompress(bytes("ffa9e3fde007b000ffa00000"), kEnough), IsOkAndHolds(Eq(std::string(300, 'x'))));
}

TEST(Sldc, CompressesAsTheReferenceEncoder) {
  EXPECT_EQ(base::to_hex(sldc_compress("A")), "FFA907FE8000000001000000");
  EXPECT_EQ(base::to_hex(sldc_compress("ABABABAB")), "FFA90485A003FE8008000000");
  EXPECT_EQ(base::to_hex(sldc_compress(bytes("FFFE68006900"))), "FFABFDFC68001A401FF4000006000000");
}

TEST(Sldc, IsRecognisedByItsFirstReset) {
  EXPECT_TRUE(looks_like_sldc(bytes("FFA8")));
  EXPECT_TRUE(looks_like_sldc(bytes("FFAF")));
  EXPECT_TRUE(looks_like_sldc(bytes("FFB0")));
  EXPECT_TRUE(looks_like_sldc(bytes("FFB7")));
  EXPECT_FALSE(looks_like_sldc(bytes("FFB8")));
  EXPECT_FALSE(looks_like_sldc(bytes("FFA7")));
  EXPECT_FALSE(looks_like_sldc(bytes("FFFE")));
  EXPECT_FALSE(looks_like_sldc("<s:Envelope"));
  EXPECT_FALSE(looks_like_sldc(bytes("FF")));
  EXPECT_FALSE(looks_like_sldc(""));
}

TEST(Sldc, RoundTripsEvents) {
  const std::string utf16 = base::utf8_to_utf16le_with_mark(sample_events());
  const std::string packed = sldc_compress(utf16);
  EXPECT_LT(packed.size(), utf16.size() / 2);
  EXPECT_TRUE(looks_like_sldc(packed));
  EXPECT_THAT(sldc_decompress(packed, utf16.size()), IsOkAndHolds(Eq(utf16)));
}

TEST(Sldc, RoundTripsEveryLengthOfMatch) {
  std::mt19937 random(1);
  for (std::size_t length = 0; length < 600; ++length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i) text += static_cast<char>(random());
    text += "|" + text + std::string(length, 'y') + "\xFF";
    ASSERT_THAT(sldc_decompress(sldc_compress(text), text.size()), IsOkAndHolds(Eq(text))) << length;
  }
}

TEST(Sldc, RoundTripsRandomMixtures) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    const unsigned alphabet = 1 + random() % 255;
    const std::size_t length = random() % 6000;
    while (text.size() < length) {
      if (text.size() > 4 && random() % 3 == 0) {
        const std::size_t from = random() % text.size();
        text += text.substr(from, 1 + random() % 500);
      } else {
        text += static_cast<char>(random() % alphabet);
      }
    }
    ASSERT_THAT(sldc_decompress(sldc_compress(text), text.size()), IsOkAndHolds(Eq(text))) << round;
  }
}

TEST(Sldc, CopiesFromExactlyTheWholeHistoryBack) {
  // 1024 literals, then the position that is about to be overwritten.
  Bits stream;
  stream.control(5);
  std::string plain;
  for (int i = 0; i < 1024; ++i) {
    const char c = static_cast<char>('a' + i % 23);
    stream.literal(c);
    plain += c;
  }
  stream.put(1, 1).put(0, 2).put(0, 10).control(4);
  EXPECT_THAT(sldc_decompress(stream.take(), kEnough), IsOkAndHolds(Eq(plain + "ab")));
}

TEST(Sldc, ResetForgetsTheHistory) {
  const std::string stream = Bits().control(5).literal('a').literal('b').control(5).put(1, 1).put(0, 12).control(4).take();
  EXPECT_THAT(sldc_decompress(stream, kEnough), IsError(SldcErrc::Invalid));
}

TEST(Sldc, FlushMayBePaddedOrNot) {
  const std::string padded = Bits().control(5).literal('a').control(0).pad_to(32).literal('b').control(4).take();
  EXPECT_THAT(sldc_decompress(padded, kEnough), IsOkAndHolds(Eq("ab")));
  const std::string bare = Bits().control(5).literal('a').control(0).literal('b').control(4).take();
  EXPECT_THAT(sldc_decompress(bare, kEnough), IsOkAndHolds(Eq("ab")));
}

TEST(Sldc, IgnoresFileAndEndMarks) {
  const std::string stream = Bits().control(5).control(3).literal('a').control(15).literal('b').control(4).take();
  EXPECT_THAT(sldc_decompress(stream, kEnough), IsOkAndHolds(Eq("ab")));
}

TEST(Sldc, IgnoresWhatFollowsEndOfRecord) {
  EXPECT_THAT(sldc_decompress(bytes("ffa907fe80000000") + "\x63\x11" + "\xFF\xFF\xFF\xFF", kEnough), IsOkAndHolds(Eq("A")));
}

TEST(Sldc, RefusesReservedSymbols) {
  for (const unsigned symbol : {7u, 8u, 9u, 10u, 11u, 12u, 13u, 14u}) {
    const std::string stream = Bits().control(5).literal('a').control(symbol).literal('b').control(4).take();
    EXPECT_THAT(sldc_decompress(stream, kEnough), IsError(SldcErrc::Invalid)) << symbol;
  }
}

TEST(Sldc, RefusesDataBeforeAReset) {
  EXPECT_THAT(sldc_decompress(Bits().literal('a').control(4).take(), kEnough), IsError(SldcErrc::Invalid));
  EXPECT_THAT(sldc_decompress(Bits().control(1).literal('a').control(4).take(), kEnough), IsError(SldcErrc::Invalid));
}

TEST(Sldc, RefusesEveryCutStream) {
  const std::string text = sample_events().substr(0, 3000);
  const std::string packed = sldc_compress(text);
  // The last whole word before the length holds End of record or its padding.
  for (std::size_t cut = 0; cut + 4 < packed.size(); ++cut) {
    const auto result = sldc_decompress(packed.substr(0, cut), kEnough);
    if (result.ok()) {
      EXPECT_EQ(*result, text) << cut;
      EXPECT_GT(cut + 8, packed.size()) << cut;
    } else {
      EXPECT_THAT(result, IsError(SldcErrc::Truncated)) << cut;
    }
  }
}

TEST(Sldc, RefusesABomb) {
  Bits stream;
  stream.control(5).literal('x');
  for (int i = 0; i < 4000; ++i) stream.put(0x1F, 5).put(0xEF, 8).put(0, 10);
  const std::string packed = stream.control(4).take();
  EXPECT_THAT(sldc_decompress(packed, 512'000), IsError(SldcErrc::TooLarge));
  EXPECT_THAT(sldc_decompress(packed, 1 + 4000 * 271), IsOk());
  EXPECT_THAT(sldc_decompress(packed, 4000 * 271), IsError(SldcErrc::TooLarge));
}

TEST(Sldc, HoldsItsBoundsOnRandomInput) {
  std::mt19937 random(42);
  for (int round = 0; round < 20'000; ++round) {
    std::string noise = bytes("FFA8");
    const std::size_t length = random() % 200;
    for (std::size_t i = 0; i < length; ++i) noise += static_cast<char>(random());
    const auto result = sldc_decompress(noise, 2000);
    if (result.ok()) {
      ASSERT_LE(result->size(), 2000u);
    }
  }
}

TEST(Sldc, HoldsItsBoundsOnDamagedStreams) {
  const std::string packed = sldc_compress(sample_events());
  std::mt19937 random(43);
  for (int round = 0; round < 2'000; ++round) {
    std::string damaged = packed;
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    const auto result = sldc_decompress(damaged, 100'000);
    if (result.ok()) {
      ASSERT_LE(result->size(), 100'000u);
    }
  }
}

}  // namespace
}  // namespace wsman
