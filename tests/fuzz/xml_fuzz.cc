// Any bytes as an XML document: what parses can be walked, and written again as something that parses.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/xml/document.h"

namespace {

std::size_t walk(xml::Element element) {
  std::size_t count = 1 + element.local_name().size() + element.namespace_uri().size() + element.text().size();
  element.for_each_attribute([&](const xml::Element::Attribute& attribute) { count += attribute.value.size(); });
  element.attribute("urn:x", "y");
  for (const xml::Element child : element.children()) count += walk(child);
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = xml::Document::parse(std::string(reinterpret_cast<const char*>(data), size));
  if (!document.ok()) return 0;
  walk(document->root());
  const std::string written = document->root().outer_xml();
  const auto again = xml::Document::parse(written);
  if (!again.ok() || again->root().outer_xml() != written) std::abort();
  return 0;
}
