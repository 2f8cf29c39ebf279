#include "storage/count_keys.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "events/raw_value.h"
#include "events/value.h"

namespace storage {
namespace {

using events::Field;

Field field_of(CountBy by) {
  switch (by) {
    case CountBy::Level:
      return Field::Level;
    case CountBy::Provider:
      return Field::Provider;
    case CountBy::EventId:
      return Field::EventId;
    case CountBy::Task:
      return Field::Task;
    case CountBy::Opcode:
      return Field::Opcode;
    case CountBy::Keywords:
      return Field::Keywords;
    case CountBy::Channel:
      return Field::Channel;
    case CountBy::Computer:
      return Field::Computer;
    case CountBy::User:
      return Field::UserId;
    case CountBy::Log:
    case CountBy::Machine:
      break;
  }
  return Field::None;
}

std::string hexadecimal(std::uint64_t value) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return "0x" + std::string(digits, end);
}

std::uint64_t highest(CountBy by) {
  switch (by) {
    case CountBy::Level:
    case CountBy::Opcode:
      return std::numeric_limits<std::uint8_t>::max();
    case CountBy::EventId:
    case CountBy::Task:
      return std::numeric_limits<std::uint16_t>::max();
    default:
      return std::numeric_limits<std::uint64_t>::max();
  }
}

}  // namespace

std::string key_of(CountBy by, const events::System& system) {
  switch (by) {
    case CountBy::Level:
      return std::to_string(system.level);
    case CountBy::Provider:
      return system.provider;
    case CountBy::EventId:
      return std::to_string(system.event_id);
    case CountBy::Task:
      return std::to_string(system.task);
    case CountBy::Opcode:
      return std::to_string(system.opcode);
    case CountBy::Keywords:
      return hexadecimal(system.keywords);
    case CountBy::Channel:
      return system.channel;
    case CountBy::Computer:
      return system.computer;
    case CountBy::User:
      return system.user_id;
    case CountBy::Log:
    case CountBy::Machine:
      break;
  }
  return {};
}

std::string key_of(CountBy by, std::string_view raw, bool is_attribute) {
  std::string buffer;
  const auto text = events::plain_text(raw, is_attribute, buffer);
  if (by == CountBy::Provider || by == CountBy::Channel || by == CountBy::Computer || by == CountBy::User) {
    return std::string(text);
  }
  const auto number = events::parse_number(text);
  const bool fits = number && number->whole && !number->negative && number->magnitude <= highest(by);
  const auto value = fits ? number->magnitude : 0;
  return by == CountBy::Keywords ? hexadecimal(value) : std::to_string(value);
}

KeyPlace place_of(CountBy by, const events::Skeleton& skeleton, const std::string& log) {
  KeyPlace place;
  if (by == CountBy::Log) {
    place.kind = KeyPlace::Kind::Constant;
    place.constant = log;
    return place;
  }
  if (by == CountBy::Machine) {
    place.kind = KeyPlace::Kind::Sender;
    return place;
  }
  const auto field = field_of(by);
  if (skeleton.system().knows(field)) {
    place.kind = KeyPlace::Kind::Constant;
    place.constant = key_of(by, skeleton.system());
  } else if (const auto hole = skeleton.hole_of(field)) {
    place.kind = KeyPlace::Kind::Hole;
    place.hole = *hole;
  } else {
    // What is said nowhere is the same in all of them; what is said twice, or oddly, shows when something else is put there.
    const std::vector<std::string_view> values(skeleton.holes().size(), "1");
    std::string xml;
    skeleton.join(values, xml);
    const auto probe = events::Event::parse(std::move(xml));
    const auto nothing = key_of(by, events::System());
    if (probe.ok() && key_of(by, probe->system) == nothing) {
      place.kind = KeyPlace::Kind::Constant;
      place.constant = nothing;
    }
  }
  return place;
}

CountGroups::KeyId CountGroups::id_of(std::string_view text) {
  if (const auto known = ids_.find(std::string(text)); known != ids_.end()) return known->second;
  // No group needs more than one new text of each kind.
  if (texts_.size() > kMaxCounts * 2 || text.size() > kMaxKeyBytes - text_bytes_) return kRefused;
  text_bytes_ += text.size();
  const auto id = static_cast<KeyId>(texts_.size());
  texts_.emplace_back(text);
  ids_.emplace(text, id);
  return id;
}

void CountGroups::add(std::int64_t bucket, const std::vector<KeyId>& keys, std::uint64_t events) {
  events_ += events;
  place_.assign(reinterpret_cast<const char*>(&bucket), sizeof bucket);
  for (const auto key : keys) {
    if (key == kRefused) {
      complete_ = false;
      return;
    }
    place_.append(reinterpret_cast<const char*>(&key), sizeof key);
  }
  auto known = places_.find(place_);
  if (known == places_.end()) {
    if (groups_.size() >= kMaxCounts) {
      complete_ = false;
      return;
    }
    known = places_.emplace(place_, groups_.size()).first;
    groups_.push_back({bucket, keys, 0});
  }
  groups_[known->second].events += events;
}

std::vector<Count> CountGroups::counts(bool bucketed) const {
  std::vector<Count> counts;
  counts.reserve(groups_.size());
  for (const auto& group : groups_) {
    Count count;
    if (bucketed) count.bucket = base::WallTime(std::chrono::nanoseconds(group.bucket));
    for (const auto key : group.keys) count.keys.push_back(texts_[key]);
    count.events = group.events;
    counts.push_back(std::move(count));
  }
  std::sort(counts.begin(), counts.end(), [](const Count& left, const Count& right) {
    if (left.bucket != right.bucket) return left.bucket < right.bucket;
    if (left.events != right.events) return left.events > right.events;
    return left.keys < right.keys;
  });
  return counts;
}

}  // namespace storage
