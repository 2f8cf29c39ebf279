// The events of one delivery, within what the subscription allows.
//
// Source: wef-wire, sections 8.2 and 8.6.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/wsman/envelope.h"
#include "engine/wsman/eventing.h"
#include "events/bookmark.h"
#include "events/query.h"
#include "storage/event_store.h"

namespace forwarder {

/// The octets that `text` takes up in the encoding that the subscription asks for, without a byte order mark.
std::size_t wire_size(std::string_view text, const wsman::SubscribeRequest& how);

/// The octets of an Events message apart from its w:Event elements, at most: `message` with all its headers, the longest
/// bookmark that `query` can come to, and a count of dropped events.
std::size_t wire_size_without_events(wsman::Message message, const events::Query& query, const wsman::SubscribeRequest& how);

/// Filled event by event, in order; carries the position behind what has been looked at. A value.
class DeliveryBatch {
 public:
  /// `fixed` is wire_size_without_events(); `how` must outlive the batch.
  DeliveryBatch(const wsman::SubscribeRequest& how, std::size_t fixed, events::Bookmark position);

  enum class Added {
    Yes,
    Full,      ///< it belongs into the next batch
    TooLarge,  ///< it exceeds MaxEnvelopeSize by itself: leave_out() it or give up
  };
  Added add(const storage::StoredEvent& stored);
  /// Goes past an event that is not sent; `counted` says whether the collector learns of it.
  void leave_out(const storage::StoredEvent& stored, bool counted);
  /// Everything up to `position` has been looked at.
  void pass(events::Bookmark position);

  bool holds_something() const { return items_ != 0 || dropped_ != 0; }
  /// True where hardly another event would fit.
  bool is_full() const;
  /// For the next read: at least 1.
  std::size_t items_left() const;
  /// For the next read, in bytes of XML (UTF-8): at least 1.
  std::size_t bytes_left() const;

  const events::Bookmark& position() const { return position_; }
  /// The w:Events element.
  std::string body() const;

 private:
  const wsman::SubscribeRequest* how_;
  std::size_t room_;
  std::size_t max_items_;
  events::Bookmark position_;
  std::string items_xml_;
  std::size_t items_ = 0;
  std::size_t used_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace forwarder
