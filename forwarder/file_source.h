// Log files as a source of events.
//
// Which files, and how they are followed: file_set.h. The form of the position: file_position.h. Lines: syslog_parser.h.

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/base/blocking.h"
#include "engine/base/clock.h"
#include "forwarder/source.h"

namespace forwarder {

struct FileSourceOptions {
  std::string path_glob;
  std::string channel;   ///< empty: Linux-Syslog/Operational
  std::string provider;  ///< empty: Linux-Syslog
  std::string computer;
  /// Where there is no position yet, begin with the oldest line instead of with the next one.
  bool from_beginning = false;
  std::chrono::milliseconds poll_interval{200};   ///< how often files are looked at for new lines
  std::chrono::milliseconds scan_interval{2000};  ///< how often the pattern is evaluated
  std::chrono::milliseconds rest_after{5000};     ///< file_set.h
  std::chrono::milliseconds follow_renamed{std::chrono::minutes(10)};
};

/// Each line becomes an event; empty ones do not. What is not UTF-8, or not allowed in XML, is replaced by U+FFFD. A line
/// longer than kMaxLineBytes becomes several events, with Data LINE_PART.
///
/// One strand. `pool` and `clock` must outlive it.
class FileSource final : public Source {
 public:
  FileSource(FileSourceOptions options, base::BlockingPool& pool, base::Clock& clock);
  ~FileSource() override;

  const std::string& name() const override;
  const std::string& channel() const override;
  /// A position that cannot be read is logged and counts as none. No matching file is no error.
  base::AsyncResult<void> open(std::string position) override;
  base::AsyncResult<SourceBatch> read(base::Budget budget) override;
  /// Until a file is rotated: it is read before it goes, and the new one waits.
  base::Task<bool> may_wait() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace forwarder
