#include "events/bookmark.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"

namespace events {
namespace {

// Windows puts at most 256 channels into one query; a bookmark far beyond that is an attempt to keep us busy.
constexpr std::size_t kMaxEntries = 1024;

base::Error invalid(std::string what) {
  return base::make_error(base::Win32::InvalidData, std::move(what));
}

}  // namespace

std::optional<std::uint64_t> Bookmark::find(std::string_view channel) const {
  for (const Entry& entry : entries) {
    if (base::equal_ignoring_case(entry.channel, channel)) return entry.record_id;
  }
  return std::nullopt;
}

void Bookmark::set(std::string_view channel, std::uint64_t record_id) {
  const auto known = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return base::equal_ignoring_case(entry.channel, channel); });
  if (known == entries.end()) {
    entries.push_back(Entry{std::string(channel), record_id});
    current = channel;
  } else {
    known->record_id = record_id;
    current = known->channel;
  }
}

std::string Bookmark::to_xml() const {
  std::string xml = "<BookmarkList>";
  for (const Entry& entry : entries) {
    xml += "<Bookmark Channel='";
    xml::append_attribute(xml, entry.channel);
    xml += "' RecordId='" + std::to_string(entry.record_id) + "'";
    if (base::equal_ignoring_case(entry.channel, current)) xml += " IsCurrent='true'";
    xml += "/>";
  }
  xml += "</BookmarkList>";
  return xml;
}

base::Result<Bookmark> Bookmark::parse(std::string_view text) {
  auto document = xml::Document::parse(std::string(text));
  if (!document.ok()) return base::make_error(base::Win32::EvtMalformedXml, "the bookmark: " + document.error().message());
  const xml::Element root = document->root();
  if (root.local_name() != "BookmarkList") return invalid("the bookmark is not a BookmarkList");
  Bookmark bookmark;
  std::string current;
  for (const xml::Element element : root.children()) {
    if (element.local_name() != "Bookmark") continue;
    const auto channel = element.attribute("Channel");
    const auto record_id = element.attribute("RecordId");
    if (!channel || channel->empty() || !record_id) return invalid("a Bookmark needs a Channel and a RecordId");
    const std::string_view digits = base::trimmed(*record_id);
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failure != std::errc() || end != digits.data() + digits.size() ||
        number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return invalid("the RecordId '" + std::string(*record_id) + "' is not a record number");
    }
    if (bookmark.entries.size() == kMaxEntries) return invalid("the bookmark names too many channels");
    bookmark.set(*channel, number);
    const std::string_view is_current = base::trimmed(element.attribute("IsCurrent").value_or(""));
    if (base::equal_ignoring_case(is_current, "true") || is_current == "1") current = bookmark.current;
  }
  bookmark.current = std::move(current);
  return bookmark;
}

}  // namespace events
