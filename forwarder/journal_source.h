// The systemd journal as a source of events.
//
// The position is the journal's cursor of the last entry that was read, or "head": the journal was empty.

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/base/blocking.h"
#include "engine/base/clock.h"
#include "forwarder/source.h"

namespace forwarder {

struct JournalSourceOptions {
  std::string directory;  ///< of journal files; empty: the host's own journal
  std::string channel;    ///< empty: Linux-Journal/Operational
  std::string provider;   ///< empty: Linux-Journal
  std::string computer;
  /// Where there is no position yet, begin with the oldest entry instead of with the next one.
  bool from_beginning = false;
  std::chrono::milliseconds poll_interval{200};  ///< how often the journal is looked at for new entries
};

/// A longer value is cut to this many bytes; Data MUSTER_CUT_FIELD then names the field. Core dumps were once kept in
/// fields.
inline constexpr std::size_t kMaxJournalValueBytes = 1 << 20;
/// Fields beyond this many are left out, with the same mark.
inline constexpr std::size_t kMaxJournalFields = 1000;

/// Each entry becomes an event with all its fields (mapping.h). An entry that cannot be read is logged and passed over.
///
/// Where the entry of the position is not there any more (its file was vacuumed), reading goes on with the first entry that
/// is no older, and the log says that some may be missing.
///
/// One strand; the journal is only touched on threads of `pool`, one at a time. `pool` and `clock` must outlive it.
class JournalSource final : public Source {
 public:
  JournalSource(JournalSourceOptions options, base::BlockingPool& pool, base::Clock& clock);
  ~JournalSource() override;

  const std::string& name() const override;  ///< "journal", "journal:/path"
  const std::string& channel() const override;
  /// Errors: the system's, with the folder's name; std::errc::no_such_file_or_directory where the folder is missing.
  base::AsyncResult<void> open(std::string position) override;
  base::AsyncResult<SourceBatch> read(base::Budget budget) override;
  /// As long as what comes next does not lie in the oldest quarter of the time that the journal covers.
  base::Task<bool> may_wait() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace forwarder
