// `wecutil apply`: the subscriptions of a collector as a folder of files says, which can be under version control.

#pragma once

#include "cli/wecutil_run.h"

namespace cli {

/// Reads every *.xml of the folder (not those below it, nor hidden ones), compares with what the service has, and creates
/// and changes what differs; with --delete it also deletes what no file defines. All files are read and the service has
/// checked all definitions before anything is changed: where one is wrong, each error is told and nothing is done.
///
/// Shows the difference of each subscription as lines of its definition, passwords as asterisks. A second run has nothing to
/// do. Returns the exit status: 0; that of the first error; with --dry-run 1 where something would change.
base::Task<int> apply_folder(WecutilRun& run);

}  // namespace cli
