#include "events/event.h"

#include <algorithm>
#include <utility>

#include "engine/base/encoding.h"
#include "engine/xml/document.h"
#include "events/clean.h"
#include "events/plain_event.h"
#include "events/system_reader.h"

namespace events {
namespace {

/// A document's memory is kept for the next event unless this one was unusually large.
constexpr std::size_t kLargeEvent = 256 << 10;

base::Result<System> system_of(const std::string& text) {
  if (auto plain = read_plain_system(text)) return std::move(*plain);
  thread_local xml::Document kept;
  xml::Document own;
  xml::Document& document = text.size() > kLargeEvent ? own : kept;
  RETURN_IF_ERROR(document.reparse(text));
  const xml::Element root = document.root();
  if (root.local_name() != "Event") return base::make_error(std::errc::invalid_argument, "the root element is not Event");
  if (!root.child("System")) return base::make_error(std::errc::invalid_argument, "the event has no System element");
  return read_system(root);
}

/// Takes away what may stand around the root element of a document and has no place in a stored event.
void strip_prolog(std::string& text) {
  std::size_t from = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  const auto skip_blanks = [&] { from = std::min(text.find_first_not_of(" \t\r\n", from), text.size()); };
  skip_blanks();
  if (text.compare(from, 5, "<?xml") == 0) {
    const auto end = text.find("?>", from);
    if (end != std::string::npos) from = end + 2;
    skip_blanks();
  }
  if (from != 0) text.erase(0, from);
  const auto last = text.find_last_not_of(" \t\r\n");
  if (last != std::string::npos) text.erase(last + 1);
}

/// `text` up to its RenderingInfo with the root closed; empty where there is none to cut.
std::string without_broken_rendering(std::string_view text) {
  const auto start = text.find('<');
  const auto cut = text.find("<RenderingInfo");
  if (start == std::string_view::npos || cut == std::string_view::npos || cut <= start) return {};
  const auto name_end = text.find_first_of(" \t\r\n/>", start + 1);
  std::string repaired(text.substr(0, cut));
  repaired += "</";
  repaired += text.substr(start + 1, name_end - start - 1);
  repaired += '>';
  return repaired;
}

}  // namespace

System read_system(xml::Element event) {
  System system;
  SystemReader<xml::Element> reader(system);
  bool first = true;
  for (const xml::Element child : event.children()) {
    if (child.local_name() != "System") continue;
    // A second System is there for queries, which must then look for themselves.
    if (!std::exchange(first, false)) {
      system.known = 0;
      break;
    }
    for (const xml::Element field : child.children()) reader.read(field);
  }
  return system;
}

base::Result<Event> Event::parse(std::string xml) {
  Event event;
  if (!xml.starts_with("<Event") || xml.back() != '>') strip_prolog(xml);
  ASSIGN_OR_RETURN(event.system, system_of(xml));
  event.xml = std::move(xml);
  return event;
}

Event Event::from_wire(std::string xml) {
  Event event;
  std::string original;
  bool repaired = false;
  if (!is_clean(xml)) {
    original = xml;
    xml = clean(xml);
    repaired = true;
  }
  if (!xml.starts_with("<Event") || xml.back() != '>') {
    if (!repaired) original = xml;
    strip_prolog(xml);
  }
  auto system = system_of(xml);
  if (!system.ok()) {
    if (original.empty()) original = xml;
    xml = without_broken_rendering(xml);
    system = system_of(xml);
    repaired = true;
  }
  if (!system.ok()) {
    event.xml = std::move(original);
    event.quality = Quality::Raw;
    return event;
  }
  event.xml = std::move(xml);
  event.system = std::move(*system);
  event.quality = repaired ? Quality::Repaired : Quality::Good;
  return event;
}

bool Event::is_bookmark_carrier() const {
  return system.event_id == 111 && base::equal_ignoring_case(system.provider, "Microsoft-Windows-EventForwarder");
}

}  // namespace events
