#include "engine/wsman/event_batch.h"

#include <algorithm>

#include "engine/wsman/enumeration.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace wsman {

std::string dropped_element(std::uint64_t count) {
  return "<w:DroppedEvents Action=\"" + std::string(action::kDroppedEvents) + "\">" + std::to_string(count) +
         "</w:DroppedEvents>";
}

std::size_t EventBatch::bookmark_octets(const std::string& bookmark) const {
  return limits_.bookmarks ? encoded_size(bookmark, limits_.charset) : 0;
}

EventBatch::Added EventBatch::add(const Item& event) {
  if (items_ >= limits_.items) return Added::Full;
  const std::size_t before = xml_.size();
  // What is not well-formed would break the whole message, so it goes as text in every mode.
  const bool wrapped = limits_.wrapped || event.opaque;
  if (wrapped) {
    xml_ += "<w:Event Action=\"";
    xml_ += action::kEvent;
    xml_ += "\">";
  }
  if (event.opaque || (limits_.wrapped && limits_.cdata)) {
    xml::append_cdata(xml_, event.xml);
  } else {
    xml_ += event.xml;
  }
  if (wrapped) xml_ += "</w:Event>";
  const std::size_t size = encoded_size(std::string_view(xml_).substr(before), limits_.charset);
  const std::size_t behind = bookmark_octets(event.bookmark);
  const bool too_many = items_ != 0 && used_ + size > limits_.octets_together;
  if (too_many || used_ + size + behind > limits_.octets) {
    xml_.resize(before);
    return size + behind > limits_.octets ? Added::TooLarge : Added::Full;
  }
  used_ += size;
  ++items_;
  dropped_ += event.lost_before;
  bookmark_ = event.bookmark;
  return Added::Yes;
}

void EventBatch::leave_out(const Item& event, bool counted) {
  dropped_ += event.lost_before;
  if (counted) ++dropped_;
  bookmark_ = event.bookmark;
}

void EventBatch::pass(const std::string& bookmark) {
  if (used_ + bookmark_octets(bookmark) <= limits_.octets) bookmark_ = bookmark;
}

bool EventBatch::is_full() const {
  const std::size_t most = std::min(limits_.octets, limits_.octets_together);
  return items_ >= limits_.items || (items_ != 0 && used_ >= most - most / 10);
}

std::size_t EventBatch::items_left() const {
  return std::max<std::size_t>(limits_.items - items_, 1);
}

std::size_t EventBatch::bytes_left() const {
  // No character takes more octets in UTF-16 than twice what it takes in UTF-8.
  const std::size_t most = std::max(std::min(limits_.octets, limits_.octets_together), used_);
  return std::max<std::size_t>((most - used_) / (limits_.charset == Charset::Utf16 ? 2 : 1), 1);
}

std::string EventBatch::wrapped_xml() const {
  return dropped_ == 0 ? xml_ : xml_ + dropped_element(dropped_);
}

}  // namespace wsman
