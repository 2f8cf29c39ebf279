#include "forwarder/journal_source.h"

#include <systemd/sd-journal.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "engine/base/log.h"
#include "forwarder/mapping.h"

namespace forwarder {
namespace {

constexpr std::string_view kHead = "head";
// One read, whatever the caller would take: it is held in memory.
constexpr std::size_t kMaxItems = 10'000;
constexpr std::size_t kMaxBytes = 8 << 20;
constexpr std::size_t kEventOverhead = 600;
constexpr std::size_t kFieldOverhead = 25;

base::Error journal_error(int negative_errno, std::string attempted) {
  return base::make_error(std::error_code(-negative_errno, std::generic_category()), std::move(attempted));
}

struct Close {
  void operator()(sd_journal* journal) const { sd_journal_close(journal); }
};

/// The moment in a cursor, in microseconds since 1970 ("…;t=5f1e2d3c4b5a6;…").
std::optional<std::uint64_t> moment_of_cursor(std::string_view cursor) {
  const auto at = cursor.find(";t=");
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const char* first = cursor.data() + at + 3;
  const auto [end, error] = std::from_chars(first, cursor.data() + cursor.size(), value, 16);
  if (error != std::errc() || end == first) return std::nullopt;
  return value;
}

/// libsystemd's reader, one thread at a time. Blocks.
class Journal {
 public:
  static base::Result<Journal> open(const std::string& directory) {
    sd_journal* raw = nullptr;
    const int result = directory.empty() ? sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY)
                                         : sd_journal_open_directory(&raw, directory.c_str(), 0);
    const std::string what = directory.empty() ? "opening the journal" : "opening the journal in " + directory;
    if (result < 0) return journal_error(result, what);
    Journal journal(raw);
    // Values as they are, however long.
    if (const int set = sd_journal_set_data_threshold(raw, 0); set < 0) return journal_error(set, what);
    if (directory.empty() && sd_journal_has_runtime_files(raw) <= 0 && sd_journal_has_persistent_files(raw) <= 0) {
      base::log_warning("no journal file can be read: is there a journal, and is this user in the group systemd-journal?");
    }
    // The first call only begins to watch the folders.
    sd_journal_wait(raw, 0);
    return journal;
  }

  base::Result<void> seek_head() {
    const int result = sd_journal_seek_head(journal_.get());
    return result < 0 ? journal_error(result, "seeking the journal's head") : base::Result<void>();
  }

  /// Behind the last entry, whose cursor it returns: "head" where there is none.
  base::Result<std::string> seek_tail() {
    int result = sd_journal_seek_tail(journal_.get());
    if (result >= 0) result = sd_journal_previous(journal_.get());
    if (result < 0) return journal_error(result, "seeking the journal's tail");
    if (result > 0) return cursor();
    RETURN_IF_ERROR(seek_head());
    return std::string(kHead);
  }

  /// Behind the entry of `cursor`.
  base::Result<void> seek_behind(const std::string& name, const std::string& cursor) {
    int result = sd_journal_seek_cursor(journal_.get(), cursor.c_str());
    if (result >= 0) result = sd_journal_next(journal_.get());
    if (result > 0) result = sd_journal_test_cursor(journal_.get(), cursor.c_str());
    if (result > 0) return {};
    const auto moment = moment_of_cursor(cursor);
    if (!moment) {
      base::log_error("{}: the stored position is unusable; reading from the oldest entry", name);
      return seek_head();
    }
    base::log_warning("{}: the entry that was read last is not there any more; some entries may be missing", name);
    result = sd_journal_seek_realtime_usec(journal_.get(), *moment);
    return result < 0 ? journal_error(result, "seeking a moment in the journal") : base::Result<void>();
  }

  /// False at the end.
  base::Result<bool> next() {
    const int result = sd_journal_next(journal_.get());
    if (result < 0) return journal_error(result, "reading the journal");
    return result > 0;
  }

  base::Result<base::WallTime> received() {
    std::uint64_t microseconds = 0;
    const int result = sd_journal_get_realtime_usec(journal_.get(), &microseconds);
    if (result < 0) return journal_error(result, "reading a journal entry's time");
    return base::WallTime(std::chrono::microseconds(static_cast<std::int64_t>(microseconds)));
  }

  base::Result<std::vector<JournalField>> fields() {
    std::vector<JournalField> fields;
    fields.reserve(32);
    std::string cut;
    sd_journal_restart_data(journal_.get());
    for (;;) {
      const void* data = nullptr;
      std::size_t size = 0;
      const int result = sd_journal_enumerate_available_data(journal_.get(), &data, &size);
      if (result == 0) break;
      if (result < 0) return journal_error(result, "reading a journal entry");
      std::string_view text(static_cast<const char*>(data), size);
      const auto equals = text.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string_view name = text.substr(0, equals);
      std::string_view value = text.substr(equals + 1);
      if (fields.size() >= kMaxJournalFields) {
        cut = name;
        break;
      }
      if (value.size() > kMaxJournalValueBytes) {
        cut = name;
        value = value.substr(0, kMaxJournalValueBytes);
      }
      fields.emplace_back(name, value);
    }
    if (!cut.empty()) fields.emplace_back("MUSTER_CUT_FIELD", cut);
    return fields;
  }

