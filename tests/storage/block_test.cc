#include "storage/block.h"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

#include "storage/errc.h"
#include "storage/varint.h"
#include "tests/storage/block_fixture.h"
#include "tests/support/matchers.h"

namespace {

using events::Quality;
using storage::Block;
using storage::Column;
using storage::test::BlockMaker;
using test_support::IsError;
using test_support::IsOk;
using test_support::IsOkAndHolds;
using testing::ElementsAre;

std::string event_with(const std::string& data, int id = 1) {
  return "<Event><System><EventID>" + std::to_string(id) +
         "</EventID><Computer>pc</Computer></System><EventData><Data Name='v'>" + data + "</Data></EventData></Event>";
}

/// The column of the values of event_with() in a block of them.
struct ValueColumn {
  explicit ValueColumn(const std::vector<std::string>& values) {
    for (const auto& value : values) maker.add(event_with(value));
    block = maker.open();
    auto found = block->column(0, 1);
    EXPECT_THAT(found, IsOk());
    column = *found;
    std::string buffer;
    for (std::size_t row = 0; row < values.size(); ++row) EXPECT_EQ(column->value(row, buffer), values[row]);
    // A single event is read in another way.
    for (std::size_t row = 0; row < values.size(); row += 1 + values.size() / 7) {
      EXPECT_THAT(maker.open()->xml(row), IsOkAndHolds(event_with(values[row])));
    }
  }
  BlockMaker maker;
  std::unique_ptr<Block> block;
  const Column* column = nullptr;
};

std::vector<std::string> numbered(std::size_t count, const std::function<std::string(std::size_t)>& text) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) texts.push_back(text(i));
  return texts;
}

TEST(Block, GivesRealEventsBackByteForByte) {
  BlockMaker maker;
  const auto real = storage::test::real_events();
  for (const auto& event : real) maker.add(event);
  const auto block = maker.open();
  ASSERT_EQ(block->rows(), real.size());
  for (std::size_t row = 0; row < real.size(); ++row) {
    EXPECT_THAT(block->xml(row), IsOkAndHolds(real[row].xml));
    EXPECT_EQ(block->time(row), real[row].system.time.time_since_epoch().count());
  }
}

TEST(Block, TakesOneEvent) {
  BlockMaker maker;
  maker.add(event_with("x"));
  const auto block = maker.open();
  EXPECT_EQ(block->rows(), 1u);
  EXPECT_THAT(block->xml(0), IsOkAndHolds(event_with("x")));
}

TEST(Block, TakesAsManyEventsAsItMayHold) {
  BlockMaker maker;
  for (std::size_t i = 0; i < storage::kMaxBlockEvents; ++i) {
    EXPECT_FALSE(maker.builder.full());
    maker.add(event_with(std::to_string(i * i)));
  }
  EXPECT_TRUE(maker.builder.full());
  const auto block = maker.open();
  for (std::size_t i = 0; i < storage::kMaxBlockEvents; ++i)
    ASSERT_THAT(block->xml(i), IsOkAndHolds(event_with(std::to_string(i * i))));
}

TEST(Block, TakesAsManyTemplatesAsEvents) {
  BlockMaker maker;
  for (int i = 0; i < 4096; ++i) maker.add(event_with("x", i));
  const auto block = maker.open();
  EXPECT_EQ(block->templates().size(), 4096u);
  for (int i = 0; i < 4096; ++i) ASSERT_THAT(block->xml(static_cast<std::size_t>(i)), IsOkAndHolds(event_with("x", i)));
}

TEST(Block, TakesLargeEventsAndIsFullThen) {
  BlockMaker maker;
  const std::string large(2 << 20, 'x');
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(maker.builder.full());
    maker.add(event_with(large + std::to_string(i)));
  }
  EXPECT_TRUE(maker.builder.full());
  const auto block = maker.open();
  for (int i = 0; i < 4; ++i)
    EXPECT_THAT(block->xml(static_cast<std::size_t>(i)), IsOkAndHolds(event_with(large + std::to_string(i))));
}

