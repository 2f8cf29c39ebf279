// `wecutil qc`: this machine made ready to collect events, after asking.
//
// Source: wecutil, section 3.

#pragma once

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"
#include "cli/winrm_surroundings.h"

namespace cli {

/// Starts the collector, now and at boot (systemd's unit), enables the log ForwardedEvents, and says where the collector
/// listens or how it can be made to. Asks first, unless /q is given, where something has to be changed. Opens nothing in a
/// firewall: `winrm quickconfig` does. A service that is not the system's (--state) is neither started nor enabled. Returns
/// the exit status: 0 also where a person says no.
int run_wecutil_quickconfig(Console& console, const Arguments& arguments, const ConnectFunction& connect,
                            WinrmSurroundings& surroundings);

}  // namespace cli
