#include "storage/value_index.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/matchers.h"

namespace storage_test {
namespace {

using storage::build_run;
using storage::Errc;
using storage::RunBlocks;
using storage::ValueKey;
using storage::ValueKeyRange;
using storage::ValueRun;
using test_support::IsError;
using test_support::IsOk;
using test_support::IsOkAndHolds;
using ::testing::ElementsAre;

using Blocks = std::vector<std::vector<ValueKey>>;

std::vector<ValueKey> random_keys(std::mt19937& random, std::size_t count, ValueKey mask = 0xffffffff) {
  std::vector<ValueKey> keys(count);
  for (auto& key : keys) key = static_cast<ValueKey>(random()) & mask;
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

std::map<ValueKey, RunBlocks> plain(const Blocks& blocks) {
  std::map<ValueKey, RunBlocks> all;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    for (const auto key : blocks[i]) all[key] |= RunBlocks{1} << i;
  }
  return all;
}

std::map<ValueKey, RunBlocks> read_back(const ValueRun& run) {
  std::map<ValueKey, RunBlocks> all;
  for (const auto& chunk : run.chunks) {
    EXPECT_LE(chunk.size(), storage::kMaxChunkBytes);
    EXPECT_THAT(storage::scan_chunk(chunk, {0, 0xffffffff},
                                    [&](ValueKey key, RunBlocks blocks) { EXPECT_TRUE(all.emplace(key, blocks).second); }),
                IsOk());
  }
  return all;
}

TEST(ValueRun, HoldsEachKeyWithItsBlocks) {
  const Blocks blocks{{1, 5, 0xffffffff}, {}, {0, 5, 6}, {5}};
  EXPECT_EQ(read_back(build_run(blocks)), plain(blocks));
}

TEST(ValueRun, OfNoKeysHasNoChunks) {
  EXPECT_TRUE(build_run(Blocks{}).chunks.empty());
  EXPECT_TRUE(build_run(Blocks{{}, {}}).chunks.empty());
}

TEST(ValueRun, HoldsWhatManyAndFewBlocksShare) {
  std::mt19937 random(1);
  for (const std::size_t count : {1, 2, 3, 32, 33, 64}) {
    // Random keys, keys close together, keys of all blocks and keys of every third.
    Blocks blocks;
    for (std::size_t i = 0; i < count; ++i) {
      auto keys = random_keys(random, 1000);
      const auto dense = random_keys(random, 600, 0x3fff);
      keys.insert(keys.end(), dense.begin(), dense.end());
      for (ValueKey key = 0; key < 100; ++key) keys.push_back(0x80000000u + key * 1000);
      if (i % 3 == 0) keys.push_back(0x90000000u);
      std::sort(keys.begin(), keys.end());
      keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
      blocks.push_back(std::move(keys));
    }
    ASSERT_EQ(read_back(build_run(blocks)), plain(blocks)) << count;
  }
}

TEST(ValueRun, FindsARangeInTheChunksNamedForIt) {
  std::mt19937 random(2);
  Blocks blocks;
  for (int i = 0; i < 64; ++i) blocks.push_back(random_keys(random, 5000));
  const auto run = build_run(blocks);
  const auto all = plain(blocks);
  ASSERT_GT(run.chunks.size(), 100u);
  for (int i = 0; i < 2000; ++i) {
    const auto key = blocks[static_cast<std::size_t>(i) % 64][random() % 1000];
    const auto from = static_cast<ValueKey>(key & ~ValueKey{0x3ff});
    const ValueKeyRange range = i % 2 == 0 ? ValueKeyRange{key, key} : ValueKeyRange{from, from + 0x3ff};
    RunBlocks expected = 0;
    for (auto at = all.lower_bound(range.first); at != all.end() && at->first <= range.last; ++at) expected |= at->second;
    RunBlocks found = 0;
    const auto [first, last] = storage::chunks_for(run.first_keys, range);
    ASSERT_LE(last - first, 2u);
    for (auto chunk = first; chunk < last; ++chunk) {
      ASSERT_THAT(storage::scan_chunk(run.chunks[chunk], range, [&](ValueKey, RunBlocks in) { found |= in; }), IsOk());
    }
    ASSERT_EQ(found, expected);
  }
}

TEST(ValueRun, OfRandomKeysTakesLessThanTwentyOneBitsEach) {
  std::mt19937 random(3);
  Blocks blocks;
  std::size_t postings = 0;
  for (int i = 0; i < 64; ++i) {
    blocks.push_back(random_keys(random, 25'000));
    postings += blocks.back().size();
  }
  const auto run = build_run(blocks);
  std::size_t bytes = run.first_keys.size() * 4;
  for (const auto& chunk : run.chunks) bytes += chunk.size();
  EXPECT_LT(static_cast<double>(bytes) * 8 / static_cast<double>(postings), 21);
}

TEST(ValueRun, NamesNoChunkForKeysBelowTheFirst) {
  const std::vector<ValueKey> first_keys{100, 200, 300};
  EXPECT_EQ(storage::chunks_for(first_keys, {0, 99}), (std::pair<std::size_t, std::size_t>(0, 0)));
  EXPECT_EQ(storage::chunks_for(first_keys, {0, 100}), (std::pair<std::size_t, std::size_t>(0, 1)));
  EXPECT_EQ(storage::chunks_for(first_keys, {150, 250}), (std::pair<std::size_t, std::size_t>(0, 2)));
  EXPECT_EQ(storage::chunks_for(first_keys, {300, 400}), (std::pair<std::size_t, std::size_t>(2, 3)));
  EXPECT_EQ(storage::chunks_for({}, {0, 400}), (std::pair<std::size_t, std::size_t>(0, 0)));
}

TEST(ValueRun, DamagedAnywhereIsReadWithoutHarm) {
  std::mt19937 random(4);
  Blocks blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(random_keys(random, 40, i % 2 == 0 ? 0xffffffff : 0xfff));
  const auto chunk = build_run(blocks).chunks.at(0);
  for (std::size_t size = 0; size < chunk.size(); ++size) {
    EXPECT_THAT(storage::scan_chunk(std::string(chunk, 0, size), {0, 0xffffffff}, [](ValueKey, RunBlocks) {}),
                IsError(Errc::Corrupt));
  }
  for (int i = 0; i < 4'000; ++i) {
    std::string bytes = chunk;
    for (auto k = 1 + random() % 3; k > 0; --k) bytes[random() % bytes.size()] = static_cast<char>(random());
    ValueKey last = 0;
    bool first = true;
    const auto result = storage::scan_chunk(bytes, {0, 0xffffffff}, [&](ValueKey key, RunBlocks) {
      ASSERT_TRUE(first || key > last);
      last = key;
      first = false;
    });
    if (!result.ok()) {
      ASSERT_THAT(result, IsError(Errc::Corrupt));
    }
  }
}

TEST(ValueDirectory, ComesBackFromItsBytes) {
  const std::vector<ValueKey> keys{0, 1, 0x12345678, 0xffffffff};
  EXPECT_THAT(storage::decode_directory(storage::encode_directory(keys)), IsOkAndHolds(keys));
  EXPECT_THAT(storage::decode_directory("abc"), IsError(Errc::Corrupt));
  EXPECT_THAT(storage::decode_directory(std::string(8, 'x')), IsError(Errc::Corrupt));
}

TEST(RisingNumbers, ComeBackFromTheirBytes) {
  const std::vector<std::uint64_t> numbers{1, 2, 4097, 0xffffffffffffffff};
  const auto bytes = storage::encode_rising(numbers);
  EXPECT_THAT(storage::decode_rising(bytes, 4), IsOkAndHolds(numbers));
  EXPECT_THAT(storage::decode_rising(bytes, 3), IsError(Errc::Corrupt));
  EXPECT_THAT(storage::decode_rising(bytes.substr(0, bytes.size() - 1), 4), IsError(Errc::Corrupt));
  EXPECT_THAT(storage::decode_rising(std::string("\5\0", 2), 4), IsError(Errc::Corrupt));
}

}  // namespace
}  // namespace storage_test