TEST(Block, KeepsWholeEventsOfAnyBytes) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  BlockMaker maker;
  maker.add_whole(bytes, Quality::Raw);
  maker.add_whole("", Quality::Raw);
  maker.add(event_with("x"));
  maker.add_whole(bytes, Quality::Good);
  const auto block = maker.open();
  EXPECT_THAT(block->xml(0), IsOkAndHolds(bytes));
  EXPECT_THAT(block->xml(1), IsOkAndHolds(""));
  EXPECT_THAT(block->xml(2), IsOkAndHolds(event_with("x")));
  EXPECT_THAT(block->xml(3), IsOkAndHolds(bytes));
  const std::uint32_t whole = block->template_of(0);
  EXPECT_EQ(block->templates()[whole].id, storage::kWholeTemplate);
  EXPECT_EQ(block->templates()[whole].skeleton, nullptr);
  EXPECT_THAT(block->rows_of(whole), ElementsAre(0, 1, 3));
}

TEST(Block, RemembersHowEachEventCame) {
  BlockMaker maker(100);
  maker.add(event_with("a"), {50, 7}, Quality::Good);
  maker.add(event_with("b"), {50, 7}, Quality::Repaired);
  maker.add_whole("c", Quality::Raw, {40, 0xffffffff});
  maker.add(event_with("d"), {std::numeric_limits<std::int64_t>::min(), 0}, Quality::Good);
  const auto block = maker.open();
  EXPECT_EQ(block->record(0), 100u);
  EXPECT_EQ(block->record(3), 103u);
  EXPECT_EQ(block->received(0), 50);
  EXPECT_EQ(block->received(1), 50);
  EXPECT_EQ(block->received(2), 40);
  EXPECT_EQ(block->received(3), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(block->sender(1), 7u);
  EXPECT_EQ(block->sender(2), 0xffffffffu);
  EXPECT_EQ(block->sender(3), 0u);
  EXPECT_EQ(block->quality(0), Quality::Good);
  EXPECT_EQ(block->quality(1), Quality::Repaired);
  EXPECT_EQ(block->quality(2), Quality::Raw);
  EXPECT_EQ(block->quality(3), Quality::Good);
}

TEST(Block, TakesTimesInAnyOrderAndFarAway) {
  const std::vector<std::int64_t> times = {
      0, -1, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min(), 5, 3'600'000'000'000};
  BlockMaker maker;
  for (const auto time : times) maker.add_at(event_with("x"), time);
  const auto block = maker.open();
  for (std::size_t row = 0; row < times.size(); ++row) EXPECT_EQ(block->time(row), times[row]);
  EXPECT_EQ(maker.encoded.summary.min_time, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(maker.encoded.summary.max_time, std::numeric_limits<std::int64_t>::max());
}

TEST(Block, SystemTimeOfAnyFormComesBack) {
  const std::vector<std::string> texts = {"2024-05-01T10:15:30.1234560Z",
                                          "2024-05-01T10:15:30.1234561Z",
                                          "2024-05-01T10:15:30Z",
                                          "1601-01-01T00:00:00.0000000Z",
                                          "9999-12-31T23:59:59.9999999Z",
                                          "2024-05-01T10:15:30.1+01:00",
                                          "2024-02-30T10:15:30.1Z",
                                          "nonsense",
                                          ""};
  BlockMaker maker;
  std::vector<std::string> xml;
  for (const auto& text : texts) {
    xml.push_back("<Event><System><TimeCreated SystemTime='" + text + "'/></System></Event>");
    maker.add(xml.back());
  }
  const auto block = maker.open();
  for (std::size_t row = 0; row < xml.size(); ++row) EXPECT_THAT(block->xml(row), IsOkAndHolds(xml[row]));
}

TEST(Block, SystemTimesAreNotKeptTwice) {
  const auto size_of = [](const std::string& attribute) {
    BlockMaker maker;
    std::mt19937_64 random(1);
    for (int i = 0; i < 1000; ++i) {
      const base::WallTime time(std::chrono::nanoseconds(1'714'557'600'000'000'000 +
                                                         static_cast<std::int64_t>(random() % 1'000'000'000'000) * 100));
      maker.add("<Event><System><TimeCreated " + attribute + "='" + base::format_utc(time, 7) + "'/></System></Event>");
    }
    maker.encode();
    return maker.encoded.payload_bytes();
  };
  EXPECT_LT(size_of("SystemTime"), 7500u);
}

TEST(Block, NumbersAreKeptAsNumbers) {
  const auto decimal = ValueColumn(numbered(100, [](std::size_t i) { return std::to_string(i * 1000); }));
  EXPECT_EQ(decimal.column->kind(), Column::Kind::Decimal);
  EXPECT_EQ(decimal.column->number(99), 99'000u);
  const auto large = ValueColumn({"18446744073709551615", "0", "18446744073709551614", "1"});
  EXPECT_EQ(large.column->kind(), Column::Kind::Decimal);
  const auto hex = ValueColumn({"0x0", "0xffffffffffffffff", "0x3e7", "0x10"});
  EXPECT_EQ(hex.column->kind(), Column::Kind::Hex);
  EXPECT_EQ(hex.column->number(2), 0x3e7u);
}

TEST(Block, WhatIsNotWrittenAsWeWouldStaysText) {
  for (const char* odd : {"007",
                          "+7",
                          "-7",
                          "18446744073709551616",
                          "1.5",
                          " 7",
                          "7 ",
                          "0X7",
                          "0x07",
                          "0xA",
                          "0x",
                          "0x11111111111111111",
                          "2024-05-01T10:15:30",
                          "2024-13-01T10:15:30Z",
                          "2024-05-01T24:00:00Z",
                          "2024-05-01T10:15:30.Z",
                          "2024-05-01T10:15:60Z",
                          "1677-01-01T00:00:00Z",
                          "2262-01-01T00:00:00Z",
                          "{5770385F-C22A-43E0-BF4C-06F5698FFBd9}",
                          "5770385FAC22A-43E0-BF4C-06F5698FFBD9",
                          "",
                          " "}) {
    for (const char* plain : {"7", "0x7", "2024-05-01T10:15:30Z", "{5770385F-C22A-43E0-BF4C-06F5698FFBD8}"}) {
      ValueColumn({plain, odd});
      const ValueColumn column({odd, plain});
      EXPECT_TRUE(column.column->kind() == Column::Kind::Texts || column.column->kind() == Column::Kind::Dictionary) << odd;
    }
  }
}

TEST(Block, TimesAreKeptAsTimes) {
  const ValueColumn column(
      {"2024-05-01T10:15:30.500Z", "1999-12-31T23:59:59.999Z", "2261-12-31T00:00:00.000Z", "1678-01-01T00:00:00.001Z"});
  EXPECT_EQ(column.column->kind(), Column::Kind::Time);
  EXPECT_EQ(column.column->time(0), 1'714'558'530'500'000'000);
  EXPECT_EQ(ValueColumn({"2024-05-01T10:15:30.500Z", "2024-05-01T10:15:30.50Z"}).column->kind(), Column::Kind::Texts);
}

TEST(Block, GuidsComeBackInTheirForm) {
  for (const std::string& form :
       {std::string("5770385f-c22a-43e0-bf4c-06f5698ffbd"), std::string("{5770385F-C22A-43E0-BF4C-06F5698FFBD")}) {
    ValueColumn(numbered(10, [&](std::size_t i) { return form + std::to_string(i) + (form[0] == '{' ? "}" : ""); }));
  }
}

TEST(Block, ValuesThatRepeatAreADictionary) {
  const ValueColumn constant(numbered(50, [](std::size_t) { return "same"; }));
  EXPECT_EQ(constant.column->kind(), Column::Kind::Dictionary);
  EXPECT_THAT(constant.column->entries(), ElementsAre("same"));
  const ValueColumn few(numbered(50, [](std::size_t i) { return std::to_string(i % 3); }));
  EXPECT_EQ(few.column->kind(), Column::Kind::Dictionary);
  EXPECT_THAT(few.column->entries(), ElementsAre("0", "1", "2"));
  const ValueColumn many(numbered(3000, [](std::size_t i) { return "v" + std::to_string(i * i % 3023 % 900); }));
  EXPECT_EQ(many.column->kind(), Column::Kind::Dictionary);
  EXPECT_GT(many.column->entries().size(), 512u);
}

TEST(Block, ColumnsThatChangeTheirNatureComeBack) {
  ValueColumn(numbered(2000, [](std::size_t i) { return i < 1000 ? "text" + std::to_string(i) : "same"; }));
  ValueColumn(numbered(2000, [](std::size_t i) { return i < 1000 ? "same" : std::to_string(i); }));
  ValueColumn(numbered(2000, [](std::size_t i) { return i < 1999 ? std::to_string(i) : "-"; }));
  ValueColumn(numbered(2000, [](std::size_t i) { return std::string(i % 300, 'x'); }));
}

TEST(Block, OpensOnlyTheFramesThatAColumnNeeds) {
  BlockMaker maker;
  std::mt19937_64 random(1);
  for (int i = 0; i < 4000; ++i)
    maker.add(event_with("text" + std::to_string(random()) + std::to_string(random()), 1 + i % 2));
  maker.encode();
  EXPECT_GT(maker.encoded.frames.size(), 2u);
  std::set<std::uint32_t> read;
  const auto block = maker.open(&read);
  EXPECT_THAT(read, ElementsAre(0));
  ASSERT_THAT(block->column(0, 1), IsOk());
  EXPECT_EQ(read.size(), 2u);
}

TEST(Block, ABuilderIsAsNewForTheNextBlock) {
  BlockMaker maker;
  for (int i = 0; i < 300; ++i) maker.add(event_with(std::to_string(i)));
  maker.encode();
  const auto first = maker.encoded;
  maker.builder.begin(1);
  EXPECT_EQ(maker.builder.events(), 0u);
  for (int i = 0; i < 300; ++i) maker.add(event_with(std::to_string(i)));
  maker.encode();
  EXPECT_EQ(maker.encoded.frames, first.frames);
  EXPECT_EQ(maker.encoded.keys, first.keys);
}

TEST(Block, TheSummaryCountsTemplatesAndHours) {
  constexpr std::int64_t kHour = 3'600'000'000'000;
  BlockMaker maker(10);
  maker.add_at(event_with("a", 1), 5 * kHour);
  maker.add_at(event_with("a", 2), 5 * kHour);
  maker.add_at(event_with("a", 1), -1);
  maker.add_at(event_with("a", 1), 6 * kHour - 1);
  maker.add_whole("x", Quality::Raw);
  maker.encode();
  const auto& summary = maker.encoded.summary;
  EXPECT_EQ(summary.first_record, 10u);
  EXPECT_EQ(summary.last_record(), 14u);
  EXPECT_EQ(summary.text_bytes, 4 * event_with("a").size() + 1);
  using Count = storage::BlockSummary::Count;
  EXPECT_THAT(summary.counts, ElementsAre(Count{0, 0, 1}, Count{1, -1, 1}, Count{1, 5, 2}, Count{2, 5, 1}));
  const auto decoded = storage::BlockSummary::decode(summary.encode());
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->counts, summary.counts);
  EXPECT_EQ(decoded->encode(), summary.encode());
  EXPECT_EQ(decoded->min_time, -1);
  EXPECT_EQ(decoded->max_time, 6 * kHour - 1);
}

TEST(Block, ASummaryCutShortOrChangedIsRefusedOrAnother) {
  BlockMaker maker;
  for (int i = 0; i < 20; ++i) maker.add(event_with("a", i % 3));
  maker.encode();
  const std::string bytes = maker.encoded.summary.encode();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(storage::BlockSummary::decode(bytes.substr(0, size)), IsError(storage::Errc::Corrupt));
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(value);
      if (const auto decoded = storage::BlockSummary::decode(changed); decoded.ok()) {
        EXPECT_EQ(storage::BlockSummary::decode(decoded->encode())->encode(), decoded->encode());
      }
    }
  }
}

