// What qe, epl and stats have in common: which events are meant, and reading them.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/service_connection.h"
#include "cli/store_copy.h"
#include "engine/base/result.h"
#include "engine/base/task.h"
#include "engine/resources/event_logs.h"
#include "engine/wsman/client.h"

namespace cli {

/// Where logs are read: a service, or with /lf:true a file or a copy of a store. Call stop() before destruction.
class LogSource {
 public:
  /// Errors: those of `connect` and of StoreCopy::open().
  static base::Result<LogSource> open(Console& console, const Arguments& arguments, const ConnectFunction& connect,
                                      const std::string& path);
  wsman::Client& client() { return *client_; }
  /// The one log of a file; empty for a service or a store.
  const std::string& only_log() const;
  base::Task<void> stop();

 private:
  std::unique_ptr<StoreCopy> copy_;
  std::unique_ptr<wsman::Client> client_;
};

/// The events that a command line means.
struct LogQuery {
  std::string list;                ///< a QueryList; empty where there is no log to ask
  std::vector<std::string> paths;  ///< its logs
  std::optional<std::string> text;
  bool whole_words = false;
};

/// The options q, sq, lf, text and word, and the argument `path`: compiled here, so that mistakes are told with their
/// position and without a service; names that no event has get a warning.
base::AsyncResult<LogQuery> read_log_query(Console& console, const Arguments& arguments, const std::string& path,
                                           LogSource& source);

/// A request that means these events. `resource` is the resource's URI.
wsman::Client::Target target_of(const LogQuery& query, std::string_view resource);
wsman::Filter filter_of(const LogQuery& query);

/// What to do with an event: true goes on, false ends the reading. Errors end it too.
using TakeRecord = std::function<base::Result<bool>(resources::LogRecord&)>;
/// Called after each page; false ends the reading.
using TakePage = std::function<bool()>;

/// Reads the events of `query` behind `after`. At most `limit` of them are asked for.
base::AsyncResult<void> read_events(wsman::Client& client, const LogQuery& query, bool newest_first, std::string after,
                                    std::uint64_t limit, TakeRecord take, TakePage page_done);

base::AsyncResult<std::vector<resources::LogDescription>> read_logs(wsman::Client& client);
base::AsyncResult<resources::LogDescription> read_log_description(wsman::Client& client, std::string name);

/// A text file as UTF-8; Windows' tools write theirs in UTF-16 with its mark.
base::Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t max_bytes);

/// The rules between q, sq, lf, text and word. Errors: Win32::InvalidParameter.
base::Result<void> check_selection(const Arguments& arguments);
/// Fails where both options are given (a Boolean one as true).
base::Result<void> not_together(const Arguments& arguments, std::string_view left, std::string_view right);

}  // namespace cli
