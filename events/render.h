// Events for people: RenderingInfo for those that Linux sources make, and the text form of wevtutil.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "events/event.h"

namespace events {

/// Names that do not need a provider's resources. Source: event-xml, section 6.
std::string level_name(std::uint8_t level);           ///< "Error"; 0 is "Information"; unknown ones are their number
std::string opcode_name(std::uint8_t opcode);         ///< "Info"; unknown ones are their number
std::string keyword_names(std::uint64_t keywords);    ///< "Audit Success,Classic"; empty where none has a name
std::string syslog_facility_name(unsigned facility);  ///< "daemon"; unknown ones are their number

/// The event's message: RenderingInfo/Message, else the Data named MESSAGE or Message, else "Name=value" lines.
std::string message_of(const Event& event);

/// The event with a RenderingInfo (culture en-US) as its last child, as ContentFormat RenderedText asks for; an event that
/// has one already, or is Quality::Raw, comes back as it is.
std::string with_rendering_info(const Event& event);
/// The event without RenderingInfo, as `wevtutil qe /f:xml` prints it.
std::string without_rendering_info(const Event& event);

/// One block of `wevtutil qe /f:text`, "Event[index]" first, a line end last. Source: event-xml, section 8.1.
std::string as_text(const Event& event, std::size_t index);

}  // namespace events