TEST(Block, KeysAreThoseOfTheValues) {
  BlockMaker maker;
  const auto real = storage::test::real_events();
  for (const auto& event : real) maker.add(event);
  maker.encode();
  std::set<storage::ValueKey> wanted;
  events::Splitter splitter;
  for (const auto& event : real) {
    ASSERT_TRUE(splitter.split(event.xml, events::Grain::Fine));
    const auto skeleton = *events::Skeleton::parse(splitter.skeleton());
    for (std::size_t i = 0; i < skeleton->holes().size(); ++i) {
      const auto& hole = skeleton->holes()[i];
      if (const auto name = storage::index_name(hole)) {
        wanted.insert(storage::value_key(*name, splitter.values()[i], hole.is_attribute, event.system.event_id));
      }
    }
  }
  EXPECT_GT(wanted.size(), 100u);
  EXPECT_THAT(maker.encoded.keys, testing::ElementsAreArray(wanted));
}

TEST(Block, KeysOfCoarseTemplatesHaveEachEventsId) {
  BlockMaker maker(1, events::Grain::Coarse);
  for (const int id : {4624, 7, 4624}) maker.add(event_with("x", id));
  maker.add(event_with("x").replace(event_with("x").find(">1<"), 3, "> 9 <"));
  maker.encode();
  EXPECT_EQ(maker.encoded.summary.counts.size(), 1u);
  std::set<storage::ValueKey> wanted;
  for (const std::uint16_t id : {4624, 7, 9}) {
    wanted.insert(storage::value_key("Computer", "pc", false, id));
    wanted.insert(storage::value_key("v", "x", false, id));
  }
  EXPECT_THAT(maker.encoded.keys, testing::ElementsAreArray(wanted));
}

