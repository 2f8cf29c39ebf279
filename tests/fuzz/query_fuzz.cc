// Any text as a query: it compiles or is refused, and where it compiles, the answer from the System fields is the answer
// from the XML.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/base/iso8601.h"
#include "engine/xml/document.h"
#include "events/query.h"

namespace {

constexpr std::string_view kEvents[] = {
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='P' "
    "Guid='{54849625-5478-4994-A5BA-3E3B0328C30D}'/><EventID Qualifiers='1'>4624</EventID><Version>2</Version>"
    "<Level>0</Level><Task>12544</Task><Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords>"
    "<TimeCreated SystemTime='2024-05-01T10:00:00.1234567Z'/><EventRecordID>7</EventRecordID><Correlation/>"
    "<Execution ProcessID='1' ThreadID='2'/><Channel>Security</Channel><Computer>a</Computer>"
    "<Security UserID='S-1-5-18'/></System><EventData><Data Name='LogonType'>3</Data><Data>x</Data></EventData></Event>",
    "<Event><System><EventID>1</EventID><EventID>2</EventID><Level> 0x2 </Level><Security UserId='0'/></System>"
    "<UserData><W><F>1</F></W></UserData></Event>",
};

void check(const events::Query& query) {
  const auto now = *base::parse_datetime("2024-05-01T12:00:00Z");
  for (const std::string_view text : kEvents) {
    const events::Event event = events::Event::from_wire(std::string(text));
    const auto document = xml::Document::parse(std::string(text));
    for (const std::string& path : query.paths()) {
      if (query.matches(event, path, now) != query.matches(document->root(), path, now)) std::abort();
    }
  }
  query.matches(events::Event::from_wire("raw"), "log", now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto query = events::Query::parse(text, "log"); query.ok()) check(*query);
  if (const auto query = events::Query::parse_xpath("log", text); query.ok()) check(*query);
  return 0;
}
