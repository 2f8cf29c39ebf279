// The events of one message, within what the subscription and the message allow.
//
// Source: wef-wire, sections 8.2 and 8.6.

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "engine/wsman/resource.h"

namespace wsman {

/// `<w:DroppedEvents>` with that count.
std::string dropped_element(std::uint64_t count);

/// What one message may hold.
struct BatchLimits {
  std::size_t items = 1;
  std::size_t octets = 0;  ///< encoded: of the items, and of the bookmark where bookmarks are sent
  /// Of several items together, without the bookmark: one may be larger.
  std::size_t octets_together = std::numeric_limits<std::size_t>::max();
  Charset charset = Charset::Utf8;
  bool cdata = true;      ///< events go out as text
  bool bookmarks = true;  ///< a bookmark goes with the message
  bool wrapped = true;    ///< each event inside a w:Event, where there may be several
};

/// Filled event by event, in order; carries the bookmark behind what has been looked at. A value.
class EventBatch {
 public:
  /// `bookmark`: behind what came before.
  EventBatch(BatchLimits limits, std::string bookmark) : limits_(limits), bookmark_(std::move(bookmark)) {}

  enum class Added {
    Yes,
    Full,      ///< it belongs into the next message
    TooLarge,  ///< it exceeds the limit by itself: leave_out() it or give up
  };
  Added add(const Item& event);
  /// Goes past an event that is not sent; `counted` says whether the subscriber learns of it.
  void leave_out(const Item& event, bool counted);
  /// Counts events that the source could not keep.
  void lose(std::uint64_t events) { dropped_ += events; }
  /// Everything up to `bookmark` has been looked at.
  void pass(const std::string& bookmark);

  bool holds_something() const { return items_ != 0 || dropped_ != 0; }
  /// True where hardly another event would fit.
  bool is_full() const;
  /// For the next read: at least 1.
  std::size_t items_left() const;
  /// For the next read, in bytes of XML (UTF-8): at least 1.
  std::size_t bytes_left() const;

  std::size_t items() const { return items_; }
  /// Of the items, without the bookmark.
  std::size_t octets() const { return used_; }
  std::uint64_t dropped() const { return dropped_; }
  const std::string& bookmark() const { return bookmark_; }
  /// The events, one after the other.
  const std::string& events_xml() const { return xml_; }
  /// The events and the count of those that were left out, as they stand in w:Events or n:Items.
  std::string wrapped_xml() const;

 private:
  std::size_t bookmark_octets(const std::string& bookmark) const;

  BatchLimits limits_;
  std::string bookmark_;
  std::string xml_;
  std::size_t items_ = 0;
  std::size_t used_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace wsman
