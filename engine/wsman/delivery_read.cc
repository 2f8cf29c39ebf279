#include "engine/wsman/delivery_read.h"

#include <charconv>

#include "engine/base/encoding.h"
#include "engine/wsman/names.h"
#include "engine/wsman/xml_text.h"

namespace wsman {
namespace {

Fault mismatch(const Envelope& request) {
  return make_fault(FaultCode::ActionMismatch,
                    "The body " + std::string(request.body().local_name().substr(0, 100)) + " does not fit the action");
}

std::uint64_t number_in(xml::Element element) {
  std::string buffer;
  const std::string_view digits = base::trimmed(element.text(buffer));
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// The event's XML: CDATA or escaped text as it is, an element of its own written out again.
void add_event(xml::Element item, std::string& buffer, std::vector<std::string>& events) {
  if (const xml::Element inline_event = item.first_child()) {
    events.push_back(inline_event.outer_xml());
    return;
  }
  const std::string_view text = item.text(buffer);
  if (!base::trimmed(text).empty()) events.emplace_back(text);
}

Result<void> read_events(const Envelope& request, Delivery& delivery) {
  const xml::Element batch = request.body();
  if (!batch) return {};
  if (!batch.is(ns::kWsman, "Events")) return mismatch(request);
  read_event_items(batch, delivery.events, delivery.dropped);
  return {};
}

Result<void> read_end(const Envelope& request, Delivery& delivery) {
  const xml::Element end = request.body();
  if (!end.is(ns::kEventing, "SubscriptionEnd")) return mismatch(request);
  delivery.end_status = trimmed_text(end.child(ns::kEventing, "Status"));
  if (delivery.end_status.empty()) delivery.end_status = trimmed_text(end.child(ns::kEventing, "Code"));
  const xml::Element fault = end.child(ns::kFault, "WSManFault");
  const std::string_view code = base::trimmed(fault.attribute("Code").value_or(std::string_view()));
  std::from_chars(code.data(), code.data() + code.size(), delivery.end_code);
  delivery.end_message = innermost_text(fault);
  if (delivery.end_message.empty()) delivery.end_message = trimmed_text(end.child(ns::kEventing, "Reason"));
  return {};
}

}  // namespace

void read_event_items(xml::Element items, std::vector<std::string>& events, std::uint64_t& dropped) {
  events.reserve(events.size() + items.child_count());
  std::string buffer;
  for (const xml::Element item : items.children()) {
    if (item.is(ns::kWsman, "Event")) {
      add_event(item, buffer, events);
    } else if (item.is(ns::kWsman, "DroppedEvents")) {
      dropped += number_in(item);
    } else if (item.local_name() == "Event") {
      events.push_back(item.outer_xml());
    }
  }
}

std::string_view DeliverySink::ack_action(std::string_view /*identifier*/, std::string_view /*path*/) const {
  return action::kAck;
}

bool is_delivery(std::string_view action) {
  return action == action::kEvents || action == action::kHeartbeat || action == action::kSubscriptionEnd ||
         action == action::kEvent || action == action::kDroppedEvents;
}

Result<Delivery> read_delivery(const Envelope& request) {
  const Headers& headers = request.headers;
  Delivery delivery;
  delivery.identifier = headers.identifier;
  delivery.machine_id = headers.machine_id;
  delivery.bookmark = headers.bookmark;
  delivery.session_id = headers.session_id;
  if (headers.action == action::kHeartbeat) {
    delivery.kind = Delivery::Kind::Heartbeat;
  } else if (headers.action == action::kSubscriptionEnd) {
    delivery.kind = Delivery::Kind::SubscriptionEnd;
    RETURN_IF_ERROR(read_end(request, delivery));
  } else if (headers.action == action::kEvents) {
    RETURN_IF_ERROR(read_events(request, delivery));
  } else if (headers.action == action::kDroppedEvents) {
    if (!request.body().is(ns::kWsman, "DroppedEvents")) return mismatch(request);
    delivery.dropped = number_in(request.body());
  } else if (request.body()) {
    // A single event, pushed in the delivery modes without batches: the body is the event, or holds it as text.
    std::string buffer;
    if (request.body().is(ns::kWsman, "Event")) {
      add_event(request.body(), buffer, delivery.events);
    } else {
      delivery.events.push_back(request.body().outer_xml());
    }
  }
  return delivery;
}

}  // namespace wsman
