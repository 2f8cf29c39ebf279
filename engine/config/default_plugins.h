// The plugins that a service has where nobody has changed them: Windows' own, as far as Muster has what they stand for.
//
// Source: winrm-config, section 6.

#pragma once

#include <vector>

#include "engine/config/plugin.h"

namespace config {

/// In the order in which they are listed.
const std::vector<Plugin>& default_plugins();

/// Whether `filename` is that of a plugin that is built in, in Windows' form: "%windir%\system32\wevtfwd.dll".
bool is_built_in_file(std::string_view filename);
/// Whether it is in Windows' form at all.
bool is_system_file(std::string_view filename);

}  // namespace config
