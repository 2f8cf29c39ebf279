#include "engine/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

namespace base {
namespace {

std::atomic<LogLevel> threshold{LogLevel::Info};
std::mutex sink_mutex;
LogSink sink;

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::Error:
      return "error: ";
    case LogLevel::Warning:
      return "warning: ";
    case LogLevel::Debug:
      return "debug: ";
    case LogLevel::Notice:
    case LogLevel::Info:
      break;
  }
  return "";
}

}  // namespace

void set_log_level(LogLevel level) {
  threshold = level;
}
LogLevel log_level() {
  return threshold;
}

void set_log_sink(LogSink new_sink) {
  std::lock_guard lock(sink_mutex);
  sink = std::move(new_sink);
}

void log(LogLevel level, std::string_view text) {
  if (level > threshold.load()) return;
  // systemd sets JOURNAL_STREAM where standard error is the journal, which reads the severity from the prefix.
  static const bool to_journal = std::getenv("JOURNAL_STREAM") != nullptr;
  std::string line;
  line.reserve(text.size() + 16);
  if (to_journal) {
    line += '<';
    line += static_cast<char>('0' + static_cast<int>(level));
    line += '>';
  } else {
    line += name_of(level);
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      static constexpr char kHex[] = "0123456789abcdef";
      line += "\\x";
      line += kHex[byte >> 4];
      line += kHex[byte & 15];
    } else {
      line += c;
    }
  }
  line += '\n';
  // One write for one line: lines of several threads do not mix. Nothing can be done about a failing standard error.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  std::lock_guard lock(sink_mutex);
  if (sink) sink(level, text);
}

}  // namespace base
