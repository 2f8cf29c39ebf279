#include "engine/config/keyed_resource.h"

#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/config/faults.h"
#include "engine/xml/writer.h"

namespace config {

wsman::Result<void> check_no_selectors(const wsman::Call& call) {
  if (call.headers.selectors.empty()) return {};
  return wsman::make_fault(wsman::FaultCode::UnexpectedSelectors);
}

wsman::Result<std::vector<std::string>> read_selectors(const wsman::Call& call, const std::string_view* names,
                                                       std::size_t count) {
  std::vector<std::string> values;
  for (std::size_t i = 0; i < count; ++i) {
    auto value = call.headers.find_selector(names[i]);
    if (!value) {
      return wsman::make_fault(wsman::FaultCode::InsufficientSelectors,
                               "The selector " + std::string(names[i]) + " is missing");
    }
    values.push_back(std::move(*value));
  }
  for (const wsman::Selector& selector : call.headers.selectors) {
    const bool known = std::any_of(names, names + count,
                                   [&](std::string_view name) { return base::equal_ignoring_case(name, selector.name); });
    if (!known) {
      return wsman::make_fault(wsman::FaultCode::UnexpectedSelectors,
                               "There is no selector " + selector.name.substr(0, 100));
    }
  }
  return values;
}

void tell_change(const wsman::Call& call, std::string_view verb) {
  std::string what = call.headers.resource_uri;
  for (const wsman::Selector& selector : call.headers.selectors) what += " " + selector.name + "=" + selector.value;
  base::log_notice("{} ({}) has {} {}", call.who.name, call.address, verb, what);
}

std::string restore_output(std::string_view uri) {
  xml::Writer writer;
  writer.open("cfg:Restore_OUTPUT").attribute("xmlns:cfg", uri);
  return writer.take();
}

wsman::Result<void> check_restore_input(xml::Element body) {
  if (!body || (body.local_name() == "Restore_INPUT" && !body.first_child())) return {};
  return refuse(Refusal::SchemaValidation, "Restore takes an empty Restore_INPUT");
}

}  // namespace config
