#include "cli/wevtutil_stats.h"

#include <algorithm>
#include <limits>

#include "cli/json.h"
#include "cli/log_query.h"
#include "cli/wevtutil_set.h"
#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/utf16.h"
#include "engine/resources/count.h"
#include "engine/wsman/names.h"
#include "events/render.h"

namespace cli {
namespace {

using resources::CountKey;
using resources::LogCounts;

constexpr std::size_t kPageItems = 1'000;
constexpr std::chrono::seconds kMaxBucket{366 * 86'400};
constexpr std::size_t kMaxWidth = 60;

/// Nothing for a name that is no key.
std::optional<std::vector<CountKey>> parse_keys(std::string_view text) {
  std::vector<CountKey> keys;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto key = resources::find_count_key(base::trimmed(text.substr(0, comma)));
    if (!key) return std::nullopt;
    keys.push_back(*key);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return keys;
}

std::string_view name_of(CountKey key) {
  return resources::kCountKeys[static_cast<std::size_t>(key)];
}

bool is_number(CountKey key) {
  return key == CountKey::Level || key == CountKey::EventId || key == CountKey::Task || key == CountKey::Opcode;
}

/// A key for people: a level by its name.
std::string shown(CountKey key, const std::string& value) {
  if (key == CountKey::Level && !value.empty() && value.size() <= 3) {
    const std::string name = events::level_name(static_cast<std::uint8_t>(std::stoi(value)));
    return name == value ? value : value + " " + name;
  }
  if (value.empty()) return "-";
  // A name that somebody else has made up must not forge lines.
  std::string text = value;
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return text;
}

/// How wide `text` is, about: one column a character.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// What is printed.
struct Table {
  std::vector<CountKey> keys;
  bool buckets = false;
  LogCounts counts;
  std::size_t left_out = 0;
};

/// Leaves the first `limit` groups of each bucket.
void cut(Table& table, std::uint64_t limit) {
  std::vector<LogCounts::Group> kept;
  std::optional<base::WallTime> bucket;
  std::uint64_t rank = 0;
  for (LogCounts::Group& group : table.counts.groups) {
    if (group.bucket != bucket) rank = 0;
    bucket = group.bucket;
    if (rank++ < limit) {
      kept.push_back(std::move(group));
    } else {
      ++table.left_out;
    }
  }
  table.counts.groups = std::move(kept);
}

void print_table(std::ostream& out, const Table& table) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> heading;
  if (table.buckets) heading.emplace_back("Time");
  for (const CountKey key : table.keys) heading.emplace_back(name_of(key));
  heading.emplace_back("Events");
  rows.push_back(heading);
  for (const LogCounts::Group& group : table.counts.groups) {
    std::vector<std::string>& row = rows.emplace_back();
    if (table.buckets) row.push_back(group.bucket ? base::format_utc(*group.bucket, 0) : "-");
    for (std::size_t i = 0; i < table.keys.size(); ++i) {
      row.push_back(shown(table.keys[i], i < group.keys.size() ? group.keys[i] : std::string()));
    }
    row.push_back(std::to_string(group.events));
  }
  std::vector<std::size_t> widths(heading.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], std::min(width_of(row[i]), kMaxWidth));
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string room(widths[i] - std::min(widths[i], width_of(row[i])), ' ');
      const bool last = i + 1 == row.size();
      out << (last ? room + row[i] : row[i] + room + "  ");
    }
    out << '\n';
  }
}

void print_json(std::ostream& out, const Table& table) {
  for (const LogCounts::Group& group : table.counts.groups) {
    JsonObject object;
    if (group.bucket) object.text("Time", base::format_utc(*group.bucket, 0));
    for (std::size_t i = 0; i < table.keys.size() && i < group.keys.size(); ++i) {
      const CountKey key = table.keys[i];
      const std::string& value = group.keys[i];
      const bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
      if (is_number(key) && digits) {
        object.raw(name_of(key), value);
      } else {
        object.text(name_of(key), value);
      }
    }
    out << object.number("Events", group.events).take() << '\n';
  }
  JsonObject total;
  out << total.number("Total", table.counts.events).boolean("Complete", table.counts.complete).take() << '\n';
}

base::AsyncResult<LogCounts> count(wsman::Client& client, const Arguments& arguments, const LogQuery& query) {
  LogCounts counts;
  if (query.list.empty()) co_return counts;
  auto target = target_of(query, wsman::resource::kCount);
  target.options.push_back({std::string(resources::kByOption), arguments.value_or("by", "level")});
  if (const auto bucket = arguments.find("bucket")) {
    target.options.push_back({std::string(resources::kBucketOption), std::to_string(parse_span(*bucket)->count())});
  }
  std::optional<base::Error> failure;
  std::function<bool(wsman::Client::Page&)> take = [&](wsman::Client::Page& page) {
    for (const xml::Element item : page.items) {
      if (auto read = resources::read_count(item, counts); !read.ok()) failure = std::move(read).error();
    }
    return !failure;
  };
  wsman::Filter filter = filter_of(query);
  auto counted = co_await client.enumerate(std::move(target), std::move(filter), kPageItems, std::move(take));
  if (failure) co_return std::move(*failure);
  if (!counted.ok()) co_return std::move(counted).error();
  co_return counts;
}

base::AsyncResult<void> count_source(Console& console, const Arguments& arguments, LogSource& source) {
  auto query = co_await read_log_query(console, arguments, arguments.positional[0], source);
  if (!query.ok()) co_return std::move(query).error();
  Table table;
  table.keys = parse_keys(arguments.value_or("by", "level")).value_or(std::vector<CountKey>());
  table.buckets = arguments.has("bucket");
  auto counts = co_await count(source.client(), arguments, *query);
  if (!counts.ok()) co_return std::move(counts).error();
  table.counts = std::move(*counts);
  cut(table, arguments.number("c").value_or(std::numeric_limits<std::uint64_t>::max()));
  if (arguments.flag("json")) {
    print_json(console.out, table);
    co_return base::Result<void>{};
  }
  print_table(console.out, table);
  console.out << (table.counts.complete ? "" : "At least ") << table.counts.events
              << (table.counts.events == 1 ? " event" : " events");
  if (table.left_out != 0) console.out << "; " << table.left_out << (table.left_out == 1 ? " row" : " rows") << " left out";
  console.out << ".\n";
  co_return base::Result<void>{};
}

}  // namespace

base::Result<void> check_stats_options(const Arguments& arguments) {
  RETURN_IF_ERROR(check_selection(arguments));
  if (!parse_keys(arguments.value_or("by", "level"))) {
    std::string known;
    for (const std::string_view key : resources::kCountKeys) known += (known.empty() ? "" : ", ") + base::to_lower(key);
    return usage("Invalid value for option by. Keys are " + known + ".");
  }
  if (const auto bucket = arguments.find("bucket")) {
    const auto span = parse_span(*bucket);
    if (!span || span->count() < 1 || *span > kMaxBucket) {
      return usage("Invalid value for option bucket. It is a length of time from 1s to 366d: 15m, 1h, 1d.");
    }
  }
  return {};
}

base::AsyncResult<void> show_statistics(Console& console, Arguments arguments, ConnectFunction connect) {
  ASSIGN_OR_CO_RETURN(LogSource source, LogSource::open(console, arguments, connect, arguments.positional[0]));
  auto outcome = co_await count_source(console, arguments, source);
  co_await source.stop();
  co_return outcome;
}

}  // namespace cli
