// The little languages on winrm's command line: @{NAME="VALUE"}, URI?NAME=VALUE+NAME=VALUE, and aliases of URIs.
//
// Source: cli-winrm, sections 1.5 and 1.6.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/wsman/envelope.h"

namespace cli {

/// NAME="VALUE"; no value stands for $null.
struct NamedValue {
  std::string name;
  std::optional<std::string> value;

  bool operator==(const NamedValue&) const = default;
};

/// True for what can only be meant as a list of values: it begins with "@{".
bool looks_like_values(std::string_view text);

/// Reads `{NAME="VALUE";NAME2=$null}`, with or without @ in front: values in double quotes, blanks around the parts, an
/// empty list. A backslash is a character like any other, as on Windows; only where the text makes no sense so is \" taken
/// for a quotation mark inside a value.
///
/// Errors: Win32::InvalidParameter with the position and what was expected there; a name that comes twice.
base::Result<std::vector<NamedValue>> parse_values(std::string_view text);

/// What an operation is about.
struct ResourceAddress {
  std::string uri;
  std::vector<wsman::Selector> selectors;
};

/// Reads URI?NAME=VALUE+NAME=VALUE and expands an alias. A value goes on to the next '+'; quotation marks around it protect
/// one, and nothing is decoded.
///
/// Errors: Win32::InvalidParameter for a URI without a last part, a selector without a name or without '=', or one that
/// comes twice.
base::Result<ResourceAddress> parse_resource(std::string_view text);

/// winrm/config becomes http://schemas.microsoft.com/wbem/wsman/1/config, and so on; other URIs stay as they are.
std::string expand_alias(std::string_view uri);

/// An alias and what it stands for, for help.
struct Alias {
  std::string_view name;
  std::string_view uri;
};
std::vector<Alias> aliases();

/// What follows the last slash.
std::string_view last_part(std::string_view uri);

/// What -filter and -dialect say, as the XML or the text of a filter.
///
/// `dialect`: "wql" (the default), "selector", "association", any case, or a URI. A selector filter is a list of values, an
/// association filter {object=URI?NAME=VALUE;resultclassname=NAME;…}; `associations` asks for the association instances
/// themselves. Errors: Win32::InvalidParameter.
struct FilterText {
  std::string dialect;  ///< the URI
  std::string text;
};
base::Result<FilterText> make_filter(std::string_view dialect, std::string_view filter, bool associations);

}  // namespace cli
