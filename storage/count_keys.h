// What events are counted by: the keys of templates, of rows, and of single events; and the groups that they make.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "events/skeleton.h"
#include "storage/event_store.h"

namespace storage {

/// The key of an event, in the form of Count::keys. Not for CountBy::Log and Machine.
std::string key_of(CountBy by, const events::System& system);
/// The same from the value that states it, as Splitter cuts it.
std::string key_of(CountBy by, std::string_view raw, bool is_attribute);

/// Where the events of a template have a key.
struct KeyPlace {
  enum class Kind : std::uint8_t { Constant, Hole, Sender, Text };
  Kind kind = Kind::Text;
  std::string constant;
  std::uint32_t hole = 0;
};
/// `log` is for CountBy::Log. Kind::Text: only the event as a whole tells.
KeyPlace place_of(CountBy by, const events::Skeleton& skeleton, const std::string& log);

/// Groups of equal keys, and how many events each has. At most kMaxCounts with kMaxKeyBytes of text; further ones are
/// refused.
class CountGroups {
 public:
  using KeyId = std::uint32_t;
  static constexpr KeyId kRefused = 0xffffffff;
  static constexpr std::size_t kMaxKeyBytes = 24u << 20;

  /// The number of a key's text.
  KeyId id_of(std::string_view text);
  /// Adds to the group of `bucket` (0 where there are none) and `keys`.
  void add(std::int64_t bucket, const std::vector<KeyId>& keys, std::uint64_t events);

  bool complete() const { return complete_; }
  std::uint64_t events() const { return events_; }
  /// As CountResult::counts.
  std::vector<Count> counts(bool bucketed) const;

 private:
  struct Group {
    std::int64_t bucket = 0;
    std::vector<KeyId> keys;
    std::uint64_t events = 0;
  };
  std::unordered_map<std::string, KeyId> ids_;
  std::vector<std::string> texts_;
  std::size_t text_bytes_ = 0;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<Group> groups_;
  std::string place_;
  std::uint64_t events_ = 0;
  bool complete_ = true;
};

}  // namespace storage
