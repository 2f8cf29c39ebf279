// Any text as a filter of each dialect: it is refused, or decides about items; what is told of an item is XML.

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/base/die.h"
#include "engine/wsman/filter.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"

namespace {

constexpr const char* kItems[] = {
    "<t:Thing xmlns:t='urn:t' xmlns:cim='http://schemas.dmtf.org/wbem/wscim/1/common' "
    "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><t:Name>One &amp; two</t:Name><t:Size>10</t:Size><t:Tag>a</t:Tag>"
    "<t:Tag>b</t:Tag><t:When><cim:Datetime>2024-05-01T10:00:00Z</cim:Datetime></t:When><t:Level Value='2'>Error</t:Level>"
    "<t:Inner><t:Deep>x</t:Deep></t:Inner><t:Owner xsi:nil='true'/></t:Thing>",
    "<Thing/>",
};

void apply(std::string_view dialect, const std::string& text) {
  wsman::Filter filter{std::string(dialect), text};
  const auto made = wsman::ItemFilter::make(filter, {}, "urn:test");
  if (!made.ok()) return;
  for (const char* xml : kItems) {
    wsman::Item item;
    item.xml = xml;
    const auto chosen = made->apply(item);
    if (chosen.ok() && !xml::Document::parse(item.xml).ok()) base::die("what is told of an item is not XML");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  apply(wsman::kSelectorDialect, text);
  apply(wsman::kXPathDialect, text);
  apply(wsman::kWqlDialect, text);
  [[maybe_unused]] const auto association = wsman::parse_association_filter(text);
  return 0;
}
