#include "forwarder/syslog_parser.h"

#include <algorithm>
#include <ctime>

#include "engine/base/iso8601.h"

namespace forwarder {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr unsigned kMaxPri = 191;
constexpr std::size_t kMaxParameters = 256;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::optional<unsigned> take_pri(std::string_view& rest) {
  if (rest.size() < 3 || rest[0] != '<') return std::nullopt;
  unsigned value = 0;
  std::size_t at = 1;
  while (at < rest.size() && at < 4 && is_digit(rest[at])) value = value * 10 + static_cast<unsigned>(rest[at++] - '0');
  if (at == 1 || at >= rest.size() || rest[at] != '>' || value > kMaxPri) return std::nullopt;
  rest.remove_prefix(at + 1);
  return value;
}

/// The text up to the next space, which is taken too. Nothing where there is none.
std::optional<std::string_view> take_word(std::string_view& rest) {
  const auto space = rest.find(' ');
  if (space == std::string_view::npos || space == 0) return std::nullopt;
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(space + 1);
  return word;
}

std::string_view without_nil(std::string_view word) {
  return word == "-" ? std::string_view() : word;
}

int two_digits(std::string_view text, std::size_t at) {
  if (!is_digit(text[at]) || !is_digit(text[at + 1])) return -1;
  return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

int month_of(std::string_view name) {
  static constexpr std::string_view kNames = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (int month = 0; month < 12; ++month) {
    if (kNames.substr(static_cast<std::size_t>(month) * 3, 3) == name) return month + 1;
  }
  return 0;
}

/// Nanoseconds of ".123" (or ",123") at the front, which is taken.
nanoseconds take_fraction(std::string_view& rest) {
  if (rest.size() < 2 || (rest[0] != '.' && rest[0] != ',') || !is_digit(rest[1])) return nanoseconds(0);
  std::int64_t value = 0;
  std::size_t at = 1;
  for (; at < rest.size() && is_digit(rest[at]); ++at) {
    if (at <= 9) value = value * 10 + (rest[at] - '0');
  }
  for (std::size_t digits = at - 1; digits < 9; ++digits) value *= 10;
  rest.remove_prefix(at);
  return nanoseconds(value);
}

/// One [SD-ID name="value" …] at the front. Nothing where it is malformed.
bool take_element(std::string_view& rest, std::vector<std::pair<std::string, std::string>>& into) {
  std::size_t at = 1;
  const auto id_end = rest.find_first_of(" ]\"=", at);
  if (id_end == std::string_view::npos || id_end == at || rest[id_end] == '"' || rest[id_end] == '=') return false;
  const std::string id(rest.substr(at, id_end - at));
  at = id_end;
  bool any = false;
  while (at < rest.size() && rest[at] == ' ') {
    ++at;
    if (at < rest.size() && rest[at] == ']') break;  // a blank too many
    const auto equals = rest.find_first_of("= ]\"", at);
    if (equals == std::string_view::npos || equals == at || rest[equals] != '=') return false;
    if (equals + 1 >= rest.size() || rest[equals + 1] != '"') return false;
    std::string name = id + "." + std::string(rest.substr(at, equals - at));
    std::string value;
    at = equals + 2;
    for (;; ++at) {
      if (at >= rest.size()) return false;
      if (rest[at] == '"') break;
      if (rest[at] == '\\' && at + 1 < rest.size() && (rest[at + 1] == '"' || rest[at + 1] == '\\' || rest[at + 1] == ']')) {
        ++at;
      }
      value += rest[at];
    }
    ++at;
    if (into.size() == kMaxParameters) return false;
    into.emplace_back(std::move(name), std::move(value));
    any = true;
  }
  if (at >= rest.size() || rest[at] != ']') return false;
  if (!any) {
    if (into.size() == kMaxParameters) return false;
    into.emplace_back(id, std::string());
  }
  rest.remove_prefix(at + 1);
  return true;
}

/// STRUCTURED-DATA. Where it is malformed it stays in `rest`, and so in the message.
void take_structured_data(std::string_view& rest, SyslogLine& line) {
  if (rest == "-" || rest.starts_with("- ")) {
    rest.remove_prefix(rest.size() == 1 ? 1 : 2);
    return;
  }
  std::string_view left = rest;
  std::vector<std::pair<std::string, std::string>> found;
  while (left.starts_with('[')) {
    if (!take_element(left, found)) return;
  }
  if (found.empty() || (!left.empty() && left[0] != ' ')) return;
  if (!left.empty()) left.remove_prefix(1);
  line.structured = std::move(found);
  rest = left;
}

/// What follows the version of RFC 5424. False where it is something else.
bool take_rfc5424(std::string_view rest, SyslogLine& line) {
  const auto timestamp = take_word(rest);
  if (!timestamp) return false;
  std::optional<base::WallTime> time;
  if (*timestamp != "-") {
    time = base::parse_datetime(*timestamp);
    if (!time) return false;
  }
  std::array<std::string_view, 4> words;
  for (auto& word : words) {
    const auto taken = take_word(rest);
    if (!taken) return false;
    word = without_nil(*taken);
  }
  line.format = SyslogLine::Format::Rfc5424;
  line.timestamp = without_nil(*timestamp);
  line.time = time;
  line.hostname = words[0];
  line.app_name = words[1];
  line.proc_id = words[2];
  line.msg_id = words[3];
  take_structured_data(rest, line);
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  line.message = rest;
  return true;
}

/// "app[123]: " or "app: ", taken where it is there.
bool take_tag(std::string_view& rest, SyslogLine& line) {
  const auto name_end = rest.find_first_of(" :[");
  if (name_end == std::string_view::npos || name_end == 0 || rest[name_end] == ' ') return false;
  std::size_t at = name_end;
  std::string_view process;
  if (rest[at] == '[') {
    const auto close = rest.find_first_of("] ", at);
    if (close == std::string_view::npos || rest[close] != ']') return false;
    process = rest.substr(at + 1, close - at - 1);
    at = close + 1;
    if (at < rest.size() && rest[at] == ':') {
      ++at;
    } else if (at < rest.size() && rest[at] != ' ') {
      return false;
    }
  } else {
    ++at;
    // "http://…" is no tag, nor is "12:30" or the "::" of an address.
    if (at < rest.size() && rest[at] != ' ') return false;
  }
  line.app_name = rest.substr(0, name_end);
  line.proc_id = process;
  if (at < rest.size() && rest[at] == ' ') ++at;
  rest.remove_prefix(at);
  return true;
}

/// [HOSTNAME] TAG: MSG. Local programs leave the host name out.
void take_host_and_tag(std::string_view rest, SyslogLine& line) {
  if (!take_tag(rest, line)) {
    if (const auto host = take_word(rest)) {
      line.hostname = *host;
      take_tag(rest, line);
    }
  }
  line.message = rest;
}

}  // namespace

SyslogLine SyslogParser::parse(std::string_view text, base::WallTime reference) {
  SyslogLine line;
  std::string_view rest = text;
  line.pri = take_pri(rest);
  if (line.pri && rest.starts_with("1 ")) {
    if (take_rfc5424(rest.substr(2), line)) return line;
  }
  if (take_timestamp(rest, reference, line)) {
    take_host_and_tag(rest, line);
  } else {
    line.message = rest;
  }
  return line;
}

bool SyslogParser::take_timestamp(std::string_view& rest, base::WallTime reference, SyslogLine& line) {
  // 2024-05-01T10:15:30…
  if (rest.size() >= 20 && is_digit(rest[0]) && rest[4] == '-' && rest[10] == 'T') {
    std::string_view left = rest;
    const auto word = take_word(left);
    if (!word) return false;
    line.time = base::parse_datetime(*word, true);
    if (!line.time) return false;
    line.timestamp = *word;
    line.format = SyslogLine::Format::Iso;
    rest = left;
    return true;
  }
  return take_traditional(rest, reference, line);
}

bool SyslogParser::take_traditional(std::string_view& rest, base::WallTime reference, SyslogLine& line) {
  // "May  1 10:15:30 ", also "May 1 …" and "May 01 …".
  if (rest.size() < 15 || rest[3] != ' ') return false;
  const int month = month_of(rest.substr(0, 3));
  if (month == 0) return false;
  std::size_t at = rest[4] == ' ' ? 5 : 4;
  int day = 0;
  std::size_t digits = 0;
  while (digits < 2 && is_digit(rest[at])) {
    day = day * 10 + (rest[at++] - '0');
    ++digits;
  }
  if (digits == 0 || day < 1 || day > 31 || rest[at] != ' ') return false;
  ++at;
  if (rest.size() < at + 8 || rest[at + 2] != ':' || rest[at + 5] != ':') return false;
  const int hour = two_digits(rest, at);
  const int minute = two_digits(rest, at + 3);
  const int second = two_digits(rest, at + 6);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  std::string_view left = rest.substr(at + 8);
  const nanoseconds fraction = take_fraction(left);
  if (!left.empty() && left[0] != ' ') return false;

  const auto time = moment_of(HalfHour{month, day, hour, minute / 30}, reference);
  if (!time) return false;
  line.time = *time + seconds((minute % 30) * 60 + second) + fraction;
  line.timestamp = rest.substr(0, rest.size() - left.size());
  line.format = SyslogLine::Format::Traditional;
  if (!left.empty()) left.remove_prefix(1);
  rest = left;
  return true;
}

std::optional<base::WallTime> SyslogParser::moment_of(const HalfHour& wanted, base::WallTime reference) {
  if (reference == reference_ && wanted == cached_) return cached_moment_;
  const std::time_t since_1970 = std::chrono::floor<seconds>(reference).time_since_epoch().count();
  std::tm now{};
  ::localtime_r(&since_1970, &now);
  // A clock may run ahead, and New Year comes to two machines at two moments.
  const base::WallTime latest = reference + std::chrono::hours(24);
  const int this_year = now.tm_year + 1900;
  // Eight years back, for the sake of 29 February.
  for (int year = this_year + 1; year >= this_year - 8; --year) {
    const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(wanted.month)),
                                           std::chrono::day(static_cast<unsigned>(wanted.day)));
    if (!date.ok()) continue;
    std::tm local{};
    local.tm_year = year - 1900;
    local.tm_mon = wanted.month - 1;
    local.tm_mday = wanted.day;
    local.tm_hour = wanted.hour;
    local.tm_min = wanted.half * 30;
    local.tm_isdst = -1;
    const base::WallTime moment{seconds(::mktime(&local))};
    if (moment > latest) continue;
    reference_ = reference;
    cached_ = wanted;
    cached_moment_ = moment;
    return moment;
  }
  return std::nullopt;
}

std::string_view facility_name(unsigned facility) {
  static constexpr std::array<std::string_view, 24> kNames{
      "kern", "user",  "mail",  "daemon", "auth",   "syslog", "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
      "ntp",  "audit", "alert", "clock",  "local0", "local1", "local2", "local3", "local4", "local5", "local6",   "local7"};
  return facility < kNames.size() ? kNames[facility] : std::string_view();
}

std::string_view severity_name(unsigned severity) {
  static constexpr std::array<std::string_view, 8> kNames{"emerg",   "alert",  "crit", "err",
                                                          "warning", "notice", "info", "debug"};
  return severity < kNames.size() ? kNames[severity] : std::string_view();
}

}  // namespace forwarder
