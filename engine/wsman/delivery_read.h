// The body of a pushed message as a Delivery.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wsman/delivery.h"
#include "engine/wsman/envelope.h"

namespace wsman {

/// Reads the events in w:Events; adds to `dropped`. Other elements are passed over, but for a bare Event. Where an item
/// holds several elements, or w:Action names another one than the first, it has lost the root of the event, as openwsman
/// does it: it gets one in the same namespace, with the last part of w:Action for a name.
void read_event_items(xml::Element items, std::vector<std::string>& events, std::uint64_t& dropped);

/// The same for the n:Items of a Pull, where an element of another vocabulary is an event by itself.
void read_pulled_items(xml::Element items, std::vector<std::string>& events, std::uint64_t& dropped);

/// True for the actions of messages that a source pushes.
bool is_delivery(std::string_view action);

/// What `request`, whose action is a delivery's, brings; the caller adds who sent it and from where. Elements that are
/// neither w:Event nor w:DroppedEvents are passed over. Errors: ActionMismatch for the body of another operation.
Result<Delivery> read_delivery(const Envelope& request);

}  // namespace wsman
