// What winrm prints: results and faults as text, XML, indented XML, and as an extension JSON.
//
// Source: cli-winrm, section 2.

#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "cli/console.h"
#include "engine/base/result.h"
#include "engine/xml/element.h"

namespace cli {

/// Of documents that say all that they say in attributes: plugins, and the list of resources.
inline constexpr std::string_view kResourceListNamespace = "http://schemas.microsoft.com/wbem/wsman/1/config/resource";
inline constexpr std::string_view kPluginNamespace = "http://schemas.microsoft.com/wbem/wsman/1/config/PluginConfiguration";

enum class OutputFormat { Text, Xml, Pretty, Json };

/// Names and values, indented; ends with a line end. Repeated leaves share a line: "ListeningOn = 127.0.0.1, ::1". Control
/// characters in values become '?', so that a service cannot write to the terminal as it likes.
std::string render_text(xml::Element element);

/// The element alone, on one line without its end, or indented by four spaces a level beginning at `level`. The root gets
/// the xml:lang of the message that it came in, as Windows' client library does it.
std::string render_xml(xml::Element element);
std::string render_pretty(xml::Element element, std::size_t level = 0);

/// The content of the element as one JSON object: leaves are strings, xsi:nil is null, repeated elements are arrays.
std::string render_json(xml::Element element);

/// Prints results one after the other. A list has a frame in the XML formats, and empty lines between its items as text.
class ResultPrinter {
 public:
  ResultPrinter(std::ostream& out, OutputFormat format) : out_(out), format_(format) {}

  void print(xml::Element result);

  void begin_list();
  void item(xml::Element item);
  void end_list();

 private:
  std::ostream& out_;
  OutputFormat format_;
  bool any_ = false;
};

/// The number as Windows prints it: a Win32 code becomes an HRESULT (5 is 0x80070005).
std::uint32_t hresult_of(std::uint32_t number);

/// The system's words for a Win32 code, an HRESULT made of one, or a WS-Man code.
std::string text_of_code(std::uint32_t number);

/// "Error number:  -2144108526 0x80338012" and the text of the code, each on a line.
void print_error_number(std::ostream& out, std::uint32_t number);

/// Writes a failed operation to standard error: `fault` (the f:WSManFault as it came; made from `error` where it is null) in
/// the chosen format, then the number. Returns the exit status.
int print_failure(Console& console, OutputFormat format, const base::Error& error, xml::Element fault);

}  // namespace cli
