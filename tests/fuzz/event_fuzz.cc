// Any bytes as an event from the wire, and as a bookmark.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/xml/document.h"
#include "events/bookmark.h"
#include "events/event.h"
#include "events/plain_event.h"
#include "events/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // The short way may decline, but may not differ.
  if (const auto plain = events::read_plain_system(text)) {
    const auto document = xml::Document::parse(text);
    if (!document.ok() || document->root().local_name() != "Event" || !document->root().child("System") ||
        *plain != events::read_system(document->root())) {
      std::abort();
    }
  }
  const events::Event event = events::Event::from_wire(text);
  if (event.quality == events::Quality::Raw) {
    if (event.xml != text) std::abort();
  } else {
    // What was kept must be readable when it comes back from the store, with and without its rendering.
    if (!events::Event::parse(event.xml).ok()) std::abort();
    if (!events::Event::parse(events::with_rendering_info(event)).ok()) std::abort();
    if (!events::Event::parse(events::without_rendering_info(event)).ok()) std::abort();
  }
  events::as_text(event, 0);
  events::message_of(event);

  events::Draft draft;
  draft.ready_xml = text;
  draft.system.channel = "Log/Operational";
  draft.data.emplace_back("MESSAGE", text);
  const events::Event finished = events::finish(draft, 42);
  if (finished.quality == events::Quality::Raw || finished.system.record_id != 42u) std::abort();

  if (const auto bookmark = events::Bookmark::parse(text); bookmark.ok()) {
    const auto again = events::Bookmark::parse(bookmark->to_xml());
    if (!again.ok() || again->to_xml() != bookmark->to_xml()) std::abort();
  }
  return 0;
}
