#include "storage/value_key.h"

#include <algorithm>
#include <bit>

#include "engine/base/hash.h"
#include "events/raw_value.h"
#include "events/value.h"
#include "storage/errc.h"
#include "storage/varint.h"

namespace storage {
namespace {

constexpr unsigned kEventBits = 10;
constexpr unsigned kValueBits = 32 - kEventBits;
constexpr std::uint32_t kEventMask = (1u << kEventBits) - 1;
/// Makes letters equal without case; what else it makes equal only costs a look in vain.
constexpr std::uint64_t kWithoutCase = 0x2020202020202020;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::uint32_t top_bits(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> (64 - kValueBits));
}

std::uint32_t bits_of_double(std::uint64_t seed, double value) {
  // -0 is 0.
  return top_bits(base::mix(std::bit_cast<std::uint64_t>(value + 0.0) ^ base::kHashA, seed ^ base::kHashB));
}

std::uint32_t bits_of_number(std::uint64_t seed, const events::Number& number) {
  if (!number.whole) return bits_of_double(seed, number.real);
  // Comparison goes over double where one side is not whole, so all numbers of one double have one key.
  const auto size = static_cast<double>(number.magnitude);
  return bits_of_double(seed, number.negative ? -size : size);
}

/// Whether `text` is worth a parser's time.
bool may_be_number(std::string_view text) {
  const char first = text.front();
  if (!is_digit(first) && first != '-' && first != '+' && first != '.') return false;
  if (text.size() > 2 && first == '0' && (text[1] == 'x' || text[1] == 'X')) return true;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_digit(c) || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'; });
}

/// Without references.
std::uint32_t bits_of_text(std::uint64_t seed, std::string_view text) {
  // As base::trimmed(), which the comparisons use.
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  if (text.empty()) return top_bits(seed);
  if (may_be_number(text)) {
    if (const auto number = events::parse_number(text)) return bits_of_number(seed, *number);
  }
  // A GUID is the same with and without its braces.
  if (text.size() == 38 && text.front() == '{' && text.back() == '}') text = text.substr(1, 36);
  return top_bits(base::hash_bytes(text, seed, kWithoutCase));
}

}  // namespace

std::optional<std::string_view> index_name(const events::Skeleton::Hole& hole) {
  if (hole.is_data) return hole.name;
  switch (hole.field) {
    case events::Field::Computer:
      return "Computer";
    case events::Field::UserId:
      return "UserID";
    case events::Field::ActivityId:
      return "ActivityID";
    case events::Field::RelatedActivityId:
      return "RelatedActivityID";
    default:
      return std::nullopt;
  }
}

std::uint64_t value_seed(std::string_view index_name) {
  return base::hash_bytes(index_name, base::kHashB);
}

std::uint32_t value_bits(std::uint64_t seed, std::string_view raw, bool is_attribute) {
  if (raw.find('&') == std::string_view::npos) return bits_of_text(seed, raw);
  std::string buffer;
  return bits_of_text(seed, events::plain_text(raw, is_attribute, buffer));
}

std::uint32_t value_bits(std::uint64_t seed, std::uint64_t whole) {
  return bits_of_double(seed, static_cast<double>(whole));
}

ValueKey key_of_bits(std::uint32_t value_bits, std::uint16_t event_id) {
  return value_bits << kEventBits | ((event_id ^ event_id >> kEventBits) & kEventMask);
}

ValueKey value_key(std::string_view index_name, std::string_view raw, bool is_attribute, std::uint16_t event_id) {
  return key_of_bits(value_bits(value_seed(index_name), raw, is_attribute), event_id);
}

std::optional<ValueKeyRange> keys_of(const events::ValueTest& test, const events::Skeleton::Hole& hole,
                                     std::optional<std::uint16_t> event_id) {
  using Type = events::Constant::Type;
  const auto name = index_name(hole);
  if (!name || test.op != events::ValueTest::Op::Compare || test.comparison != events::Comparison::Equal)
    return std::nullopt;
  const std::uint64_t seed = value_seed(*name);
  std::uint32_t bits = 0;
  switch (test.constant.type) {
    case Type::Number:
      bits = bits_of_number(seed, test.constant.number);
      break;
    case Type::Guid:
    case Type::Sid:
    case Type::Text:
      bits = bits_of_text(seed, test.constant.text);
      break;
    case Type::Boolean:
    case Type::Time:
      // Many different texts are the same truth or the same time.
      return std::nullopt;
  }
  if (event_id) {
    const ValueKey key = key_of_bits(bits, *event_id);
    return ValueKeyRange{key, key};
  }
  return ValueKeyRange{bits << kEventBits, bits << kEventBits | kEventMask};
}

std::string encode_keys(std::span<const ValueKey> keys) {
  std::string bytes;
  bytes.reserve(4 + keys.size() * 3);
  append_varint(bytes, keys.size());
  // The first as it is, then how much more than one further on the next lies.
  std::uint64_t next = 0;
  for (const ValueKey key : keys) {
    append_varint(bytes, key - next);
    next = std::uint64_t{key} + 1;
  }
  return bytes;
}

base::Result<std::vector<ValueKey>> decode_keys(std::string_view bytes) {
  ByteReader reader(bytes);
  // Each takes at least a byte.
  const std::uint64_t count = reader.varint(bytes.size());
  std::vector<ValueKey> keys;
  keys.reserve(static_cast<std::size_t>(count));
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint64_t key = next + reader.varint(0xffffffff);
    if (key > 0xffffffff) return base::make_error(Errc::Corrupt, "a list of value keys runs over");
    keys.push_back(static_cast<ValueKey>(key));
    next = key + 1;
  }
  if (!reader.done()) return base::make_error(Errc::Corrupt, "a list of value keys is damaged");
  return keys;
}

}  // namespace storage
