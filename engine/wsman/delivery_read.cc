#include "engine/wsman/delivery_read.h"

#include <algorithm>
#include <charconv>

#include "engine/base/encoding.h"
#include "engine/wsman/names.h"
#include "engine/wsman/xml_text.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

constexpr std::string_view kEventNamespace = "http://schemas.microsoft.com/win/2004/08/events/event";

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

bool is_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_inside = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  return !text.empty() && is_letter(text.front()) && std::all_of(text.begin(), text.end(), is_inside);
}

/// What openwsman calls an event: it ends with the name of the element that the event was.
std::string_view name_in(std::string_view action) {
  const std::string_view name = action.substr(action.rfind('/') + 1);
  return is_name(name) ? name : "Event";
}

/// Whether `holder` has inside it what was inside of an event, whose own element is lost.
bool has_lost_root(xml::Element holder, std::string_view action) {
  const xml::Element first = holder.first_child();
  if (first.next_sibling()) return true;
  return !action.empty() && first.local_name() != name_in(action) && first.local_name() != "Event";
}

/// An event around what `holder` holds: in the namespace of that, and with the name that `action` ends with.
std::string with_root(xml::Element holder, std::string_view action) {
  const std::string_view space = holder.first_child().namespace_uri();
  xml::Writer event;
  event.open(space == kEventNamespace ? "Event" : name_in(action));
  if (!space.empty()) event.attribute("xmlns", space);
  return event.raw(holder.inner_xml()).take();
}

/// The event's XML: CDATA or escaped text as it is, an element of its own written out again.
void add_event(xml::Element item, std::string& buffer, std::vector<std::string>& events) {
  if (const xml::Element inline_event = item.first_child()) {
    const std::string_view action = base::trimmed(item.attribute(ns::kWsman, "Action").value_or(std::string_view()));
    const bool bare = has_lost_root(item, action);
    events.push_back(bare ? with_root(item, action) : inline_event.outer_xml());
    return;
  }
  const std::string_view text = item.text(buffer);
  if (!base::trimmed(text).empty()) events.emplace_back(text);
}

/// Of other elements those are events that `is_bare_event` says.
template <typename IsBareEvent>
void read_items(xml::Element items, IsBareEvent is_bare_event, std::vector<std::string>& events, std::uint64_t& dropped) {
  events.reserve(events.size() + items.child_count());
  std::string buffer;
  for (const xml::Element item : items.children()) {
    if (item.is(ns::kWsman, "Event")) {
      add_event(item, buffer, events);
    } else if (item.is(ns::kWsman, "DroppedEvents")) {
      dropped += number_in(item);
    } else if (is_bare_event(item)) {
      events.push_back(item.outer_xml());
    }
  }
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

/// The body is the event, or holds it as text, or is what was inside of it.
void add_single_event(const Envelope& request, Delivery& delivery) {
  const xml::Element first = request.body();
  const xml::Element header = request.document.root().child(ns::kSoap, "Header");
  const std::string action = trimmed_text(header.child(ns::kWsman, "Action"));
  std::string buffer;
  if (first.is(ns::kWsman, "Event")) {
    add_event(first, buffer, delivery.events);
  } else if (has_lost_root(first.parent(), action)) {
    delivery.events.push_back(with_root(first.parent(), action));
  } else {
    delivery.events.push_back(first.outer_xml());
  }
}

}  // namespace

void read_event_items(xml::Element items, std::vector<std::string>& events, std::uint64_t& dropped) {
  read_items(
      items, [](xml::Element other) { return other.local_name() == "Event"; }, events, dropped);
}

void read_pulled_items(xml::Element items, std::vector<std::string>& events, std::uint64_t& dropped) {
  const auto is_foreign = [](xml::Element other) {
    return other.namespace_uri() != ns::kWsman && other.namespace_uri() != ns::kEnumeration;
  };
  read_items(items, is_foreign, events, dropped);
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
    // Pushed in the delivery modes without batches.
    add_single_event(request, delivery);
  }
  return delivery;
}

}  // namespace wsman
