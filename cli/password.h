// Passwords that people type.

#pragma once

#include <string>

#include "cli/console.h"
#include "engine/base/result.h"

namespace cli {

/// The password of `user`, typed by a person at the terminal without an echo, or a line of standard input. Errors:
/// Win32::Cancelled where there is none.
base::Result<std::string> ask_password(Console& console, const std::string& user);

/// A new password for `user`: asked for twice at a terminal, else one line of standard input. Errors: Win32::Cancelled where
/// there is none, Win32::InvalidParameter where it is empty or typed in two ways.
base::Result<std::string> ask_new_password(Console& console, const std::string& user);

}  // namespace cli
