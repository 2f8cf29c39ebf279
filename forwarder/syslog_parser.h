// Lines of syslog files, taken apart.
//
// Source: RFC 5424 section 6, RFC 3164 section 4; event-xml, section 9.4.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"

namespace forwarder {

/// The parts of one line. Views point into the line; what is missing is empty.
struct SyslogLine {
  enum class Format {
    Rfc5424,      ///< <PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG
    Traditional,  ///< [<PRI>]May  1 10:15:30 [HOSTNAME] TAG[PID]: MSG
    Iso,          ///< [<PRI>]2024-05-01T10:15:30.123456+02:00 [HOSTNAME] TAG[PID]: MSG
    Plain,        ///< [<PRI>]MSG
  };
  Format format = Format::Plain;
  std::optional<unsigned> pri;  ///< 0 to 191
  std::string_view timestamp;   ///< as written
  std::optional<base::WallTime> time;
  std::string_view hostname;
  std::string_view app_name;
  std::string_view proc_id;
  std::string_view msg_id;
  /// "SD-ID.param" and the value with its escapes undone; an element without parameters has its SD-ID alone and no value.
  std::vector<std::pair<std::string, std::string>> structured;
  std::string_view message;
};

/// Takes lines apart. One thread at a time: it remembers the last time stamp's hour, which is what makes it fast.
class SyslogParser {
 public:
  /// Reads one line without its line end. Never fails: what has no syslog header is a plain line. `reference` stands for the
  /// moment at which the line was written, at the latest (a file's modification time); a traditional time stamp, which has
  /// no year and no zone, is taken as local time in the last year in which it lies no more than a day after `reference`.
  SyslogLine parse(std::string_view line, base::WallTime reference);

 private:
  bool take_timestamp(std::string_view& rest, base::WallTime reference, SyslogLine& line);
  bool take_traditional(std::string_view& rest, base::WallTime reference, SyslogLine& line);

  /// Zones change their offset at half hours at most, so that one conversion serves all lines of one.
  struct HalfHour {
    int month = 0, day = 0, hour = 0, half = 0;
    bool operator==(const HalfHour&) const = default;
  };
  std::optional<base::WallTime> moment_of(const HalfHour& wanted, base::WallTime reference);

  HalfHour cached_;
  base::WallTime cached_moment_{};
  base::WallTime reference_{};
};

/// "kern" … "local7" for 0 to 23, "emerg" … "debug" for 0 to 7; else empty.
std::string_view facility_name(unsigned facility);
std::string_view severity_name(unsigned severity);

}  // namespace forwarder
