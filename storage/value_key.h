// What the value index knows a value by.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "events/formula.h"
#include "events/skeleton.h"

namespace storage {

/// 22 bits for what a value is called and says, then 10 for the event's id, so that keys of one value in all kinds of events
/// are neighbours. Values that some equality test of a query cannot tell apart have the same key: numbers by their value (as
/// double), GUIDs and SIDs without case, names of computers without case. On disk: never to be changed without a new format.
using ValueKey = std::uint32_t;

struct ValueKeyRange {
  ValueKey first = 0;
  ValueKey last = 0;  ///< the range includes it
};

/// What a hole's values are called in the index; nothing where they are not indexed. Indexed are the values below EventData
/// and UserData, and of System's fields Computer, UserID, ActivityID and RelatedActivityID.
std::optional<std::string_view> index_name(const events::Skeleton::Hole& hole);

/// The key of a raw value, as Splitter cuts it.
ValueKey value_key(std::string_view index_name, std::string_view raw, bool is_attribute, std::uint16_t event_id);

/// The same in steps, for many values at once: a seed for each name, 22 bits for each value (`whole` is the value of one
/// that is a whole number without a sign), the key.
std::uint64_t value_seed(std::string_view index_name);
std::uint32_t value_bits(std::uint64_t seed, std::string_view raw, bool is_attribute);
std::uint32_t value_bits(std::uint64_t seed, std::uint64_t whole);
ValueKey key_of_bits(std::uint32_t value_bits, std::uint16_t event_id);

/// Where values lie that may satisfy `test`: an equality with a number, a GUID, a SID or a text. With an event id the range
/// is one key. Nothing where the index cannot help.
std::optional<ValueKeyRange> keys_of(const events::ValueTest& test, const events::Skeleton::Hole& hole,
                                     std::optional<std::uint16_t> event_id);

/// Rising keys, each once, as bytes, and back. Errors: Errc::Corrupt.
std::string encode_keys(std::span<const ValueKey> keys);
base::Result<std::vector<ValueKey>> decode_keys(std::string_view bytes);

}  // namespace storage
