// configsddl: who may use which resource, edited as text.
//
// Source: cli-winrm, section 1.1; winrm-config, sections 7.1 and 7.4.

#pragma once

#include "cli/console.h"
#include "cli/winrm_arguments.h"
#include "cli/winrm_surroundings.h"
#include "engine/base/task.h"

namespace cli {

/// Gets the security descriptor (RootSDDL of winrm/config/service, or that of the resource that is named), has it edited,
/// and puts it back where it was changed. Returns the exit status.
base::Task<int> run_configsddl(Console& console, const WinrmArguments& arguments, WinrmSurroundings& surroundings);

}  // namespace cli
