// The command line of wecutil as tables, and what `ss` does to a definition.
//
// Source: wecutil, sections 2 to 4.

#pragma once

#include <filesystem>

#include "cli/arguments.h"
#include "engine/base/result.h"
#include "subscriptions/subscription.h"

namespace cli {

/// What goes together in the options of `ss`, before anything is asked of the service. Errors: Win32::InvalidParameter.
base::Result<void> check_set_options(const Arguments& arguments);

/// Changes what the options name and nothing else, but for what follows from it: a change to Custom keeps the times of the
/// mode before it, a change away from it drops them, and ContentFormat Events drops the locale.
///
/// Errors: Win32::InvalidParameter for an option that this kind of subscription does not have, AlreadyExists and NotFound
/// for an event source to add or remove, NotSupported for passwords, which this version cannot keep.
base::Result<void> apply_set_options(const Arguments& arguments, subscriptions::Subscription& subscription);

/// /cun and /cup of `cs` and of `ss /c`.
base::Result<void> apply_common_user(const Arguments& arguments, subscriptions::Subscription& subscription);

/// A subscription file in UTF-8, or in UTF-16 with its mark. Errors: the system's for a file that cannot be read,
/// Win32::InvalidData for another encoding, those of parse_subscription().
base::Result<subscriptions::Subscription> read_subscription_file(const std::filesystem::path& path);

}  // namespace cli
