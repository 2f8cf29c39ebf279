#include "forwarder/file_source.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/utf16.h"
#include "forwarder/file_set.h"
#include "forwarder/mapping.h"
#include "forwarder/syslog_parser.h"

namespace forwarder {
namespace {

// One read, whatever the caller would take: it is held in memory.
constexpr std::size_t kMaxItems = 20'000;
constexpr std::size_t kMaxBytes = 8 << 20;
// What an event's XML has besides the line.
constexpr std::size_t kEventOverhead = 800;

bool is_plain_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 0x20 && c < 0x7F) || c == '\t'; });
}

/// `text` as valid XML characters, in `buffer` where something had to be replaced.
std::string_view readable(std::string_view text, std::string& buffer) {
  if (is_plain_ascii(text)) return text;
  buffer = base::repaired_utf8(text).text;
  base::replace_forbidden_xml_characters(buffer);
  return buffer;
}

}  // namespace

struct FileSource::State {
  State(FileSourceOptions with, base::BlockingPool& blocking, base::Clock& time)
      : options(std::move(with)), name("file:" + options.path_glob), pool(blocking), clock(time), files(set_options()) {
    if (options.provider.empty()) options.provider = kSyslogProvider;
    if (options.channel.empty()) options.channel = kSyslogChannel;
    common = common_system(options.provider, options.channel, options.computer);
  }

  FileSetOptions set_options() const {
    FileSetOptions set;
    set.pattern = options.path_glob;
    set.from_beginning = options.from_beginning;
    set.scan_interval = options.scan_interval;
    set.rest_after = options.rest_after;
    set.follow_renamed = options.follow_renamed;
    return set;
  }

  void open(const std::string& position) {
    std::optional<std::vector<FilePosition>> stored;
    if (!position.empty()) {
      auto parsed = parse_positions(position);
      if (parsed.ok()) {
        stored = std::move(*parsed);
      } else {
        base::log_error("{}: {}; starting anew", name, parsed.error().message());
      }
    }
    files.open(stored, clock.steady());
    base::log_info("{}: following {} files", name, files.size());
  }

  SourceBatch collect(std::size_t max_items, std::size_t max_bytes) {
    SourceBatch batch;
    std::size_t bytes = 0;
    std::string buffer;
    files.read(clock.steady(), [&](const FollowedFile& file, const FileLine& line) {
      if (line.text.empty()) return true;
      const std::string_view text = readable(line.text, buffer);
      SyslogLine parsed;
      if (line.part > 1) {
        parsed.message = text;  // the header was in the first part
      } else {
        parsed = parser.parse(text, file.modified());
      }
      batch.drafts.push_back(draft_of(parsed, common, LineOrigin{file.path(), line.part, file.modified()}));
      bytes += text.size() + kEventOverhead;
      return batch.drafts.size() < max_items && bytes < max_bytes;
    });
    batch.position = write_positions(files.positions());
    return batch;
  }

  FileSourceOptions options;
  std::string name;
  base::BlockingPool& pool;
  base::Clock& clock;
  events::System common;
  FileSet files;
  SyslogParser parser;
  std::string last_position;
};

FileSource::FileSource(FileSourceOptions options, base::BlockingPool& pool, base::Clock& clock)
    : state_(std::make_unique<State>(std::move(options), pool, clock)) {}
FileSource::~FileSource() = default;

const std::string& FileSource::name() const {
  return state_->name;
}
const std::string& FileSource::channel() const {
  return state_->options.channel;
}

base::AsyncResult<void> FileSource::open(std::string position) {
  co_await state_->pool.run([this, &position] { state_->open(position); });
  state_->last_position = std::move(position);
  co_return base::Result<void>();
}

base::Task<bool> FileSource::may_wait() {
  co_return co_await state_->pool.run([this] { return state_->files.all_in_place(state_->clock.steady()); });
}

base::AsyncResult<SourceBatch> FileSource::read(base::Budget budget) {
  State& state = *state_;
  const std::size_t items = std::clamp<std::size_t>(budget.items, 1, kMaxItems);
  const std::size_t bytes = std::min(budget.bytes, kMaxBytes);
  for (;;) {
    auto batch = co_await state.pool.run([&state, items, bytes] { return state.collect(items, bytes); });
    const bool moved = batch.position != state.last_position;
    const base::SteadyTime now = state.clock.steady();
    if (!batch.drafts.empty() || moved || now >= budget.until) {
      state.last_position = batch.position;
      co_return batch;
    }
    co_await state.clock.sleep_until(std::min(budget.until, now + state.options.poll_interval));
  }
}

}  // namespace forwarder
