// get, set, create, delete, enumerate, invoke, identify.
//
// Source: cli-winrm, section 1.1.

#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/winrm_arguments.h"
#include "cli/winrm_session.h"
#include "cli/winrm_values.h"
#include "engine/base/result.h"
#include "engine/base/task.h"

namespace cli {

/// Everything that a request needs besides the session, made before anything is sent.
struct WinrmRequest {
  OutputFormat format = OutputFormat::Text;
  std::string action;  ///< of invoke
  wsman::Client::Target target;
  wsman::Client::Enumeration enumeration;
  std::vector<NamedValue> values;
  std::optional<std::string> document;  ///< what -file or standard input held
};

OutputFormat format_of(const Arguments& switches);

/// Reads the resource, the values, files and switches of the operation. Errors: Win32::InvalidParameter; the system's for a
/// file that cannot be read; 2150859003 for WQL about a URI that does not end in "*".
base::Result<WinrmRequest> make_request(Console& console, const WinrmArguments& arguments);

/// Does it, prints, and returns the exit status.
base::Task<int> run_operation(Console& console, std::string operation, WinrmRequest request, WinrmSession& session);

/// `document` with the text of its root's children replaced: of exactly one child for each value, which has no children of
/// its own. Of a plugin's configuration the attributes of the root are replaced as well. Errors: Win32::InvalidParameter.
base::Result<std::string> replace_values(xml::Element document, const std::vector<NamedValue>& values);

/// <p:NAME xmlns:p="URI"><p:KEY>VALUE</p:KEY>…</p:NAME>. Errors: Win32::InvalidParameter where a name is none of an element.
base::Result<std::string> make_document(std::string_view name, std::string_view uri, const std::vector<NamedValue>& values);

}  // namespace cli