  base::Result<std::string> cursor() {
    char* text = nullptr;
    const int result = sd_journal_get_cursor(journal_.get(), &text);
    if (result < 0) return journal_error(result, "reading a journal entry's cursor");
    std::string cursor(text);
    std::free(text);
    return cursor;
  }

  /// The moments of the oldest and the newest entry, in microseconds since 1970.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> covered() {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    if (sd_journal_get_cutoff_realtime_usec(journal_.get(), &from, &to) <= 0 || to < from) return std::nullopt;
    return std::pair(from, to);
  }

  /// Takes note of new, grown, rotated and vacuumed files.
  base::Result<void> look_for_changes() {
    const int result = sd_journal_wait(journal_.get(), 0);
    return result < 0 ? journal_error(result, "watching the journal") : base::Result<void>();
  }

 private:
  explicit Journal(sd_journal* journal) : journal_(journal) {}

  std::unique_ptr<sd_journal, Close> journal_;
};

}  // namespace

struct JournalSource::State {
  State(JournalSourceOptions with, base::BlockingPool& blocking, base::Clock& time)
      : options(std::move(with)), name("journal"), pool(blocking), clock(time) {
    if (!options.directory.empty()) name += ":" + options.directory;
    if (options.provider.empty()) options.provider = kJournalProvider;
    if (options.channel.empty()) options.channel = kJournalChannel;
    common = common_system(options.provider, options.channel, options.computer);
  }

  base::Result<void> open(const std::string& stored) {
    journal.reset();
    ASSIGN_OR_RETURN(journal, Journal::open(options.directory));
    if (stored == kHead || (stored.empty() && options.from_beginning)) {
      RETURN_IF_ERROR(journal->seek_head());
      position = kHead;
    } else if (stored.empty()) {
      ASSIGN_OR_RETURN(position, journal->seek_tail());
    } else {
      RETURN_IF_ERROR(journal->seek_behind(name, stored));
      position = stored;
    }
    return {};
  }

  base::Result<SourceBatch> collect(std::size_t max_items, std::size_t max_bytes) {
    SourceBatch batch;
    std::size_t bytes = 0;
    bool moved = false;
    while (batch.drafts.size() < max_items && bytes < max_bytes) {
      auto more = journal->next();
      // What was read already is given first; the next call meets the error again.
      if (!more.ok() && batch.drafts.empty()) return std::move(more).error();
      if (!more.ok() || !*more) break;
      moved = true;
      const auto received = journal->received();
      auto fields = received.ok() ? journal->fields() : base::Result<std::vector<JournalField>>(received.error());
      if (!fields.ok()) {
        base::log_warning("{}: an entry is passed over: {}", name, fields.error().message());
        continue;
      }
      bytes += kEventOverhead;
      for (const auto& [field, value] : *fields) bytes += field.size() + value.size() + kFieldOverhead;
      batch.drafts.push_back(draft_of(std::move(*fields), *received, common));
    }
    if (moved) {
      ASSIGN_OR_RETURN(position, journal->cursor());
    } else {
      RETURN_IF_ERROR(journal->look_for_changes());
    }
    batch.position = position;
    return batch;
  }

  bool may_wait() {
    if (!journal || !journal->look_for_changes().ok()) return false;
    const auto at = moment_of_cursor(position);
    const auto covered = journal->covered();
    return at && covered && *at > covered->first + (covered->second - covered->first) / 4;
  }

  JournalSourceOptions options;
  std::string name;
  base::BlockingPool& pool;
  base::Clock& clock;
  events::System common;
  std::optional<Journal> journal;
  std::string position;
  std::string last_position;  // given to the caller or by it
};

JournalSource::JournalSource(JournalSourceOptions options, base::BlockingPool& pool, base::Clock& clock)
    : state_(std::make_unique<State>(std::move(options), pool, clock)) {}
JournalSource::~JournalSource() = default;

const std::string& JournalSource::name() const {
  return state_->name;
}
const std::string& JournalSource::channel() const {
  return state_->options.channel;
}

base::AsyncResult<void> JournalSource::open(std::string position) {
  State& state = *state_;
  auto opened = co_await state.pool.run([&state, &position] { return state.open(position); });
  state.last_position = std::move(position);
  co_return opened;
}

base::Task<bool> JournalSource::may_wait() {
  co_return co_await state_->pool.run([this] { return state_->may_wait(); });
}

base::AsyncResult<SourceBatch> JournalSource::read(base::Budget budget) {
  State& state = *state_;
  if (!state.journal) co_return base::make_error(std::errc::bad_file_descriptor, state.name + " is not open");
  const std::size_t items = std::clamp<std::size_t>(budget.items, 1, kMaxItems);
  const std::size_t bytes = std::min(budget.bytes, kMaxBytes);
  for (;;) {
    auto batch = co_await state.pool.run([&state, items, bytes] { return state.collect(items, bytes); });
    if (!batch.ok()) co_return batch;
    const base::SteadyTime now = state.clock.steady();
    if (!batch->drafts.empty() || batch->position != state.last_position || now >= budget.until) {
      state.last_position = batch->position;
      co_return batch;
    }
    co_await state.clock.sleep_until(std::min(budget.until, now + state.options.poll_interval));
  }
}

}  // namespace forwarder
