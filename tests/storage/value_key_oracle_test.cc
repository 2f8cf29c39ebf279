// No value that satisfies a test may lie outside the keys that the index looks at for it.

#include <random>

#include "storage/value_key.h"
#include "tests/support/matchers.h"

namespace storage {
namespace {

std::string any_text(std::mt19937& random) {
  static constexpr std::string_view kTexts[] = {"0",
                                                "-0",
                                                "+5",
                                                "5",
                                                "005",
                                                "5.0",
                                                "5e0",
                                                ".5",
                                                "0.5",
                                                "0x5",
                                                "0X5",
                                                "0x0000000000000005",
                                                "0xffffffffffffffff",
                                                "18446744073709551615",
                                                "18446744073709551616",
                                                "18446744073709551614",
                                                "1e400",
                                                "-1",
                                                "9007199254740993",
                                                "9007199254740992",
                                                "alice",
                                                "ALICE",
                                                "Alice ",
                                                "{54849625-5478-4994-A5BA-3E3B0328C30D}",
                                                "54849625-5478-4994-a5ba-3e3b0328c30d",
                                                "{00000000-0000-0000-0000-000000000000}",
                                                "00000000-0000-0000-0000-000000000000",
                                                "S-1-5-18",
                                                "s-1-5-18",
                                                "",
                                                "x",
                                                "X",
                                                "true",
                                                "1",
                                                "2020-01-01T00:00:00Z",
                                                "2020-01-01T00:00:00.000Z",
                                                "{",
                                                "}",
                                                "{}",
                                                "-",
                                                "a&b",
                                                "\xC3\xA9",
                                                "@",
                                                "`"};
  std::string text(kTexts[random() % std::size(kTexts)]);
  if (random() % 6 == 0) text = " " + text;
  if (random() % 6 == 0) text += "\r\n";
  if (random() % 10 == 0) text += std::to_string(random() % 10);
  return text;
}

std::string raw_of(const std::string& text, std::mt19937& random) {
  std::string raw;
  for (const char c : text) {
    if (c == '&') {
      raw += "&amp;";
    } else if (random() % 20 == 0 && static_cast<unsigned char>(c) < 0x80) {
      raw += "&#" + std::to_string(static_cast<int>(c)) + ";";
    } else {
      raw += c;
    }
  }
  return raw;
}

TEST(ValueKeyOracle, WhatEqualsLiesAmongTheKeys) {
  std::mt19937 random(4);
  events::Skeleton::Hole hole;
  hole.is_data = true;
  hole.name = "N";
  std::size_t equal = 0;
  for (int i = 0; i < 100'000; ++i) {
    events::ValueTest test;
    test.constant = events::Constant::of(any_text(random));
    test.ignore_case = test.constant.type == events::Constant::Type::Text && random() % 2 == 0;
    hole.is_attribute = random() % 2 == 0;
    const std::string raw = raw_of(any_text(random), random);
    if (!test.holds(raw, hole.is_attribute, {})) continue;
    ++equal;
    const ValueKey key = value_key("N", raw, hole.is_attribute, 4624);
    for (const auto& range : {keys_of(test, hole, 4624), keys_of(test, hole, std::nullopt)}) {
      if (!range) continue;
      ASSERT_LE(range->first, key) << "'" << raw << "' = '" << test.constant.text << "'";
      ASSERT_GE(range->last, key) << "'" << raw << "' = '" << test.constant.text << "'";
    }
  }
  EXPECT_GT(equal, 2000u);
}

}  // namespace
}  // namespace storage
