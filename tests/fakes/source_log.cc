#include "tests/fakes/source_log.h"

#include "engine/xml/writer.h"

namespace fakes {

SourceLog::SourceLog(std::string channel, std::string computer)
    : channel_(std::move(channel)), computer_(std::move(computer)) {}

void SourceLog::write(std::string_view message) {
  std::lock_guard lock(mutex_);
  // Attributes in single quotes, as Windows writes them.
  std::string xml =
      "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Fake-Source'/>"
      "<EventID>7</EventID><Version>0</Version><Level>4</Level><Task>0</Task><Opcode>0</Opcode>"
      "<Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='2026-03-01T10:00:00.1234567Z'/><EventRecordID>";
  xml += std::to_string(records_.size() + 1) + "</EventRecordID><Channel>" + xml::escaped_text(channel_);
  xml += "</Channel><Computer>" + xml::escaped_text(computer_) + "</Computer></System><EventData><Data Name='MESSAGE'>";
  xml += xml::escaped_text(message) + "</Data></EventData></Event>";
  records_.push_back(std::move(xml));
}

void SourceLog::write_raw(std::string xml) {
  std::lock_guard lock(mutex_);
  records_.push_back(std::move(xml));
}

std::vector<SourceLog::Record> SourceLog::behind(std::uint64_t id, std::size_t limit) const {
  std::lock_guard lock(mutex_);
  std::vector<Record> found;
  for (std::uint64_t next = id; next < records_.size() && found.size() < limit; ++next) {
    found.push_back({next + 1, records_[next]});
  }
  return found;
}

std::uint64_t SourceLog::last() const {
  std::lock_guard lock(mutex_);
  return records_.size();
}

std::string SourceLog::bookmark_at(std::uint64_t id) const {
  return "<BookmarkList><Bookmark Channel=\"" + xml::escaped_attribute(channel_) + "\" RecordId=\"" + std::to_string(id) +
         "\" IsCurrent=\"true\"/></BookmarkList>";
}

}  // namespace fakes
