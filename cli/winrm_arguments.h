// The command line of winrm as tables, and how it is read.
//
// Its grammar is Windows' own and differs from that of the other tools: arguments without a name come first, then switches,
// whose value follows the first colon; a list of values stands anywhere behind the resource. Source: cli-winrm, section 1.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "engine/base/result.h"

namespace cli {

/// The operations and their switches, for help and whoever else reads tables. The name of a row is the full one, its long
/// name are the short forms.
const ToolRow& winrm_tool();

/// The switches that say where to connect and as whom; operations whose row says `connects` have them.
std::span<const OptionRow> winrm_connection_switches();

/// A command line that was understood.
struct WinrmArguments {
  const CommandRow* operation = nullptr;  ///< null: help was asked for
  std::string topic;                      ///< of help; may be empty
  std::vector<std::string> positional;    ///< what the operation takes: ACTION and URI, or a code
  std::optional<std::string> values;      ///< @{…}, unread
  Arguments switches;                     ///< by their full names
};

/// Understands what follows the tool's name. "--name=VALUE" and "--name VALUE" are accepted besides Windows' forms.
///
/// Errors: Win32::InvalidParameter: "Unknown switch: …", "Switch not allowed with the given operation: …", a switch that is
/// given twice, has no name or no value, an argument behind the first switch; and what check_switches() finds.
base::Result<WinrmArguments> parse_winrm_arguments(std::span<const std::string> words);

}  // namespace cli
