#include "forwarder/delivery_batch.h"

#include <algorithm>
#include <limits>

#include "engine/base/encoding.h"
#include "engine/base/utf16.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"
#include "events/render.h"

namespace forwarder {
namespace {

constexpr std::size_t kMaxItems = 10'000;
/// A batch is held in memory, whatever the collector would take.
constexpr std::uint64_t kMaxOctets = 16u << 20;
/// More than the length up to which write_envelope() looks for the prefixes that a body uses.
constexpr std::size_t kLongBody = 64 << 10;
constexpr std::size_t kByteOrderMark = 2;

bool is_utf8(const wsman::SubscribeRequest& how) {
  return base::equal_ignoring_case(how.content_encoding, "UTF-8");
}

std::string dropped_element(std::uint64_t count) {
  return "<w:DroppedEvents Action=\"" + std::string(wsman::action::kDroppedEvents) + "\">" + std::to_string(count) +
         "</w:DroppedEvents>";
}

}  // namespace

std::size_t wire_size(std::string_view text, const wsman::SubscribeRequest& how) {
  return is_utf8(how) ? text.size() : 2 * base::utf16_length(text);
}

std::size_t wire_size_without_events(wsman::Message message, const events::Query& query,
                                     const wsman::SubscribeRequest& how) {
  if (how.send_bookmarks) {
    events::Bookmark longest;
    for (const std::string& path : query.paths()) longest.set(path, std::numeric_limits<std::int64_t>::max());
    message.headers.bookmark = longest.to_xml();
  }
  message.body = "<w:Events>" + dropped_element(std::numeric_limits<std::uint64_t>::max()) + "</w:Events>" +
                 std::string(kLongBody, ' ');
  const std::size_t octets = wire_size(wsman::write_envelope(message), how);
  return is_utf8(how) ? octets - kLongBody : octets - 2 * kLongBody + kByteOrderMark;
}

DeliveryBatch::DeliveryBatch(const wsman::SubscribeRequest& how, std::size_t fixed, events::Bookmark position)
    : how_(&how), position_(std::move(position)) {
  const auto whole = static_cast<std::size_t>(std::min(how.max_envelope_size, kMaxOctets));
  room_ = whole - std::min(whole, fixed);
  max_items_ = static_cast<std::size_t>(std::min<std::uint64_t>(how.max_elements.value_or(kMaxItems), kMaxItems));
}

DeliveryBatch::Added DeliveryBatch::add(const storage::StoredEvent& stored) {
  if (items_ >= max_items_) return Added::Full;
  const std::size_t before = items_xml_.size();
  items_xml_ += "<w:Event Action=\"";
  items_xml_ += wsman::action::kEvent;
  items_xml_ += "\">";
  const bool rendered = how_->content_format == "RenderedText";
  const std::string text = rendered ? events::with_rendering_info(stored.event) : std::string();
  const std::string& xml = rendered ? text : stored.event.xml;
  // What is not well-formed would break the whole message.
  if (how_->cdata || stored.event.quality == events::Quality::Raw) {
    xml::append_cdata(items_xml_, xml);
  } else {
    items_xml_ += xml;
  }
  items_xml_ += "</w:Event>";
  const std::size_t size = wire_size(std::string_view(items_xml_).substr(before), *how_);
  if (size > room_ - used_) {
    items_xml_.resize(before);
    return size > room_ ? Added::TooLarge : Added::Full;
  }
  used_ += size;
  ++items_;
  position_.set(stored.log, stored.record);
  return Added::Yes;
}

void DeliveryBatch::leave_out(const storage::StoredEvent& stored, bool counted) {
  if (counted) ++dropped_;
  position_.set(stored.log, stored.record);
}

void DeliveryBatch::pass(events::Bookmark position) {
  // The current channel stays that of the last event in the batch.
  if (!position_.current.empty()) position.current = position_.current;
  position_ = std::move(position);
}

bool DeliveryBatch::is_full() const {
  return items_ >= max_items_ || (items_ != 0 && used_ >= room_ - room_ / 10);
}

std::size_t DeliveryBatch::items_left() const {
  return std::max<std::size_t>(max_items_ - items_, 1);
}

std::size_t DeliveryBatch::bytes_left() const {
  return std::max<std::size_t>((room_ - used_) / (is_utf8(*how_) ? 1 : 2), 1);
}

std::string DeliveryBatch::body() const {
  std::string body = "<w:Events>" + items_xml_;
  if (dropped_ != 0) body += dropped_element(dropped_);
  body += "</w:Events>";
  return body;
}

}  // namespace forwarder
