// Any text as an offered subscription: what can be read can be written, and then reads as the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/base/encoding.h"
#include "engine/wsman/eventing.h"
#include "engine/xml/writer.h"

namespace {

/// The writer puts '?' for what XML forbids, and readers trim.
std::string written_form(const std::string& text) {
  const std::string written = xml::escaped_attribute(text);
  auto document = xml::Document::parse("<a b=\"" + written + "\"/>");
  return document.ok() ? std::string(base::trimmed(*document->root().attribute("b"))) : text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  auto document = xml::Document::parse(std::move(text));
  if (!document.ok()) return 0;
  const auto offer = wsman::read_offer(document->root());
  if (!offer.ok()) return 0;
  auto written = xml::Document::parse(wsman::write_offer(*offer));
  if (!written.ok()) return 0;  // a filter or a bookmark that holds what an XML parser refuses
  const auto again = wsman::read_offer(written->root());
  if (!again.ok()) std::abort();
  if (again->subscribe.max_elements != offer->subscribe.max_elements) std::abort();
  if (again->subscribe.heartbeats != offer->subscribe.heartbeats) std::abort();
  if (again->version != written_form(offer->version)) std::abort();
  if (again->subscribe.mode != written_form(offer->subscribe.mode)) std::abort();
  if (again->subscribe.notify_to.profile != written_form(offer->subscribe.notify_to.profile)) std::abort();
  return 0;
}
