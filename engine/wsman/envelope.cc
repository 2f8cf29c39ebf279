#include "engine/wsman/envelope.h"

#include <algorithm>
#include <charconv>

#include "engine/base/encoding.h"
#include "engine/wsman/names.h"
#include "engine/wsman/xml_text.h"

namespace wsman {
namespace {

/// "w:TimedOut" with Windows' prefix, whatever prefix the sender bound; empty for an unknown namespace.
std::string windows_qname(xml::Element where, std::string_view qname) {
  const auto colon = qname.find(':');
  if (colon == std::string_view::npos) return {};
  const auto uri = where.lookup_namespace(qname.substr(0, colon));
  if (!uri) return {};
  std::string_view prefix;
  if (*uri == ns::kSoap) prefix = "s:";
  if (*uri == ns::kAddressing) prefix = "a:";
  if (*uri == ns::kWsman) prefix = "w:";
  if (*uri == ns::kEnumeration) prefix = "n:";
  if (*uri == ns::kEventing) prefix = "e:";
  if (*uri == ns::kTransfer) prefix = "x:";
  if (*uri == ns::kCimBinding) prefix = "b:";
  if (prefix.empty()) return {};
  return std::string(prefix) + std::string(qname.substr(colon + 1));
}

}  // namespace

std::optional<std::string> Headers::find_option(std::string_view name) const {
  for (const Option& option : options) {
    if (!base::equal_ignoring_case(option.name, name)) continue;
    return option.nil ? "true" : option.value;
  }
  return std::nullopt;
}

std::optional<std::string> Headers::find_selector(std::string_view name) const {
  for (const Selector& selector : selectors) {
    if (base::equal_ignoring_case(selector.name, name)) return selector.value;
  }
  return std::nullopt;
}

xml::Element Envelope::body() const {
  return document.root().child(ns::kSoap, "Body").first_child();
}

std::optional<Fault> Envelope::fault() const {
  const xml::Element soap_fault = body();
  if (!soap_fault.is(ns::kSoap, "Fault")) return std::nullopt;

  const xml::Element code = soap_fault.child(ns::kSoap, "Code");
  const xml::Element subcode = code.child(ns::kSoap, "Subcode").child(ns::kSoap, "Value");
  const xml::Element detail = soap_fault.child(ns::kSoap, "Detail");
  const xml::Element wsman_fault = detail.child(ns::kFault, "WSManFault");

  std::uint32_t number = 0;
  const std::string_view digits = base::trimmed(wsman_fault.attribute("Code").value_or(std::string_view()));
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  std::string detail_name = trimmed_text(detail.child(ns::kWsman, "FaultDetail"));
  if (const auto slash = detail_name.rfind('/'); slash != std::string::npos) detail_name.erase(0, slash + 1);

  Fault fault;
  if (subcode) {
    fault.code = row_of(number, windows_qname(subcode, trimmed_text(subcode)), detail_name).code;
  } else {
    const std::string value = windows_qname(code.child(ns::kSoap, "Value"), trimmed_text(code.child(ns::kSoap, "Value")));
    if (value == "s:VersionMismatch") fault.code = FaultCode::VersionMismatch;
    if (value == "s:MustUnderstand") fault.code = FaultCode::MustUnderstand;
    if (value == "s:DataEncodingUnknown") fault.code = FaultCode::DataEncodingUnknown;
  }
  fault.windows_code = number;
  fault.reason = innermost_text(wsman_fault.child(ns::kFault, "Message"));
  if (fault.reason.empty()) fault.reason = trimmed_text(soap_fault.child(ns::kSoap, "Reason").child(ns::kSoap, "Text"));
  return fault;
}

std::string new_message_id() {
  return "uuid:" + base::new_guid();
}

}  // namespace wsman
