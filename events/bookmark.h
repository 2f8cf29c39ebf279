// A position in one or several logs: "everything up to and including these records has been seen".

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace events {

/// The reserved bookmark that asks for everything from the oldest record on.
inline constexpr std::string_view kEarliestBookmark = "http://schemas.dmtf.org/wbem/wsman/1/wsman/bookmark/earliest";

/// The parsed form of a BookmarkList. Bookmarks of other machines are kept and given back as they came, as text; only one's
/// own are parsed. Source: event-xml, section 7.
struct Bookmark {
  /// Record number by channel. Channel names keep their case and compare without it.
  struct Entry {
    std::string channel;
    std::uint64_t record_id = 0;
  };
  std::vector<Entry> entries;
  std::string current;  ///< the channel of the last event; empty if none is marked

  std::optional<std::uint64_t> find(std::string_view channel) const;
  void set(std::string_view channel, std::uint64_t record_id);  ///< makes it the current one

  /// `<BookmarkList><Bookmark Channel='…' RecordId='…' IsCurrent='true'/></BookmarkList>`
  std::string to_xml() const;

  /// Either quote, any order, "True" or "true", Direction ignored. Errors: Win32::EvtMalformedXml or Win32::InvalidData.
  static base::Result<Bookmark> parse(std::string_view xml);
};

}  // namespace events
