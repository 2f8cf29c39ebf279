// quickconfig: this machine made ready for remote management, after asking.
//
// Source: winrm-config, section 8.

#pragma once

#include "cli/console.h"
#include "cli/winrm_arguments.h"
#include "cli/winrm_surroundings.h"
#include "engine/base/task.h"

namespace cli {

/// In two steps, each of which says what it will change and asks, unless -quiet or -force is given: the service runs, now
/// and at boot (systemd); it listens, and the firewall lets its port in. Returns the exit status: 0 also where a person says
/// no, and where a change could not be made, which is told.
///
/// What must change about the listener is asked of the service (methods Analyze and EnableRemoting); one without them has
/// its listeners listed, and gets one.
base::Task<int> run_quickconfig(Console& console, const WinrmArguments& arguments, WinrmSurroundings& surroundings);

}  // namespace cli
