// Any text as what winrm reads from its command line and from the machine: what is read keeps the rules, and what is made of
// it is well-formed XML.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "cli/firewall.h"
#include "cli/winrm_connection.h"
#include "cli/winrm_operations.h"
#include "cli/winrm_values.h"
#include "engine/base/encoding.h"
#include "engine/base/utf16.h"
#include "engine/xml/document.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_xml(const std::string& text) {
  check(xml::Document::parse(base::repaired_utf8(text).text).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto values = cli::parse_values(text); values.ok()) {
    std::set<std::string> names;
    for (const cli::NamedValue& value : *values) {
      check(!value.name.empty());
      check(names.insert(value.name).second);
    }
    if (const auto document = cli::make_document("Name", "urn:x", *values); document.ok()) check_xml(*document);
  }
  if (const auto address = cli::parse_resource(text); address.ok()) {
    check(!address->uri.empty());
    check(!cli::last_part(address->uri).empty());
    std::set<std::string> names;
    for (const wsman::Selector& selector : address->selectors) check(names.insert(base::to_lower(selector.name)).second);
  }
  for (const std::string_view dialect : {"selector", "association"}) {
    for (const bool associations : {false, true}) {
      if (const auto filter = cli::make_filter(dialect, text, associations); filter.ok()) check_xml(filter->text);
    }
  }
  cli::chains_in_the_way(text, 5985);
  if (const auto url = cli::parse_remote(text, false, {}); url.ok()) check(!url->host.empty() && url->port != 0);
  return 0;
}
