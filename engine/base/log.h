// The service's own log lines, on standard error: the journal takes them from there under systemd.

#pragma once

#include <functional>
#include <sstream>
#include <string>
#include <string_view>

namespace base {

/// The syslog severities that Muster uses; systemd understands them as the prefix "<n>".
enum class LogLevel { Error = 3, Warning = 4, Notice = 5, Info = 6, Debug = 7 };

/// Lines less urgent than this are dropped. Default Info. Thread-safe.
void set_log_level(LogLevel level);
LogLevel log_level();

/// Writes one line. Line ends and control characters in `text` are shown escaped, so that no peer can forge a line.
/// Secrets and tokens never go in. Thread-safe.
void log(LogLevel level, std::string_view text);

/// Gets every line as well, for instance to make events of them. Called by any thread; must not log itself. Null: nobody.
using LogSink = std::function<void(LogLevel, std::string_view)>;
void set_log_sink(LogSink sink);

namespace log_detail {
inline void append(std::ostringstream& out, std::string_view format) {
  out << format;
}
template <typename First, typename... Rest>
void append(std::ostringstream& out, std::string_view format, const First& first, const Rest&... rest) {
  const auto hole = format.find("{}");
  if (hole == std::string_view::npos) {
    out << format;
    return;
  }
  out << format.substr(0, hole) << first;
  append(out, format.substr(hole + 2), rest...);
}
}  // namespace log_detail

/// Each "{}" in `format` is replaced by the next argument's operator<<.
template <typename... Arguments>
std::string format_text(std::string_view format, const Arguments&... arguments) {
  std::ostringstream out;
  log_detail::append(out, format, arguments...);
  return std::move(out).str();
}

template <typename... Arguments>
void log_error(std::string_view format, const Arguments&... arguments) {
  log(LogLevel::Error, format_text(format, arguments...));
}
template <typename... Arguments>
void log_warning(std::string_view format, const Arguments&... arguments) {
  log(LogLevel::Warning, format_text(format, arguments...));
}
template <typename... Arguments>
void log_notice(std::string_view format, const Arguments&... arguments) {
  log(LogLevel::Notice, format_text(format, arguments...));
}
template <typename... Arguments>
void log_info(std::string_view format, const Arguments&... arguments) {
  log(LogLevel::Info, format_text(format, arguments...));
}
template <typename... Arguments>
void log_debug(std::string_view format, const Arguments&... arguments) {
  if (log_level() >= LogLevel::Debug) log(LogLevel::Debug, format_text(format, arguments...));
}

}  // namespace base
