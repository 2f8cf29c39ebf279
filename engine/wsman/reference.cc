#include "engine/wsman/reference.h"

#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace wsman {

std::string reference_parts(std::string_view resource_uri, const std::vector<Selector>& selectors) {
  xml::Writer w;
  w.leaf("a:Address", kAnonymous).open("a:ReferenceParameters").leaf("w:ResourceURI", resource_uri).open("w:SelectorSet");
  for (const Selector& selector : selectors) {
    w.open("w:Selector").attribute("Name", selector.name);
    if (selector.endpoint_reference.empty()) {
      w.text(selector.value).close();
    } else {
      w.raw(selector.endpoint_reference).close();
    }
  }
  return w.take();
}

std::string endpoint_reference(std::string_view resource_uri, const std::vector<Selector>& selectors) {
  return "<a:EndpointReference>" + reference_parts(resource_uri, selectors) + "</a:EndpointReference>";
}

}  // namespace wsman