TEST(Block, ANameAndASummaryOfOthersAreRefused) {
  BlockMaker maker;
  for (int i = 0; i < 10; ++i) maker.add(event_with("a", i % 2));
  maker.encode();
  const auto open = [&](const storage::BlockSummary& summary) {
    return Block::open(summary, storage::frames_in_memory(maker.encoded.frames), maker.templates);
  };
  EXPECT_THAT(open(maker.encoded.summary), IsOk());
  auto fewer = maker.encoded.summary;
  fewer.events = 9;
  EXPECT_THAT(open(fewer), IsError(storage::Errc::Corrupt));
  auto other = maker.encoded.summary;
  other.counts[0].template_id = 77;
  EXPECT_THAT(open(other), IsError(storage::Errc::Corrupt));
  auto earlier = maker.encoded.summary;
  earlier.max_time = -1;
  EXPECT_THAT(open(earlier), IsError(storage::Errc::Corrupt));
  const storage::test::Templates none;
  EXPECT_THAT(Block::open(maker.encoded.summary, storage::frames_in_memory(maker.encoded.frames), none),
              IsError(storage::Errc::Corrupt));
}

TEST(Block, ADamagedFrameIsRefused) {
  BlockMaker maker;
  std::vector<std::string> xml;
  for (const auto& event : storage::test::real_events()) {
    if (xml.size() == 40) break;
    maker.add(event);
    xml.push_back(event.xml);
  }
  maker.encode();
  for (std::string& frame : maker.encoded.frames) {
    const std::string sound = frame;
    // A few bits of a frame mean nothing.
    const auto refused_or_same = [&] {
      auto block = Block::open(maker.encoded.summary, storage::frames_in_memory(maker.encoded.frames), maker.templates);
      if (!block.ok()) return block.error().code == storage::Errc::Corrupt;
      for (std::size_t row = 0; row < (*block)->rows(); ++row) {
        const auto text = (*block)->xml(row);
        if (!text.ok()) return text.error().code == storage::Errc::Corrupt;
        if (*text != xml[row]) return false;
      }
      return true;
    };
    for (std::size_t at = 0; at < sound.size(); ++at) {
      frame = sound;
      frame[at] = static_cast<char>(frame[at] ^ (1 << at % 8));
      EXPECT_TRUE(refused_or_same()) << at;
      frame = sound.substr(0, at);
      if (at % 7 == 0) {
        EXPECT_TRUE(refused_or_same()) << at;
      }
    }
    frame = sound;
  }
}

}  // namespace
