// The command line of wecutil as tables, and what `ss` does to a definition.
//
// Source: wecutil, sections 2 to 4.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "engine/base/result.h"
#include "subscriptions/subscription.h"

namespace cli {

/// What goes together in the options of `ss`, before anything is asked of the service. Errors: Win32::InvalidParameter.
base::Result<void> check_set_options(const Arguments& arguments);

/// Asks a person for the password of a user.
using AskPassword = std::function<base::Result<std::string>(const std::string& user)>;

/// Changes what the options name and nothing else, but for what follows from it: a change to Custom keeps the times of the
/// mode before it, a change away from it drops them, and ContentFormat Events drops the locale.
///
/// Errors: Win32::InvalidParameter for an option that this kind of subscription does not have, AlreadyExists and NotFound
/// for an event source to add or remove; those of `ask`.
base::Result<void> apply_set_options(const Arguments& arguments, subscriptions::Subscription& subscription,
                                     const AskPassword& ask);

/// /cun and /cup of `cs` and of `ss /c`, and the passwords that stand in the file as asterisks. Errors: as above.
base::Result<void> complete_file(const Arguments& arguments, subscriptions::Subscription& subscription,
                                 const AskPassword& ask);

/// A subscription file; passwords are as they stand in it. Errors: the system's for a file that cannot be read, those of
/// decode_subscription_file() and parse_subscription().
base::Result<subscriptions::Subscription> read_subscription_file(const std::filesystem::path& path);

/// The words of `gs` with /u, Windows' switch for UTF-16, in the spelling that every command has. /u:NAME stays what it is
/// everywhere: a user.
std::vector<std::string> with_windows_unicode(std::vector<std::string> words);

}  // namespace cli
